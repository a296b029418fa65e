"""发送方的标记 — the device's own words (HJ 212 数据标记, SL 651) as flags; their qualities are `proposed`."""

from __future__ import annotations

from shouye.watch.observe import Flag, Quality


def _sent(quality: Quality, why: str) -> Flag:
    return Flag("sender", quality, why)


MEANING = {
    "power_lost": _sent(Quality.BAD, "设备断电"),
    "stopped": _sent(Quality.BAD, "设备停运"),
    "calibrating": _sent(Quality.BAD, "设备校准中"),
    "maintenance": _sent(Quality.BAD, "设备维护中"),
    "fault": _sent(Quality.BAD, "设备故障"),
    "comms_lost": _sent(Quality.BAD, "设备与采集器通信中断"),
    "over_range": _sent(Quality.SUSPECT, "超出量程"),
    "set_by_hand": _sent(Quality.SUSPECT, "人工设定值"),
    "after-sent": _sent(Quality.SUSPECT, "所述时间晚于发报时间"),
    "sent-time": _sent(Quality.NOTED, "报文没有观测时间，按发报时间"),
    "manual": _sent(Quality.NOTED, "人工置数"),
    "back_filled": _sent(Quality.NOTED, "补传"),
    "simulated": _sent(Quality.NOTED, "演练数据"),
}
