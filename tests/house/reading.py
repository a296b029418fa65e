"""How the house test reads the house: sources as trees, names resolved through their imports."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

ROOMS = {
    "base": ["kernel", "rules", "roster", "access", "proof", "privacy", "papers", "delivery", "tasks", "pulse"],
    "before": ["duties", "risk", "inspect", "grassroots"],
    "watch": [
        "stations",
        "marks",
        "observe",
        "archive",
        "intake",
        "downlink",
        "tally",
        "feeds",
        "assess",
        "chains",
    ],
    "during": ["warn", "call", "byhand", "forces", "supplies", "command"],
    "after": ["relief", "review"],
    "doors": ["share", "web", "cli"],
}
ORDER = [f"{wing}.{room}" for wing, rooms in ROOMS.items() for room in rooms]
"""The rooms in the order of the work (design.md 2): an import points to an earlier one."""

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Source:
    """One Python file of the product: its path from the root of the clone and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """`shouye/base/roster/store.py` -> ("base", "roster", "store")."""
        return tuple(self.path.removesuffix(".py").split("/")[1:])

    @property
    def room(self) -> str:
        """ "base.roster"; empty for main.py and for the wings' own files."""
        return ".".join(self.parts[:2]) if len(self.parts) > 2 else ""

    @property
    def inside(self) -> tuple[str, ...]:
        """The way from the room's door: ("store",) or ("hazards", "rainstorm")."""
        return self.parts[2:]

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Local name -> what it is an import of, at whatever depth the import stands."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    local = name.asname or name.name.split(".")[0]
                    found[local] = name.name if name.asname else local
            elif isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    found[name.asname or name.name] = f"{node.module}.{name.name}"
        return found

    def at(self, node: ast.AST, message: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {message}"

    def qualified(self, node: ast.AST) -> str:
        """`dt.now` after `from datetime import datetime as dt` -> "datetime.datetime.now"."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.qualified(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""

    def uses(self) -> Iterator[tuple[ast.AST, str]]:
        """Every use of an imported name, with its full name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute) and (name := self.qualified(node)):
                yield node, name

    def imports(self) -> Iterator[tuple[ast.AST, str, str]]:
        """(node, module, name) of every import, `name` being empty for `import module`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    yield node, name.name, ""
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    yield node, "." * node.level + (node.module or ""), name.name

    def strings(self) -> Iterator[ast.Constant]:
        """Text constants that the program uses; docstrings are prose and left out."""
        prose = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node


def house() -> list[Source]:
    """Every Python file of the product as it stands now."""
    paths = sorted((ROOT / "shouye").rglob("*.py"))
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in paths
        if "node_modules" not in path.parts
    ]


def committed() -> list[tuple[str, str]]:
    """(path, text) of every text file the clone holds."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
        names = [name for name in listing.stdout.decode().split("\0") if name]
    else:  # an unpacked archive holds what was committed and what was built
        built = {".venv", "node_modules", "vendor", "build", "out", "var", "__pycache__"}
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = [path.as_posix() for path in found if not built & set(path.parts)]
    texts = []
    for name in sorted(names):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            texts.append((name, content.decode("utf-8", errors="replace")))
    return texts
