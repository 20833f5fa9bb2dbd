"""A simulated partner: a real HTTP server that keeps what it is told, checks it, and can misbehave on request.

It receives notification Bundles (https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html) and
messages (https://hl7.org/fhir/R4/messaging.html) at any path, as one organisation with one address would.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from adapter.testkit.notifications import Event, Fault, local_reference, read_notification

BEHAVIOURS = ("up", "down", "slow", "error", "silent")
ANYTHING = "anything"
_SILENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """One request that reached the partner. `key` is the sender's idempotency key: a repetition carries the same."""

    at: float
    path: str
    key: str
    body: Any
    event: Event | None = None
    repeated: bool = False

    @property
    def about(self) -> str:
        """The Task that it is about, as `Task/…`; else whatever it points at; empty when it points at nothing."""
        named = self.event.all_references if self.event else _message_focus(self.body)
        return next((reference for reference in named if reference.startswith("Task/")), next(iter(named), ""))


@dataclass(slots=True)
class Inbox:
    """What a partner was told, in order of arrival, and what was wrong with it."""

    receipts: list[Receipt] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, path: str, key: str, body: Any) -> None:
        with self.changed:
            earlier = next((r for r in self.receipts if key and r.key == key), None)
            if not key:
                self.faults.append(Fault("expected an Idempotency-Key header on every delivery, got none"))
            if earlier is not None and _essence(earlier.body) != _essence(body):
                self.faults.append(Fault("expected one content per idempotency key, got two"))
            event = None
            if isinstance(body, dict) and body.get("type") == "history":
                event, faults = read_notification(body)
                self.faults += faults
                if event is not None and earlier is None:
                    self._check_order(event)
            elif not (isinstance(body, dict) and body.get("type") == "message"):
                self.faults.append(Fault("expected a notification or message Bundle, got something else"))
            self.receipts.append(Receipt(time.monotonic(), path, key, body, event, repeated=earlier is not None))
            self.changed.notify_all()

    def forget(self) -> None:
        """A new scenario begins with an empty inbox."""
        with self.changed:
            self.receipts.clear()
            self.faults.clear()

    def _check_order(self, event: Event) -> None:
        """Of one Subscription and one handoff an event never overtakes another: event time must not run backwards."""
        about = set(event.all_references)
        before = [
            r.event
            for r in self.receipts
            if r.event and not r.repeated and r.about in about and r.event.subscription == event.subscription
        ]
        if before and (before[-1].number, before[-1].timestamp) > (event.number, event.timestamp):
            self.faults.append(
                Fault(f"expected the events of one handoff in order, got number {event.number} "
                      f"after {before[-1].number}")
            )  # fmt: skip

    def told_about(self, reference: str, since: float = 0.0) -> list[Receipt]:
        """Receipts about a resource (`Task/…`), each event once, that arrived after `since` (time.monotonic)."""
        return [r for r in self.receipts if not r.repeated and r.at >= since and _names(r, reference)]

    def wait_for(self, reference: str, since: float, seconds: float) -> Receipt | None:
        with self.changed:
            self.changed.wait_for(lambda: self.told_about(reference, since), timeout=seconds)
            found = self.told_about(reference, since)
        return found[-1] if found else None

    def told_in(self, since: float, seconds: float) -> Iterator[str]:
        """What each event that arrived after `since` is about, until `seconds` from now: first what is there, then what
        comes."""
        given, until = set[str](), time.monotonic() + seconds
        while True:
            with self.changed:
                fresh = [r.about for r in self.told_about(ANYTHING, since) if r.about not in given]
                if not fresh and not self.changed.wait(timeout=max(until - time.monotonic(), 0.0)):
                    return
            given.update(fresh)
            yield from fresh


def _names(receipt: Receipt, reference: str) -> bool:
    if reference == ANYTHING:
        return bool(receipt.about)
    return reference in (receipt.event.all_references if receipt.event else _message_focus(receipt.body))


