"""报文与雨情过程 — what a frame says or why it was refused; what a storm file says, and what was merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Protocol

import structlog

from shouye.base.kernel import AlertLevel, NotFound, Refusal, load_shelf
from shouye.watch.intake import codecs

_log = structlog.get_logger(__name__)


class RefusalCode(StrEnum):
    """拒收原因 — why a frame was not taken; it lies in quarantine with its bytes."""

    CRC = "crc"
    LENGTH = "length"
    HEADER = "header"
    ENCODING = "encoding"
    TIME = "time"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"


class BadFrame(Refusal):
    """报文不符合规约。"""

    def __init__(self, code: RefusalCode, detail: str, station: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.station = station

    def about(self, raw: bytes) -> Refused:
        """What goes to quarantine; a codec raises inside and answers this at its edge."""
        return Refused(self.code, self.detail, raw, self.station)


@dataclass(frozen=True, slots=True)
class WireReading:
    """报文中的一个数 — `element` is our name (rain_mm, stage_m …) or `<protocol>:<code>` where we have none.

    None is missing and flagged `missing`, never zero; a time is the END of the interval a value covers.
    """

    element: str
    time: datetime | None
    value: float | str | None
    unit: str = ""
    flags: tuple[str, ...] = ()
    station: str = ""
    """Another station than the message's own, where one message speaks for several."""


