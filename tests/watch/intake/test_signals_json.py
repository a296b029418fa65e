"""Signals as JSON: the national page, Shenzhen's notices and lists, what stands only in a title."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from shouye.base.kernel import AlertLevel, iso
from shouye.watch.intake import Decoded, Message, Refused, SessionOptions, Signal, codec_of
from shouye.watch.intake.codecs.cma_json import term_of
from shouye.watch.intake.codecs.shenzhen_json import acts_in

TESTS = Path(__file__).parents[2]
PAGE = (TESTS / "frames" / "cma_jsonp.txt").read_bytes()
ROW = {
    "keyId": 9,
    "issued": "深圳市气象台",
    "issueTime": "2026-05-29 15:53:10",
    "subCategory": "气象灾害.暴雨",
    "wLevel": "黄色",
    "startTime": "2026-05-29 15:53:00",
    "area": "龙岗、坪地、坪山区",
    "matter": "【深圳市解除分区雷雨大风黄色预警信号、分区暴雨黄色预警信号、扩展分区暴雨黄色预警信号】"
    "深圳市气象台解除宝安区（松岗街道）和光明区（凤凰、玉塘街道）雷雨大风黄色和暴雨黄色预警信号。"
    "预计坪山区和龙岗区（龙岗、坪地街道）2小时内将出现30毫米降水，同时将分区暴雨黄色预警信号扩展至上述区域。",
}


def one(codec: str, data: bytes) -> Message:
    return codec_of(codec).decode(data, SessionOptions())


def signal(codec: str, data: bytes) -> Signal:
    read = one(codec, data)
    assert isinstance(read, Decoded), read
    assert isinstance(read.record, Signal)
    return read.record


def notice(**changes: object) -> bytes:
    return json.dumps(ROW | changes, ensure_ascii=False).encode()


@pytest.mark.parametrize("codec", ["cma_json", "cap"])
def test_the_national_page_is_a_signal(codec: str) -> None:
    read = signal(codec, PAGE)
    (info,) = read.infos
    assert (read.raw, read.kind, info.hazard, read.level) == (PAGE, "Alert", "gale", AlertLevel.BLUE)
    assert info.areas[0].division == "140223"
    assert read.expires is not None
    assert iso(read.expires) == "2026-03-21T17:49:06+08:00"
    assert (read.references, read.notes) == ((), ("references 指向自己，已略去",))


def test_code_and_words_are_compared() -> None:
    read = signal("cma_json", PAGE.replace(b'"LEVELCODE":"01"', b'"LEVELCODE":"04"'))
    assert read.level is AlertLevel.BLUE
    assert "类型级别代码与文字不一致，按文字 大风蓝色 读" in read.notes


def test_a_misspelt_cancel_lifts() -> None:
    read = signal("cma_json", PAGE.replace(b'"Alert"', b'"Cancle"'))
    assert (read.kind, read.level, read.infos[0].act) == ("Cancel", None, "解除")


def word(level: AlertLevel | None) -> str:
    return level.word if level else ""


def titles() -> list[tuple[str, str]]:
    with (TESTS / "tables" / "notice_titles.csv").open(encoding="utf-8") as file:
        return [(row["title"], row["acts"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("title", "acts"), titles())
def test_what_a_title_does(title: str, acts: str) -> None:
    said = [
        act.act
        + term_of(act.hazard)
        + (act.level.word if act.level else "")
        + (f"<{act.was.word}" if act.was else "")
        for act in acts_in(title)
    ]
    assert " ".join(said) == acts


def test_one_notice_extends_one_and_lifts_many() -> None:
    read = signal("shenzhen_json", notice())
    mine, gale, rain = read.infos
    assert (mine.act, mine.hazard, mine.level, read.kind) == ("扩展", "rainstorm", AlertLevel.YELLOW, "Update")
    assert [(area.name, area.geocodes) for area in mine.areas] == [
        ("龙岗", (("所属区", "龙岗区"),)),
        ("坪地", (("所属区", "龙岗区"),)),
        ("坪山区", ()),
    ]
    lifted = [(info.act, info.hazard, [area.name for area in info.areas]) for info in (gale, rain)]
    assert lifted == [
        ("解除", "thunderstorm_gale", ["松岗", "凤凰", "玉塘"]),
        ("解除", "rainstorm", ["松岗", "凤凰", "玉塘"]),
    ]


def test_two_hazards_of_one_row_share_its_areas() -> None:
    read = signal(
        "shenzhen_json",
        notice(
            subCategory="雷雨大风",
            area="小漠、鹅埠",
            matter="【深汕特别合作区发布雷雨大风黄色预警和暴雨黄色预警信号】预计……",
            issueTime="2026-05-20 09:08",
        ),
    )
    assert [(info.hazard, len(info.areas)) for info in read.infos] == [("thunderstorm_gale", 2), ("rainstorm", 2)]
    assert read.kind == "Alert"
    assert read.notes == ("发布时间只到分钟",)


def test_an_upgrade_says_from_what_and_a_term_ends() -> None:
    risen = signal("shenzhen_json", notice(wLevel="橙色", matter="【深圳市分区暴雨黄色预警信号升级为橙色】……"))
    assert (risen.infos[0].was, risen.level) == (AlertLevel.YELLOW, AlertLevel.ORANGE)
    slope = signal(
        "shenzhen_json",
        notice(
            subCategory="地质灾害", matter="【深圳市地质灾害气象风险预警2026年第4号】有效期至2026年05月17日21时。"
        ),
    )
    assert slope.infos[0].hazard == "landslide_threat"
    assert slope.expires is not None
    assert iso(slope.expires) == "2026-05-17T21:00:00+08:00"


def test_a_title_that_contradicts_its_row_is_noted() -> None:
    read = signal("shenzhen_json", notice(wLevel="红色"))
    assert read.infos[0].act == "发布"
    assert "标题与本条的种类、级别对不上，动作按“发布”读" in read.notes


def test_lines_of_both_kinds() -> None:
    lines = b'{"t": "2026-05-19T12:35:29", "active": [37466, 37468]}\n' + notice() + b'\n{"keyId": 1'
    decode_all = codec_of("shenzhen_json").decode_all
    assert decode_all is not None
    listed, told, cut = decode_all(lines, SessionOptions())
    assert isinstance(listed, Decoded)
    assert (listed.function, listed.fields["active"]) == ("snapshot", ["37466", "37468"])
    assert isinstance(told, Decoded)
    assert isinstance(cut, Refused)
    assert (cut.code, cut.raw) == ("header", b'{"keyId": 1')
    assert one("shenzhen_json", lines) == Refused(cut.code.LENGTH, "不是恰好一条，须按文件读入", lines)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (notice(issueTime="昨天"), "time"),
        (notice(issueTime="2026-02-30 10:00:00"), "time"),
        (notice(matter="长" * 6000), "length"),
        (b'{"a": 1}', "unsupported"),
        (b"[1]", "header"),
        (b"[" * 100_000, "header"),
        (b'{"keyId": 1, "matter": "\\ud800"}', "header"),
        (b'{"a": "\xff"}', "encoding"),
        (b"", "header"),
    ],
)
def test_what_is_no_notice_is_refused(data: bytes, code: str) -> None:
    read = one("shenzhen_json", data)
    assert isinstance(read, Refused), read
    assert read.code == code
