"""No document crashes, blocks or fills memory: noise, cuts, flips and monsters give Messages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shouye.watch.intake import Decoded, Message, Refused, SessionOptions, codec_of
from tests.watch.intake.test_cap import GALE
from tests.watch.intake.test_firms import HEAD, row
from tests.watch.intake.test_nws_text import PRODUCT
from tests.watch.intake.test_quakes import FEATURE, QUAKEML, TEXT
from tests.watch.intake.test_signals_json import PAGE, notice

GOOD = {
    "cap": GALE,
    "cma_json": PAGE,
    "shenzhen_json": notice(),
    "quakeml": QUAKEML.encode(),
    "fdsn_text": TEXT.encode(),
    "usgs_geojson": json.dumps({"type": "FeatureCollection", "features": [FEATURE]}).encode(),
    "firms": f"{HEAD}\n{row(40.1, 113.3, '2026-04-05', '0005')}\n".encode(),
    "nws_text": PRODUCT.encode(),
}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def every(name: str, data: bytes) -> list[Message]:
    codec = codec_of(name)
    single = codec.decode(data, SessionOptions())
    assert isinstance(single, Decoded | Refused)
    messages = list(codec.decode_all(data, SessionOptions())) if codec.decode_all else [single]
    for message in messages:
        if isinstance(message, Decoded):
            json.dumps(message.fields, ensure_ascii=False).encode()
        else:
            assert message.detail
    return messages


@pytest.mark.parametrize("name", GOOD)
def test_the_good_one_is_good(name: str) -> None:
    (message,) = every(name, GOOD[name])
    assert isinstance(message, Decoded)
    assert codec_of(name).document


@pytest.mark.parametrize("name", GOOD)
@QUICK
@given(noise=st.binary(max_size=400))
def test_noise(name: str, noise: bytes) -> None:
    assert not any(isinstance(message, Decoded) for message in every(name, b"\x00" + noise))


@pytest.mark.parametrize("name", GOOD)
@QUICK
@given(share=st.floats(0, 1))
def test_cuts(name: str, share: float) -> None:
    every(name, GOOD[name][: int(len(GOOD[name]) * share)])


@pytest.mark.parametrize("name", GOOD)
@QUICK
@given(flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes(name: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD[name])
    for at, byte in flips:
        data[at % len(data)] = byte
    every(name, bytes(data))


def _alert(inner: str) -> bytes:
    return GALE.replace(b"<info>", f"<info>{inner}".encode())


MONSTERS: list[tuple[str, Callable[[], bytes]]] = [
    ("cap", lambda: _alert("<area><areaDesc/><polygon>" + "1,1 " * 400_000 + "</polygon></area>")),
    ("cap", lambda: _alert("<area><areaDesc/><polygon>" + "1" * 400_000 + "</polygon></area>")),
    ("cap", lambda: _alert("<area><areaDesc/><circle>" + "1" * 400_000 + "</circle></area>")),
    ("cap", lambda: _alert("".join(f"<urgency>{n}</urgency>" for n in range(60_000)))),
    ("cap", lambda: GALE.replace(b"<info>", b"<info><severity>x</severity>" + b"</info><info>" * 30_000)),
    ("cap", lambda: b"<f>" + GALE.partition(b"?>")[2] * 500 + b"</f>"),
    ("cap", lambda: b"<!--" * 900_000),
    ("cap", lambda: b" " * 3_000_000),
    ("quakeml", lambda: b"<quakeml>" + b"<a/>" * 300_000 + b"</quakeml>"),
    ("shenzhen_json", lambda: notice(matter="【" + "解除暴雨、" * 900 + "】" + "（" * 400)),
    ("shenzhen_json", lambda: b"{" * 1_000_000),
    ("cma_json", lambda: b"a." * 1_000_000),
    ("nws_text", lambda: (PRODUCT + "...a\n" * 80_000).encode()),
    ("nws_text", lambda: (PRODUCT + "NJC003-" * 60_000).encode()),
    ("nws_text", lambda: (PRODUCT + "NJC003-\n" * 60_000).encode()),
    ("firms", lambda: (HEAD + "\n" + "," * 3_000_000).encode()),
    ("fdsn_text", lambda: b"|" * 3_000_000),
    ("usgs_geojson", lambda: b'{"a":' * 100_000),
]


@pytest.mark.parametrize(("name", "build"), MONSTERS)
def test_a_monster_costs_seconds_at_most(name: str, build: Callable[[], bytes]) -> None:
    data = build()
    begun = time.process_time()
    every(name, data)
    assert time.process_time() - begun < 20, "of the processor: a loaded machine is no fault of the codec"
