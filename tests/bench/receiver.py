"""The partners' side of a drain: a real HTTP server that counts the notifications that reached it, each once."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`with Receiver() as receiver: …`: answers 200 to every POST and remembers its idempotency key."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._keys: set[str] = set()
        self.repeated = 0
        self._arrivals: list[float] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver._count(self.headers["Idempotency-Key"])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def received(self) -> int:
        return len(self._arrivals)

    def wait_for(self, total: int, seconds: float) -> float | None:
        """Wait until `total` different notifications have arrived; those per second that came since the call.

        None when none was missing. Raises TimeoutError when nothing came for `seconds`."""
        with self._changed:
            first = len(self._arrivals)
            while (before := len(self._arrivals)) < total:
                if not self._changed.wait_for(lambda before=before: len(self._arrivals) > before, seconds):
                    raise TimeoutError(f"expected {total} notifications to arrive, got {before}")
            since = self._arrivals[first:]
        # From the first to arrive: what comes before that is the worker's start.
        return (len(since) - 1) / (since[-1] - since[0]) if len(since) > 1 else None

    def _count(self, key: str) -> None:
        with self._changed:
            if key in self._keys:
                self.repeated += 1
                return
            self._keys.add(key)
            self._arrivals.append(time.monotonic())
            self._changed.notify_all()
