"""NWS products: segments, areas, what each VTEC line does, the date that the heading leaves out."""

from __future__ import annotations

import pytest

from shouye.base.kernel import iso
from shouye.watch.intake import Decoded, Refused, SessionOptions, Signal, codec_of

PRODUCT = """123
WGUS51 KOKX 312314
FFWOKX
NJC003-031>033-
NYC087-010115-
/O.NEW.KOKX.FF.W.0009.000000T0000Z-240101T0115Z/
/00000.0.ER.000000T0000Z.000000T0000Z.000000T0000Z.OO/

614 PM EST Sun Dec 31 2023

...FLASH FLOOD WARNING UNTIL 815 PM
EST...

LAT...LON 4102 7443 4115 7425
      4114 7423

$$

NJC001-010115-
/O.CAN.KOKX.WI.Y.0002.000000T0000Z-240101T0000Z/
/O.UPG.KOKX.HW.A.0003.231231T2300Z-240101T0600Z/

614 PM EST Sun Dec 31 2023

$$
"""
UNDATED = PRODUCT.replace("Sun Dec 31 2023", "")


def read(text: str) -> Decoded | Refused:
    return codec_of("nws_text").decode(text.encode("latin-1"), SessionOptions())


def signal(text: str) -> Signal:
    message = read(text)
    assert isinstance(message, Decoded), message
    assert isinstance(message.record, Signal)
    return message.record


def test_a_product_is_one_signal_and_a_line_one_info() -> None:
    told = signal(PRODUCT)
    assert told.raw == PRODUCT.encode()
    assert (told.identifier, told.sender, told.kind) == ("WGUS51 KOKX 312314 FFWOKX", "KOKX", "Update")
    assert iso(told.sent) == "2024-01-01T07:14:00+08:00"
    flood, wind, watch = told.infos
    assert (flood.act, flood.event, flood.hazard, flood.onset) == ("发布", "FF.W", "flash_flood", None)
    assert flood.expires is not None
    assert iso(flood.expires) == "2024-01-01T09:15:00+08:00"
    assert flood.headline == "FLASH FLOOD WARNING UNTIL 815 PM EST"
    assert [area.name for area in flood.areas] == ["NJC003", "NJC031", "NJC032", "NJC033", "NYC087"]
    assert flood.areas[0].polygons == (((-74.43, 41.02), (-74.25, 41.15), (-74.23, 41.14), (-74.43, 41.02)),)
    assert [(info.act, info.event, info.codes[0][1]) for info in (wind, watch)] == [
        ("解除", "WI.Y", "KOKX.WI.Y.0002"),
        ("升级", "HW.A", "KOKX.HW.A.0003"),
    ]
    assert told.level is None, "a foreign grade is not translated"


@pytest.mark.parametrize(
    ("action", "kind", "act"),
    [("NEW", "Alert", "发布"), ("EXT", "Update", "延长"), ("EXP", "Cancel", "解除"), ("CON", "Update", "继续")],
)
def test_the_kind_follows_the_actions(action: str, kind: str, act: str) -> None:
    one = PRODUCT.partition("$$")[0].replace("O.NEW", f"O.{action}")
    assert (signal(one).kind, signal(one).infos[0].act) == (kind, act)
    assert signal(one.replace("/O.", "/T.")).is_actual is False


def test_guam_lies_east() -> None:
    (point, *_) = signal(PRODUCT.replace("KOKX", "PGUM")).infos[0].areas[0].polygons[0]
    assert point == (74.43, 41.02)


def test_the_year_comes_from_vtec_where_no_line_dates_the_product() -> None:
    assert iso(signal(UNDATED).sent) == "2024-01-01T07:14:00+08:00"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no heading", "header"),
        (PRODUCT.replace("312314", "152314"), "time"),
        (PRODUCT.replace("240101T0115Z", "241301T0115Z"), "time"),
        ("WGUS51 KOKX 312314\nRR3OKX\n.AR AESI4 210910 C DH0600/TX 78\n", "unsupported"),
        (PRODUCT.replace("NJC003-031>033-", "NJC003-ALL>033-"), "header"),
        (PRODUCT + "/O.CON.KOKX.WI.Y.0002.000000T0000Z-240101T0000Z/\n" * 201, "length"),
        ("x" * 600_000, "length"),
    ],
)
def test_what_is_no_warning_is_refused(text: str, code: str) -> None:
    message = read(text)
    assert isinstance(message, Refused), message
    assert message.code == code
