"""货架 — a folder where one file offers one constant: a hazard, a codec, a channel, a report."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def load_shelf(package: ModuleType, constant: str, kind: type[T]) -> dict[str, T]:
    """Import every module of the folder and take the named constant, keyed by the module's name."""
    found: dict[str, T] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda item: item.name):
        offered = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), constant, None)
        if not isinstance(offered, kind):
            raise TypeError(f"{package.__name__}.{module.name} must offer {constant}: {kind.__name__}")
        found[module.name] = offered
    return found
