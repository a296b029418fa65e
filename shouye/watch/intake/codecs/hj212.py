"""污染物在线监控数据传输 — packets of data loggers, the host's replies and commands, SM4 of 2025.

依据: HJ/T 212-2005, HJ 212-2017, HJ 212-2025. Surface-water stations have used the version bits 000010 since 2020,
which 2025 took over: the version is what the station's record says, and only without a record what the flag says.
Settings: `version`, `sm4_key` (32 hex digits or 16 characters), each also as `<name>:<MN>`; `timeout_s`; and
`period_label` = "start" where the minute, hour and day data of the source carry the begin of their period.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from shouye.base.kernel import BEIJING
from shouye.watch.intake.commands.hj212 import COMMANDS as _COMMANDS
from shouye.watch.intake.elements.hj212 import ELEMENTS, Pairs, instant
from shouye.watch.intake.envelopes.hj212 import ENVELOPE
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
    WireReading,
)

_TOKENS = re.compile(r"//.*?//|[;,]", re.DOTALL)  # a log stands between two // and may hold ; and ,
_SEGMENT_MOST = 1024
_HEADERS = {name.upper(): name for name in ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")}
_PERIODS = {"2051": "minute", "2061": "hour", "2031": "day"}
_NOTICES = ("1001", "1013", "1014", "9015")  # answered 9013, all else 9014
_REPLIES = ("9011", "9012", "9013", "9014")
_VERSION_BITS = {"2005": 0, "2017": 4, "surface-water": 8, "2025": 8}
_MEMORY = 64
_TRIES = 3
_PATIENCE = timedelta(minutes=1)  # proposed: a split upload whose rest does not come


def _stamp(instant: datetime) -> str:
    at = instant.astimezone(BEIJING)
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"


def _setting(options: SessionOptions, name: str, mn: str) -> str:
    return str(options.settings.get(f"{name}:{mn}", options.settings.get(name, "")))


def _split(text: str) -> tuple[dict[str, str], Pairs, list[str]]:
    before, mark, rest = text.partition("CP=&&")
    if not mark or not rest.endswith("&&"):
        raise BadFrame(RefusalCode.HEADER, "没有完整的 CP=&&…&&")
    head: dict[str, str] = {}
    notes: list[str] = []
    for item in before.removesuffix(";").split(";"):
        name, equals, value = item.partition("=")
        known = _HEADERS.get(name.strip(" ,").upper(), name)
        if not equals or head.get(known, value) != value:
            raise BadFrame(RefusalCode.HEADER, f"数据段里“{item[:40]}”无法理解")
        if known != name:
            notes.append(f"“{name[:20]}”读作 {known}")
        head[known] = value
    body = rest[:-2]
    return head, [_fields(item) for item in _cut(body, ";")] if body else [], notes


def _cut(body: str, at: str) -> Iterator[str]:
    """Cut at every `;` or `,` outside a log."""
    begin = 0
    for token in _TOKENS.finditer(body):
        if token[0] == at:
            yield body[begin : token.start()]
            begin = token.end()
    yield body[begin:]


def _fields(item: str) -> list[list[str]]:
    return [field.split("=", 1) for field in _cut(item, ",")]


def _check_head(head: Mapping[str, str]) -> None:
    cn, mn, flag = head.get("CN", ""), head.get("MN", ""), head.get("Flag", "0")
    if not re.fullmatch(r"[0-9]{4}", cn):
        raise BadFrame(RefusalCode.HEADER, "没有四位命令编码 CN")
    if not re.fullmatch(r"[!-~]{1,64}", mn) and (mn or cn not in ("1001", "9013")):
        raise BadFrame(RefusalCode.HEADER, "没有可用的设备唯一标识 MN")
    if not re.fullmatch(r"[0-9]{1,3}", flag) or int(flag) > 255:
        raise BadFrame(RefusalCode.HEADER, f"标志 Flag={flag[:8]} 不是一个字节")
    if any(not re.fullmatch(r"[0-9]{1,4}", head.get(name, "1")) for name in ("PNUM", "PNO")):
        raise BadFrame(RefusalCode.HEADER, "分包号 PNUM、PNO 不是数")


def _key(options: SessionOptions, mn: str) -> bytes:
    """密钥 — the station's, else the one that the standard prints."""
    text = _setting(options, "sm4_key", mn)
    if re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        return bytes.fromhex(text)
    return text.encode() if len(text.encode()) == 16 else ENVELOPE.test_key


