"""Slow senders, against the real server: they wait at the door and keep nobody out."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from adapter.buffering import MOST_BUFFERED
from adapter.demo_partners import demo_key
from adapter.smart_client import obtain_token
from adapter.testkit.server_process import ServerProcess

SLOW = 300


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="handoff-slow-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with ServerProcess(folder, {}, ("--no-worker", "--workers", "1")) as running:
        yield running


@pytest.fixture(scope="module")
def token(server: ServerProcess, folder: Path) -> str:
    key = demo_key(folder / "demo-keys", "mobile-crisis")
    return obtain_token(server.base_url, "mobile-crisis", key)


def connect(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), 30)


def head(path: str, token: str, *lines: str) -> bytes:
    type_ = "Content-Type: application/fhir+json"
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: adapter", f"Authorization: Bearer {token}", type_, *lines, "", ""]
    ).encode()


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(65536).split(b" ", 2)[1])


@pytest.mark.parametrize("path", ["/fhir", "/oauth/token"])
def test_hundreds_of_bodies_that_never_end_do_not_delay_the_others(
    server: ServerProcess, token: str, path: str
) -> None:
    slow = [connect(server) for _ in range(SLOW)]
    try:
        for connection in slow:
            connection.sendall(head(path, token, "Content-Length: 1000") + b"{")
        began = time.monotonic()
        alive = requests.get(f"{server.base_url}/healthz", timeout=10)
        found = requests.get(
            f"{server.fhir_url}/Task?_count=1", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        took = time.monotonic() - began
    finally:
        for connection in slow:
            connection.close()

    assert (alive.status_code, found.status_code) == (200, 200)
    assert took < 5


def test_when_too_much_is_waited_for_already_the_next_is_told_when_to_come_again(
    server: ServerProcess, token: str
) -> None:
    longest = f"Content-Length: {20 * 1024 * 1024}"
    slow = [connect(server) for _ in range(MOST_BUFFERED // (20 * 1024 * 1024))]
    try:
        for connection in slow:
            connection.sendall(head("/fhir", token, longest) + b"{")
        time.sleep(0.5)
        with connect(server) as one_more:
            one_more.sendall(head("/fhir", token, longest) + b"x" * (20 * 1024 * 1024))
            refused = one_more.recv(65536).decode().lower()
        alive = requests.get(f"{server.base_url}/healthz", timeout=10)
    finally:
        for connection in slow:
            connection.close()
    assert " 503 " in refused.partition("\r\n")[0]
    assert "retry-after: 5" in refused
    assert alive.status_code == 200


def test_a_body_that_comes_in_pieces_is_taken_as_one(server: ServerProcess, token: str) -> None:
    body = b'{"resourceType":"Bundle","type":"batch"}'
    with connect(server) as connection:
        connection.sendall(head("/fhir", token, f"Content-Length: {len(body)}"))
        for piece in (body[:7], body[7:20], body[20:]):
            time.sleep(0.05)
            connection.sendall(piece)
        assert status_of(connection) == 200


def test_a_body_of_unsaid_length_is_taken_as_well(server: ServerProcess, token: str) -> None:
    pieces = [b'{"resourceType":', b'"Bundle","type":"batch"}', b""]
    with connect(server) as connection:
        connection.sendall(head("/fhir", token, "Transfer-Encoding: chunked"))
        connection.sendall(b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces))
        assert status_of(connection) == 200


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(server: ServerProcess, token: str) -> None:
    with connect(server) as connection:
        connection.sendall(head("/fhir", token, f"Content-Length: {10**9}"))
        assert status_of(connection) == 413


@pytest.mark.parametrize("length", ["Content-Length: 40000000", "Transfer-Encoding: chunked"])
def test_a_body_that_is_too_long_may_be_sent_to_its_end_and_is_answered(
    server: ServerProcess, token: str, length: str
) -> None:
    """As a proxy does that has the whole of it: it would take a connection that breaks for a dead server."""
    piece = b"x" * 1_000_000
    for _ in range(3):
        with connect(server) as connection:
            connection.sendall(head("/fhir", token, length))
            for _ in range(40):
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if "chunked" in length else piece)
            if "chunked" in length:
                connection.sendall(b"0\r\n\r\n")
            assert status_of(connection) == 413


def test_a_sender_that_breaks_off_has_sent_nothing(server: ServerProcess, token: str) -> None:
    before = requests.get(f"{server.fhir_url}/Patient", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    with connect(server) as connection:
        connection.sendall(head("/fhir/Patient", token, "Content-Length: 100") + b'{"resourceType":"Patient"}')
    time.sleep(0.3)
    after = requests.get(f"{server.fhir_url}/Patient", headers={"Authorization": f"Bearer {token}"}, timeout=10)

    assert after.json()["total"] == before.json()["total"]


def test_a_header_with_an_underscore_passes_for_no_other(server: ServerProcess, token: str) -> None:
    with connect(server) as connection:
        request = "GET /fhir/Task HTTP/1.1\r\nHost: adapter\r\nCONTENT_LENGTH: 5\r\nX_Request_ID: mine\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 401")
    assert b"mine" not in answer


@pytest.mark.parametrize(
    ("path", "status"),
    [("/fhir/Task/a%2Fb", 404), ("/fhir/Task/%C3%A9", 404), ("/fhir/Task?status=requested%2Creceived&_count=2", 200)],
)
def test_addresses_arrive_as_they_were_meant(server: ServerProcess, token: str, path: str, status: int) -> None:
    got = requests.get(f"{server.base_url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10)

    assert got.status_code == status
