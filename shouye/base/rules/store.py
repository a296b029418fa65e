"""规则载入 — rule tables come from TOML files; a bad table is refused with its reasons before anything is judged.

`tables/` holds the published ones; a city folder may hold its own under `rules/`. One file, one table.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, product
from math import inf
from pathlib import Path
from typing import Any

from shouye.base.rules.model import (
    BadRule,
    BadValue,
    Bounds,
    Compare,
    Condition,
    Input,
    Is,
    NoSuchRule,
    Row,
    RuleTable,
    Value,
)

Clause = tuple[Compare | Is, ...]
TABLES = Path(__file__).parent / "tables"
MARKS = {"V": "已核对来源", "D": "由原文推算", "M": "凭记忆，待核", "X": "建议值"}
"""依据标记 — how far a figure is backed; X stands in no document and is shown as 建议值."""

_HEAD = (
    "kind",
    "id",
    "title",
    "term",
    "authority",
    "document",
    "effective_from",
    "source",
    "mark",
    "basis",
    "levels",
)
_MORE = ("input", "row", "duty", "unknown_levels", "words", "note", "default")
_INPUT = ("name", "unit", "term", "kind", "sum", "hours", "low", "high", "choices", "default")
_LINE = ("when", "text", "mark", "source")


@dataclass(frozen=True)
class Rulebook:
    """规则集 — every table loaded, the published ones first."""

    tables: tuple[RuleTable, ...]

    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table.kind for table in self.tables))

    def table(self, kind: str, id: str | None = None) -> RuleTable:
        """The table of that id (also as kind@id), else the default of the kind: marked so, or the first."""
        kind, _, named = kind.partition("@")
        wanted = id or named
        found = [table for table in self.tables if table.kind == kind]
        if not found:
            raise NoSuchRule(f"{kind}；可用：{'、'.join(self.kinds())}")
        if not wanted:
            return next((table for table in found if table.default), found[0])
        for table in found:
            if table.id == wanted:
                return table
        raise NoSuchRule(f"{kind}@{wanted}；可用：{'、'.join(table.name for table in found)}")


def load_tables(*folders: Path) -> Rulebook:
    """Load the published tables, then those of each folder; a folder that does not exist holds none."""
    tables, problems = _read(folders)
    if problems:
        raise BadRule("；".join(problems))
    return Rulebook(tuple(tables))


def lint(*folders: Path) -> tuple[str, ...]:
    """Every reason why these folders would not load, in Chinese."""
    return tuple(_read(folders)[1])


def _read(folders: Iterable[Path]) -> tuple[list[RuleTable], list[str]]:
    tables: list[RuleTable] = []
    problems: list[str] = []
    for folder in (TABLES, *folders):
        for path in sorted(folder.glob("*.toml")):
            try:
                table = parse_table(path.read_text(encoding="utf-8"))
                if path.name != f"{table.kind}.{table.id}.toml":
                    raise BadRule(f"文件名应为 {table.kind}.{table.id}.toml")
            except (BadRule, UnicodeDecodeError) as error:
                problems.append(
                    f"{path.name}：{error.detail if isinstance(error, BadRule) else '不是 UTF-8 文本'}"
                )
            else:
                tables.append(table)
    names = [table.name for table in tables]
    problems += [f"{name} 重复" for name in dict.fromkeys(names) if names.count(name) > 1]
    defaults = [table.kind for table in tables if table.default]
    problems += [f"{kind} 有多张默认表" for kind in dict.fromkeys(defaults) if defaults.count(kind) > 1]
    return tables, problems


def parse_table(text: str) -> RuleTable:
    """One table from its TOML text; refuses whatever is missing, unknown, undeclared or unused."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRule(f"不是合法的 TOML：{error}") from error
    _check_keys("表头", data, _HEAD, _MORE)
    _require(data["mark"] in MARKS, f"依据标记 {data['mark']} 只能是 {'、'.join(MARKS)}")
    inputs = tuple(_input(item) for item in data.get("input", ()))
    by_name = {item.name: item for item in inputs}
    _require(len(by_name) == len(inputs), "输入项重名")
    levels, unknown = tuple(data["levels"]), tuple(data.get("unknown_levels", ()))
    _require(len(set(levels)) == len(levels), "级别重复")
    _require(set(unknown) <= set(levels), "unknown_levels 中有未列出的级别")
    rows = tuple(Row(line["level"], **_line(line, "level", data, by_name)) for line in data.get("row", ()))
    duties = tuple(Row(line["name"], **_line(line, "name", data, by_name)) for line in data.get("duty", ()))
    for row in rows:
        _require(row.level in levels, f"行的级别 {row.level} 未列入 levels")
    for level in levels:
        _require(level in unknown or any(row.level == level for row in rows), f"级别 {level} 没有任何一行")
    used = {name for line in (*rows, *duties) for name in line.when.names()}
    for name in by_name:
        _require(name in used, f"输入项 {name} 没有被任何一行使用")
    head = {key: data[key] for key in _HEAD if key != "levels"}
    more = {key: data[key] for key in ("words", "note", "default") if key in data}
    return RuleTable(
        **head, **more, levels=levels, inputs=inputs, rows=rows, duties=duties, unknown_levels=unknown
    )


