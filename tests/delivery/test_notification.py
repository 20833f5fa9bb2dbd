"""Notification Bundles have the shape of the published ones, element for element."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.bundle import Bundle

from mappings.notification import Event, Shown, Source, event_notification, handshake, heartbeat, message

SOURCE = Source("https://handoff.example/fhir", "outpatient-clinic")
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ID = UUID("2d5afc69-6ef2-420f-a8d1-8500c99eb96c")
EVENT = Event(7, AT, "Task/1", context=["ServiceRequest/2"])
TASK = {"resourceType": "Task", "id": "1", "status": "requested", "intent": "order"}

# Names in order, with `type` and the parts of the event: read off the published examples of the R4 backport guide.
PUBLISHED_ORDER = ["subscription", "topic", "status", "type", "events-since-subscription-start"]


def parameters(bundle: dict[str, Any]) -> dict[str, Any]:
    names = {p["name"]: p for p in bundle["entry"][0]["resource"]["parameter"]}
    assert list(names)[:5] == PUBLISHED_ORDER
    return names


def event_parts(bundle: dict[str, Any]) -> dict[str, Any]:
    return {part["name"]: part for part in parameters(bundle)["notification-event"]["part"]}


@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource"])
def test_a_notification_is_a_history_bundle_that_starts_with_its_status(content: Any) -> None:
    bundle = event_notification(SOURCE, EVENT, id=ID, content=content, shown=[Shown("Task/1", 3, TASK)])
    first = bundle["entry"][0]
    assert bundle["type"] == "history"
    assert first["request"] == {"method": "GET", "url": f"{SOURCE.subscription}/$status"}
    assert first["response"] == {"status": "200"}
    assert parameters(bundle)["type"]["valueCode"] == "event-notification"
    assert parameters(bundle)["events-since-subscription-start"]["valueString"] == "7"
    assert event_parts(bundle)["event-number"]["valueString"] == "7"
    Bundle.model_validate_json(json.dumps(bundle))


def test_empty_says_only_that_something_happened() -> None:
    bundle = event_notification(SOURCE, EVENT, id=ID, content="empty", shown=[Shown("Task/1", 3, TASK)])
    assert "Task" not in json.dumps(bundle)
    assert "ServiceRequest" not in json.dumps(bundle)


def test_id_only_points_at_the_focus_and_its_context_and_brings_neither() -> None:
    bundle = event_notification(SOURCE, EVENT, id=ID, shown=[Shown("Task/1", 3, TASK)])
    assert event_parts(bundle)["focus"]["valueReference"]["reference"] == "https://handoff.example/fhir/Task/1"
    assert event_parts(bundle)["additional-context"]["valueReference"]["reference"].endswith("/ServiceRequest/2")
    assert len(bundle["entry"]) == 1


@pytest.mark.parametrize(
    ("version", "request_", "status"),
    [(1, {"method": "POST", "url": "Task"}, "201"), (2, {"method": "PUT", "url": "Task/1"}, "200")],
)
def test_full_resource_brings_the_resource_as_a_history_entry(version: int, request_: Any, status: str) -> None:
    bundle = event_notification(SOURCE, EVENT, id=ID, content="full-resource", shown=[Shown("Task/1", version, TASK)])
    entry = bundle["entry"][1]
    assert entry == {
        "fullUrl": "https://handoff.example/fhir/Task/1",
        "resource": TASK,
        "request": request_,
        "response": {"status": status},
    }


def test_handshake_and_heartbeat_carry_no_event() -> None:
    hello = handshake(SOURCE, id=ID, at=AT)
    alive = heartbeat(SOURCE, id=ID, at=AT, events=7)
    assert [parameters(b)["type"]["valueCode"] for b in (hello, alive)] == ["handshake", "heartbeat"]
    assert [parameters(b)["status"]["valueCode"] for b in (hello, alive)] == ["requested", "active"]
    assert [parameters(b)["events-since-subscription-start"]["valueString"] for b in (hello, alive)] == ["0", "7"]
    assert "notification-event" not in parameters(hello)


def test_a_message_starts_with_its_header_and_brings_its_focus() -> None:
    bundle = message(
        SOURCE,
        id=ID,
        event=("urn:events", "handoff-accepted"),
        focus=["Task/1"],
        shown=[Shown("Task/1", 2, TASK)],
        destination="urn:x",
        answers="m-1",
    )
    header = bundle["entry"][0]["resource"]
    assert (bundle["type"], header["resourceType"], header["id"]) == ("message", "MessageHeader", str(ID))
    assert header["focus"] == [{"reference": bundle["entry"][1]["fullUrl"]}]
    assert header["response"] == {"identifier": "m-1", "code": "ok"}
    Bundle.model_validate_json(json.dumps(bundle))
