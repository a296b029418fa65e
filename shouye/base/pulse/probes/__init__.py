"""听自己 — the voices of the house itself: channels, jobs, roles, the sealer. One file, one constant `PROBE`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from shouye.base.kernel import load_shelf
from shouye.base.pulse.model import Probe


@dataclass(frozen=True)
class HouseProbe:
    """自听 — its Chinese term and how to ask."""

    term: str
    ask: Probe


def house_probes() -> dict[str, Probe]:
    """By kind."""
    return {kind: one.ask for kind, one in load_shelf(sys.modules[__name__], "PROBE", HouseProbe).items()}
