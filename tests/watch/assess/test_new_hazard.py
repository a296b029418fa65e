"""The page docs/adding-a-hazard.md keeps its promise: its file, as printed, judges."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from shouye.base.kernel import load_shelf
from shouye.base.rules import load_tables
from shouye.watch.assess import hazards, natures
from shouye.watch.assess.engines.plain import ENGINE
from shouye.watch.assess.model import Hazard, Watch
from shouye.watch.observe import Reading
from tests.watch.assess.night import EVENING, HOUR

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-hazard.md"


def test_the_hazard_of_the_page_judges() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    offered: dict[str, Any] = {}
    exec(textwrap.dedent(code), offered)  # noqa: S102 - our own page, and its code is the promise under test
    hazard = offered["HAZARD"]
    engine = ENGINE.make([Watch(hazard, load_tables().table(hazard.kind, "CMA16-2007"))], {})
    snow = [Reading("a", "snow_mm", EVENING + n * HOUR, 1.0, HOUR) for n in range(1, 13)]
    told = engine.feed(snow)["a"].episodes
    assert [(one.level, (one.first_at - EVENING) / HOUR) for one in told] == [("BLUE", 4), ("YELLOW", 6)]


def test_every_hazard_on_the_shelf_is_named_like_its_file_and_has_its_table() -> None:
    book = load_tables()
    for name, hazard in load_shelf(hazards, "HAZARD", Hazard).items():
        watch = Watch(hazard, book.table(hazard.kind))
        assert hazard.key == name
        fed = {window.name for window in watch.windows} | set(hazard.channels)
        assert fed <= set(watch.table.by_name)
        assert fed, "a hazard without an input judges nothing"
        assert hazard.nature in load_shelf(natures, "NATURE", natures.Nature)
