"""文件 — written so that a process that ends in the middle leaves all of it or nothing."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """新建 — for its owner alone; raises FileExistsError rather than touch what another process made meanwhile."""
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    finally:
        draft.unlink()


def write_over(path: Path, content: bytes) -> None:
    """替换 — whoever reads just now finds the old content or the new."""
    os.replace(_draft(path, content), path)


def _draft(path: Path, content: bytes) -> Path:
    """Beside it, and on disk, before it gets the name."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
