"""车载终端 — registers and signs in as a vehicle named 演练, then says where it is: going round in Datong."""

from __future__ import annotations

from datetime import datetime

from shouye.base.kernel import BadInput
from shouye.doors.cli.simulation import WORD, Ask, Maker
from shouye.watch.feeds import Feed
from shouye.watch.intake import Decoded

_FIXED = "00000003"
"""Status: ignition on, position found."""


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    place = {
        "alarm": "00000000",
        "status": _FIXED,
        "lat": 40_080_000 + number % 60 * 100,
        "lon": 113_300_000 + number % 60 * 100,
        "altitude": 1050,
        "speed": number % 7 * 100,
        "course": number % 360,
        "time": f"{now:%y%m%d%H%M%S}",
        "extra": [],
        "rest": "",
    }
    return _encoded(feed, station, "0200", number + 3, {"place": place})


def _greet(feed: Feed, station: str, ask: Ask) -> None:
    """注册、鉴权 — behind a gateway that has done it (`require_auth` = false) it is done all the same."""
    widths = (11, 30, 30) if _release(station) else (5, 20, 7)
    names = b"".join(b"SIM".ljust(width, b"\0") for width in widths)
    body = b"\0\x0e\0\x02" + names + b"\x01" + WORD.encode("gb18030")
    answer = feed.codec.decode(ask(_encoded(feed, station, "0100", 1, {"body": body.hex()})))
    token = answer.fields.get("token") if isinstance(answer, Decoded) else None
    if not isinstance(token, str):
        raise BadInput(f"终端 {station} 注册没有成功")
    said = token.encode("gb18030")
    if _release(station):
        said = bytes([len(said)]) + said + b"0" * 15 + b"SIM".ljust(20, b"\0")
    ask(_encoded(feed, station, "0102", 2, {"body": said.hex()}))


def _release(station: str) -> int | None:
    """A number of twenty digits speaks the edition of 2019."""
    return 1 if len(station) == 20 else None


def _encoded(feed: Feed, station: str, message: str, serial: int, said: dict[str, object]) -> bytes:
    encode = feed.codec.encode
    assert encode is not None, "this protocol is written, too"
    head = {"serial": serial & 0xFFFF, "release": _release(station)}
    return encode(Decoded(station, message, None, (), {**head, **said}))


MAKER = Maker(make=_make, marked=f"注册时车牌为“{WORD}”", greet=_greet)
