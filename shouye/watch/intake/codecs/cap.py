"""通用预警协议 CAP — alerts 1.1 and 1.2, alone or in an EDXL or Atom envelope, and Atom/RSS indexes.

XML is read without entities, DTD and network, in bounded size. Real-world faults are tolerated and noted; what
would have to be guessed is refused. A signature is verified and shown; content altered after signing is refused.
依据: OASIS CAP 1.2; GB/T 35965.1-2018 (平台对接未经实网验证).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from shouye.base.kernel import BEIJING
from shouye.watch.intake.codecs import cma_json
from shouye.watch.intake.codecs.cma_json import (
    event_of,
    hazard_in,
    identify,
    kind_of,
    level_in,
    level_of_severity,
    only,
    to_decoded,
)
from shouye.watch.intake.codecs.quakeml import children, instant, is_xml, name_of, parse_xml, text_in
from shouye.watch.intake.model import (
    STANDARD,
    BadFrame,
    Codec,
    Decoded,
    Message,
    RefusalCode,
    Refused,
    SessionOptions,
    Signal,
    SignalArea,
    SignalInfo,
    Signature,
    SignatureState,
)

_MOST_BYTES = 4 * 1024 * 1024
_MOST_ALERTS = 500
_MOST_ELEMENTS = 100_000
_MOST_NOTES = 40
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_PAIR = re.compile(r"(?<![\d.])[+-]?\d++(?:\.\d++)?,\s*+[+-]?\d++(?:\.\d++)?")
"""A run of digits is looked at once, however long: else a megabyte of them holds up the whole program."""
_INLINE = ("event", "effective", "expires", "status", "msgType", "urgency", "severity", "certainty", "areaDesc")
_STATUS = ("Actual", "Exercise", "System", "Test", "Draft")
_WORDS = {
    "scope": ("Public", "Restricted", "Private"),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown", "Very Likely"),
}


_UNVERIFIABLE = (
    InvalidSignature,
    SignXMLException,
    etree.LxmlError,
    ValueError,
    TypeError,
    KeyError,
    AssertionError,
)


class _Reader:
    """读一条 CAP — collects what had to be tolerated while it reads."""

    def __init__(self, options: SessionOptions) -> None:
        hours = float(options.settings.get("utc_offset_h", 8))
        self.zone = timezone(timedelta(hours=hours))
        self.trusted = {
            word.lower().replace(":", "") for word in str(options.settings.get("trusted_sha256", "")).split()
        }
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < _MOST_NOTES:
            self.notes.append(text)

    def alert(self, alert: etree._Element, raw: bytes, part: int) -> Signal:
        namespace = etree.QName(alert).namespace or ""
        if not re.fullmatch(r"urn:oasis:names:tc:emergency:cap:1\.[12]", namespace):
            self.note(f"命名空间是 {namespace or '空'}，不是 CAP 1.1 或 1.2")
        said = {key: text_in(alert, key) for key in ("identifier", "sender", "sent", "status", "msgType", "scope")}
        for key in ("identifier", "sender", "sent", "msgType"):
            if not said[key]:
                raise BadFrame(RefusalCode.HEADER, f"缺少 {key}，不成其为一条预警")
        sent = self.time(said["sent"], "sent")
        if sent is None:
            raise BadFrame(RefusalCode.TIME, f"sent {said['sent'][:40]!r} 不是时间", said["sender"])
        for key in ("identifier", "sender"):
            if re.search(r"[\s,<&]", said[key]):
                self.note(f"{key} 含有空格、逗号或 < &")
        kind, misspelt = kind_of(said["msgType"])
        self.notes += misspelt
        infos = tuple(self.info(info, said["identifier"], kind) for info in children(alert, "info"))
        for info in infos:
            if info.expires and info.expires <= sent:
                self.note("有效期在发布时间之前")
        return Signal(
            raw=raw,
            identifier=said["identifier"],
            sender=said["sender"],
            sent=sent,
            status=self.status(said["status"], said["identifier"]),
            kind=kind,
            infos=infos,
            references=self.references(alert, said["identifier"], kind),
            scope=self.word(said["scope"], "scope"),
            signature=self.signature(alert, sent),
            notes=tuple(self.notes),
            part=part,
            content=self.content(alert),
        )

    def content(self, alert: etree._Element) -> str:
        """内容摘要 — however it is written down, where it can be canonised (a relative namespace cannot)."""
        try:
            written = etree.tostring(alert, method="c14n", with_tail=False)
        except etree.LxmlError:
            written = etree.tostring(alert, with_tail=False)
        return sha256(written).hexdigest()

    def status(self, word: str, identifier: str) -> str:
        if not word and identify(identifier):
            self.note("没有 status，按国家标准缺省 Actual 读")
            return "Actual"
        status = next((known for known in _STATUS if known.lower() == word.lower()), None)
        if status is None:
            raise BadFrame(RefusalCode.UNSUPPORTED, f"status {word[:40]!r} 不是 CAP 的状态")
        if status != word:
            self.note(f"status 写作 {word}")
        return status

    def word(self, word: str, key: str) -> str:
        if word not in _WORDS[key]:
            self.note(f"{key} 为 {word[:40]}" if word else f"{key} 缺失或为空")
        return word

    def time(self, text: str, key: str) -> datetime | None:
        if not text:
            return None
        try:
            at = instant(text, self.zone)
        except ValueError:
            self.note(f"{key} {text[:40]!r} 不是时间")
            return None
        if not re.search(r"(Z|[+-]\d\d:?\d\d)$", text):
            self.note(f"{key} 没有时区，按 UTC{self.zone.utcoffset(None) // timedelta(hours=1):+d} 读")
        return at

    def references(self, alert: etree._Element, identifier: str, kind: str) -> tuple[tuple[str, str, str], ...]:
        found: list[tuple[str, str, str]] = []
        for triple in text_in(alert, "references").split():
            parts = triple.split(",")
            if len(parts) == 3:
                found.append((parts[0], parts[1], parts[2]))
            else:
                self.note(f"references 不是 sender,identifier,sent：{triple[:60]}")
                found.append(("", triple, ""))
        if any(reference[1] == identifier for reference in found):
            self.note("references 指向自己，已略去")
        if not found and kind in ("Update", "Cancel"):
            self.note(f"{kind} 没有 references，不知取代哪一条")
        return tuple(reference for reference in found if reference[1] != identifier)

    def info(self, info: etree._Element, identifier: str, kind: str) -> SignalInfo:
        event, headline = text_in(info, "event"), text_in(info, "headline")
        codes = self.pairs(info, "eventCode")
        parameters = self.pairs(info, "parameter")
        severity = self.word(text_in(info, "severity"), "severity")
        coded = [graded for _, value in codes if len(value) > 4 and (graded := event_of(value))]
        hazard = next((graded[0] for graded in coded), "") or hazard_in(event)
        level = next((graded[1] for graded in coded if graded[1]), None)
        domestic = identify(identifier) is not None
        coloured = [
            value for name, value in parameters if re.search("colou?r|level|颜色|级别", name, re.IGNORECASE)
        ]
        for text in (*coloured, headline):
            level = level or level_in(text, english=domestic)
        if level is None and domestic and kind in ("Alert", "Update") and (level := level_of_severity(severity)):
            self.note(f"没有写颜色，由 severity {severity} 读作{level.word}色")
        return SignalInfo(
            event=event,
            hazard=hazard,
            level=level,
            act={"Cancel": "解除", "Update": "更新"}.get(kind, "发布"),
            language=text_in(info, "language"),
            urgency=self.word(text_in(info, "urgency"), "urgency"),
            severity=severity,
            certainty=self.word(text_in(info, "certainty"), "certainty"),
            effective=self.time(text_in(info, "effective"), "effective"),
            onset=self.time(text_in(info, "onset"), "onset"),
            expires=self.time(text_in(info, "expires"), "expires"),
            sender_name=text_in(info, "senderName"),
            headline=headline,
            text=text_in(info, "description"),
            instruction=text_in(info, "instruction"),
            areas=tuple(self.area(area) for area in children(info, "area")),
            codes=codes,
            parameters=parameters,
        )

    def pairs(self, parent: etree._Element, name: str) -> tuple[tuple[str, str], ...]:
        """`valueName` and `value`; some feeds put several into one element."""
        found: list[tuple[str, str]] = []
        for item in children(parent, name):
            keys = ["".join(map(str, child.itertext())).strip() for child in children(item, "valueName")]
            values = ["".join(map(str, child.itertext())).strip() for child in children(item, "value")]
            if len(keys) != len(values):
                self.note(f"{name} 的 valueName 与 value 数目不同")
            found += zip(keys, values, strict=False)
        return tuple(found)

    def area(self, area: etree._Element) -> SignalArea:
        geocodes = self.pairs(area, "geocode")
        divisions = [value[:6] for _, value in geocodes if re.fullmatch(r"[1-9]\d{5}(\d{6})?", value)]
        chinese = [name for name, _ in geocodes if "CPEAS" in name or "行政" in name]
        polygons = [self.polygon(item) for item in children(area, "polygon")]
        circles = [self.circle(item) for item in children(area, "circle")]
        return SignalArea(
            name=text_in(area, "areaDesc"),
            division=divisions[0] if divisions and chinese else "",
            polygons=tuple(polygon for polygon in polygons if polygon),
            circles=tuple(circle for circle in circles if circle),
            geocodes=geocodes,
        )

    def polygon(self, element: etree._Element) -> tuple[tuple[float, float], ...]:
        text = "".join(map(str, element.itertext())).strip()
        pairs = [pair.group() for pair in _PAIR.finditer(text)]
        if re.sub(r"[\s,]+", "", _PAIR.sub("", text)) or text.count(",") != len(pairs):
            self.note("多边形里有多余的字符")
        points = [_point(pair) for pair in pairs]
        if points and points[0] != points[-1]:
            self.note("多边形没有闭合，已闭合")
            points.append(points[0])
        if len(points) < 4 or not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in points):
            self.note("多边形为空、不足四点或坐标越界，未采用")
            return ()
        return tuple(points)

    def circle(self, element: etree._Element) -> tuple[float, float, float] | None:
        match = re.fullmatch(rf"({_PAIR.pattern})\s+(\d+(?:\.\d+)?)", (element.text or "").strip())
        if match is None:
            self.note("圆形区域不是“纬度,经度 半径”，未采用")
            return None
        lon, lat = _point(match[1])
        return (lon, lat, float(match[2]))

    def signature(self, alert: etree._Element, sent: datetime) -> Signature:
        """签名核验 — with the certificate inside; trusted are only those whose SHA-256 the feed's block names."""
        signatures = children(alert, "Signature")
        if not signatures:
            return Signature()
        try:
            return self.verified(alert, signatures[0], sent)
        except InvalidDigest:
            raise BadFrame(RefusalCode.CRC, "签名无效（signature invalid）：内容在签名之后被改动过") from None
        except _UNVERIFIABLE as bad:
            self.note(f"签名核验不通过（{type(bad).__name__}），按没有签名对待")
            return Signature(SignatureState.INVALID, "", f"签名核验不通过：{type(bad).__name__}")

    def verified(self, alert: etree._Element, signature: etree._Element, sent: datetime) -> Signature:
        inside = next(iter(signature.iter(f"{_DSIG}X509Certificate")), None)
        certificate = None if inside is None else load_der_x509_certificate(base64.b64decode(inside.text or ""))
        result = XMLVerifier().verify(
            etree.fromstring(etree.tostring(alert, with_tail=False)),
            x509_cert=certificate,
            validate_schema=False,  # Id="NAADS Signature" is real and no NCName
            expect_config=SignatureConfiguration(
                location="./",
                require_x509=certificate is not None,
                signature_methods=frozenset(SignatureMethod),
                digest_algorithms=frozenset(DigestAlgorithm),
                verification_time=sent,
            ),
        )
        covered = None if isinstance(result, list) else result.signed_xml
        whole = [reference.get("URI") for reference in signature.iter(f"{_DSIG}Reference")] == [""]
        if not whole or covered is None or covered.tag != alert.tag:
            raise ValueError("the signature covers a part, and a forged whole may stand around that part")
        signer = certificate.subject.rfc4514_string() if certificate else "只有公钥，没有证书"
        fingerprint = certificate.fingerprint(SHA256()).hex() if certificate else ""
        if fingerprint and fingerprint in self.trusted:
            return Signature(SignatureState.VALID, signer, "签名有效，证书在信任名单中", fingerprint)
        return Signature(
            SignatureState.UNKNOWN_SIGNER, signer, "签名与内容相符，签名人不在信任名单中", fingerprint
        )