def _input(data: Mapping[str, Any]) -> Input:
    _check_keys("输入项", data, ("name", "unit", "term"), _INPUT)
    name, kind = data["name"], data.get("kind", "number")
    _require(name.isidentifier(), f"输入项名 {name} 不是标识符")
    _require(kind in ("number", "text", "bool"), f"输入项 {name} 的类型 {kind} 不明")
    _require(bool(data["unit"]) == (kind == "number"), f"输入项 {name}：数字须有单位，其他类型不得有单位")
    _require(("sum" in data) == ("hours" in data), f"输入项 {name}：sum 与 hours 须同时给出")
    _require(kind == "number" or "sum" not in data, f"输入项 {name}：只有数字才有 sum")
    found = dict(data) | {"choices": tuple(data.get("choices", ()))}
    if "sum" in data:
        found.setdefault("low", 0)  # a sum of rain cannot be negative
    item = Input(**found)
    try:
        item.settle(item.default)
    except BadValue as error:
        raise BadRule(error.detail) from error
    return item


def _line(
    data: Mapping[str, Any], key: str, head: Mapping[str, Any], inputs: Mapping[str, Input]
) -> dict[str, Any]:
    _check_keys("行", data, (key, "when", "text"), _LINE)
    mark = data.get("mark", head["mark"])
    _require(mark in MARKS, f"依据标记 {mark} 只能是 {'、'.join(MARKS)}")
    source = data.get("source", head["source"])
    return {"when": parse_when(data["when"], inputs), "text": data["text"], "mark": mark, "source": source}


def _check_keys(where: str, data: Mapping[str, Any], needed: Iterable[str], known: Iterable[str]) -> None:
    lacking = [key for key in needed if key not in data]
    _require(not lacking, f"{where}缺少 {'、'.join(lacking)}")
    strange = [key for key in data if key not in {*needed, *known}]
    _require(not strange, f"{where}有不认识的 {'、'.join(strange)}")


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise BadRule(problem)


