"""字节布局货架 — what each byte of a frame is, also of a frame that was refused: one protocol, one file, `LAYOUT`.

A layout reads as far as it can, never raises, and marks the place that is wrong (crc, length, time). Passwords and
what tells of a person are not repeated in words.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from shouye.base.kernel import load_shelf
from shouye.watch.intake.model import Message, Refused, SessionOptions

HIDDEN = "******"
MOST_BYTES = 4_096
"""So much of a frame is explained; devices send less."""
MOST_SPANS = 600


@dataclass(frozen=True, slots=True)
class Span:
    """字段 — bytes [begin, end) of a frame: their term, what they say; `wrong` is why they cannot be."""

    begin: int
    end: int
    term: str
    said: str = ""
    about: str = ""
    """Which refusal is about it (crc, length, header, time …)."""
    wrong: str = ""


@dataclass(frozen=True)
class Layout:
    """字节布局 — the fields of one frame in their order, each byte in one at most."""

    explain: Callable[[bytes, SessionOptions], Sequence[Span]]


class Walk:
    """逐段走 — takes field after field off the front; what is not there any more is left out."""

    def __init__(self, raw: bytes, at: int = 0) -> None:
        self.raw, self.at = raw, at
        self.spans: list[Span] = []

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def peek(self, size: int) -> bytes:
        return self.raw[self.at : self.at + size]

    def take(self, size: int, term: str, said: str | None = None, about: str = "", wrong: str = "") -> bytes:
        """The next bytes as a field; without words their hex is said."""
        taken = self.peek(max(0, size))
        if taken:
            words = taken.hex(" ").upper() if said is None else said
            if len(taken) < size and not wrong:
                about, wrong = "truncated", f"应有 {size} 字节，只有 {len(taken)} 字节"
            self.spans.append(Span(self.at, self.at + len(taken), term, words, about, wrong))
            self.at += len(taken)
        return taken

    def number(self, size: int, term: str, about: str = "") -> int:
        """A number, high byte first."""
        value = int.from_bytes(self.peek(size))
        self.take(size, term, str(value), about)
        return value


@cache
def all_layouts() -> dict[str, Layout]:
    return load_shelf(sys.modules[__name__], "LAYOUT", Layout)


def spans_of(codec: str, raw: bytes, options: SessionOptions, message: Message | None = None) -> tuple[Span, ...]:
    """逐字段说明 — nothing where the protocol has no bytes to speak of (documents); a refusal marks its place.

    Where the layout does not see it itself, the fields are marked that the refusal of `message` is about.
    """
    layout = all_layouts().get(codec)
    if layout is None:
        return ()
    found = tuple(layout.explain(raw[:MOST_BYTES], options))[:MOST_SPANS]
    if isinstance(message, Refused) and not any(one.wrong and one.about == message.code for one in found):
        return tuple(replace(one, wrong=message.detail) if one.about == message.code else one for one in found)
    return found
