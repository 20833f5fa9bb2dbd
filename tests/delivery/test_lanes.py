"""The lanes themselves: what is due gets a job, what waits does not, and numbers count without gaps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from small_house import START, keep_handoff, tell
from sqlalchemy import text

from adapter.domain.handoff import LedgerEvent
from adapter.storage import PostgresStore
from adapter.storage.lanes import LaneStore, Told
from adapter.use_cases.deliver import park_lane
from adapter.use_cases.delivery_ports import Pending

NOW = timedelta(0)
MINUTE = timedelta(minutes=1)


def jobs(store: PostgresStore) -> list[str]:
    with store.engine.begin() as connection:
        found = connection.execute(text("SELECT lock FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"))
        return [row.lock for row in found]


def lose_all_jobs(store: PostgresStore) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))


def head_of(lanes: LaneStore, lane: str) -> Pending:
    head = lanes.head(lane)
    assert head is not None
    return head


def delivered(handoff: str) -> LedgerEvent:
    return LedgerEvent(handoff, "delivery:delivered", "test", START, START)


@pytest.fixture
def lane(store: PostgresStore) -> str:
    keep_handoff(store, "h1")
    tell(store, "receiver", "h1", "one", "two")
    return "receiver:h1"


def test_a_lane_whose_jobs_were_lost_gets_one_again(store: PostgresStore, lanes: LaneStore, lane: str) -> None:
    assert jobs(store) == [lane, lane]
    assert lanes.sweep(grace=NOW) == 0
    lose_all_jobs(store)
    assert lanes.sweep(grace=MINUTE) == 0
    assert lanes.sweep(grace=NOW) == 1
    assert jobs(store) == [lane]


def test_a_lane_that_waits_to_be_tried_again_gets_no_job_before(
    store: PostgresStore, lanes: LaneStore, lane: str
) -> None:
    lose_all_jobs(store)
    lanes.begin(head_of(lanes, lane), MINUTE)
    lanes.unreachable(head_of(lanes, lane), "HTTP 503", MINUTE, None)
    assert not head_of(lanes, lane).due
    assert lanes.sweep(grace=NOW) == 0, "the second notification waits behind the first"
    lanes.unreachable(head_of(lanes, lane), "HTTP 503", NOW, None)
    assert lanes.sweep(grace=NOW) == 1


def test_a_paused_partner_is_probed_by_one_lane_at_a_time(store: PostgresStore, lanes: LaneStore, lane: str) -> None:
    keep_handoff(store, "h2")
    tell(store, "receiver", "h2", "one")
    lanes.begin(head_of(lanes, lane), MINUTE)
    lanes.unreachable(head_of(lanes, lane), "HTTP 503", NOW, MINUTE)
    assert lanes.begin(head_of(lanes, "receiver:h2"), MINUTE) is None
    lanes.unreachable(head_of(lanes, lane), "HTTP 503", NOW, NOW)
    lose_all_jobs(store)
    assert lanes.sweep(grace=NOW) == 1
    turn = lanes.begin(head_of(lanes, "receiver:h2"), MINUTE)
    assert turn is not None
    assert turn.failures == 2
    assert lanes.begin(head_of(lanes, lane), MINUTE) is None, "somebody is probing"
    lanes.settled(head_of(lanes, "receiver:h2"), "delivered", "HTTP 200", delivered("h2"))
    assert lanes.begin(head_of(lanes, lane), MINUTE) is not None


def test_after_a_pause_what_waits_is_due_at_once(store: PostgresStore, lanes: LaneStore, lane: str) -> None:
    keep_handoff(store, "h2")
    tell(store, "receiver", "h2", "one")
    for each in (lane, "receiver:h2"):
        lanes.begin(head_of(lanes, each), NOW)
        lanes.unreachable(head_of(lanes, each), "HTTP 503", timedelta(hours=1), NOW)
    lanes.settled(head_of(lanes, "receiver:h2"), "delivered", "HTTP 200", delivered("h2"))
    assert head_of(lanes, lane).due


def test_a_number_stays_with_its_notification_and_none_is_left_out(
    store: PostgresStore, lanes: LaneStore, lane: str
) -> None:
    first = lanes.begin(head_of(lanes, lane), MINUTE)
    lanes.unreachable(head_of(lanes, lane), "HTTP 503", NOW, None)
    again = lanes.begin(head_of(lanes, lane), MINUTE)
    assert first is not None
    assert again is not None
    assert (first.event_number, again.event_number) == (1, 1)
    lanes.settled(head_of(lanes, lane), "delivered", "HTTP 200", delivered("h1"))
    second = lanes.begin(head_of(lanes, lane), MINUTE)
    assert second is not None
    assert second.event_number == 2
    told = Told(store.reading_as("receiver"))
    assert told.last_event("receiver") == 2
    assert [p.event for p in told.past_events("receiver", 1, 2)] == ["one", "two"]
    assert told.last_event("nobody") == 0
    another = Told(store.reading_as("another"))
    assert (another.last_event("receiver"), another.past_events("receiver", 1, 2)) == (0, [])


def test_what_was_settled_is_not_settled_twice(store: PostgresStore, lanes: LaneStore, lane: str) -> None:
    head = head_of(lanes, lane)
    assert lanes.settled(head, "delivered", "HTTP 200", delivered("h1"))
    assert not lanes.settled(head, "delivered", "HTTP 200", delivered("h1"))
    assert [e.kind for e in store.system_reader().ledger_of("h1")].count("delivery:delivered") == 1


def test_a_receipt_and_its_ledger_line_are_kept_together_or_not_at_all(
    store: PostgresStore, lanes: LaneStore, lane: str
) -> None:
    broken = delivered("h1")
    broken.detail["not json"] = object()
    with pytest.raises(Exception, match="JSON"):
        lanes.settled(head_of(lanes, lane), "delivered", "HTTP 200", broken)
    assert head_of(lanes, lane).event == "one"


def test_a_parked_lane_stops_and_a_retry_starts_it_again(store: PostgresStore, lanes: LaneStore, lane: str) -> None:
    lanes.parked(head_of(lanes, lane), "HTTP 422", delivered("h1"))
    lose_all_jobs(store)
    assert not head_of(lanes, lane).due
    assert lanes.sweep(grace=NOW) == 0
    assert lanes.listing()[0].state == "parked"
    assert lanes.backlog().parked == 1
    assert lanes.retry(lane=lane) == [lane]
    assert jobs(store) == [lane]
    assert head_of(lanes, lane).due
    with pytest.raises(ValueError, match="lane or a subscriber"):
        lanes.retry()


def test_a_lane_is_parked_by_hand_and_the_ledger_says_so(store: PostgresStore, lanes: LaneStore, lane: str) -> None:
    assert park_lane(lanes, lane, START)
    assert lanes.listing()[0].last_error == "parked by hand"
    assert store.system_reader().ledger_of("h1")[-1].kind == "delivery:parked"
    assert not park_lane(lanes, "nobody:h1", START)


def test_the_job_of_a_dead_worker_is_taken_over_and_that_of_a_living_one_is_not(
    store: PostgresStore, lanes: LaneStore, lane: str
) -> None:
    with store.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '1 hour')")
        )
        alive, dead = connection.execute(text("SELECT id FROM procrastinate_workers ORDER BY id")).scalars()
        first = "SELECT id FROM procrastinate_fetch_job_v2(ARRAY['delivery'], :worker)"
        connection.execute(text(first), {"worker": dead})
    assert lanes.rescue(silent=MINUTE, longest=MINUTE) == 1
    with store.engine.begin() as connection:
        connection.execute(text(first), {"worker": alive})
    assert lanes.rescue(silent=MINUTE, longest=MINUTE) == 0
    assert lanes.rescue(silent=MINUTE, longest=NOW) == 1, "no job lasts for ever, whoever holds it"
