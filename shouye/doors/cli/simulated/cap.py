"""通用预警 CAP 1.2 — a blue rainstorm signal whose status is Exercise."""

from __future__ import annotations

from datetime import datetime, timedelta

from lxml import etree

from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed

_CAP = "urn:oasis:names:tc:emergency:cap:1.2"


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    spaces = {"cap": _CAP}
    alert = etree.Element(f"{{{_CAP}}}alert", nsmap=spaces)
    head = {
        "identifier": f"SIMULATED-{now:%Y%m%d%H%M%S}-{number}",
        "sender": "simulated",
        "sent": now.isoformat(),
        "status": "Exercise",
        "msgType": "Alert",
        "scope": "Private",
        "addresses": "simulated",
        "note": f"【{WORD}】模拟数据",
    }
    info = {
        "language": "zh-CN",
        "category": "Met",
        "event": "暴雨",
        "urgency": "Expected",
        "severity": "Minor",
        "certainty": "Likely",
        "effective": now.isoformat(),
        "expires": (now + timedelta(hours=1)).isoformat(),
        "headline": f"【{WORD}】暴雨蓝色预警信号",
        "description": f"【{WORD}】模拟数据，没有这回事。",
    }
    _fill(alert, head)
    told = etree.SubElement(alert, f"{{{_CAP}}}info")
    _fill(told, info)
    area = etree.SubElement(told, f"{{{_CAP}}}area")
    _fill(area, {"areaDesc": "大同市"})
    return etree.tostring(alert, xml_declaration=True, encoding="UTF-8")


def _fill(parent: etree._Element, said: dict[str, str]) -> None:
    for name, text in said.items():
        etree.SubElement(parent, f"{{{_CAP}}}{name}").text = text


MAKER = Maker(make=_make, marked="status 为 Exercise，标题、正文、note 写明演练")
