"""官方预警 — a forged Cancel ends nothing, and it is said what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shouye.base.access import WHOLE
from shouye.base.kernel import Database
from shouye.watch import feeds
from shouye.watch.feeds import Parcel
from tests.watch.feeds.town import documents, town
from tests.watch.intake.test_cap import signed

GALE = (Path(__file__).parents[2] / "frames" / "cap_gale_blue.xml").read_bytes()
SENDER, NAME = b"Guangling_County_Meteorological_Bureau", b"14022341600000_20260320174929"
CAP = documents("cap")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = town(database_url)
    yield found
    found.close()


def heard(database: Database, *said: bytes, feed: str = "cap") -> None:
    block = replace(CAP, name=feed)
    with database.begin() as tx:
        feeds.take(tx, [Parcel(block, block.read(one)) for one in said])


def cancel(number: int, sender: bytes = SENDER, meant: bytes = NAME) -> bytes:
    triple = b"%s,%s,2026-03-20T17:49:06+08:00" % (SENDER, meant)
    forged = GALE.replace(b"Alert</msgType>", b"Cancel</msgType>").replace(NAME, NAME + b"_%d" % number)
    return forged.replace(SENDER, sender).replace(b"<info>", b"<references>%s</references><info>" % triple, 1)


def doubts(database: Database) -> list[tuple[str, tuple[str, ...]]]:
    with database.read() as tx:
        return [(one.signal.kind, one.doubts) for one in feeds.heard_signals(tx, WHOLE, {"cap": CAP}, 10)]


def test_who_cancels_what_another_has_said_is_doubted(database: Database) -> None:
    heard(database, GALE, cancel(1), cancel(2, sender=b"somebody"), cancel(3, meant=b"never-heard"))
    heard(database, cancel(4), feed="folder")
    heard(database, cancel(5).replace(b"references>", b"note>"))
    assert doubts(database) == [
        ("Cancel", ("没有写明针对哪一条",)),
        ("Cancel", ("所指的预警来自另一来源 cap",)),
        ("Cancel", ("所指的 never-heard 没有收到过",)),
        ("Cancel", (f"所指的预警是 {SENDER.decode()} 发布的，发布者不同",)),
        ("Cancel", ()),
        ("Alert", ()),
    ]


def test_a_cancel_without_the_signature_of_its_alert_is_doubted(database: Database) -> None:
    document, _ = signed()
    broken = document.replace(b"SignatureValue>", b"SignatureValue>AAAA", 1)
    heard(database, document, cancel(1), broken)
    (_, why), *others = doubts(database)
    assert why[0].startswith("签名核验不通过")
    assert others == [("Cancel", ("所指的预警有签名，这一条没有",)), ("Alert", ())]