def _point(pair: str) -> tuple[float, float]:
    lat, lon = pair.split(",")
    return (float(lon), float(lat))


def decode_all(data: bytes, options: SessionOptions = STANDARD) -> Iterator[Message]:
    """Every alert of a document in its order; of a feed without alerts, its entries."""
    if not is_xml(data):
        yield from cma_json.decode_all(data, options)
        return
    try:
        if len(data) > _MOST_BYTES:
            raise BadFrame(RefusalCode.LENGTH, f"{len(data)} 字节，超过 {_MOST_BYTES}")
        root = parse_xml(data, _MOST_ELEMENTS)
        alerts = [item for item in root.iter() if name_of(item) == "alert"]
        if len(alerts) > _MOST_ALERTS:
            raise BadFrame(RefusalCode.LENGTH, f"含 {len(alerts)} 条预警，超过 {_MOST_ALERTS}")
        if not alerts:
            yield from _entries(root)
    except BadFrame as error:
        yield error.about(data)
        return
    for part, alert in enumerate(alerts):
        try:
            yield to_decoded(_Reader(options).alert(alert, data, part))
        except BadFrame as error:
            yield error.about(data)


def _entries(root: etree._Element) -> Iterator[Message]:
    """预警索引 — an entry names an alert and where it lies; it is no alert itself."""
    if name_of(root) == "html":
        raise BadFrame(RefusalCode.HEADER, "是网页，不是预警")
    if name_of(root) not in ("feed", "rss", "RDF"):
        raise BadFrame(RefusalCode.HEADER, f"根元素 {name_of(root)[:40]} 不是 CAP、EDXL、Atom 或 RSS")
    found = [item for item in root.iter() if name_of(item) in ("entry", "item")]
    if not found:
        yield Decoded("", "index", None, fields={"entries": 0}, note="索引里没有条目：当前没有预警")
    for item in found:
        yield _entry(item)


