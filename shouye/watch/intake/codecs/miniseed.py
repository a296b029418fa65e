"""miniSEED 2 波形记录 — one record of ground motion: who, when, how many samples, and its peak in counts.

The samples are unpacked (int16, int32, float32, Steim-1, Steim-2; the last value of Steim is checked) and the
largest deviation from the record's mean is the reading, uncalibrated unless `gain` (counts per unit) and `element`
say what it means. A stream is named NET.STA.LOC.CHA. 依据: SEED 2.4, FDSN (fixed header, blockette 1000).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from shouye.base.kernel import BEIJING
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

_HEAD = 48
_MOST_RECORDS = 100_000
_LENGTHS = range(7, 17)  # 128 bytes to 64 KiB
_PLAIN = {1: ("h", 2), 3: ("i", 4), 4: ("f", 4)}
_STEIM = (10, 11)


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterable[Message]:
    """译码 — record after record; what is none ends the file."""
    at = 0
    for _ in range(_MOST_RECORDS):
        if at >= len(data):
            return
        try:
            record, size = _record(data[at:], options)
        except BadFrame as bad:
            yield bad.about(data[at : at + 512])
            return
        yield record
        at += size


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    """译码 — exactly one record."""
    try:
        record, size = _record(data, options)
    except BadFrame as bad:
        return bad.about(data)
    if size != len(data):
        return Refused(RefusalCode.LENGTH, f"记录为 {size} 字节，给了 {len(data)} 字节", data, record.station)
    return record


def encode(message: Decoded) -> bytes:
    """写回 — the record as it came."""
    return bytes.fromhex(str(message.fields["hex"]))


def _record(data: bytes, options: SessionOptions) -> tuple[Decoded, int]:
    if len(data) < _HEAD + 8:
        raise BadFrame(RefusalCode.TRUNCATED, f"只有 {len(data)} 字节，不够一条记录")
    if not data[:6].isdigit() or data[6:7] not in b"DRQM":
        raise BadFrame(RefusalCode.HEADER, "不是 miniSEED 记录头")
    station = ".".join(_word(data[low:high]) for low, high in ((18, 20), (8, 13), (13, 15), (15, 18)))
    order = ">" if 1900 <= struct.unpack(">H", data[20:22])[0] <= 2100 else "<"
    year, day, hour, minute, second, _, ticks, many, factor, times = struct.unpack(
        f"{order}HHBBBBHHhh", data[20:36]
    )
    begin_at, blockette = struct.unpack(f"{order}HH", data[44:48])
    try:
        start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(
            days=day - 1, hours=hour, minutes=minute, seconds=second, microseconds=100 * ticks
        )
    except (ValueError, OverflowError):
        raise BadFrame(RefusalCode.TIME, f"起始时间 {year} 年第 {day} 天不存在", station) from None
    rate = _rate(factor, times)
    if not many or not rate:
        raise BadFrame(RefusalCode.UNSUPPORTED, "记录没有波形（没有样点或采样率）", station)
    encoding, words, size = _coding(data, order, blockette, station)
    if len(data) < size:
        raise BadFrame(RefusalCode.TRUNCATED, f"记录写明 {size} 字节，只到 {len(data)} 字节", station)
    if not _HEAD <= begin_at < size:
        raise BadFrame(RefusalCode.LENGTH, f"数据起点 {begin_at} 不在记录里", station)
    samples = _samples(data[begin_at:size], encoding, words, many, station)
    mean = sum(samples) / many
    peak = max(abs(sample - mean) for sample in samples)
    end = (start + timedelta(seconds=many / rate)).astimezone(BEIJING)
    element = str(options.settings.get("element", "ground_peak_counts"))
    gain = float(options.settings.get("gain", 1) or 1)
    reading = WireReading(element, end, round(peak / gain, 9), "")
    fields = {"start": start.isoformat(), "rate_hz": rate, "samples": many, "encoding": encoding}
    fields |= {"hex": data[:size].hex()}
    return Decoded(station, "record", end, (reading,), fields), size


def _word(data: bytes) -> str:
    return data.decode("ascii", "replace").strip()


def _rate(factor: int, times: int) -> float:
    """Samples a second: a negative factor is a period, a negative multiplier divides."""
    if not factor or not times:
        return 0.0
    return (factor if factor > 0 else -1 / factor) * (times if times > 0 else -1 / times)


def _coding(data: bytes, order: str, at: int, station: str) -> tuple[int, str, int]:
    """Encoding, order of the data's words, length of the record: blockette 1000."""
    for _ in range(16):
        if not _HEAD <= at <= len(data) - 8:
            break
        kind, following = struct.unpack(f"{order}HH", data[at : at + 4])
        if kind == 1000:
            encoding, words, exponent = data[at + 4], data[at + 5], data[at + 6]
            if exponent not in _LENGTHS:
                raise BadFrame(RefusalCode.LENGTH, f"记录长度 2^{exponent} 不合规", station)
            return encoding, ">" if words else "<", 1 << exponent
        at = following
    raise BadFrame(RefusalCode.UNSUPPORTED, "没有 1000 子块，不知道怎样编码", station)


