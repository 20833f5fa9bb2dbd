"""Whole handoffs of every pathway through changes of daylight saving time, holidays and downtime.

Each deadline falls due when the recipient's own clock and calendar say so, fires exactly once, and never early.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from small_house import StillClock, world_of

from adapter.calendars import holiday_calendar
from adapter.demo_partners import demo_partners
from adapter.domain.handoff import LedgerEvent
from adapter.pathways import load_pathways
from adapter.storage import PostgresStore
from adapter.testkit.making import Drawn
from adapter.testkit.whole_handoff import complete
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.use_cases.ports import Answer, Deadline
from adapter.use_cases.transact import Done, Plan, Request, transact
from adapter.use_cases.world import World
from mappings import bundle as bundle_mapping

PATHWAYS = load_pathways()
INSTANT = timedelta(microseconds=1)
# Fridays before the clocks go forward and back, the eve of Thanksgiving, Christmas Eve, the end of a leap February.
MOMENTS = (
    datetime(2026, 3, 6, 21, 30, tzinfo=UTC),
    datetime(2026, 10, 30, 21, 30, tzinfo=UTC),
    datetime(2026, 11, 25, 20, 0, tzinfo=UTC),
    datetime(2026, 12, 24, 17, 0, tzinfo=UTC),
    datetime(2028, 2, 28, 23, 59, tzinfo=UTC),
)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def world(store: PostgresStore, clock: StillClock) -> World:
    return replace(world_of(store, *demo_partners(), clock=clock), holiday_calendar=holiday_calendar)


def begin(world: World, pathway: str, seed: int = 1) -> str:
    """A whole request, sent now; the id of its handoff."""
    chance = random.Random(f"{pathway} {seed}")
    made = complete(PATHWAYS[pathway], wording=Drawn(chance, world.clock.now()), chance=chance)
    interactions = bundle_mapping.from_fhir(made.transaction(made.request))
    ids: list[str] = []

    def answer(done: Done) -> Answer:
        ids[:] = done.handoffs
        return Answer(200, {}, b"{}")

    transact(world, Request(made.requester), lambda reader: Plan(interactions), answer)
    return ids[0]


def begin_each(world: World) -> list[Deadline]:
    """A handoff of every pathway; all their deadlines in order."""
    ids = [begin(world, pathway) for pathway in PATHWAYS]
    found = [deadline for id in ids for deadline in world.store.open_deadlines(id)]
    assert {deadline.handoff for deadline in found} == set(ids)
    return sorted(found, key=lambda deadline: deadline.due)


def fired(world: World, handoff: str) -> list[LedgerEvent]:
    """What the clock wrote into the ledger, in order."""
    return [event for event in world.store.system_reader().ledger_of(handoff) if "step" in event.detail]


@pytest.mark.parametrize("start", MOMENTS[:3], ids=lambda moment: f"{moment:%Y-%m-%d}")
def test_every_deadline_of_every_pathway_fires_once_and_none_early(
    world: World, clock: StillClock, start: datetime
) -> None:
    clock.go_to(start)
    deadlines = begin_each(world)
    for due in dict.fromkeys(deadline.due for deadline in deadlines):
        clock.go_to(due - INSTANT)
        assert check_deadlines(world) == 0
        clock.go_to(due)
        assert check_deadlines(world) == sum(deadline.due == due for deadline in deadlines)
        assert check_deadlines(world) == 0
    assert_all_written_once(world, deadlines)


@pytest.mark.parametrize("start", MOMENTS, ids=lambda moment: f"{moment:%Y-%m-%d}")
def test_after_48_hours_of_downtime_what_was_due_fires_once_in_order_and_nothing_else(
    world: World, clock: StillClock, start: datetime
) -> None:
    clock.go_to(start)
    deadlines = begin_each(world)
    clock.go_to(start + timedelta(hours=48))
    missed = [deadline for deadline in deadlines if deadline.due <= clock.now()]
    assert check_deadlines(world) == len(missed) > 5
    assert_all_written_once(world, missed)
    assert check_deadlines(world) == 0
    clock.go_on(timedelta(days=30))
    assert check_deadlines(world) == len(deadlines) - len(missed)
    assert_all_written_once(world, deadlines)


def assert_all_written_once(world: World, deadlines: list[Deadline]) -> None:
    """Each in the ledger once, dated with the time at which it fell due, in that order."""
    for handoff in {deadline.handoff for deadline in deadlines}:
        due = {deadline.step: deadline.due for deadline in deadlines if deadline.handoff == handoff}
        written = fired(world, handoff)
        assert sorted(str(event.detail["step"]) for event in written) == sorted(due)
        assert all(event.event_time == due[str(event.detail["step"])] <= event.recorded_time for event in written)
        assert [event.event_time for event in written] == sorted(due.values())


@pytest.mark.parametrize(
    ("pathway", "start", "due"),
    [
        # Noon of the next day in New York, on the days on which the clocks change.
        ("case-management-reengagement", datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 16, tzinfo=UTC)),
        ("case-management-reengagement", datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 11, 1, 17, tzinfo=UTC)),
        # The sender's 22:00 on Monday is still Monday where the recipient is, though Tuesday in UTC.
        ("case-management-reengagement", datetime(2026, 3, 10, 2, tzinfo=UTC), datetime(2026, 3, 10, 16, tzinfo=UTC)),
        # One business day in Los Angeles, close at 18:00: over a weekend with a change, Thanksgiving and the day after.
        ("perinatal-digital", datetime(2026, 3, 6, 20, tzinfo=UTC), datetime(2026, 3, 10, 1, tzinfo=UTC)),
        ("perinatal-ob-visit", datetime(2026, 10, 30, 20, tzinfo=UTC), datetime(2026, 11, 3, 2, tzinfo=UTC)),
        ("perinatal-pediatric-visit", datetime(2026, 11, 25, 20, tzinfo=UTC), datetime(2026, 12, 1, 2, tzinfo=UTC)),
        # Two business days in New York over Christmas.
        ("referral", datetime(2026, 12, 23, 15, tzinfo=UTC), datetime(2026, 12, 28, 23, tzinfo=UTC)),
        # Elapsed hours stay elapsed hours.
        ("perinatal-minimum", datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 20, tzinfo=UTC)),
        ("mobile-crisis-to-outpatient", datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=UTC)),
        # Before the visit, the discharge, the last session ends (20 minutes, 20 hours, two days from the request).
        ("perinatal-in-room-call", datetime(2026, 3, 8, 9, 50, tzinfo=UTC), datetime(2026, 3, 8, 10, 10, tzinfo=UTC)),
        ("maternity-hospital-discharge", datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 16, tzinfo=UTC)),
        ("iop-discharge", datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 11, 2, 20, tzinfo=UTC)),
    ],
)
def test_the_acceptance_deadline_is_what_the_recipients_wall_and_calendar_say(
    world: World, clock: StillClock, pathway: str, start: datetime, due: datetime
) -> None:
    clock.go_to(start)
    handoff = begin(world, pathway)
    assert {d.step: d.due for d in world.store.open_deadlines(handoff)}["acceptance"] == due


@pytest.mark.parametrize("start", MOMENTS, ids=lambda moment: f"{moment:%Y-%m-%d}")
def test_the_follow_up_opens_after_seven_days_and_is_due_after_ten(
    world: World, clock: StillClock, start: datetime
) -> None:
    clock.go_to(start)
    owed = [name for name, pathway in PATHWAYS.items() if pathway.clock("follow-up")]
    assert len(owed) == 7
    for pathway in owed:
        handoff = begin(world, pathway)
        opens = {d.step: d.due for d in world.store.open_deadlines(handoff)}["follow-up"]
        assert opens == start + timedelta(days=7)
