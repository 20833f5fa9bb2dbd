"""A small house for tests below HTTP: a real store, partners, a clock that stands still, receivers that can fail."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.partner import Channel, Directory, Partner
from adapter.pathways import load_pathways
from adapter.storage import PostgresStore
from adapter.use_cases.ports import Deadline, NewVersion, Notification, ResourceKey, Tree, WriteSet
from adapter.use_cases.world import World
from mappings.json_codec import decode, encode
from mappings.task import organization
from mappings.times import format_time

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class StillClock:
    """Stands still until it is told to go on."""

    def __init__(self, now: datetime = START):
        self._now = now

    def now(self) -> datetime:
        return self._now

    def go_on(self, by: timedelta) -> None:
        self._now += by

    def go_to(self, moment: datetime) -> None:
        self._now = moment


class FixedRegister:
    def __init__(self, *partners: Partner):
        self.partners = {partner.id: partner for partner in partners}

    def directory(self) -> Directory:
        return Directory(list(self.partners.values()))


def partner(id: str, *channels: Channel, **rest: Any) -> Partner:
    return Partner(id=id, name=f"Partner {id}", channels=channels, **rest)


def world_of(store: PostgresStore, *partners: Partner, clock: StillClock | None = None) -> World:
    return World(
        store=store,
        register=FixedRegister(*partners),
        pathways=load_pathways(),
        clock=clock or StillClock(),
        new_id=lambda: str(uuid4()),
        check=lambda tree: [],
        refuse_invalid=lambda tree: [],
        base_url="http://127.0.0.1:8080/fhir",
        holiday_calendar=lambda name: lambda day: False,
    )


def keep_handoff(
    store: PostgresStore,
    id: str,
    *,
    requester: str = "sender",
    owner: str = "receiver",
    status: str = "requested",
    pathway: str = "referral",
    inputs: Sequence[tuple[str, Tree]] = (),
    others: Sequence[Tree] = (),
    deadlines: Sequence[tuple[str, datetime]] = (),
    at: datetime = START,
) -> Handoff:
    """A handoff as the intake leaves it: Task, projection, first line of the ledger, clock."""
    fact = "https://handoff.example/fhir/CodeSystem/handoff-fact"
    task: Tree = {
        "resourceType": "Task",
        "id": id,
        "status": status,
        "intent": "order",
        "for": {"reference": f"Patient/patient-of-{id}"},
        "requester": organization(requester),
        "owner": organization(owner),
        "authoredOn": format_time(at),
        "input": [{"type": {"coding": [{"system": fact, "code": code}]}, **value} for code, value in inputs],
    }
    if not inputs:
        del task["input"]
    handoff = Handoff(
        id=id,
        status=status,
        requester=requester,
        owner=owner,
        pathway=pathway,
        patient=f"Patient/patient-of-{id}",
        focus=None,
        authored_on=at,
        updated_at=at,
        responsible=requester,
        next_action=None,
        business_status="awaiting-acceptance",
    )
    write_set = WriteSet(requester, handoffs=[handoff])
    for tree in (task, *others):
        tree.setdefault("meta", {"versionId": "1", "lastUpdated": format_time(at)})
        key = ResourceKey(tree["resourceType"], tree["id"])
        write_set.resources.append(NewVersion(key, 1, requester, at, encode(tree), tree, (id,)))
    write_set.events.append(LedgerEvent(id, "handoff:requested", requester, at, at, status_to=status))
    write_set.deadlines += [Deadline(id, step, due) for step, due in deadlines]
    store.commit(write_set)
    return handoff


def change_handoff(store: PostgresStore, handoff: Handoff) -> None:
    """A new version of the Task with the projection's status."""
    key = ResourceKey("Task", handoff.id)
    stored = store.system_reader().read(key)
    assert stored is not None
    tree = {**decode(stored.body), "status": handoff.status}
    version = NewVersion(key, stored.version + 1, stored.author, START, encode(tree), tree, stored.handoffs)
    store.commit(WriteSet(handoff.requester, resources=[version], handoffs=[handoff]))


def tell(store: PostgresStore, subscriber: str, handoff: str, *events: str, payload: bytes | None = None) -> None:
    """Commit a notification for each event, one commit each."""
    for event in events:
        at = LedgerEvent(handoff, event, "sender", START, START)
        note = Notification(subscriber, handoff, event, ResourceKey("Task", handoff), payload)
        store.commit(WriteSet("sender", events=[at], notifications=[note]))


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    number: int
    """Counts from 1 in the order of arrival."""

    @property
    def tree(self) -> Any:
        return decode(self.body)

    @property
    def handoff(self) -> str:
        return self.headers["X-Correlation-ID"]

    @property
    def request_id(self) -> str:
        return self.headers["X-Request-ID"]

    @property
    def event_number(self) -> int:
        parameters = {p["name"]: p for p in self.tree["entry"][0]["resource"]["parameter"]}
        return int(parameters["events-since-subscription-start"]["valueString"])


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    trickle: float = 0.0
    """Seconds between single bytes of the body."""


BREAK = Reply(status=0)
"""Processed, and then the connection breaks: the sender cannot know."""


class Receiver:
    """A partner's HTTP server on loopback. `answer` decides for each request; what it answers 2xx or BREAK to is kept
    in `processed`, everything in `received`."""

    def __init__(self, answer: Callable[[Received], Reply] | None = None, port: int = 0):
        self.answer = answer or (lambda request: Reply())
        self.received: list[Received] = []
        self.processed: list[Received] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def channel(self, type: str = "rest-hook", **rest: Any) -> Channel:
        return Channel(type=type, endpoint=self.url, **rest)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            request = Received(handler.path, dict(handler.headers.items()), body, len(self.received) + 1)
            self.received.append(request)
        reply = self.answer(request)
        time.sleep(reply.delay)
        if reply is BREAK or 200 <= reply.status < 300:
            with self._lock:
                self.processed.append(request)
        handler.close_connection = True
        if reply is BREAK:
            # Closing with unsent linger makes the kernel send RST, as a crashing peer's does.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            return
        try:
            handler.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            for piece in [reply.body[i : i + 1] for i in range(len(reply.body))] if reply.trickle else [reply.body]:
                handler.wfile.write(piece)
                time.sleep(reply.trickle)
        except OSError:
            pass  # the sender has gone


@contextmanager
def receiving(answer: Callable[[Received], Reply] | None = None, port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(answer, port)
    try:
        yield receiver
    finally:
        receiver.close()


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until the condition holds; fails after `seconds`."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "what was waited for did not happen"
        time.sleep(0.02)
