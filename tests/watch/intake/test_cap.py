"""CAP: what is read, what is tolerated with a note, what is refused; signatures; bombs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.signer import XMLSigner

from shouye.base.kernel import AlertLevel, iso
from shouye.watch.intake import Decoded, Message, Refused, SessionOptions, Signal, codec_of

GALE = (Path(__file__).parents[2] / "frames" / "cap_gale_blue.xml").read_bytes()
CAP = codec_of("cap")


def signal(data: bytes, **settings: str | int | float | bool) -> Signal:
    read = CAP.decode(data, SessionOptions(settings=settings))
    assert isinstance(read, Decoded), read
    assert isinstance(read.record, Signal)
    return read.record


def refused(data: bytes) -> Refused:
    read = CAP.decode(data)
    assert isinstance(read, Refused), read
    return read


def every(data: bytes) -> list[Message]:
    assert CAP.decode_all is not None
    return list(CAP.decode_all(data, SessionOptions()))


def changed(*pairs: tuple[str, str]) -> bytes:
    text = GALE.decode()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def test_a_chinese_signal_is_read_and_kept_byte_for_byte() -> None:
    read = signal(GALE)
    assert read.raw == GALE
    assert read.digest == sha256(GALE).hexdigest()
    assert (read.identifier, read.kind, read.is_actual) == ("14022341600000_20260320174929", "Alert", True)
    assert iso(read.sent) == "2026-03-20T17:49:06+08:00"
    (info,) = read.infos
    assert (info.event, info.hazard, info.level, info.severity) == ("gale", "gale", AlertLevel.BLUE, "Minor")
    (area,) = info.areas
    assert area.division == "140223"
    assert area.polygons == (((114.1, 39.6), (114.1, 39.9), (114.5, 39.9), (114.1, 39.6)),)
    assert area.circles == ((114.28, 39.76, 12.5),)
    assert read.level is AlertLevel.BLUE
    assert read.expires is not None
    assert read.notes == ()
    decoded = CAP.decode(GALE)
    assert isinstance(decoded, Decoded)
    assert decoded.fields["identifier_parts"] == {
        "division": "140223",
        "agency": "416",
        "agency_name": "气象",
        "unit": "000",
        "extension": "00",
        "entered_at": "2026-03-20T17:49:29+08:00",
        "serial": None,
    }


def test_the_colour_comes_from_the_code_then_the_words_then_the_severity() -> None:
    code = "<eventCode><valueName>code</valueName><value>11B0603</value></eventCode><expires>"
    assert signal(changed(("<expires>", code))).level is AlertLevel.ORANGE
    silent = signal(changed(("blue gale warning [Level IV/general]", "gale warning")))
    assert silent.level is AlertLevel.BLUE
    assert silent.notes == ("没有写颜色，由 severity Minor 读作蓝色",)
    foreign = changed(("14022341600000_20260320174929", "NWS-1"), ("blue gale warning", "Red Flag Warning"))
    assert signal(foreign).level is None, "a foreign colour word is not a Chinese level"


def test_an_exercise_calls_nobody() -> None:
    drill = CAP.decode(changed(("Actual", "Exercise")))
    assert isinstance(drill, Decoded)
    assert drill.fields["drill"] is True


def test_a_cancel_puts_nothing_in_force_whatever_it_carries() -> None:
    cancel = signal(changed(("<msgType>Alert", "<msgType>Cancle"), ("Minor", "Extreme"), ("blue", "red")))
    assert cancel.kind == "Cancel"
    assert cancel.level is None
    assert cancel.notes[0] == "msgType 写作 Cancle，按 Cancel 读"
    assert "Cancel 没有 references，不知取代哪一条" in cancel.notes


def test_references_are_triples_and_never_oneself() -> None:
    said = "<references>a,1,2026-03-20T10:00:00+08:00 x,14022341600000_20260320174929,y odd</references><info>"
    read = signal(changed(("<info>", said)))
    assert read.references == (("a", "1", "2026-03-20T10:00:00+08:00"), ("", "odd", ""))
    assert read.notes == ("references 不是 sender,identifier,sent：odd", "references 指向自己，已略去")


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("cap:1.2", "cap:1.7", "命名空间"),
        ("  <status>Actual</status>\n", "", "缺省 Actual"),
        ("<scope>Public</scope>", "", "scope 缺失"),
        ("<urgency>Unknown", "<urgency>Soon", "urgency 为 Soon"),
        ("39.6,114.1 39.9,114.1 39.9,114.5 39.6,114.1", "39.6,114.1 39.9,114.1 39.9,114.5", "没有闭合"),
        ("39.6,114.1 39.9,114.1 39.9,114.5 39.6,114.1", "39.6,114.1, 39.9,114.1 39.9,114.5 39.6,114.1", "多余"),
        ("39.6,114.1 39.9,114.1 39.9,114.5 39.6,114.1", "139.6,114.1 39.9,114.1 39.9,114.5 39.6,1", "越界"),
        ("39.76,114.28 12.5", "39.76,114.28", "圆形区域"),
        ("2026-03-21T17:49:06+08:00", "tomorrow", "expires"),
        ("2026-03-21T17:49:06+08:00", "2026-03-19T17:49:06+08:00", "有效期在发布时间之前"),
        ("<sent>2026-03-20T17:49:06+08:00", "<sent>2026-03-20 17:49:06", "按 UTC+8 读"),
    ],
)
def test_real_world_faults_are_noted(old: str, new: str, note: str) -> None:
    assert any(note in said for said in signal(changed((old, new))).notes)


def test_a_feed_may_name_the_zone_of_its_bare_times() -> None:
    bare = changed(("<sent>2026-03-20T17:49:06+08:00", "<sent>2026-03-20T17:49:06"))
    assert iso(signal(bare, utc_offset_h=0).sent) == "2026-03-21T01:49:06+08:00"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (changed(("2026-03-20T17:49:06+08:00", "yesterday")), "time"),
        (changed(("<sender>Guangling_County_Meteorological_Bureau</sender>", "")), "header"),
        (changed(("<msgType>Alert", "<msgType>Perhaps")), "unsupported"),
        (changed(("Actual", "Certainly")), "unsupported"),
        (GALE[: len(GALE) // 2], "truncated"),
        (b"", "header"),
        (b"<!DOCTYPE html><html><body>502</body></html>", "header"),
        (b"<html><body>502</body></html>", "header"),
        (GALE.replace(b"UTF-8", b"UTF-7"), "encoding"),
        (GALE.replace(b"Guangling", b"Gu\xff\xfe"), "encoding"),
        (b"<a>" * 60 + b"</a>" * 60, "length"),
        (b"<a>" * 5000 + b"</a>" * 5000, "length"),
        (b"<alert>" + b" " * (4 << 20) + b"</alert>", "length"),
        (b"<f>" + b"<alert/>" * 501 + b"</f>", "length"),
        (b"<alert " + b" ".join(b'a%d=""' % n for n in range(50_000)) + b"/>", "length"),
        (b"<alert " + b" ".join(b'xmlns:a%d="u:%d"' % (n, n) for n in range(50_000)) + b"/>", "length"),
        (b"<f>" + b"<a/>" * 100_001 + b"</f>", "length"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(data: bytes, code: str) -> None:
    assert refused(data).code == code


BILLION = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b'<?xml version="1.0"?>\n', b"<!-- <!x> -->", b" \n"])
def test_a_bomb_is_refused_before_it_is_parsed(before: bytes) -> None:
    body = GALE.partition(b"?>")[2].replace(b"gale warning", b"&b;")
    assert refused(before + BILLION + body).detail == "带有 DTD 或实体声明，一律不读"


def test_a_namespace_that_cannot_be_canonised_is_no_reason_to_fail() -> None:
    read = signal(GALE.replace(b"urn:oasis:names:tc:emergency:cap:1.2", b"cap"))
    assert "命名空间是 cap，不是 CAP 1.1 或 1.2" in read.notes
    assert read.content


def test_an_entity_without_a_declaration_opens_nothing() -> None:
    assert refused(GALE.replace(b"gale warning", b"&xxe;")).code in ("header", "unsupported")


def signed(days: int = 3650, part: str | None = None) -> tuple[bytes, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dt-weather")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, begins, begins + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    root = XMLSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256).sign(
        etree.fromstring(GALE.replace(b"<alert ", b'<alert Id="x" ') if part else GALE),
        reference_uri=part,
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        cert=certificate.public_bytes(Encoding.PEM).decode(),
    )
    return etree.tostring(root), certificate.fingerprint(hashes.SHA256()).hex()


def test_a_signature_is_verified_and_its_signer_shown() -> None:
    data, fingerprint = signed()
    assert signal(GALE).signature.state == "absent"
    unknown = signal(data).signature
    assert (unknown.state, unknown.signer) == ("unknown_signer", "CN=dt-weather")
    assert signal(data, trusted_sha256=fingerprint).signature.state == "valid"
    tampered = refused(data.replace(b"blue gale", b"red  gale"))
    assert tampered.code == "crc"
    assert "签名无效" in tampered.detail
    broken = signal(data.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA"))
    assert broken.signature.state == "invalid"
    assert any("签名核验不通过" in note for note in broken.notes)
    expired, print_of_it = signed(days=10)
    assert signal(expired, trusted_sha256=print_of_it).signature.state == "invalid"


def test_a_forged_alert_around_a_signed_one_is_not_signed() -> None:
    genuine = etree.fromstring(signed(part="#x")[0])
    forged = etree.fromstring(GALE.replace(b"blue gale", b"red gale"))
    (signature,) = genuine.iter("{http://www.w3.org/2000/09/xmldsig#}Signature")
    forged.append(signature)
    forged.append(genuine)
    outer, inner = every(etree.tostring(forged))
    assert isinstance(outer, Decoded)
    assert (outer.fields["level"], outer.fields["signature"]) == ("RED", "invalid")
    assert isinstance(inner, Decoded)
    assert inner.fields["signature"] == "absent"


def test_an_envelope_holds_many_and_an_index_points() -> None:
    body = GALE.partition(b"?>")[2]
    both = every(b"<EDXLDistribution>" + body * 2 + b"</EDXLDistribution>")
    assert [message.fields["part"] for message in both if isinstance(message, Decoded)] == [0, 1]
    index = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>e1</id><title>gale</title>
      <updated>2026-03-20T09:49:06Z</updated><link href="http://a/page"/>
      <link type="application/cap+xml" href="http://a/1.cap"/></entry><entry/></feed>"""
    entry, empty = every(index)
    assert isinstance(entry, Decoded)
    assert (entry.station, entry.function, entry.fields["link"]) == ("e1", "entry", "http://a/1.cap")
    assert entry.record is None, "an entry is no signal"
    assert isinstance(empty, Refused)
    rss = b"""<rss><channel><item><guid>g</guid><link>http://a/2</link>
      <pubDate>Fri, 20 Mar 2026 09:49:06 GMT</pubDate></item></channel></rss>"""
    (item,) = every(rss)
    assert isinstance(item, Decoded)
    assert item.sent is not None
    assert iso(item.sent) == "2026-03-20T17:49:06+08:00"
