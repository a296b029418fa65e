"""The house keeps its laws (design.md 3), and each checker is seen to catch a breach of its law."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator

import pytest

from tests.house import laws
from tests.house.breaches import BREACHES, INNOCENT
from tests.house.reading import ORDER, ROOT, Source, committed, house

SourceLaw = Callable[[Source], Iterator[str]]


@pytest.mark.parametrize("law", laws.SOURCE_LAWS, ids=lambda law: law.__name__)
def test_every_source_keeps_the_law(law: SourceLaw) -> None:
    breaches = [breach for source in house() for breach in law(source)]
    assert not breaches, f"{law.__doc__}\n" + "\n".join(breaches)


@pytest.mark.parametrize("law", laws.HOUSE_LAWS, ids=lambda law: law.__name__)
def test_the_house_keeps_the_law(law: Callable[[list[Source]], Iterator[str]]) -> None:
    breaches = list(law(house()))
    assert not breaches, f"{law.__doc__}\n" + "\n".join(breaches)


def test_what_is_committed_is_clean() -> None:
    breaches = [breach for path, text in committed() for breach in laws.committed_text_is_clean(path, text)]
    assert not breaches, "\n".join(breaches)


def test_tests_stay_short() -> None:
    tests = [(path, text) for path, text in committed() if path.startswith("tests/") and path.endswith(".py")]
    long = [path for path, text in tests if len(text.splitlines()) > laws.MAX_LINES]
    assert not long, f"at most 400 lines: {long}"


def test_every_room_that_exists_has_its_front_door() -> None:
    sources = house()
    doors = {source.room for source in sources if source.inside == ("__init__",)}
    assert {source.room for source in sources if source.room} == doors
    assert "base.kernel" in doors


def test_import_linter_knows_the_same_order() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = config["tool"]["importlinter"]["contracts"]
    layers = [layer.strip("()").removeprefix("shouye.") for layer in contract["layers"]]
    assert layers == ["main", *reversed(ORDER)]


@pytest.mark.parametrize(("law", "path", "text"), BREACHES)
def test_a_breach_is_caught(law: SourceLaw, path: str, text: str) -> None:
    found = list(law(Source(path, text)))
    assert found
    assert all(breach.startswith(path) for breach in found)


@pytest.mark.parametrize(("path", "text"), INNOCENT)
def test_lawful_code_is_left_in_peace(path: str, text: str) -> None:
    assert [breach for law in laws.SOURCE_LAWS for breach in law(Source(path, text))] == []


def test_every_source_law_has_a_breach_that_proves_it() -> None:
    assert {law for law, _, _ in BREACHES} == set(laws.SOURCE_LAWS)


@pytest.mark.parametrize("docstring", ["", '"""Already answered."""', '"""已有人确认"""', '"""已有人\n确认。"""'])
def test_a_refusal_without_its_sentence_is_caught(docstring: str) -> None:
    child = Source("shouye/during/call/model.py", f"class Answered(Closed):\n    {docstring or 'pass'}")
    parent = Source("shouye/base/tasks/model.py", 'class Closed(kernel.Refusal):\n    """事项已经办结。"""')
    (breach,) = laws.refusals_speak_chinese([child, parent])
    assert "Answered" in breach


def test_a_shelf_with_two_constants_or_none_or_another_is_caught() -> None:
    shelf = "shouye/watch/assess/hazards"
    good = Source(f"{shelf}/rainstorm.py", "HAZARD = 1\n_LIMIT = 2\ndef judge() -> None: ...")
    assert list(laws.shelves_offer_one_constant([good])) == []
    for text in ("HAZARD = 1\nLIMIT = 2", "hazard = 1", "HAZARDS: int = 1"):
        assert list(laws.shelves_offer_one_constant([good, Source(f"{shelf}/flood.py", text)]))


@pytest.mark.parametrize(
    ("signature", "lawful"),
    [
        ("tx: Tx, number: int", False),
        ("tx: Tx, by: str", False),
        ("tx: Tx, by: Actor, number: int", True),
        ("tx: Tx, *, scope: Scope | None", True),
    ],
)
@pytest.mark.parametrize(
    "door",
    [
        "from shouye.during import call\ncall.take_over(tx, 1)",
        "from shouye.during.call import take_over as take\ntake(tx, 1)",
        "import shouye.during.call\nverbs = {'take': shouye.during.call.take_over}",
    ],
)
def test_a_door_that_acts_as_nobody_is_caught(door: str, signature: str, lawful: bool) -> None:
    room = Source("shouye/during/call/service.py", f"def take_over({signature}) -> None: ...")
    page = Source("shouye/doors/web/pages/call/page.py", door)
    assert (list(laws.doors_act_as_somebody([room, page])) == []) is lawful


def test_a_folder_that_the_wheel_would_lose_is_caught() -> None:
    assert list(laws.folders_are_packages([Source("shouye/watch/assess/model.py", "")]))


@pytest.mark.parametrize(
    "line",
    [
        "open('/wo·rk/main/x')",
        "cd /ho·me/someone",
        "see /tm·p/x",
        "pip install --index·-url https://example.org/simple",
        "https://py·pi.org/simple/",
        '"resolved"·: "https://example.org/x.tgz"',
        "# TO·DO later",
        "@pytest.mark.xf·ail",
        "@pytest.mark.sk·ip(reason='slow')",
        "x = 1  # type: ig·nore",
        "x = 1  # no·qa",
        "x = 1  # no·qa: E501",
    ],
)
def test_unclean_text_is_caught(line: str) -> None:
    """The dot keeps this file itself clean."""
    assert list(laws.committed_text_is_clean("a.py", line.replace("·", "")))


@pytest.mark.parametrize(
    "line",
    [
        "../shared/design.md",
        "--no-emit-index-url",
        "/api/home",
        "https://example.org/root/x",
        "x  # noqa: E501 - why",
    ],
)
def test_clean_text_is_left_in_peace(line: str) -> None:
    assert list(laws.committed_text_is_clean("a.md", line)) == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path}: {target}"
        for path, text in committed()
        if path.endswith(".md")
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
        if not (ROOT / path).parent.joinpath(target).exists()
    ]
    assert not broken, "\n".join(broken)
