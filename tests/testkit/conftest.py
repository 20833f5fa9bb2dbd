"""A tiny FHIR-like server over real HTTP, and scenarios written on the spot, to try the player itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter.testkit.exchange import Exchange
from adapter.testkit.scenario import Scenario, load
from adapter.testkit.templates import duration

Respond = Callable[[str, str, dict[str, str], bytes], tuple[int, dict[str, str], Any]]


class Stub:
    """`respond` maps (method, path, headers, body) to (status, headers, JSON); `requests` keeps what came."""

    def __init__(self) -> None:
        self.respond: Respond = lambda method, path, headers, body: (404, {}, {"resourceType": "OperationOutcome"})
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.clock: datetime | None = None
        """Set, this is a demo server."""
        self.root = "/fhir"
        """Where its FHIR base is."""
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = dict(self.headers)
                if self.path.startswith(stub.root):
                    stub.requests.append((self.command, self.path, headers, raw))
                    status, answer_headers, tree = stub.respond(self.command, self.path, headers, raw)
                elif stub.clock is not None:
                    stub.clock += duration(json.loads(raw)["advance"])
                    status, answer_headers, tree = 200, {}, {"now": stub.clock.isoformat()}
                else:  # no demo clock here: this is any FHIR server
                    status, answer_headers, tree = 404, {}, None
                body = b"" if tree is None else json.dumps(tree).encode()
                self.send_response(status)
                for name, value in {**answer_headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"{self.address}{self.root}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.close()


@pytest.fixture
def exchange(stub: Stub) -> Exchange:
    return Exchange(stub.base_url, lambda partner: f"token-of-{partner}")


@pytest.fixture
def scenario_of(tmp_path: Path) -> Callable[..., Scenario]:
    """Writes a script.yaml with these steps, and the files beside it, and loads it."""

    def write(*steps: dict[str, Any], **beside: str) -> Scenario:
        for name, content in beside.items():
            (tmp_path / f"{name}.json").write_text(content)
        script = tmp_path / "script.yaml"
        script.write_text(yaml.safe_dump({"title": "on the spot", "steps": list(steps)}))
        return load(script)

    return write
