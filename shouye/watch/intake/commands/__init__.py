"""下行命令货架 — what a centre may ask of a device, one file for each protocol: queries and its clock.

Nothing here moves a gate or a pump, erases a store or changes a password: that is for whoever owns the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shouye.base.kernel import BadInput
from shouye.watch.intake.model import Inquiry


def span_of(asked: Inquiry) -> tuple[datetime, datetime]:
    """起止时间 — both must be said, in order."""
    if asked.begin is None or asked.end is None or asked.begin > asked.end:
        raise BadInput("这条命令要写明起止时间，先起后止")
    return asked.begin, asked.end


def codes_of(asked: Inquiry, known: Mapping[str, str], usual: Sequence[str]) -> list[str]:
    """要素代码 — as the protocol writes them; `known` leads from every name that is understood to its code."""
    found = [known.get(word, known.get(word.upper(), "")) for word in asked.elements]
    if strange := [word for word, code in zip(asked.elements, found, strict=True) if not code]:
        raise BadInput(f"规约里没有要素 {'、'.join(strange)}")
    if not (found or usual):
        raise BadInput("这条命令要写明要素")
    return list(dict.fromkeys(found or usual))
