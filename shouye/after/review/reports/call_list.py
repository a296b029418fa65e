"""叫应名单 — every obligation with its end, sums by county and level, and who was never reached; XLSX."""

from __future__ import annotations

from shouye.after.review.model import DrillPapers, Report
from shouye.base.delivery import Receipt
from shouye.base.kernel import word_of
from shouye.base.papers import Sheet, xlsx
from shouye.base.roster import DivisionLevel
from shouye.during.call import STATE_WORDS

_SUMS = ("opened", "answered", "handed_over", "withdrawn", "open", "late", "escalated")
_SUM_HEADS = ("应叫应（件）", "已应答", "已接手", "撤回", "未结", "逾期", "报上级")


def render(papers: DrillPapers) -> bytes:
    calls = papers.result.record["calls"]
    note = "平衡：应叫应 = 已应答 + 已接手 + 撤回 + 未结。人员、号码均为虚构。"
    by_county = [[row["name"], *(row[key] for key in _SUMS)] for row in calls["by_county"]]
    by_county.append(["合计", *(calls[key] for key in _SUMS)])
    by_level = [
        [DivisionLevel(level).word, *(row[key] for key in _SUMS)] for level, row in calls["by_level"].items()
    ]
    detail = [
        [
            row.notice,
            word_of(row.level),
            row.county,
            row.township,
            row.place,
            row.tier,
            row.post,
            row.person,
            row.number,
            row.state,
            row.evidence,
            row.opened_at,
            row.due_at,
            row.first_try_at,
            row.answered_at,
            row.tries,
            "是" if row.late else "",
            row.last,
        ]
        for row in papers.rows
    ]
    heads = (
        "通知", "级别", "县（区）", "乡镇（街道）", "单位", "层级", "岗位", "责任人", "号码", "状态", "证据",
        "立项", "时限", "首呼", "应答", "呼叫次数", "逾期", "最后一次",
    )  # fmt: skip
    missed = [
        [
            row["notice"],
            row["place"],
            row["post"],
            STATE_WORDS[row["state"]],
            row["tries"],
            Receipt(row["last"]).word if row["last"] else "",
        ]
        for row in papers.result.unreached
    ]
    sheets = [
        Sheet("按县汇总", ("县（区）", *_SUM_HEADS), by_county, notes=(note,)),
        Sheet("按层级汇总", ("层级", *_SUM_HEADS), by_level, notes=(note,)),
        Sheet("从未叫到", ("通知", "单位", "岗位", "状态", "呼叫次数", "最后一次"), missed),
        Sheet("叫应明细", heads, detail),
    ]
    return xlsx(sheets, "演练")


REPORT = Report(term="叫应名单", filename="calls.xlsx", render=render)
