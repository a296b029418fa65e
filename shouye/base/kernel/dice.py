"""骰子 — reproducible chance for drills: the same seed and the same question always give the same answer."""

from __future__ import annotations

import hashlib


def draw(seed: int, *question: object) -> float:
    """A number in [0, 1) that depends on nothing but its arguments; the order of other draws does not matter."""
    text = "\x1f".join([str(seed), *map(str, question)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big") / float(1 << 56)


def draw_between(low: float, high: float, seed: int, *question: object) -> float:
    """A number in [low, high), evenly spread."""
    return low + (high - low) * draw(seed, *question)