def parse_when(text: str, inputs: Mapping[str, Input]) -> Condition:
    """A condition as typed: comparisons, and / or / not, parentheses, + - and a positive factor.

    Python's own parser reads the text; nothing of it is ever executed, and what is not listed here is refused.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise BadRule(f"条件“{text}”不成句") from error
    return Condition(tuple(_Reader(text, inputs).clauses(tree)))


def _any(parts: list[list[Clause]]) -> list[Clause]:
    return [clause for part in parts for clause in part]


def _all(parts: list[list[Clause]]) -> list[Clause]:
    return [tuple(chain.from_iterable(choice)) for choice in product(*parts)]


@dataclass(frozen=True)
class _Line:
    """A constant plus multiples of inputs, in decimals so that sums of typed numbers stay as typed."""

    constant: Decimal
    terms: tuple[tuple[Decimal, str], ...]

    def times(self, factor: Decimal | int) -> _Line:
        return _Line(factor * self.constant, tuple((factor * each, name) for each, name in self.terms))

    def plus(self, other: _Line, factor: int) -> _Line:
        other = other.times(factor)
        return _Line(self.constant + other.constant, self.terms + other.terms)

    def at_least(self, strict: bool) -> Compare:
        return Compare(float(self.constant), tuple((float(factor), name) for factor, name in self.terms), strict)


@dataclass(frozen=True)
class _Reader:
    """Turns Python's syntax tree of one condition into ours; whatever is not listed here is refused."""

    text: str
    inputs: Mapping[str, Input]

    def refuse(self, why: str) -> BadRule:
        return BadRule(f"条件“{self.text}”{why}")

    def clauses(self, node: ast.expr, holds: bool = True) -> list[Clause]:
        """The clauses under which the node holds, or does not: `not` is pushed down to the comparisons."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.clauses(node.operand, not holds)
        if isinstance(node, ast.BoolOp):
            parts = [self.clauses(part, holds) for part in node.values]
            return _all(parts) if isinstance(node.op, ast.And) is holds else _any(parts)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs = zip(sides, node.ops, sides[1:], strict=False)
            parts = [[(self.compare(left, type(op), right, holds),)] for left, op, right in pairs]
            return _all(parts) if holds else _any(parts)
        if isinstance(node, ast.Name):
            if self.input(node).kind != "bool":
                raise self.refuse(f"中 {node.id} 不是“是或否”，须与某值比较")
            return [(Is(node.id, True, equal=holds),)]
        raise self.refuse("只能由比较、and、or、not 组成")

    def compare(self, left: ast.expr, op: type[ast.cmpop], right: ast.expr, holds: bool) -> Compare | Is:
        if isinstance(left, ast.Name) and self.input(left).kind != "number":
            return self.text_is(self.input(left), op, right, holds)
        if op not in (ast.GtE, ast.Gt, ast.LtE, ast.Lt):
            raise self.refuse("中的数只能用 >=、>、<=、< 比较")
        line = self.line(left).plus(self.line(right), -1)
        if op in (ast.LtE, ast.Lt):
            line = line.times(-1)
        if not line.terms:
            raise self.refuse("的比较中没有输入项")
        strict = op in (ast.Gt, ast.Lt)
        return line.at_least(strict) if holds else line.times(-1).at_least(not strict)

    def text_is(self, item: Input, op: type[ast.cmpop], right: ast.expr, holds: bool) -> Is:
        if item.kind != "text" or op not in (ast.Eq, ast.NotEq):
            raise self.refuse(f"中 {item.name} 不能这样比较")
        if not isinstance(right, ast.Constant) or not isinstance(right.value, str):
            raise self.refuse(f"中 {item.name} 只能与文字比较")
        if item.choices and right.value not in item.choices:
            raise self.refuse(f"中 {item.name} 不会是“{right.value}”")
        return Is(item.name, right.value, equal=(op is ast.Eq) is holds)

    def line(self, node: ast.expr) -> _Line:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value is not True:
            return _Line(Decimal(repr(node.value)), ())
        if isinstance(node, ast.Name):
            if self.input(node).kind != "number":
                raise self.refuse(f"中 {node.id} 不是数字")
            return _Line(Decimal(0), ((Decimal(1), node.id),))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.line(node.operand).times(-1)
        if isinstance(node, ast.BinOp):
            left, right = self.line(node.left), self.line(node.right)
            if isinstance(node.op, ast.Add | ast.Sub):
                return left.plus(right, 1 if isinstance(node.op, ast.Add) else -1)
            if isinstance(node.op, ast.Mult) and not left.terms and left.constant:
                return right.times(left.constant)
        raise self.refuse("中的数只能是数字、输入项、加减和倍数（倍数写在前面，不得为零）")

    def input(self, node: ast.Name) -> Input:
        if node.id not in self.inputs:
            raise self.refuse(f"用到未列出的输入项 {node.id}")
        return self.inputs[node.id]


_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_YES_NO = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}


def parse_value(item: Input, text: str) -> Value:
    """A value as a person types it: 49.9, 10..20, 35.. (at least), ? (unknown), 是, or one of the choices."""
    text = text.strip()
    if text in ("", "?", "？"):
        return None
    if item.kind == "text":
        return text
    if item.kind == "bool":
        if text.lower() not in _YES_NO:
            raise BadValue(f"{item.term} {item.name} 应为是或否，不能是 {text}")
        return _YES_NO[text.lower()]
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if span := re.fullmatch(rf"({_NUMBER})?\.\.({_NUMBER})?", text):
        return Bounds(float(span[1]) if span[1] else -inf, float(span[2]) if span[2] else inf)
    raise BadValue(f"{item.term} {item.name} 应只写数字，单位 {item.unit}，不能是 {text}")