def _entry(item: etree._Element) -> Message:
    links = [
        (link.get("type", ""), link.get("href") or (link.text or "").strip()) for link in children(item, "link")
    ]
    link = next((href for kind, href in links if kind == "application/cap+xml"), links[0][1] if links else "")
    identifier = text_in(item, "id") or text_in(item, "guid")
    said = {key: text_in(item, key) for key in ("title", *_INLINE) if text_in(item, key)}
    if not (identifier or link or said):
        return Refused(RefusalCode.HEADER, "索引条目是空的", etree.tostring(item, with_tail=False))
    written = text_in(item, "updated") or text_in(item, "pubDate") or text_in(item, "date")
    notes = [f"索引条目没有 {what}" for what, value in (("id", identifier), ("链接", link)) if not value]
    try:
        sent = instant(written, UTC) if "-" in written[:5] else parsedate_to_datetime(written)
        sent = (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).astimezone(BEIJING)
    except (ValueError, OverflowError, TypeError):
        sent = None
        notes.append("索引条目没有可辨认的时间")
    return Decoded(identifier or link, "entry", sent, fields={"link": link, **said}, note="；".join(notes))


def decode(data: bytes, options: SessionOptions = STANDARD) -> Message:
    return only(decode_all(data, options), data)


CODEC = Codec(
    term="通用预警协议 CAP 1.1/1.2（含 Atom、RSS 索引）",
    source="OASIS CAP 1.2；GB/T 35965.1-2018",
    decode=decode,
    decode_all=decode_all,
    document=True,
    mark="GB/T 35965.1 平台对接未经实网验证",
)
