"""地震目录 QuakeML — a small event near Datong, its agency SIMULATED, its place 【演练】."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed

_BED = "http://quakeml.org/xmlns/bed/1.2"
_Q = "http://quakeml.org/xmlns/quakeml/1.2"


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = f"smi:simulated/{now:%Y%m%d%H%M%S}-{number}"
    spaces = {"q": _Q, "bed": _BED}
    root = etree.Element(f"{{{_Q}}}quakeml", nsmap=spaces)
    events = etree.SubElement(root, f"{{{_BED}}}eventParameters", publicID=f"{name}/parameters")
    event = etree.SubElement(events, f"{{{_BED}}}event", publicID=name)
    _say(event, "type", "earthquake")
    _say(_part(event, "description"), "text", f"【{WORD}】大同附近")
    made = _part(event, "creationInfo")
    _say(made, "agencyID", "SIMULATED")
    _say(made, "creationTime", stamp)
    origin = _part(event, "origin", f"{name}/origin")
    values = {"time": stamp, "longitude": "113.3", "latitude": "40.08", "depth": "10000"}
    for what, value in values.items():
        _say(_part(origin, what), "value", value)
    _say(origin, "evaluationMode", "automatic")
    magnitude = _part(event, "magnitude", f"{name}/magnitude")
    _say(_part(magnitude, "mag"), "value", f"{1 + number % 7 / 10:.1f}")
    _say(magnitude, "type", "ML")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _part(parent: etree._Element, name: str, id: str = "") -> etree._Element:
    return etree.SubElement(parent, f"{{{_BED}}}{name}", {"publicID": id} if id else {})


def _say(parent: etree._Element, name: str, text: str) -> None:
    _part(parent, name).text = text


MAKER = Maker(make=_make, marked="机构为 SIMULATED，地点写明演练")
