"""What a partner is told that speaks messages only: the whole request, and answers that name its own message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from small_house import Receiver, change_handoff, keep_handoff, partner, receiving, tell, until

from adapter.domain import events
from adapter.storage import PostgresStore

Run = Callable[..., object]

REQUEST = {"resourceType": "ServiceRequest", "id": "sr1", "status": "active", "intent": "order", "subject": {}}
NOTE = {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "weight"}}


def _kinds(store: PostgresStore, handoff: str) -> list[str]:
    return [e.kind for e in store.system_reader().ledger_of(handoff) if e.kind.startswith("delivery:")]


def _types(receiver: Receiver, index: int) -> list[str]:
    return [entry["resource"]["resourceType"] for entry in receiver.received[index].tree["entry"]]


def test_the_recipient_gets_all_that_belongs_to_the_handoff_and_later_only_the_news(
    store: PostgresStore, run: Run
) -> None:
    with receiving() as receiver:
        handoff = keep_handoff(store, "h1", others=[dict(REQUEST), dict(NOTE)])
        change_handoff(store, replace(handoff, focus="ServiceRequest/sr1"))
        tell(store, "receiver", "h1", events.REQUESTED, events.UPDATED)
        run(partner("sender"), partner("receiver", receiver.channel("message"), dialect="bars"))
        until(lambda: _kinds(store, "h1") == [events.DELIVERED] * 2)
    assert _types(receiver, 0) == ["MessageHeader", "Task", "ServiceRequest", "Observation"]
    assert _types(receiver, 1) == ["MessageHeader", "Task", "ServiceRequest"]
    headers = [received.tree["entry"][0]["resource"] for received in receiver.received]
    assert [header["eventCoding"]["code"] for header in headers] == [
        "servicerequest-request",
        "servicerequest-response",
    ]
    assert all("response" not in header for header in headers), "it sent no message that this could answer"
    assert [f["reference"].partition("/fhir/")[2] for f in headers[0]["focus"]] == ["Task/h1", "ServiceRequest/sr1"]


def test_the_initiator_gets_answers_that_name_the_message_that_it_sent(store: PostgresStore, run: Run) -> None:
    with receiving() as receiver:
        handoff = keep_handoff(store, "h1")
        change_handoff(store, replace(handoff, correlation=("seed:s", "bundle:b-1", "message:m-1")))
        tell(store, "sender", "h1", events.ACCEPTED)
        run(partner("sender", receiver.channel("message"), dialect="bars"), partner("receiver"))
        until(lambda: _kinds(store, "h1") == [events.DELIVERED])
    header = receiver.received[0].tree["entry"][0]["resource"]
    assert header["response"] == {"identifier": "b-1", "code": "ok"}, "BaRS names a message by its Bundle.id"


def test_who_handed_the_person_back_gets_no_resources_with_the_news(store: PostgresStore, run: Run) -> None:
    with receiving() as receiver:
        handoff = keep_handoff(store, "h1", others=[dict(REQUEST)])
        tell(store, "receiver", "h1", events.ENTERED_IN_ERROR)
        change_handoff(store, replace(handoff, status="entered-in-error"))
        run(partner("sender"), partner("receiver", receiver.channel("message")))
        until(lambda: _kinds(store, "h1") == [events.DELIVERED])
    assert _types(receiver, 0) == ["MessageHeader"]
