"""What was checked is what is connected to; the name stays in the Host header and in TLS."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from small_house import Reply, receiving

from adapter.delivery import outbound
from adapter.delivery.outbound import DEMO, Outbound

NAME = "partner.test"  # no resolver of this world knows it


def test_the_connection_goes_to_the_checked_address_under_the_partners_name() -> None:
    sender = Outbound(DEMO, lambda host, port: ["127.0.0.1"])
    with receiving() as receiver:
        assert sender.post(f"http://{NAME}:{receiver.port}/hook?a=1", b"{}", {}).status == 200
    assert receiver.received[0].headers["Host"] == f"{NAME}:{receiver.port}"
    assert receiver.received[0].path == "/hook?a=1"


def test_proxies_and_netrc_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with receiving() as receiver:
        Outbound(DEMO).post(receiver.url, b"{}", {})
    assert "Authorization" not in receiver.received[0].headers


def test_a_trickling_answer_ends_with_the_time_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.5)
    with receiving(lambda request: Reply(body=b"x" * 100, trickle=0.1)) as receiver:
        start = time.monotonic()
        reply = Outbound(DEMO).post(receiver.url, b"{}", {})
    assert time.monotonic() - start < 2
    assert 0 < len(reply.body) < 20


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[int, list[str | None]]]:
    """A TLS server whose certificate nobody trusts, and the names that were asked for in handshakes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda socket, server_name, _: asked.append(server_name)
    listener = create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], asked
    listener.close()


def test_tls_asks_for_the_name_and_an_untrusted_certificate_is_refused(
    tls_server: tuple[int, list[str | None]],
) -> None:
    port, asked = tls_server
    sender = Outbound(DEMO, lambda host, port: ["127.0.0.1"])
    with pytest.raises(requests.exceptions.SSLError):
        sender.post(f"https://{NAME}:{port}/hook", b"{}", {})
    assert asked[0] == NAME
