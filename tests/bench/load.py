"""The load: requests made beforehand, sent over connections that stay open, by a process that does nothing else.

One thread serves all connections with `select`: a request costs it some 50 µs, so that it is not what is measured.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from adapter.testkit.generator import generate
from mappings.json_codec import encode

PATHWAY = "mobile-crisis-to-outpatient"
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: `host` and `port`, and the access token that every request carries."""

    host: str
    port: int
    token: str


@dataclass(frozen=True, slots=True)
class Burst:
    """What was sent and how it was answered. Latencies in seconds, one for each request; `cpu` is the load's own."""

    seconds: float
    cpu: float
    latencies: Sequence[float]
    statuses: Counter[int]
    sample: bytes
    """The body of one answer."""

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def send_bundles(target: Target, path: str, *, count: int, entries: int, seed: int, clients: int) -> Burst:
    """`count` transactions that no other seed sends, in the whole and at once from `clients` connections."""
    bundles = generate(PATHWAY, seed, count, entries=entries, at=datetime.now(UTC))
    return _send(target, [_request(target, "POST", path, encode(bundle)) for bundle in bundles], clients)


def ask(target: Target, path: str, *, count: int, clients: int) -> Burst:
    """The same GET `count` times."""
    return _send(target, [_request(target, "GET", path)] * count, clients)


def _request(target: Target, method: str, path: str, body: bytes = b"") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {target.host}:{target.port}",
        f"Authorization: Bearer {target.token}",
        "Accept: application/fhir+json",
    ]
    if body:
        lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    """One client: it sends its next request when it has the answer to the one before."""

    def __init__(self, target: Target):
        self.socket = socket.create_connection((target.host, target.port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._sent_at = 0.0

    def send(self, request: bytes) -> None:
        self._received.clear()
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, float, bytes] | None:
        """(status, seconds, body) once the answer is whole."""
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("expected an answer, got a closed connection")
        self._received += piece
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        head = head.lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return None
        return int(head[9:12]), time.perf_counter() - self._sent_at, bytes(body)


def _send(target: Target, requests: Sequence[bytes], clients: int) -> Burst:
    waiting = deque(requests)
    connections = [_Connection(target) for _ in range(min(clients, len(requests)))]
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    sample = b""
    gc.collect()
    gc.disable()
    cpu, start = time.process_time(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(waiting.popleft())
        while len(latencies) < len(requests):
            ready = selector.select(TIMEOUT_SECONDS)
            if not ready:
                raise TimeoutError(f"expected an answer within {TIMEOUT_SECONDS:g} s, got none")
            for key, _ in ready:
                answer = key.data.receive()
                if answer is None:
                    continue
                status, seconds, sample = answer
                statuses[status] += 1
                latencies.append(seconds)
                if waiting:
                    key.data.send(waiting.popleft())
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    gc.enable()
    for connection in connections:
        connection.socket.close()
    return Burst(took, cpu, latencies, statuses, sample)
