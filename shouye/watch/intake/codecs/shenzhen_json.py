"""深圳预警 — notices row by row, and the list of what is in force at each poll.

What a notice does besides its row stands only in its title: 升级, 降级, 扩展, and 解除 of signals without a row.
The bytes stay as they came. 依据: 深圳市突发事件预警信息公开网页的实际格式 (2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from shouye.base.kernel import BEIJING
from shouye.watch.intake.codecs.cma_json import (
    beijing,
    hazard_in,
    level_in,
    objects_in,
    only,
    term_of,
    terms,
    text_of,
    to_decoded,
)
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    SessionOptions,
    Signal,
    SignalArea,
    SignalInfo,
)

_MOST_PROSE = 5000
_MOST_ACTS = 20
_ITEM = re.compile(
    r"(?P<before>[^【】]*?)(?P<hazard>" + "|".join(terms()) + r")"
    r"(?P<risk>气象风险)?(?:(?P<colour>[蓝黄橙红])色)?(?P<suffix>预警(?:信号)?)?"
    r"(?P<after>(?:升级为|降级为)[蓝黄橙红]色|(?:扩展|延长|继续)[至到]?)?(?P<join>和)?"
)


def acts_in(title: str) -> list[SignalInfo]:
    """标题中的动作 — what a notice does to which signal, in the order of the title.

    解除 goes on until another verb stands before an item; items joined by 和, or without 预警, share what follows.
    """
    acts: list[SignalInfo] = []
    shared = 0
    lifting = False
    for match in _ITEM.finditer(title):
        verbs = re.findall("发布|解除|扩展|延长|继续|更新", match["before"])
        lifting = verbs[-1] == "解除" if verbs else lifting
        level, was, act = (
            level_in(f"{match['colour']}色"),
            None,
            "解除" if lifting else verbs[-1] if verbs else "发布",
        )
        after = match["after"] or ""
        if after[:2] in ("升级", "降级"):
            level, was, act = level_in(after), level, after[:2]
        elif after:
            act = after[:2]
        if after:
            acts[len(acts) - shared :] = [replace(info, act=act) for info in acts[len(acts) - shared :]]
        event = match["hazard"] + (match["risk"] or "")
        acts.append(SignalInfo(event=event, hazard=hazard_in(event), level=level, act=act, was=was))
        shared = shared + 1 if (match["join"] or not match["suffix"]) and not after else 0
    return acts


def _shenzhen(row: Mapping[str, object], raw: bytes) -> Signal:
    """深圳预警 — one row is one hazard, colour and area list; its notice may do more, and lift without a row."""
    prose = text_of(row, "matter")
    if len(prose) > _MOST_PROSE:
        raise BadFrame(RefusalCode.LENGTH, f"正文 {len(prose)} 字，超过 {_MOST_PROSE}")
    title = prose[1 : prose.index("】")][:300] if prose.startswith("【") and "】" in prose else ""
    hazard = hazard_in(text_of(row, "subCategory").rpartition(".")[2])
    level = level_in(text_of(row, "wLevel"))
    notes = [] if title else ["正文没有【标题】，动作按“发布”读"]
    if not hazard:
        notes.append(f"不认识的种类 {text_of(row, 'subCategory')}")
    sent = beijing(text_of(row, "issueTime"))
    if len(text_of(row, "issueTime")) == 16:
        notes.append("发布时间只到分钟")
    acts = acts_in(title)
    mine = next((act for act in acts if act.hazard == hazard and act.level == level and act.act != "解除"), None)
    mine = mine or next(
        (act for act in acts if act.hazard == hazard and not act.level and act.act != "解除"), None
    )
    if acts and mine is None and "第" not in title:
        notes.append("标题与本条的种类、级别对不上，动作按“发布”读")
    streets = {
        street.removesuffix("街道"): district
        for district, inside in re.findall(r"([^、，。（）和对将在解除发布]{2,8})（([^（）]+)）", prose)
        for street in inside.split("、")
    }
    main = SignalInfo(
        event=text_of(row, "subCategory"),
        hazard=hazard,
        level=level,
        act=mine.act if mine else "发布",
        was=mine.was if mine else None,
        effective=beijing(text_of(row, "startTime")),
        expires=_valid_until(prose),
        sender_name=text_of(row, "issued"),
        headline=title,
        text=prose,
        areas=tuple(
            SignalArea(name, geocodes=(("所属区", streets[name]),) if name in streets else ())
            for name in text_of(row, "area").split("、")
            if name
        ),
    )
    lifted = [_with_areas(act, prose) for act in acts[:_MOST_ACTS] if act.act == "解除"]
    together = "和" in title and all(act.act == "发布" for act in acts)
    beside = [replace(act, areas=main.areas) for act in acts if act is not mine] if together else []
    return Signal(
        raw=raw,
        identifier=text_of(row, "keyId"),
        sender=text_of(row, "issued"),
        sent=sent,
        status="Actual",
        kind="Alert" if main.act == "发布" else "Update",
        infos=(main, *beside, *lifted),
        scope="Public",
        notes=tuple(notes),
    )


def _with_areas(act: SignalInfo, prose: str) -> SignalInfo:
    """What a notice lifts has no row: its areas are the names between 解除 and the hazard in the prose."""
    found = re.search(rf"解除([^。；]*?){term_of(act.hazard)}", prose.partition("】")[2])
    if found is None:
        return act
    names = re.findall(r"([^、（）和]+)(?:（([^（）]+)）)?", re.split(r"[蓝黄橙红]色|预警", found[1])[0])
    parts = [
        (inner.removesuffix("街道"), outer)
        for outer, inside in names
        for inner in (inside.split("、") if inside else [""])
    ]
    hazards = tuple(terms())
    areas = tuple(
        SignalArea(inner or outer, geocodes=(("所属区", outer),) if inner else ())
        for inner, outer in parts
        if outer and not outer.startswith(hazards)
    )
    return replace(act, areas=areas)


def _valid_until(prose: str) -> datetime | None:
    match = re.search(r"有效期至(\d{4})年(\d{1,2})月(\d{1,2})日(\d{1,2})时", prose)
    if match is None:
        return None
    year, month, day, hour = (int(group) for group in match.groups())
    try:
        return datetime(year, month, day, hour, tzinfo=BEIJING)
    except ValueError:
        return None


def _read(row: dict[str, object], raw: bytes) -> Decoded:
    if "keyId" in row and "matter" in row:
        signal = _shenzhen(row, raw)
        acts = [
            f"{act.act}{term_of(act.hazard)}{act.level.word if act.level else ''}"
            for act in acts_in(signal.infos[0].headline)
        ]
        return to_decoded(signal, {"acts": acts})
    if isinstance(active := row.get("active"), list) and "t" in row:
        known = [str(item) for item in active if isinstance(item, int | str)]
        return Decoded("", "snapshot", beijing(text_of(row, "t")), fields={"active": known})
    raise BadFrame(RefusalCode.UNSUPPORTED, "既不是预警（keyId、matter），也不是生效清单（t、active）")


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """One JSON object, or one a line."""
    return objects_in(data, _read)


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="深圳预警 JSON（预警与生效清单）",
    source="深圳市突发事件预警信息公开网页的实际格式",
    decode=decode,
    decode_all=decode_all,
    document=True,
)
