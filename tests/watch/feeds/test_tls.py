"""加密传输 — MQTT and TCP with certificates of the test's own authority; without them nothing is heard."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shouye.base.kernel import Database
from shouye.watch import feeds, tally
from shouye.watch.feeds import BadFeed, Feed
from shouye.watch.feeds.blocks import check_block
from tests.servers import Mosquitto
from tests.watch.feeds.town import body, hydrology, pushed, report, row, town, wait_for


@dataclass(frozen=True)
class Authority:
    """签发机构 — signs certificates into a folder."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def found(cls, folder: Path, name: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        found = cls(folder, name, key, _signed(name, key, name, key, is_authority=True))
        (folder / f"{name}.pem").write_bytes(found.certificate.public_bytes(serialization.Encoding.PEM))
        return found

    @property
    def file(self) -> str:
        return str(self.folder / f"{self.name}.pem")

    def issue(self, name: str) -> tuple[str, str]:
        """(certificate, key) as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        signed = _signed(name, key, self.name, self.key)
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        shape = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(key.private_bytes(*shape))
        return str(certificate), str(file)


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    by: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer))
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    return made.add_extension(here, critical=False).sign(by, hashes.SHA256())


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.found(tmp_path_factory.mktemp("ours"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.found(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = town(f"sqlite:///{tmp_path / 'town.db'}")
    yield found
    found.close()


@pytest.fixture
def broker(tmp_path: Path, ours: Authority) -> Iterator[Mosquitto]:
    """Shows a certificate and asks for one."""
    certificate, key = ours.issue("broker")
    (tmp_path / "broker").mkdir()
    names = (f"cafile {ours.file}", f"certfile {certificate}", f"keyfile {key}", "require_certificate true")
    found = Mosquitto(tmp_path / "broker", *names)
    found.start()
    yield found
    found.stop()


def counted(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {one.what: one.count for one in tally.counts(tx)}


def files(authority: Authority, name: str, trusted: Authority) -> dict[str, Any]:
    certificate, key = authority.issue(name)
    return {"tls": True, "ca_file": trusted.file, "cert_file": certificate, "key_file": key}


def heard(broker: Mosquitto, **said: Any) -> Feed:
    options = {"host": "127.0.0.1", "port": broker.port, "topic": "push", "timeout_s": 0.4}
    return pushed(name="mqtt", transport="mqtt", options={**options, **said})


def publish(broker: Mosquitto, context: ssl.SSLContext, content: bytes) -> None:
    async def send() -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port, tls_context=context) as client:
            await client.publish("push", content, qos=1)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, send()).result()


def test_a_broker_is_heard_that_shows_its_certificate_and_asks_for_ours(
    database: Database, broker: Mosquitto, ours: Authority
) -> None:
    feed = heard(broker, **files(ours, "shouye", ours))
    context = ssl.create_default_context(cafile=ours.file)
    context.load_cert_chain(*ours.issue("department"))
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: "Sending SUBACK to shouye-mqtt" in broker.log())
        publish(broker, context, body(row("a", 0, 1.5)))
        wait_for(lambda: counted(database).get("accepted"))
    assert counted(database) == {"accepted": 1}


@pytest.mark.parametrize("wrong", ["a foreign certificate of ours", "a broker we do not trust", "none of ours"])
def test_without_the_right_certificates_nothing_is_heard(
    database: Database, broker: Mosquitto, ours: Authority, stranger: Authority, wrong: str
) -> None:
    options = {
        "a foreign certificate of ours": files(stranger, "shouye", ours),
        "a broker we do not trust": files(ours, "shouye", stranger),
        "none of ours": {"tls": True, "ca_file": ours.file},
    }[wrong]
    feed = heard(broker, **options)
    with feeds.reception(database, {feed.name: feed}):
        wait_for(lambda: counted(database).get("tls failed") or counted(database).get("broker away"))
    assert "SUBACK" not in broker.log()
    if wrong == "a broker we do not trust":
        assert "tls failed" in counted(database), "what we see ourselves is named"


def test_devices_report_over_tls_when_they_show_a_certificate(
    database: Database, ours: Authority, stranger: Authority
) -> None:
    feed = hydrology(**files(ours, "centre", ours), first_message_s=2)
    with feeds.reception(database, {feed.name: feed}) as desk:
        port = wait_for(lambda: desk.ports.get(feed.name))
        context = ssl.create_default_context(cafile=ours.file)
        context.load_cert_chain(*ours.issue("device"))
        assert answer(port, context, report(0, "1.5")), "acknowledged"
        foreign = ssl.create_default_context(cafile=ours.file)
        foreign.load_cert_chain(*stranger.issue("device"))
        for wrong in (foreign, ssl.create_default_context(cafile=ours.file)):
            assert answer(port, wrong, report(5, "2.5")) == b"", "no certificate, or a foreign one"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(report(10, "3.5"))
            assert plain.recv(4096)[:1] in (b"", b"\x15"), "nothing or a TLS alert, never a yes"
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        wait_for(lambda: counted(database).get("tls failed") == 4)
    assert counted(database) == {"accepted": 1, "tls failed": 4}


def answer(port: int, context: ssl.SSLContext, data: bytes) -> bytes:
    """What is said back; nothing when the line falls, which in TLS 1.3 is seen only after something was sent."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as bare,
            context.wrap_socket(bare, server_hostname="127.0.0.1") as line,
        ):
            line.sendall(data)
            return line.recv(4096)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("transport", "options", "why"),
    [
        ("mqtt", {"host": "h", "topic": "t", "tls": True, "ca_file": "nowhere.pem"}, "没有文件 nowhere.pem"),
        ("mqtt", {"host": "h", "topic": "t", "ca_file": "ca.pem"}, "tls = true"),
        ("mqtt", {"host": "h", "topic": "t", "tls": True, "cert_file": "c.pem"}, "同时写明"),
        ("tcp", {"port": 0, "tls": True}, "同时写明"),
    ],
)
def test_a_block_that_names_half_of_it_is_refused(transport: str, options: dict[str, Any], why: str) -> None:
    codec = "sl651" if transport == "tcp" else "json_rows"
    feed = pushed(transport=transport, codec_name=codec, options=options)
    with pytest.raises(BadFeed, match=why):
        check_block(feed, feeds.all_transports()[transport], "here")
