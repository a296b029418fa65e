"""级别 — warning levels, grades and modes. Different scales are different types and are never compared."""

from __future__ import annotations

from enum import Enum, StrEnum


class AlertLevel(StrEnum):
    """预警级别 — 蓝 (Ⅳ) to 红 (Ⅰ). 依据: 突发事件应对法 (2024) 第六十三条."""

    BLUE = "BLUE"
    YELLOW = "YELLOW"
    ORANGE = "ORANGE"
    RED = "RED"

    @property
    def rank(self) -> int:
        """1 for 蓝 up to 4 for 红."""
        return _ALERT_ORDER[self]

    @property
    def word(self) -> str:
        """The colour's Chinese word: colour never stands alone."""
        return "蓝黄橙红"[self.rank - 1]

    @property
    def roman(self) -> str:
        return "ⅣⅢⅡⅠ"[self.rank - 1]


_ALERT_ORDER = {level: rank for rank, level in enumerate(AlertLevel, start=1)}


class TransferStage(StrEnum):
    """山洪转移阶段 — 准备转移, 立即转移: words without a colour."""

    PREPARE = "PREPARE"
    IMMEDIATE = "IMMEDIATE"

    @property
    def rank(self) -> int:
        return 1 if self is TransferStage.PREPARE else 2

    @property
    def word(self) -> str:
        return "准备转移" if self is TransferStage.PREPARE else "立即转移"


class Mode(Enum):
    """三种运行方式 — 演练, 通信测试, 实战; a process and its database belong to exactly one."""

    SIMULATION = "Simulation"
    TEST = "CommunicationTest"
    ACTUAL = "Actual"

    @property
    def word(self) -> str:
        return {"Simulation": "演练", "CommunicationTest": "通信测试", "Actual": "实战"}[self.value]


def rank_of(level: str | None) -> int:
    """The rank of a level inside its own scale; 0 when there is none. Scales are never mixed by the caller."""
    if level is None:
        return 0
    return AlertLevel(level).rank if level in AlertLevel.__members__ else TransferStage(level).rank


def word_of(level: str | None) -> str:
    """红, 橙, 黄, 蓝, 准备转移, 立即转移; 无 when there is none."""
    if level is None:
        return "无"
    return AlertLevel(level).word if level in AlertLevel.__members__ else TransferStage(level).word