@dataclass(frozen=True)
class Decoded:
    """译出的报文 — `fields` are the protocol's own words, JSON-able, enough to encode the same bytes again."""

    station: str
    function: str
    sent: datetime | None
    readings: tuple[WireReading, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
    record: object = None
    """专用记录 — what a document codec reads besides: a Signal, a QuakeEvent, a HotSpot."""
    order: int = 0
    """下行命令号 — of a request, and of whatever answers it; 0: asked for by nobody."""


@dataclass(frozen=True)
class Refused:
    """拒收的报文 — the code, a sentence for the officer, and the bytes as they came."""

    code: RefusalCode
    detail: str
    raw: bytes
    station: str = ""
    order: int = 0
    """下行命令号 — of the request that was not answered."""


Message = Decoded | Refused


class SignatureState(StrEnum):
    """签名核验 — right and its signer known here; right; wrong; no signature at all."""

    VALID = "valid"
    UNKNOWN_SIGNER = "unknown_signer"
    INVALID = "invalid"
    ABSENT = "absent"


@dataclass(frozen=True)
class Signature:
    """数字签名 — what was verified: the state, whose certificate, and a sentence for the officer."""

    state: SignatureState = SignatureState.ABSENT
    signer: str = ""
    detail: str = "没有数字签名"
    fingerprint: str = ""
    """SHA-256 of the certificate: two signers may bear one name."""

    @property
    def holds(self) -> bool:
        return self.state in (SignatureState.VALID, SignatureState.UNKNOWN_SIGNER)


@dataclass(frozen=True)
class SignalArea:
    """预警区域 — as the sender names it; points are (longitude, latitude) in degrees, circles end with km."""

    name: str
    division: str = ""
    """行政区划 — the six digits a geocode begins with; empty when the sender gives no Chinese code."""
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    circles: tuple[tuple[float, float, float], ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SignalInfo:
    """预警内容 — one hazard (or one language) of a signal, in the sender's own grade; unknown stays None or ''."""

    event: str
    hazard: str = ""
    level: AlertLevel | None = None
    act: str = "发布"
    """动作 — 发布 升级 降级 扩展 延长 继续 解除; upgrade and downgrade say in `was` from what."""
    was: AlertLevel | None = None
    language: str = ""
    urgency: str = ""
    severity: str = ""
    certainty: str = ""
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    text: str = ""
    instruction: str = ""
    areas: tuple[SignalArea, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Signal:
    """预警信号 — somebody's official warning: its bytes as they came, and what they say; never re-graded.

    `sender`, `identifier` and `sent` together name it; `references` are such triples. `part` counts the signals of
    one document. 依据: 突发事件应对法 (2024) 第六十四条; GB/T 35965.1-2018.
    """

    raw: bytes = field(repr=False)
    identifier: str
    sender: str
    sent: datetime
    status: str
    kind: str
    """Alert Update Cancel Ack Error, the words of CAP."""
    infos: tuple[SignalInfo, ...] = ()
    references: tuple[tuple[str, str, str], ...] = ()
    scope: str = ""
    signature: Signature = Signature()
    notes: tuple[str, ...] = ()
    part: int = 0
    content: str = ""
    """内容摘要 — of this signal alone, where `raw` is an envelope of many; empty: of its bytes."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, so that a relay can prove it changed nothing."""
        return sha256(self.raw).hexdigest()

    @property
    def is_actual(self) -> bool:
        """实发 — anything else (Exercise, System, Test, Draft) calls nobody and is shown as 演练 or 测试."""
        return self.status == "Actual"

    @property
    def level(self) -> AlertLevel | None:
        """The highest colour it puts in force; a Cancel, Ack or Error puts none, whatever severity it carries."""
        if self.kind not in ("Alert", "Update"):
            return None
        levels = [info.level for info in self.infos if info.level and info.act != "解除"]
        return max(levels, key=lambda level: level.rank, default=None)

    @property
    def expires(self) -> datetime | None:
        """The last end of its infos; None when one of them names none."""
        ends = [info.expires for info in self.infos]
        return max((end for end in ends if end), default=None) if all(ends) else None


@dataclass(frozen=True)
class SessionOptions:
    """接入选项 — what a feed's block says of its wire; `settings` are the protocol's own (centre, password …)."""

    source: str = ""
    """来源 — whose extension table applies (a province, a vendor); empty: the standard alone."""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    most_held_bytes: int = 65_536
    """What a session holds of unfinished frames; more is refused, so that nobody fills the memory."""
    stations: frozenset[str] | None = None
    """名单 — whom a session answers; None: everybody. The others are heard and told nothing."""

    wanted: Callable[[str], Sequence[Decoded]] = lambda _station: ()
    """待发命令 — what is to be asked of a station that has just spoken, where it would else hang up."""

    def answers(self, station: str) -> bool:
        return self.stations is None or station in self.stations


STANDARD = SessionOptions()
"""按标准 — no source known: the standard without anybody's extensions."""


class Session(Protocol):
    """会话 — a state machine: bytes in, messages and bytes to send back out; no socket, no clock.

    The bytes to send back acknowledge the messages beside them: they are written only after those are stored.
    """

    def receive(self, data: bytes, now: datetime) -> tuple[list[Message], bytes]: ...

    def send(self, request: Decoded, now: datetime) -> bytes:
        """主动下行 — the bytes of a request of ours (a query, a clock …), remembered until answered."""
        ...

    def tick(self, now: datetime) -> tuple[list[Message], bytes]:
        """What time alone brings: a resend, a transfer given up; called now and then."""
        ...

    def close(self, now: datetime) -> list[Message]:
        """What was left unfinished, refused as truncated."""
        ...


class Decoder(Protocol):
    """译码 — exactly one frame or document; any input gives a Message, never an exception."""

    def __call__(self, data: bytes, options: SessionOptions = STANDARD) -> Message: ...


@dataclass(frozen=True)
class Inquiry:
    """召测内容 — what is asked of which station; times and elements where the command needs them."""

    station: str
    begin: datetime | None = None
    end: datetime | None = None
    elements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """下行命令 — `make` writes the request as of now; `needs` names what an inquiry must say (from, to, element).

    `changes`: it sets something in the device (its clock); all others only read. `settles` says of a message that
    answers it whether that is the answer (True), a refusal (False), or only a step on the way (None).
    """

    term: str
    make: Callable[[Inquiry, datetime], Decoded]
    needs: tuple[str, ...] = ()
    changes: bool = False
    settles: Callable[[Decoded], bool | None] = lambda _message: True


@dataclass(frozen=True)
class Codec:
    """规约 — one protocol: `decode` one frame, `encode` the same again, `session` for what flows.

    `document` says that a file is one document (XML, JSON, CSV), not a line for each frame; `decode_all` reads a
    document that holds many messages.
    """

    term: str
    source: str
    """依据 — the standard."""
    decode: Decoder
    encode: Callable[[Decoded], bytes] | None = None
    session: Callable[[SessionOptions], Session] | None = None
    decode_all: Callable[[bytes, SessionOptions], Iterable[Message]] | None = None
    document: bool = False
    names_are_free: bool = False
    """The sender chooses the names of elements: one that neither we nor the block know opens no series."""
    commands: Mapping[str, Command] = field(default_factory=dict)
    """下行命令 — by the word with which a person asks for them."""
    mark: str = ""
    """未经实网验证 — where only documents prove it; shown to the officer."""


@cache
def all_codecs() -> dict[str, Codec]:
    """规约货架 — every codec, keyed by its file's name."""
    return load_shelf(codecs, "CODEC", Codec)


def codec_of(key: str) -> Codec:
    """The codec of this name, or a refusal that names those we have."""
    if key not in (known := all_codecs()):
        raise NotFound(f"规约 {key}；可用：{'、'.join(known)}")
    return known[key]


def read_messages(codec: Codec, raw: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """译一份 — every message of one frame or document; a fault of our own refuses it, and the feed goes on."""
    try:
        yield from codec.decode_all(raw, options) if codec.decode_all else (codec.decode(raw, options),)
    except Exception as fault:
        if isinstance(fault, Refusal):
            raise
        _log.exception("codec_fault", codec=codec.term)  # the same bytes would come again, and stop it for good
        why = f"程序自己出错（{type(fault).__name__}），译不了：原样留着，请交给开发者"
        yield Refused(RefusalCode.UNSUPPORTED, why, raw)
