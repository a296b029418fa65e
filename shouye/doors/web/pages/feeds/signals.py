"""官方预警 — what the competent bodies have said, as it came, beside what speaks against believing it."""

from __future__ import annotations

from fastapi import APIRouter, Response

from shouye.base.kernel import BEIJING, NotFound
from shouye.base.papers import Sheet
from shouye.doors.web.context import CityContext
from shouye.doors.web.download import Kind, download
from shouye.doors.web.pages.feeds.blocks import blocks
from shouye.doors.web.sight import Sight
from shouye.doors.web.visit import See, render
from shouye.watch import feeds
from shouye.watch.intake import SignatureState

router = APIRouter(include_in_schema=False)

_SHOWN = 100
_KINDS = {"Alert": "发布", "Update": "更新", "Cancel": "解除", "Ack": "确认收到", "Error": "更正"}
_STATUS = {"Exercise": "演练", "Test": "测试", "System": "系统", "Draft": "草稿"}
_SIGNED = {
    SignatureState.VALID: "有效，在信任名单",
    SignatureState.UNKNOWN_SIGNER: "相符，签名人不在信任名单",
    SignatureState.INVALID: "核验不通过",
    SignatureState.ABSENT: "没有签名",
}
_HEADS = (
    *("号", "听到", "发布时间", "动作", "性质", "级别", "内容", "区域", "发布者", "编号", "针对", "来源"),
    *("签名", "签名人", "存疑"),
)


@router.get("/signals")
def signals(visit: See) -> Response:
    """官方预警 — the latest first; a forged one stands here like any other, and why it is doubted beside it."""
    with visit.look() as sight:
        if not sight.city_wide:
            raise NotFound("官方预警")
        known = blocks(visit.city).feeds
        return render(
            visit,
            sight,
            "feeds/signals.html",
            here="/signals",
            live="#signals",
            rows=feeds.heard_signals(sight.tx, sight.scope, known, _SHOWN),
            feeds=known,
            kinds=_KINDS,
            status=_STATUS,
            signed=_SIGNED,
        )


@router.get("/signals/export.{kind}")
def export(visit: See, kind: Kind) -> Response:
    """官方预警导出."""
    with visit.look() as sight:
        sheet = signals_sheet(visit.city, sight)
    return download(visit, sheet, kind)


def signals_sheet(city: CityContext, sight: Sight) -> Sheet:
    """官方预警 as a list, for the file and for the command line."""
    if not sight.city_wide:
        raise NotFound("官方预警")
    known = blocks(city).feeds
    rows = []
    for one in feeds.heard_signals(sight.tx, sight.scope, known, _SHOWN):
        said = one.signal
        rows.append(
            (
                one.id,
                one.heard_at,
                said.sent,
                _KINDS.get(said.kind, said.kind),
                _STATUS.get(said.status, ""),
                said.level.word if said.level else "",
                "；".join(dict.fromkeys(info.headline or info.event for info in said.infos)),
                "、".join(dict.fromkeys(area.name for info in said.infos for area in info.areas))[:200],
                said.sender,
                said.identifier,
                "、".join(one.meant),
                known[one.feed].term if one.feed in known else one.feed,
                _SIGNED[said.signature.state],
                said.signature.signer,
                "；".join(one.doubts),
            )
        )
    return Sheet(f"官方预警 {sight.tx.now.astimezone(BEIJING):%Y-%m-%d %H%M}", _HEADS, rows)
