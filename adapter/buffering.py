"""The door of each server process: a request takes one of the few threads only when its whole body is here.

A WSGI server lends a request its thread while the body trickles in, so that a handful of slow senders keep everybody
out. Here they wait on the event loop, for a limited time and in a limited amount of memory (docs/adr/0010).
https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from flask import Flask

from adapter.api.operation_outcome import FHIR_JSON, outcome
from adapter.app import app_of_environment
from adapter.config import read_settings
from adapter.domain.errors import Issue

BODY_SECONDS: Final = 30.0
"""For a body to arrive."""
MOST_BUFFERED: Final = 256 * 1024 * 1024
"""Bytes of bodies that each process holds, or waits for, at the same time."""

GO_BY_SECONDS: Final = 5.0
"""For the rest of a body that was refused to be sent."""

_LATE = Issue("timeout", f"expected the whole body within {BODY_SECONDS:g} s, got only part of it")
_FULL = Issue("throttled", "the server waits for many bodies already; send it again later")


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class BufferedRequests:
    """An RSGI application that hands whole requests to a WSGI one. Of a body beyond `max_bytes` it is not given more
    than shows that."""

    def __init__(self, app: Flask, threads: int, max_bytes: int):
        self._app = app
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._max_bytes = max_bytes
        self._buffered = 0
        self._environ: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        environ = self._environ_of(scope)
        length = self._length_to_read(environ)
        pieces = _pieces(protocol)
        if self._buffered + length > MOST_BUFFERED:
            _refuse(protocol, 503, _FULL)
            return await _let_go_by(pieces)
        with self._holding(length):
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await self._body(protocol, pieces, length)
            except TimeoutError:
                return _refuse(protocol, 408, _LATE)
            environ["wsgi.input"] = BytesIO(body)
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, environ)
        protocol.response_bytes(*answer)
        if answer.status == 413:
            await _let_go_by(pieces)

    def _length_to_read(self, environ: dict[str, Any]) -> int:
        """Of a chunked body, which does not say its length, at most so much; of one that is too long nothing, for its
        length says so already."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            return self._max_bytes + 1
        declared = int(environ.get("CONTENT_LENGTH") or 0)
        return declared if declared <= self._max_bytes else 0

    @contextmanager
    def _holding(self, length: int) -> Iterator[None]:
        self._buffered += length
        try:
            yield
        finally:
            self._buffered -= length

    async def _body(self, protocol: Any, pieces: AsyncIterator[bytes], length: int) -> bytes:
        if length <= self._max_bytes:
            return bytes(await protocol()) if length else b""
        body = bytearray()
        async for piece in pieces:
            body += piece
            if len(body) >= length:
                break
        return bytes(body)

    def _ask(self, environ: dict[str, Any]) -> _Answer:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
            started[:] = int(status[:3]), headers

        parts = self._app(environ, start_response)
        try:
            return _Answer(started[0], started[1], b"".join(parts))
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _environ_of(self, scope: Any) -> dict[str, Any]:
        """https://peps.python.org/pep-3333/#environ-variables"""
        environ = self._environ.copy()
        environ["REQUEST_METHOD"] = scope.method
        environ["PATH_INFO"] = unquote_to_bytes(scope.path).decode("latin-1")
        environ["QUERY_STRING"] = scope.query_string
        environ["SERVER_NAME"], _, environ["SERVER_PORT"] = scope.server.rpartition(":")
        environ["SERVER_PROTOCOL"] = f"HTTP/{scope.http_version}"
        environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0]
        environ["wsgi.url_scheme"] = scope.scheme
        for name, value in scope.headers.items():
            if "_" in name:  # it would pass for the header of the same name with a hyphen
                continue
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ


def _refuse(protocol: Any, status: int, issue: Issue) -> None:
    headers = [("content-type", FHIR_JSON), ("connection", "close")]
    if status == 503:
        headers.append(("retry-after", "5"))
    protocol.response_bytes(status, headers, outcome([issue]))


async def _pieces(protocol: Any) -> AsyncIterator[bytes]:
    """Of a body, to be gone on with by whoever takes them next: the protocol gives them out once."""
    async for piece in protocol:
        yield piece


async def _let_go_by(pieces: AsyncIterator[bytes]) -> None:
    """Take what still comes of a body that was refused, and throw it away. Who is cut off while sending gets a broken
    connection and not the answer; a proxy even takes us for dead, and sends us nobody for a while."""
    with suppress(Exception):  # it may be gone, which is as well
        async with asyncio.timeout(GO_BY_SECONDS):
            async for _ in pieces:
                pass


def served() -> BufferedRequests:
    """For the web server, which calls this once in each of its processes."""
    settings = read_settings()
    return BufferedRequests(app_of_environment(), settings.threads, settings.max_body_bytes)