def _message_focus(body: Any) -> tuple[str, ...]:
    """What a message is about: MessageHeader.focus, and the Tasks that travel with it."""
    entries = body.get("entry", []) if isinstance(body, dict) and body.get("type") == "message" else []
    trees = [entry.get("resource", {}) for entry in entries]
    focus = [f.get("reference", "") for tree in trees[:1] for f in tree.get("focus", [])]
    tasks = [f"Task/{tree['id']}" for tree in trees if tree.get("resourceType") == "Task" and "id" in tree]
    return tuple(dict.fromkeys([local_reference(reference) for reference in focus] + tasks))


def _essence(body: Any) -> Any:
    """A retry may renew the Bundle's own timestamp and ids; what it tells must stay."""
    if isinstance(body, dict) and body.get("type") == "history":
        event, _ = read_notification(body)
        return event
    return body


class SimulatedPartner:
    """`with SimulatedPartner("outpatient-clinic", 9102): …`; port 0 takes any free one. Thread-safe."""

    def __init__(self, partner_id: str, port: int = 0, host: str = "127.0.0.1"):
        self.id = partner_id
        self.inbox = Inbox()
        self._host, self._port = host, port
        self._server: _Server | None = None
        self._behaviour, self._amount = "up", 0.0
        self._closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://{self._host}:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> SimulatedPartner:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if self._server is None:
            self._closing.clear()
            self._server = _Server((self._host, self._port), self)
            self._port = self._server.server_address[1]
            threading.Thread(
                target=self._server.serve_forever, args=(0.02,), name=f"partner-{self.id}", daemon=True
            ).start()

    def stop(self) -> None:
        """Stops listening: from now on connections are refused."""
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def become(self, behaviour: str) -> None:
        """`up`, `down` (connections refused), `slow 2` (seconds), `error 3` (that many 500s, then up), `silent`."""
        name, _, amount = behaviour.partition(" ")
        if name not in BEHAVIOURS:
            raise ValueError(f"expected one of {', '.join(BEHAVIOURS)}, got `{behaviour}`")
        self._behaviour, self._amount = name, float(amount or 0)
        self.stop() if name == "down" else self.start()

    def answer(self, path: str, key: str, raw: bytes) -> tuple[int, bytes]:
        """Status and body for one request; keeps it unless the behaviour says that it got lost."""
        if self._behaviour == "slow":
            self._closing.wait(self._amount)
        if self._behaviour == "error" and self._amount > 0:
            self._amount -= 1
            return 500, b""
        try:
            body = json.loads(raw)
        except ValueError:
            self.inbox.faults.append(Fault("expected a JSON body, got something else"))
            return 400, b""
        self.inbox.keep(path, key, body)
        if self._behaviour == "silent":
            # The worst kind of partner: it has processed the request and never says so.
            self._closing.wait(_SILENCE_SECONDS)
            return 504, b""
        return 200, _reply(body)


def _reply(body: Any) -> bytes:
    """To a message the answer is a message; to a notification no body."""
    if not (isinstance(body, dict) and body.get("type") == "message"):
        return b""
    header = body["entry"][0]["resource"]
    response = {
        "resourceType": "MessageHeader",
        "eventCoding": header.get("eventCoding"),
        "source": {"endpoint": (header.get("destination") or [{"endpoint": "urn:unknown"}])[0]["endpoint"]},
        "response": {"identifier": header.get("id") or body.get("id"), "code": "ok"},
    }
    return json.dumps({"resourceType": "Bundle", "type": "message", "entry": [{"resource": response}]}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], partner: SimulatedPartner):
        self.partner = partner
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5.0
    server: _Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get("Idempotency-Key") or self.headers.get("X-Request-ID") or ""
        status, body = self.server.partner.answer(self.path, key, raw)
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        # A connection kept alive would outlast `down`: a partner that is down is down for everybody.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Requests hold people's data: nothing of them goes to a log."""
