"""Three-valued judging: what is proven stands, what is unknown stays open, bad tables and values are refused."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.rules import (
    BadRule,
    BadValue,
    Bounds,
    Contradiction,
    NoSuchInput,
    NoSuchRule,
    RuleTable,
    Truth,
    Value,
    lint,
    load_tables,
    parse_table,
    parse_value,
)

BOOK = load_tables()
RAIN = BOOK.table("rainstorm")
RANK = {level: rank for rank, level in enumerate(("none", *RAIN.levels))}
WINDOWS = ("rain_3h_mm", "rain_6h_mm", "rain_12h_mm")

TABLE = """
kind = "demo"
id = "one"
title = "示例"
term = "示例"
authority = "示例"
document = ""
effective_from = ""
source = "示例"
mark = "X"
basis = "实况"
levels = ["LOW", "HIGH"]
input = [
  { name = "depth_m", unit = "m", term = "水深" },
  { name = "place", unit = "", term = "地点", kind = "text", choices = ["T1", "T2"] },
  { name = "wet", unit = "", term = "是否潮湿", kind = "bool" },
]
row = [
  { level = "LOW", when = 'depth_m >= 1 and place == "T1"', text = "一米" },
  { level = "HIGH", when = "WHEN", text = "二米" },
]
"""
USES_ALL = "not (depth_m < 2 or not wet)"


def demo(when: str = USES_ALL) -> str:
    return TABLE.replace("WHEN", when)


@st.composite
def storms(draw: st.DrawFn) -> dict[str, float]:
    """A true storm: three windows of one rain, in tenths of a millimetre."""
    parts = [draw(st.integers(0, 1200)) for _ in WINDOWS]
    return {name: sum(parts[: index + 1]) / 10 for index, name in enumerate(WINDOWS)}


hidden = st.sets(st.sampled_from(WINDOWS))


@given(storms(), hidden)
def test_unknown_never_says_more_than_the_truth(storm: dict[str, float], dark: set[str]) -> None:
    """Hiding readings may open a level; it never contradicts what all of them say."""
    full = RAIN.judge(storm)
    blind = RAIN.judge({name: value for name, value in storm.items() if name not in dark})
    assert full.known
    if blind.known:
        assert blind.level == full.level
    elif blind.proven:
        assert RANK[blind.proven] <= RANK[full.level]
    if not blind.known:
        assert set(blind.missing) <= dark
        assert blind.missing


@given(storms(), hidden, st.sampled_from(WINDOWS))
def test_one_more_reading_never_lowers_a_proven_level(storm: dict[str, float], dark: set[str], shown: str) -> None:
    before = RAIN.truths({name: value for name, value in storm.items() if name not in dark})
    after = RAIN.truths({name: value for name, value in storm.items() if name not in dark - {shown}})
    for level, truth in before.items():
        assert truth in (Truth.UNKNOWN, after[level])


@given(storms(), st.integers(0, 500))
def test_more_rain_never_lowers_the_level(storm: dict[str, float], more: int) -> None:
    wetter = {name: value + more / 10 for name, value in storm.items()}
    assert RANK[RAIN.judge(wetter).level] >= RANK[RAIN.judge(storm).level]


@given(storms())
def test_the_level_is_the_published_table(storm: dict[str, float]) -> None:
    three, six, twelve = (storm[name] for name in WINDOWS)
    level = "BLUE" if twelve >= 50 else "none"
    level = "YELLOW" if six >= 50 else level
    level = "ORANGE" if three >= 50 else level
    assert RAIN.judge(storm).level == ("RED" if three >= 100 else level)


@pytest.mark.parametrize("table", BOOK.tables, ids=lambda table: table.name)
def test_knowing_nothing_proves_nothing_and_says_what_is_missing(table: RuleTable) -> None:
    judgement = table.judge({})
    assert judgement.level == "unknown"
    assert judgement.missing


def test_a_window_cannot_hold_less_than_a_shorter_one() -> None:
    with pytest.raises(Contradiction, match="3小时降雨量 60 mm，却大于6小时降雨量 40 mm"):
        RAIN.judge({"rain_3h_mm": 60, "rain_6h_mm": 40})
    with pytest.raises(Contradiction):
        RAIN.judge({"rain_3h_mm": Bounds(60, inf), "rain_12h_mm": 59.9})


@pytest.mark.parametrize("value", [-0.1, nan, inf, "60", True, Bounds(2, 1), Bounds(-5, -1)])
def test_an_impossible_value_is_refused(value: Value) -> None:
    with pytest.raises(BadValue, match="3小时降雨量"):
        RAIN.judge({"rain_3h_mm": value})


def test_an_unknown_input_or_kind_is_refused_with_what_there_is() -> None:
    with pytest.raises(NoSuchInput, match="可用：rain_3h_mm"):
        RAIN.judge({"rain_1h_mm": 5})
    with pytest.raises(NoSuchRule, match="可用：cold_wave"):
        BOOK.table("meteor")
    with pytest.raises(NoSuchRule, match="rainstorm@SX-local"):
        BOOK.table("rainstorm", "none")


def test_the_json_says_what_stands_and_what_is_missing() -> None:
    found = RAIN.judge({"rain_6h_mm": 60, "rain_3h_mm": Bounds(0, inf)}).to_json()
    assert found == {
        "kind": "rainstorm",
        "rules": "CMA16-2007",
        "level": "YELLOW",
        "word": "黄色",
        "known": False,
        "missing": ["rain_3h_mm"],
        "at_least": "YELLOW",
        "reason": "达到黄色标准：6小时内降雨量50毫米以上（6小时降雨量 60 mm）；更高级别待定，缺：3小时降雨量",
        "source": "中国气象局令第16号（2007）附件，暴雨预警信号",
        "mark": "V",
        "values": {"rain_3h_mm": {"lo": 0, "hi": None}, "rain_6h_mm": 60, "rain_12h_mm": None},
    }


def test_the_local_table_says_which_levels_nobody_published() -> None:
    found = BOOK.table("rainstorm@SX-local").judge({"rain_24h_mm": 50})
    assert (found.level, found.known) == ("BLUE", False)
    assert found.unknown_levels == ("YELLOW", "ORANGE", "RED")
    assert "黄色、橙色、红色的标准未见公布" in found.text


def test_a_row_may_carry_its_own_mark() -> None:
    near = {"stage_m": 99.6, "warning_stage_m": 100}
    assert BOOK.table("river_flood").judge(near).mark == "X"
    assert BOOK.table("river_flood").judge(near | {"stage_m": 100}).mark == "V"


def test_text_yes_no_and_not() -> None:
    table = parse_table(demo())
    assert table.judge({"depth_m": 2, "wet": True, "place": "T2"}).level == "HIGH"
    assert table.judge({"depth_m": 2, "wet": False, "place": "T1"}).level == "LOW"
    assert table.judge({"depth_m": 0.5}).level == "none"
    assert table.judge({"depth_m": 2}).missing == ("place", "wet")
    with pytest.raises(BadValue, match="只能是 T1、T2"):
        table.judge({"place": "T9"})


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("depth_m >=", "不成句"),
        ("depth_m + 1", "只能由比较"),
        ("depth_m", "不是“是或否”"),
        ("width_m >= 2", "未列出的输入项 width_m"),
        ("depth_m == 2", "只能用 >="),
        ("depth_m >= '2'", "只能是数字"),
        ("depth_m >= depth_m * 2", "只能是数字"),
        ("depth_m >= 0 * depth_m", "不得为零"),
        ("depth_m >= wet", "wet 不是数字"),
        ("2 >= 1", "没有输入项"),
        ("place >= 'T1'", "place 不能这样比较"),
        ("place == 3", "只能与文字比较"),
        ("place == 'T3'", "不会是“T3”"),
        ("__import__('os').getpid() >= 1", "只能是数字"),
        ("depth_m >= 2 if wet else depth_m >= 1", "只能由比较"),
    ],
)
def test_a_bad_condition_is_refused_when_loaded(when: str, why: str) -> None:
    with pytest.raises(BadRule, match=why):
        parse_table(demo(when))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('kind = "demo"', "kind = ", "不是合法的 TOML"),
        ('title = "示例"', "", "表头缺少 title"),
        ('title = "示例"', 'title = "示例"\nowner = "x"', "不认识的 owner"),
        ('mark = "X"', 'mark = "Q"', "依据标记 Q"),
        ('level = "HIGH"', 'level = "TOP"', "TOP 未列入"),
        ('levels = ["LOW", "HIGH"]', 'levels = ["LOW", "HIGH", "TOP"]', "TOP 没有任何一行"),
        ('levels = ["LOW", "HIGH"]', 'levels = ["LOW", "LOW"]', "级别重复"),
        ('unit = "m"', 'unit = ""', "数字须有单位"),
        ('unit = "m"', 'unit = "m", sum = "rain"', "须同时给出"),
        ('unit = "m"', 'unit = "m", low = 3, default = 1', "水深 depth_m 不能是 1 m"),
        ('"wet"', '"dry"', "未列出的输入项 wet"),
        (
            'term = "水深" },',
            'term = "水深" },\n{ name = "spare_m", unit = "m", term = "备用" },',
            "没有被任何一行使用",
        ),
        (', text = "一米"', "", "行缺少 text"),
    ],
)
def test_a_bad_table_is_refused_with_the_reason(old: str, new: str, why: str) -> None:
    assert old in demo()
    with pytest.raises(BadRule, match=why):
        parse_table(demo().replace(old, new, 1))


def test_a_city_adds_its_own_tables(tmp_path: Path) -> None:
    (tmp_path / "demo.one.toml").write_text(demo(), encoding="utf-8")
    assert load_tables(tmp_path, tmp_path / "absent").table("demo").name == "demo@one"
    (tmp_path / "demo.two.toml").write_text(demo(), encoding="utf-8")
    (tmp_path / "rainstorm.CMA16-2007.toml").write_bytes(b"\xff")
    problems = lint(tmp_path)
    assert problems == ("demo.two.toml：文件名应为 demo.one.toml", "rainstorm.CMA16-2007.toml：不是 UTF-8 文本")
    with pytest.raises(BadRule, match="文件名应为"):
        load_tables(tmp_path)


def test_two_tables_of_one_name_or_two_defaults_are_refused(tmp_path: Path) -> None:
    again = (
        demo()
        .replace('"demo"', '"rainstorm"')
        .replace('"one"', '"city"')
        .replace("levels", "default = true\nlevels", 1)
    )
    (tmp_path / "rainstorm.city.toml").write_text(again, encoding="utf-8")
    assert lint(tmp_path) == ("rainstorm 有多张默认表",)
    assert lint(tmp_path, tmp_path)[0] == "rainstorm@city 重复"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("49.9", 49.9),
        ("?", None),
        ("", None),
        ("10..20", Bounds(10, 20)),
        ("35..", Bounds(35, inf)),
        ("..5", Bounds(-inf, 5)),
    ],
)
def test_values_as_a_person_types_them(text: str, value: Value) -> None:
    assert parse_value(RAIN.inputs[0], text) == value


@pytest.mark.parametrize("text", ["50mm", "abc", "nan", "1e3", "1_0", "５０", "--3"])
def test_a_number_is_only_a_number(text: str) -> None:
    with pytest.raises(BadValue, match="应只写数字，单位 mm"):
        parse_value(RAIN.inputs[0], text)
