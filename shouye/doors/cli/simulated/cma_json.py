"""国家预警网页 — a blue rainstorm signal whose heading and text say 演练; the form has no status."""

from __future__ import annotations

import json
from datetime import datetime

from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    row = {
        "head": f"【{WORD}】大同市气象台发布暴雨蓝色预警信号",
        "PROVINCE": "山西省",
        "CITY": "大同市",
        "STATIONNAME": "大同市",
        "SIGNALTYPE": "暴雨",
        "SIGNALLEVEL": "蓝色",
        "TYPECODE": "02",
        "LEVELCODE": "01",
        "ISSUETIME": f"{now:%Y-%m-%d %H:%M:%S}",
        "ISSUECONTENT": f"【{WORD}】模拟数据，没有这回事。",
        "identifier": f"14020041600000_{now:%Y%m%d%H%M%S}_{number % 10}",
        "msgType": "Alert",
        "references": "",
    }
    return f"var alarminfo={json.dumps(row, ensure_ascii=False)};".encode()


MAKER = Maker(make=_make, marked="标题、正文写明演练（格式没有状态一项）")
