"""文件 — written so that a process that ends in the middle, or the power, leaves all of it or nothing."""

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
    keep_names(path.parent)


def write_over(path: Path, content: bytes) -> None:
    """替换 — whoever reads just now finds the old content or the new."""
    os.replace(_draft(path, content), path)
    keep_names(path.parent)


def keep_names(folder: Path) -> None:
    """名字也落盘 — until then a cut of the power may take a file's new name back, whatever was said of it."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


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
