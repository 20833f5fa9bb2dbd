"""A pooler before PostgreSQL, small: sessions given to a client for as long as it stays, or by the transaction.

https://www.postgresql.org/docs/current/protocol-flow.html. As PgBouncer it drops `options` and gives numbers of its own
for the processes that serve."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

SSL_REQUEST = 80877103
NUMBERS = count(4_000_001)


class Server:
    """A session of the server, opened as the client asked for it but for `options`."""

    def __init__(self, path: str, asked: bytes):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(path)
        words = asked[4:].split(b"\0")
        named = [(name, value) for name, value in zip(words[::2], words[1::2], strict=False) if name]
        kept = b"".join(b"%s\0%s\0" % pair for pair in named if pair[0] != b"options") + b"\0"
        self._socket.sendall(struct.pack("!I", len(kept) + 8) + asked[:4] + kept)
        number = struct.pack("!II", next(NUMBERS), 1)
        greeting = [(kind, number if kind == b"K" else body) for kind, body in self.answers()]
        self.greeting = b"".join(framed(kind, body) for kind, body in greeting)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.sendall(framed(b"X", b""))
        self._socket.close()

    def send(self, message: bytes) -> None:
        self._socket.sendall(message)

    def answers(self) -> list[tuple[bytes, bytes]]:
        """Up to and with ReadyForQuery."""
        found = []
        while not found or found[-1][0] != b"Z":
            found.append(message_of(self._socket))
        return found


@dataclass
class Pooler:
    path: str
    by_transaction: bool
    shared: Server | None = None
    free: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            asked = startup_of(client)
            if struct.unpack("!I", asked[:4])[0] == SSL_REQUEST:
                client.sendall(b"N")
                asked = startup_of(client)
            if self.by_transaction:
                self.shared = self.shared or Server(self.path, asked)
                client.sendall(self.shared.greeting)
                while self._transaction(client, self.shared):
                    pass
                return
            with closing(Server(self.path, asked)) as own:
                client.sendall(own.greeting)
                while self._statement(client, own, message_of(client)) is not None:
                    pass

    def _transaction(self, client: socket.socket, server: Server) -> bool:
        first = message_of(client)
        with self.free:
            state = self._statement(client, server, first)
            while state not in {None, b"I"}:
                state = self._statement(client, server, message_of(client))
        return state is not None

    def _statement(self, client: socket.socket, server: Server, message: tuple[bytes, bytes]) -> bytes | None:
        """Pass one on and its answers back; whether the session is idle then. None: no more come."""
        while message[0] not in {b"Q", b"S", b"X"}:
            server.send(framed(*message))
            message = message_of(client)
        if message[0] == b"X":
            return None
        server.send(framed(*message))
        answers = server.answers()
        client.sendall(b"".join(framed(*answer) for answer in answers))
        return answers[-1][1]


def framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def message_of(peer: socket.socket) -> tuple[bytes, bytes]:
    kind = exactly(peer, 1)
    return kind, exactly(peer, struct.unpack("!I", exactly(peer, 4))[0] - 4)


def startup_of(client: socket.socket) -> bytes:
    return exactly(client, struct.unpack("!I", exactly(client, 4))[0] - 4)


def exactly(peer: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = peer.recv(length - len(found))
        if not more:
            raise ConnectionError("the other side has gone")
        found += more
    return found


@contextmanager
def pooler_before(socket_path: str, *, by_transaction: bool) -> Iterator[int]:
    """The port at which it listens on loopback."""
    pooler = Pooler(socket_path, by_transaction)
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threads.append(threading.Thread(target=pooler.serve, args=(listening.accept()[0],), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()
    for thread in threads:  # each ends with its client
        thread.join(5)
    if pooler.shared is not None:
        pooler.shared.close()
