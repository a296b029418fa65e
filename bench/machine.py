"""机器 — what a figure was measured on, and where it is kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Processor, cores, load at the moment, versions."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in ("numba", "numpy", "bytewax", "sqlalchemy")},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def percentiles(values: Iterable[float]) -> dict[str, float | None]:
    """Median, 99th percentile and the largest; None of nothing."""
    found = sorted(values)
    if not found:
        return {"p50": None, "p99": None, "max": None}
    return {"p50": found[len(found) // 2], "p99": found[len(found) * 99 // 100], "max": found[-1]}


def keep(name: str, found: dict[str, Any]) -> Path:
    """Write the result beside those of other days."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now().astimezone():%Y-%m-%d}-{name}.json"
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path
