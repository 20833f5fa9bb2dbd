"""Small write sets for the tests of this room: organisation `a` hands Eva over to `b`; `c` is a stranger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapter.domain.handoff import Handoff, LedgerEvent, NextAction
from adapter.storage import PostgresStore
from adapter.use_cases.ports import (
    Answer,
    Deadline,
    NewVersion,
    Notification,
    RequestRecord,
    ResourceKey,
    SearchQuery,
    WriteSet,
)
from mappings.json_codec import encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TASK, PATIENT = ResourceKey("Task", "t1"), ResourceKey("Patient", "p1")


def version(
    tree: dict[str, Any], number: int = 1, author: str = "a", handoffs: tuple[str, ...] = (), **more: Any
) -> NewVersion:
    key = ResourceKey(tree["resourceType"], tree["id"])
    return NewVersion(key, number, author, more.pop("at", NOW), encode(tree), tree, handoffs, **more)


def deletion(key: ResourceKey, number: int, author: str = "a") -> NewVersion:
    return NewVersion(key, number, author, NOW, b"", None)


def task(id: str = "t1", status: str = "requested", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": id,
        "status": status,
        "intent": "order",
        "owner": {"reference": "Organization/b"},
        "requester": {"reference": "Organization/a"},
        "for": {"reference": "Patient/p1"},
        "authoredOn": "2026-11-21",
        **more,
    }


def patient(id: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": "urn:mrn", "value": id}],
        "name": [{"family": "Müller", "given": ["Eva", "Maria"]}],
        "birthDate": "1990-05",
        **more,
    }


def handoff(id: str = "t1", status: str = "requested", **more: Any) -> Handoff:
    plain = Handoff(id, status, "a", "b", "referral", "Patient/p1", None, NOW, NOW, "a", NextAction("accept", "b", NOW))
    return replace(plain, **more)


def event(id: str = "t1", kind: str = "handoff:requested") -> LedgerEvent:
    return LedgerEvent(id, kind, "a", NOW - timedelta(days=2), NOW, None, "requested", {"code": "x"})


def request(key: str = "k1", tenant: str = "a", body: bytes = b"{}") -> RequestRecord:
    return RequestRecord(tenant, key, b"hash", Answer(200, {"ETag": 'W/"1"'}, body))


def referral(**more: Any) -> WriteSet:
    """A Task and a Patient of the handoff t1, with everything that belongs to it."""
    change = WriteSet("a")
    change.resources = [version(task(), handoffs=("t1",)), version(patient(), handoffs=("t1",))]
    change.handoffs = [handoff(correlation=("message-1",))]
    change.events = [event()]
    change.deadlines = [Deadline("t1", "acceptance", NOW + timedelta(hours=1))]
    change.notifications = [Notification("b", "t1", "handoff:requested", TASK)]
    change.requests = [request()]
    for name, value in more.items():
        setattr(change, name, value)
    return change


def found(store: PostgresStore, query: str, type: str = "Task", tenant: str = "a", **more: Any) -> list[str]:
    """The ids that a search gives, in order. `query` as it is written in a URL, without percent-encoding."""
    page = store.reader(tenant).search(search_query(query, type, **more))
    return [match.key.id for match in page.matches]


def search_query(query: str, type: str = "Task", **more: Any) -> SearchQuery:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return SearchQuery(type, tuple((name, value) for name, _, value in pairs), **more)
