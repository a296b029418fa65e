"""HJ 212 的信封 — `##`, four digits of length, the data segment, its CRC, CRLF; since 2025 a CP under SM4.

依据: HJ/T 212-2005, HJ 212-2017 附录 A, HJ 212-2025 6.4.2. A CRC is over the plain text: it proves the key.
2025 prints a cipher as {0xE4,0x3E,…} and counts the bytes it names: implementations differ, both are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from shouye.watch.intake.model import BadFrame, RefusalCode, Refused

_NOISE_KEPT = 10_240
_INSIDE = 64  # heads looked at inside a packet that waits, so that a slow drip costs nothing
_WHOLE = re.compile(rb"&&[0-9A-Fa-f]{4}[\r\n]*\Z")
_PRINTED = re.compile(rb"CP=&&\{((?:0[xX][0-9A-Fa-f]{2},?)+)\}([^{}]{0,15}&&)([0-9A-Fa-f]{4})")
_CLAIMED = re.compile(rb"MN=([!-:<-~]{1,64});")


def _crc_table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        yield value


_CRC = tuple(_crc_table())


def _crc(segment: bytes) -> int:
    """CRC16 of annex A, which throws the low byte away at each step: it is not Modbus."""
    crc = 0xFFFF
    for byte in segment:
        crc = _CRC[crc >> 8 ^ byte]
    return crc


def _sm4(segment: bytes, key: bytes, *, seal: bool) -> bytes:
    """Whole blocks of 16 bytes of the CP, ECB without padding; a shorter tail stays clear."""
    at = segment.find(b"CP=&&") + 5
    whole = (len(segment) - 2 - at) // 16 * 16
    cipher = Cipher(algorithms.SM4(key), modes.ECB())
    turn = cipher.encryptor() if seal else cipher.decryptor()
    return segment[:at] + turn.update(segment[at : at + whole]) + segment[at + whole :]


class Envelope:
    """信封 — a data segment in and out of its packet, and packets out of a stream."""

    test_key = b"0" * 16
    """HJ 212-2025 附录 A.2; a logger without a key of its own uses it."""

    def is_sealed(self, cn: str) -> bool:
        """加密范围 — data (2000-2999), the new key and the logger's information."""
        return cn.startswith("2") or cn in ("1014", "3020")

    def claimed(self, data: bytes) -> str:
        """自称的 MN — of bytes that may be wrong."""
        found = _CLAIMED.search(data)
        return found[1].decode() if found else ""

    def write(self, segment: bytes, key: bytes | None, crc: str = "", end: bytes = b"\r\n") -> bytes:
        """装入 — sealed with the key if there is one; the CRC in lower case if the one given is."""
        if len(segment) > 9999:
            raise BadFrame(RefusalCode.LENGTH, "数据段超过四位数能写的长度")
        digits = f"{_crc(segment):04x}" if crc.islower() else f"{_crc(segment):04X}"
        if key:
            segment = _sm4(segment, key, seal=True)
        return b"##%04d%b%b%b" % (len(segment), segment, digits.encode(), end)

    def unpack(self, packet: bytes) -> tuple[bytes, str, bytes]:
        """拆出 — the segment by its length, the CRC sent, what ends the packet: nothing but CRLF."""
        if packet[:2] != b"##"[: len(packet)] or not packet:
            raise BadFrame(RefusalCode.HEADER, "包头不是 ##")
        if len(packet) < 6:
            raise BadFrame(RefusalCode.TRUNCATED, "报文不完整：只有包头")
        if not packet[2:6].isdigit():
            raise BadFrame(RefusalCode.HEADER, "数据段长度不是四位十进制数")
        size = int(packet[2:6])
        body = packet.rstrip(b"\r\n")
        tail = packet[len(body) :]
        if printed := _PRINTED.search(packet, 6, 70 + 6 * size):
            cipher = bytes(int(byte, 16) for byte in printed[1].split(b",") if byte)
            segment = packet[6 : printed.start()] + b"CP=&&" + cipher + printed[2]
            if printed.end() != len(body) or size not in (len(segment), printed.start(3) - 6):
                raise BadFrame(RefusalCode.LENGTH, f"数据段长度写明 {size}，与实际不符")
            return segment, printed[3].decode(), tail
        crc = body[6 + size :]
        if re.fullmatch(rb"[0-9A-Fa-f]{4}", crc):
            return body[6 : 6 + size], crc.decode(), tail
        if len(crc) == 4 and body[4 + size : 6 + size] == b"&&":
            raise BadFrame(RefusalCode.CRC, f"校验码 {crc.decode('ascii', 'replace')} 不是十六进制")
        if len(body) < 10 + size and not _WHOLE.search(packet):
            raise BadFrame(RefusalCode.TRUNCATED, f"报文不完整：写明 {size} 字节，只到 {len(packet) - 6} 字节")
        raise BadFrame(RefusalCode.LENGTH, f"数据段长度写明 {size}，与实际不符")

    def open(self, segment: bytes, crc: int, key: bytes) -> tuple[bytes, bool]:
        """启封 — the segment in clear, and whether it was sealed."""
        if _crc(segment) == crc:
            return segment, False
        head, _, body = segment.partition(b"CP=&&")
        cn = re.search(rb"CN=([0-9]{4});", head)
        if cn and self.is_sealed(cn[1].decode()) and len(body) >= 18:
            plain = _sm4(segment, key, seal=False)
            if _crc(plain) == crc:
                return plain, True
            if any(byte < 32 or byte == 127 for byte in body):
                raise BadFrame(RefusalCode.UNSUPPORTED, "数据段疑似 SM4 密文，用已有密钥解不开")
        raise BadFrame(RefusalCode.CRC, f"CRC 应为 {_crc(segment):04X}，报文为 {crc:04X}")

    def cut(self, stream: bytes, most_held: int) -> tuple[list[bytes | Refused], bytes]:
        """分帧 — packets and what was none, and the bytes that wait for more.

        Frames by length, since a cipher may hold && and CRLF; what is no packet is passed over to the next `##`.
        A whole packet inside one that waits shows that the rest of the first was lost.
        """
        found: list[bytes | Refused] = []
        taken = at = 0
        waits: int | None = None
        looked = 0
        while (start := stream.find(b"##", at)) >= 0 and looked < _INSIDE:
            end = _end(stream, start)
            at = end or start + 2
            if end is None and waits is None and len(stream) - start <= most_held:
                waits = start
            looked += waits is not None
            if end:
                found += [*self._noise(stream[taken:start]), stream[start:end]]
                taken, waits, looked = end, None, 0
        keep = len(stream) - stream.endswith(b"#") if waits is None else waits
        return [*found, *self._noise(stream[taken:keep])], stream[keep:]

    def _noise(self, passed: bytes) -> Iterator[Refused]:
        """What stood between packets; line ends and zeros are nothing."""
        noise = passed.strip(b"\r\n\0 ")
        if b"##" in noise:
            yield Refused(RefusalCode.LENGTH, "数据段长度与实际不符", noise[:_NOISE_KEPT], self.claimed(noise))
        elif noise:
            yield Refused(RefusalCode.HEADER, "包头前有杂字节", noise[:_NOISE_KEPT])


def _end(stream: bytes, start: int) -> int | None:
    """Where the packet at `start` ends; 0 when there is none, None when more bytes must tell."""
    digits = stream[start + 2 : start + 6]
    if digits and not digits.isdigit():
        return 0
    if len(digits) < 4:
        return None
    size = int(digits)
    if (mark := stream.find(b"CP=&&{0", start, start + 256)) >= 0:
        most = start + 70 + 6 * size
        printed = _PRINTED.match(stream, mark, most)
        return printed.end() if printed else None if len(stream) < most else 0
    end = start + 10 + size
    if len(stream) < end:
        return None
    return end if re.fullmatch(rb"&&[0-9A-Fa-f]{4}", stream[end - 6 : end]) else 0


ENVELOPE = Envelope()