def _version(head: Mapping[str, str], options: SessionOptions) -> tuple[str, str]:
    """版本 — of the station's record, else guessed from the flag, and which of both."""
    if (told := _setting(options, "version", head["MN"])) in _VERSION_BITS:
        return told, "station"
    bits = int(head.get("Flag", "0")) >> 2
    if bits == 2:
        return ("surface-water" if head.get("ST") == "21" else "2025"), "flag"
    return {0: "2005", 1: "2017"}.get(bits, "unknown"), "flag"


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — one packet, with or without its CRLF."""
    try:
        return _read(data, options)
    except BadFrame as bad:
        return replace(bad.about(data), station=ENVELOPE.claimed(data))


def _read(data: bytes, options: SessionOptions) -> Decoded:
    segment, crc, end = ENVELOPE.unpack(data)
    plain, encrypted = ENVELOPE.open(segment, int(crc, 16), _key(options, ENVELOPE.claimed(segment)))
    for charset in ("utf-8", "gb18030"):
        try:
            text = plain.decode(charset)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadFrame(RefusalCode.ENCODING, "数据段既不是 UTF-8 也不是 GB 18030")
    head, cp, notes = _split(text)
    _check_head(head)
    if len(plain) > _SEGMENT_MOST:
        notes.append(f"数据段 {len(plain)} 字节，超过标准的 {_SEGMENT_MOST}")
    qn, cn, flag = head.get("QN", ""), head["CN"], int(head.get("Flag", "0"))
    version, basis = _version(head, options)
    said = {name: value for item in cp for name, value, *_ in ([*field, ""] for field in item)}
    if qn and instant(qn) is None:
        notes.append("QN 不是时间")
    pnum, pno = int(head.get("PNUM", "0")), int(head.get("PNO", "0"))
    if (pnum or pno or flag & 2) and not 1 <= pno <= pnum:
        notes.append("分包号不全或不对")
    fields: dict[str, object] = {
        "head": head,
        "cp": cp,
        "charset": charset,
        "crc": crc,
        "end": end.decode(),
        "encrypted": encrypted,
        "version": version,
        "version_by": basis,
        "command": ELEMENTS.word("commands", cn),
        "system": ELEMENTS.word("systems", head.get("ST", "")),
        "wants_answer": bool(flag & 1),
        "split": [pno, pnum] if 1 <= pno <= pnum else None,
        "back_filled": head.get("RF") == "1",
        "key": "/".join((head["MN"], qn, cn, str(pno))) if qn else None,
        "period": _PERIODS.get(cn, ""),
        "names": ELEMENTS.names(cp),
    }
    for name, table in (("QnRtn", "request_replies"), ("ExeRtn", "execution_results")):
        if name in said:
            fields[name] = ELEMENTS.word(table, said[name]) or "未定义"
    time = _data_time(said, cn, head["MN"], options)
    common = ("back_filled",) * (head.get("RF") == "1") + ("no_time",) * (time is None)
    readings = () if cn in _REPLIES else tuple(ELEMENTS.readings(cp, time, head.get("ST", ""), common))
    return Decoded(head["MN"], cn, instant(qn), readings, fields, "；".join(notes))


def _data_time(said: Mapping[str, str], cn: str, mn: str, options: SessionOptions) -> datetime | None:
    """数据时间 — None when the packet does not say it; what it says must be a time."""
    if "DataTime" not in said:
        return None
    if (time := instant(said["DataTime"])) is None:
        raise BadFrame(RefusalCode.TIME, f"数据时间“{said['DataTime'][:20]}”不是时间")
    if _setting(options, "period_label", mn) != "start" or cn not in _PERIODS:
        return time
    minutes = _setting(options, "minute_interval_min", mn)
    shift = {"2061": 60, "2031": 1440}.get(cn, int(minutes) if minutes.isdecimal() else 10)
    return time + timedelta(minutes=min(shift, 1440))


def encode(decoded: Decoded, key: bytes = ENVELOPE.test_key) -> bytes:
    """组包 — `fields` head and cp as decoded, in their order."""
    fields = decoded.fields
    cp = cast(Sequence[Sequence[Sequence[str]]], fields.get("cp", ()))
    body = ";".join(",".join("=".join(field) for field in item) for item in cp)
    text = "".join(f"{name}={value};" for name, value in _head(decoded).items()) + f"CP=&&{body}&&"
    segment = text.encode(str(fields.get("charset", "utf-8")))
    crc, end = str(fields.get("crc", "")), str(fields.get("end", "\r\n"))
    return ENVELOPE.write(segment, key if fields.get("encrypted") else None, crc, end.encode())


def _head(decoded: Decoded) -> Mapping[str, str]:
    return cast(Mapping[str, str], decoded.fields["head"])


def _packet(head: Mapping[str, str], cp: Pairs) -> Decoded:
    return Decoded(head["MN"], head["CN"], instant(head.get("QN", "")), (), {"head": dict(head), "cp": cp})


def _reply(heard: Decoded) -> bytes:
    """应答 — with the QN heard; 2005 says it inside the CP. 依据: HJ/T 212-2005, HJ 212-2017 附录 C."""
    head = _head(heard)
    if not heard.fields["wants_answer"] or heard.function in _REPLIES:
        return b""
    cn = "9013" if heard.function in _NOTICES else "9014"
    version, qn = str(heard.fields["version"]), head.get("QN", "")
    back = {"ST": "91", "CN": cn, "PW": head.get("PW", "")[:64], "MN": head["MN"]}
    if version == "2005":
        return encode(_packet(back | {"Flag": "0"}, [[["QN", qn]]]))
    bits = _VERSION_BITS.get(version, int(head["Flag"]) & ~3)
    return encode(_packet({"QN": qn} | back | {"Flag": str(bits)}, []))


def _at(reading: WireReading, time: datetime | None) -> WireReading:
    if reading.time or time is None:
        return reading
    return replace(reading, time=time, flags=tuple(flag for flag in reading.flags if flag != "no_time"))


@dataclass
class _Upload:
    """分包上传 — which parts came, and the data time that only the first may say."""

    station: str
    parts: int
    began: datetime
    seen: set[int]
    time: datetime | None = None

    def lost(self) -> Refused:
        missing = [str(no) for no in range(1, self.parts + 1) if no not in self.seen][:20]
        detail = f"分包上传共 {self.parts} 包，缺第 {'、'.join(missing)} 包"
        return Refused(RefusalCode.TRUNCATED, detail, b"", self.station)


@dataclass
class _Command:
    """在途命令 — sent again until the logger answers with its QN, known by it until the last answer."""

    request: Decoded
    packet: bytes
    sent_at: datetime
    times: int = 1
    heard: bool = False

    def unanswered(self) -> Refused:
        detail = f"命令 {self.request.function} 没有应答"
        return Refused(RefusalCode.TRUNCATED, detail, self.packet, self.request.station, self.request.order)


class _Host:
    """上位机 — one connection: packets out of the stream, replies, our commands, split uploads."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._held = b""
        self._uploads: dict[tuple[str, str, str], _Upload] = {}
        self._commands: dict[str, _Command] = {}
        self._spoken: dict[str, Mapping[str, str]] = {}
        wait = str(options.settings.get("timeout_s", 5))  # the standard's example: OverTime=5;ReCount=3
        self._timeout = timedelta(seconds=int(wait) if wait.isdecimal() and 0 < int(wait) < 3600 else 5)

    def receive(self, data: bytes, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        answers: list[bytes] = []
        found_all, self._held = ENVELOPE.cut(self._held + data, self._options.most_held_bytes)
        for found in found_all:
            message = found if isinstance(found, Refused) else decode(found, self._options)
            if isinstance(message, Decoded):
                message = self._heard(message, now)
                if self._options.answers(message.station):
                    answers.append(_reply(message))
            messages.append(message)
        return messages, b"".join(answers)

    def _heard(self, message: Decoded, now: datetime) -> Decoded:
        head = _head(message)
        if len(self._spoken) < _MEMORY or message.station in self._spoken:
            self._spoken[message.station] = head
        cp = cast(Pairs, message.fields["cp"])
        inside = dict(field for item in cp for field in item if len(field) == 2)  # 2005 says the QN there
        qn = head.get("QN") or inside.get("QN", "")
        command = self._commands.get(qn)
        if command and command.request.station == message.station:
            command.heard = True
            if message.function in ("9012", "9013"):
                del self._commands[qn]
            told = {**message.fields, "answers": command.request.function}
            message = replace(message, fields=told, order=command.request.order)
        if not message.fields["split"]:
            return message
        no, parts = cast(list[int], message.fields["split"])
        key = (message.station, qn, message.function)
        if len(self._uploads) >= _MEMORY and key not in self._uploads:
            del self._uploads[next(iter(self._uploads))]
        upload = self._uploads.setdefault(key, _Upload(message.station, parts, now, set()))
        upload.seen.add(no)
        upload.time = upload.time or next((reading.time for reading in message.readings if reading.time), None)
        if len(upload.seen) >= upload.parts:
            del self._uploads[key]
        inherited = tuple(_at(reading, upload.time) for reading in message.readings)
        return replace(message, readings=inherited)

    def send(self, request: Decoded, now: datetime) -> bytes:
        """发命令 — the head gets a QN when it has none, and what its logger says of itself where it says nothing;
        sealed where the station is of 2025 and has a key."""
        head = dict(_head(request))
        if "ST" not in head:
            head = self._as_spoken(head)
        head = {"QN": head.pop("QN", "") or _stamp(now), **head}
        while head["QN"] in self._commands and (taken := instant(head["QN"])):
            head["QN"] = _stamp(taken + timedelta(milliseconds=1))
        sealed = ENVELOPE.is_sealed(head["CN"]) and bool(_setting(self._options, "sm4_key", head["MN"]))
        request = replace(request, fields={**request.fields, "head": head, "encrypted": sealed})
        packet = encode(request, _key(self._options, head["MN"]))
        if len(self._commands) >= _MEMORY:
            del self._commands[next(iter(self._commands))]
        self._commands[head["QN"]] = _Command(request, packet, now)
        return packet

    def _as_spoken(self, head: Mapping[str, str]) -> dict[str, str]:
        """Its kind, password and version; the bit says that we want an answer."""
        spoken = self._spoken.get(head["MN"], {})
        bits = _VERSION_BITS.get(_setting(self._options, "version", head["MN"]), int(spoken.get("Flag", "4")) & ~3)
        said = {"ST": spoken.get("ST", "32"), "CN": head["CN"], "PW": spoken.get("PW", "123456")[:64]}
        return {**said, "MN": head["MN"], "Flag": str(bits | 1)}

    def tick(self, now: datetime) -> tuple[list[Message], bytes]:
        messages: list[Message] = []
        again = b""
        for key, upload in list(self._uploads.items()):
            if now - upload.began >= _PATIENCE:
                messages.append(self._uploads.pop(key).lost())
        for qn, command in list(self._commands.items()):
            if command.heard or now - command.sent_at < self._timeout:
                continue
            command.times, command.sent_at = command.times + 1, now
            if command.times <= _TRIES:
                again += command.packet
            else:
                del self._commands[qn]
                messages.append(command.unanswered())
        return messages, again

    def close(self, now: datetime) -> list[Message]:
        left: list[Message] = [upload.lost() for upload in self._uploads.values()]
        left += [command.unanswered() for command in self._commands.values() if not command.heard]
        if self._held.strip(b"#\r\n\0 "):
            left.append(Refused(RefusalCode.TRUNCATED, "连接断开时报文不完整", self._held))
        self._held, self._uploads, self._commands = b"", {}, {}
        return left


CODEC = Codec(
    term="污染物在线监控（监测）数据传输",
    source="HJ/T 212-2005、HJ 212-2017、HJ 212-2025",
    decode=decode,
    encode=encode,
    session=_Host,
    commands=_COMMANDS,
    mark="2025 版（SM4、新命令）依公开实现与自造报文，未经实网验证",
)
