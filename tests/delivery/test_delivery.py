"""Notifications reach partners over real HTTP: in order, whatever fails, and only those who may know."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from small_house import (
    BREAK,
    Received,
    Receiver,
    Reply,
    StillClock,
    change_handoff,
    keep_handoff,
    partner,
    receiving,
    tell,
    until,
)

from adapter.delivery import CHANNELS
from adapter.delivery.signature import HEADER, verify
from adapter.domain.partner import Channel
from adapter.storage import PostgresStore
from adapter.storage.lanes import LaneStore
from adapter.use_cases.deliver import DEMO
from adapter.use_cases.ports import ResourceKey
from adapter.use_cases.world import World
from mappings.json_codec import encode

Run = Callable[..., World]
SENDER = partner("sender")


def kinds(store: PostgresStore, handoff: str, prefix: str = "delivery:") -> list[str]:
    return [e.kind for e in store.system_reader().ledger_of(handoff) if e.kind.startswith(prefix)]


def events_told(receiver: Receiver, handoff: str) -> list[int]:
    """Event numbers in the order in which the partner first processed them."""
    return list(dict.fromkeys(r.event_number for r in receiver.processed if r.handoff == handoff))


def test_a_notification_points_at_the_task_and_its_receipt_is_in_the_ledger(store: PostgresStore, run: Run) -> None:
    with receiving() as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "handoff:requested")
        run(SENDER, partner("receiver", receiver.channel(headers={"X-Api-Key": "k"}, secret="s")))
        until(lambda: kinds(store, "h1"))
    (request,) = receiver.received
    assert request.headers["Content-Type"] == "application/fhir+json"
    assert request.headers["X-Api-Key"] == "k"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["Idempotency-Key"] == request.request_id
    now = StillClock().now().fromtimestamp(int(request.headers[HEADER].split(",")[0][2:]), tz=StillClock().now().tzinfo)
    assert verify("s", request.body, request.headers[HEADER], now)
    assert request.event_number == 1
    focus = request.tree["entry"][0]["resource"]["parameter"][5]["part"][2]["valueReference"]["reference"]
    assert focus == "http://127.0.0.1:8080/fhir/Task/h1"
    event = store.system_reader().ledger_of("h1")[-1]
    assert (event.kind, event.detail["attempts"], event.detail["receipt"]) == ("delivery:delivered", 1, "HTTP 200")
    assert event.detail["subscriber"] == "receiver"


def test_each_handoff_is_told_in_order_and_nothing_is_left_out_while_every_third_send_fails(
    store: PostgresStore, run: Run
) -> None:
    dice, lock = random.Random(7), threading.Lock()

    def unreliable(request: Received) -> Reply:
        with lock:
            roll = dice.random()
        return BREAK if roll < 0.15 else Reply(500) if roll < 0.25 else Reply(503) if roll < 0.3 else Reply()

    handoffs = [f"h{n}" for n in range(8)]
    with receiving(unreliable) as receiver:
        for handoff in handoffs:
            keep_handoff(store, handoff)
        told = partner("receiver", receiver.channel())
        policy = replace(DEMO, delays=(0.05, 0.1))
        run(SENDER, told, policy=policy)
        run(SENDER, told, policy=policy)
        for number in range(8):
            for handoff in handoffs:
                tell(store, "receiver", handoff, f"event:{number}")
        until(lambda: sum(len(kinds(store, h)) for h in handoffs) == 64, 60)
    assert len({r.request_id for r in receiver.processed}) == 64
    assert sorted({r.event_number for r in receiver.processed}) == list(range(1, 65))
    for handoff in handoffs:
        assert kinds(store, handoff) == ["delivery:delivered"] * 8
        order = events_told(receiver, handoff)
        assert order == sorted(order)
        by_event = [
            e.detail["event"] for e in store.system_reader().ledger_of(handoff) if e.kind == "delivery:delivered"
        ]
        assert by_event == [f"event:{number}" for number in range(8)]
    # What was processed and then broke off came again, under the same id and byte for byte.
    again: dict[str, set[bytes]] = {}
    for request in receiver.processed:
        again.setdefault(request.request_id, set()).add(request.body)
    assert len(receiver.processed) > 64
    assert all(len(bodies) == 1 for bodies in again.values())


def test_a_partner_that_is_down_delays_nobody_else_and_is_told_everything_once_it_is_back(
    store: PostgresStore, run: Run, lanes: LaneStore
) -> None:
    with receiving() as gone:
        port = gone.port
    handoffs = [f"h{n}" for n in range(30)]
    for handoff in handoffs:
        keep_handoff(store, handoff, owner="down")
        tell(store, "down", handoff, "one", "two")
    with receiving() as other:
        keep_handoff(store, "quick", owner="up")
        down = partner("down", Channel("rest-hook", f"http://127.0.0.1:{port}/hook"))
        run(SENDER, down, partner("up", other.channel()), concurrency=4)
        until(lambda: any(lane.state == "paused" for lane in lanes.listing(subscriber="down")))
        tell(store, "up", "quick", "one")
        until(lambda: other.processed, 2)
        with receiving(port=port) as back:
            until(lambda: lanes.backlog().pending == 0, 30)
            for handoff in handoffs:
                order = events_told(back, handoff)
                assert len(order) == 2
                assert order == sorted(order)


def test_a_slow_partner_does_not_occupy_every_worker(store: PostgresStore, run: Run) -> None:
    with receiving(lambda request: Reply(delay=3.0)) as slow, receiving() as other:
        for number in range(12):
            keep_handoff(store, f"s{number}", owner="slow")
            tell(store, "slow", f"s{number}", "one")
        keep_handoff(store, "quick", owner="up")
        run(SENDER, partner("slow", slow.channel()), partner("up", other.channel()), concurrency=4)
        until(lambda: len(slow.received) >= 2)
        tell(store, "up", "quick", "one")
        until(lambda: other.processed, 2)


def test_who_hands_the_person_back_is_told_nothing_more(store: PostgresStore, run: Run) -> None:
    with receiving() as receiver:
        handoff = keep_handoff(store, "h1")
        change_handoff(store, replace(handoff, status="rejected"))
        tell(store, "receiver", "h1", "handoff:updated", payload=b'{"resourceType":"Bundle"}')
        run(SENDER, partner("receiver", receiver.channel(payload="full-resource")))
        until(lambda: kinds(store, "h1"))
        assert receiver.received == []
    event = store.system_reader().ledger_of("h1")[-1]
    assert (event.kind, event.detail["reason"]) == ("delivery:withheld", "no-longer-a-reader")


def test_a_handoff_entered_in_error_is_taken_back_from_its_recipient_by_reference_alone(
    store: PostgresStore, run: Run
) -> None:
    with receiving() as receiver:
        handoff = keep_handoff(store, "h1")
        change_handoff(store, replace(handoff, status="entered-in-error"))
        tell(store, "receiver", "h1", "handoff:entered-in-error")
        run(SENDER, partner("receiver", receiver.channel(payload="full-resource")))
        until(lambda: kinds(store, "h1") == ["delivery:delivered"])
    assert len(receiver.received[0].tree["entry"]) == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_partner_that_is_disabled_or_unknown_is_told_nothing(store: PostgresStore, run: Run, known: bool) -> None:
    with receiving() as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        disabled = [partner("receiver", receiver.channel(), active=False)] if known else []
        run(SENDER, *disabled)
        until(lambda: kinds(store, "h1") == ["delivery:withheld"])
        assert receiver.received == []


def test_full_resource_shows_what_the_subscriber_may_read_and_a_stranger_gets_no_notification(
    store: PostgresStore, run: Run
) -> None:
    with receiving() as receiver, receiving() as stranger:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        tell(store, "stranger", "h1", "one")
        channels = [receiver.channel(payload="full-resource"), stranger.channel(payload="full-resource")]
        run(SENDER, partner("receiver", channels[0]), partner("stranger", channels[1]))
        until(lambda: sorted(kinds(store, "h1")) == ["delivery:delivered", "delivery:withheld"])
        assert stranger.received == []
    shown = receiver.received[0].tree["entry"][1]["resource"]
    stored = store.system_reader().read(ResourceKey("Task", "h1"))
    assert stored is not None
    assert encode(shown) == stored.body


def test_without_a_channel_the_handoff_waits_to_be_read(store: PostgresStore, run: Run) -> None:
    keep_handoff(store, "h1")
    tell(store, "receiver", "h1", "one")
    run(SENDER, partner("receiver"))
    until(lambda: kinds(store, "h1") == ["delivery:available"])


def test_a_message_goes_out_byte_for_byte_to_process_message(store: PostgresStore, run: Run) -> None:
    written = b'{"resourceType": "Bundle",  "type":"message", "total": 1.50}'
    with receiving() as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one", payload=written)
        run(SENDER, partner("receiver", Channel("rest-hook", "http://127.0.0.1:9/"), receiver.channel("message")))
        until(lambda: kinds(store, "h1") == ["delivery:delivered"])
    (request,) = receiver.received
    assert (request.path, request.body) == ("/hook/$process-message", written)
    assert request.headers["X-Correlation-ID"] == "h1"


def test_a_message_without_words_of_its_own_brings_the_task(store: PostgresStore, run: Run) -> None:
    with receiving() as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        run(SENDER, partner("receiver", receiver.channel("message")))
        until(lambda: kinds(store, "h1") == ["delivery:delivered"])
    assert [e["resource"]["resourceType"] for e in receiver.received[0].tree["entry"]] == ["MessageHeader", "Task"]


def test_a_message_that_is_answered_fatal_error_is_not_delivered_though_http_says_200(
    store: PostgresStore, run: Run, lanes: LaneStore
) -> None:
    no = encode({"entry": [{"resource": {"resourceType": "MessageHeader", "response": {"code": "fatal-error"}}}]})
    with receiving(lambda request: Reply(body=no)) as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        run(SENDER, partner("receiver", receiver.channel("message")), policy=replace(DEMO, delays=(0.05,)))
        until(lambda: kinds(store, "h1") == ["delivery:parked"])
    assert lanes.listing()[0].last_error == "message answered fatal-error"


def test_a_duplicate_for_the_partner_is_a_delivery_for_us(store: PostgresStore, run: Run) -> None:
    outcome = encode({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "duplicate"}]})
    with receiving(lambda request: BREAK if request.number == 1 else Reply(409, body=outcome)) as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        run(SENDER, partner("receiver", receiver.channel("message")))
        until(lambda: kinds(store, "h1") == ["delivery:delivered"])
    assert len({r.request_id for r in receiver.received}) == 1


def test_what_a_partner_refuses_is_parked_for_a_person_and_goes_on_when_retried(
    store: PostgresStore, run: Run, lanes: LaneStore
) -> None:
    mended = threading.Event()
    refuse: Callable[[Received], Reply] = lambda request: Reply() if mended.is_set() else Reply(422)  # noqa: E731
    with receiving(refuse) as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one", "two")
        run(SENDER, partner("receiver", receiver.channel()), policy=replace(DEMO, delays=(0.05,)))
        until(lambda: kinds(store, "h1") == ["delivery:parked"])
        (lane,) = lanes.listing()
        assert (lane.state, lane.waiting, lane.attempts, lane.last_error) == ("parked", 2, 4, "HTTP 422")
        assert lanes.listing(subscriber="somebody else") == []
        assert len(receiver.received) == 4
        mended.set()
        assert lanes.retry(subscriber="receiver") == ["receiver:h1"]
        until(lambda: lanes.backlog().pending == 0)
    assert kinds(store, "h1") == ["delivery:parked", "delivery:delivered", "delivery:delivered"]
    assert [r.event_number for r in receiver.processed] == [1, 2]


def test_an_endpoint_that_is_not_allowed_is_never_called(store: PostgresStore, run: Run, lanes: LaneStore) -> None:
    keep_handoff(store, "h1")
    tell(store, "receiver", "h1", "one")
    run(
        SENDER,
        partner("receiver", Channel("rest-hook", "http://169.254.169.254/")),
        policy=replace(DEMO, delays=(0.05,)),
    )
    until(lambda: kinds(store, "h1") == ["delivery:parked"])
    assert (lanes.listing()[0].last_error or "").startswith("endpoint not allowed")


def test_a_redirect_is_not_followed(store: PostgresStore, run: Run, lanes: LaneStore) -> None:
    with receiving() as elsewhere, receiving(lambda r: Reply(307, {"Location": elsewhere.url})) as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        run(SENDER, partner("receiver", receiver.channel()), policy=replace(DEMO, delays=(0.05,)))
        until(lambda: kinds(store, "h1") == ["delivery:parked"])
        assert elsewhere.received == []


def test_an_endless_answer_is_cut(store: PostgresStore, run: Run) -> None:
    with receiving(lambda request: Reply(body=b"x" * 5_000_000)) as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        run(SENDER, partner("receiver", receiver.channel()))
        until(lambda: kinds(store, "h1") == ["delivery:delivered"], 5)


def test_retry_after_is_kept_to(store: PostgresStore, run: Run) -> None:
    answers: list[Any] = [Reply(429, {"Retry-After": "2"}), Reply()]
    with receiving(lambda request: answers[request.number - 1]) as receiver:
        keep_handoff(store, "h1")
        tell(store, "receiver", "h1", "one")
        run(SENDER, partner("receiver", receiver.channel()))
        until(lambda: len(receiver.received) == 1)
        with pytest.raises(AssertionError):
            until(lambda: len(receiver.received) > 1, 1.5)
        until(lambda: kinds(store, "h1") == ["delivery:delivered"])


def test_a_fault_of_our_own_is_parked_and_seen_not_tried_for_ever(
    store: PostgresStore, run: Run, lanes: LaneStore
) -> None:
    class Faulty:
        def send(self, channel: object, delivery: object) -> object:
            raise ZeroDivisionError("Ana Lopez")

    keep_handoff(store, "h1")
    tell(store, "receiver", "h1", "one")
    run(SENDER, partner("receiver"), channels=Faulty(), policy=replace(DEMO, delays=(0.05,)))
    until(lambda: kinds(store, "h1") == ["delivery:parked"])
    assert lanes.listing()[0].last_error == "fault of this server: ZeroDivisionError"


def test_every_channel_of_the_table_has_a_file_of_its_own() -> None:
    assert {send.__module__ for send in CHANNELS.values()} == {
        "adapter.delivery.rest_hook",
        "adapter.delivery.message",
        "adapter.delivery.null",
    }
    assert timedelta(0) < DEMO.delay(1)
