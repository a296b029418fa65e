"""深圳预警 — one row of a blue rainstorm signal whose text says 演练; the form has no status."""

from __future__ import annotations

import json
from datetime import datetime

from shouye.doors.cli.simulation import WORD, Maker
from shouye.watch.feeds import Feed


def _make(feed: Feed, station: str, now: datetime, number: int) -> bytes:
    stamp = f"{now:%Y-%m-%d %H:%M:%S}"
    row = {
        "keyId": f"simulated-{now:%Y%m%d%H%M%S}-{number}",
        "subCategory": "气象灾害.暴雨",
        "wLevel": "蓝色",
        "issued": f"{WORD}发布单位",
        "issueTime": stamp,
        "startTime": stamp,
        "area": f"{WORD}街道",
        "matter": f"【{WORD}：发布暴雨蓝色预警】模拟数据，没有这回事。",
    }
    return json.dumps(row, ensure_ascii=False).encode()


MAKER = Maker(make=_make, marked="标题、发布单位写明演练（格式没有状态一项）")
