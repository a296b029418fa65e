"""拒绝 — a refusal is a class, and its docstring is what the officer reads."""

from __future__ import annotations

from inspect import cleandoc


class Refusal(Exception):
    """请求被拒绝。"""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence for the person, with the detail of this case."""
        sentence = cleandoc(type(self).__doc__ or "").splitlines()[0]
        return f"{sentence}（{self.detail}）" if self.detail else sentence


class NotFound(Refusal):
    """没有找到所指的对象。"""


class Forbidden(Refusal):
    """没有权限做这件事。"""


class Stale(Refusal):
    """对象已被别人改动，请刷新后再试。"""


class BadInput(Refusal):
    """输入有误，未作任何改动。"""


class WrongMode(Refusal):
    """数据库属于另一种运行方式，演练、通信测试、实战不得混用。"""


class WrongCity(Refusal):
    """数据库属于另一座城市。"""