def _samples(data: bytes, encoding: int, words: str, many: int, station: str) -> list[float]:
    if encoding in _STEIM:
        return _steim(data, encoding == 11, words, many, station)
    if encoding not in _PLAIN:
        raise BadFrame(RefusalCode.UNSUPPORTED, f"编码 {encoding} 不支持", station)
    kind, width = _PLAIN[encoding]
    if many * width > len(data):
        raise BadFrame(RefusalCode.LENGTH, f"{many} 个样点放不进 {len(data)} 字节", station)
    found = struct.unpack(f"{words}{many}{kind}", data[: many * width])
    if not all(abs(value) < 1e300 for value in found):
        raise BadFrame(RefusalCode.ENCODING, "样点不是有限数", station)
    return list(found)


def _steim(data: bytes, second: bool, words: str, many: int, station: str) -> list[float]:
    """Steim — differences in frames of sixteen words; the first frame holds the first and the last value."""
    whole = len(data) // 64 * 16
    if not whole:
        raise BadFrame(RefusalCode.LENGTH, "没有一个完整的 Steim 帧", station)
    frames = struct.unpack(f"{words}{whole}I", data[: whole * 4])
    first, last = _signed(frames[1], 32), _signed(frames[2], 32)
    differences: list[int] = []
    for at in range(0, whole, 16):
        control = frames[at]
        for number in range(1, 16):
            code = control >> (30 - 2 * number) & 3
            if code and not (at == 0 and number < 3):
                differences += _differences(frames[at + number], code, second)
        if len(differences) >= many:
            break
    if len(differences) < many:
        raise BadFrame(RefusalCode.LENGTH, f"要 {many} 个样点，只有 {len(differences)} 个", station)
    found, value = [float(first)], first
    for difference in differences[1:many]:
        value += difference
        found.append(float(value))
    if value != last:
        raise BadFrame(RefusalCode.CRC, f"最后一个样点应为 {last}，解出 {value}", station)
    return found


_SECOND = {(2, 1): (30, 1), (2, 2): (15, 2), (2, 3): (10, 3), (3, 0): (6, 5), (3, 1): (5, 6), (3, 2): (4, 7)}
_FIRST = {2: (16, 2), 3: (32, 1)}


def _differences(word: int, code: int, second: bool) -> Iterator[int]:
    if code == 1:
        width, many = 8, 4
    elif second:
        width, many = _SECOND.get((code, word >> 30), (0, 0))
    else:
        width, many = _FIRST[code]
    for number in reversed(range(many)):
        yield _signed(word >> number * width & (1 << width) - 1, width)


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) & 1 else value


CODEC = Codec(
    term="波形记录 miniSEED",
    source="SEED 2.4（FDSN）",
    decode=decode,
    encode=encode,
    decode_all=decode_all,
    document=True,
    mark="只取每条记录的峰值（计数值，未经标定），不作地震判定",
)
