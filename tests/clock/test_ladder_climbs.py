"""The clock on a real store: each step once, none early, in order, also after downtime and with several workers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from small_house import START, StillClock, change_handoff, keep_handoff, partner, world_of
from sqlalchemy import text

from adapter.domain import events
from adapter.domain.deadlines import AtLocalTime, WorkingTime, acceptance_deadline
from adapter.domain.handoff import Handoff
from adapter.domain.ladder import acceptance_deadlines
from adapter.pathways import load_pathways
from adapter.storage import PostgresStore
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.use_cases.ports import ResourceKey, WriteSet
from adapter.use_cases.world import World
from mappings.json_codec import decode

PATHWAYS = load_pathways()
DEADLINE = START + timedelta(hours=2)
LADDER = [
    "deadline:acceptance-missed",
    "ladder:alternate-told",
    "ladder:escalated",
    "ladder:flagged-for-review",
]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def world(store: PostgresStore, clock: StillClock) -> World:
    return world_of(
        store,
        partner("sender"),
        partner("receiver", alternate_contacts=("lead-team",), escalation_owner="supervisors"),
        partner("lead-team"),
        partner("supervisors"),
        partner("stranger"),
        clock=clock,
    )


def request(store: PostgresStore, id: str = "h1", **options: Any) -> Handoff:
    """A handoff with the acceptance deadline and the ladder of its pathway."""
    pathway = PATHWAYS[options.get("pathway", "referral")]
    return keep_handoff(store, id, deadlines=acceptance_deadlines(pathway, DEADLINE), **options)


def ladder_of(store: PostgresStore, id: str = "h1") -> list[str]:
    kinds = [event.kind for event in store.system_reader().ledger_of(id)]
    return [kind for kind in kinds if kind.startswith(("deadline:", "ladder:"))]


def handoff_of(store: PostgresStore, id: str = "h1") -> Handoff:
    found = store.system_reader().handoff(id)
    assert found is not None
    return found


def task_of(store: PostgresStore, id: str = "h1") -> dict[str, Any]:
    stored = store.system_reader().read(ResourceKey("Task", id))
    assert stored is not None
    tree: dict[str, Any] = decode(stored.body)
    assert tree["meta"]["versionId"] == str(stored.version)
    return tree


def child_of(store: PostgresStore, id: str = "h1") -> str:
    escalated = [e for e in store.system_reader().ledger_of(id) if e.kind == events.ESCALATED]
    task = escalated[-1].detail["task"]
    assert isinstance(task, str)
    return task.removeprefix("Task/")


def told(store: PostgresStore) -> list[tuple[str, str, str]]:
    with store.engine.begin() as connection:
        rows = connection.execute(text("SELECT subscriber, event, focus_id FROM notification ORDER BY id")).all()
    return [(row.subscriber, row.event, row.focus_id) for row in rows]


def test_no_step_fires_early_and_each_fires_once(world: World, store: PostgresStore, clock: StillClock) -> None:
    request(store)
    due = [DEADLINE, DEADLINE, DEADLINE + timedelta(hours=4), DEADLINE + timedelta(hours=24)]
    for moment, count in zip(sorted(set(due)), (2, 3, 4), strict=True):
        clock.go_to(moment - timedelta(microseconds=1))
        assert check_deadlines(world) == 0
        clock.go_to(moment)
        assert check_deadlines(world) > 0
        assert check_deadlines(world) == 0
        assert ladder_of(store) == LADDER[:count]


def test_after_two_days_without_a_worker_every_step_is_made_up_for_in_order(
    world: World, store: PostgresStore, clock: StillClock
) -> None:
    for number in range(20):
        request(store, f"h{number}")
    clock.go_to(DEADLINE + timedelta(hours=48))
    assert check_deadlines(world) == 80
    for number in range(20):
        assert ladder_of(store, f"h{number}") == LADDER
    line = next(e for e in store.system_reader().ledger_of("h1") if e.kind == events.ESCALATED)
    assert (line.event_time, line.recorded_time) == (DEADLINE + timedelta(hours=4), clock.now())


def test_three_workers_at_once_fire_each_step_once(world: World, store: PostgresStore, clock: StillClock) -> None:
    for number in range(15):
        request(store, f"h{number}")
    clock.go_to(DEADLINE + timedelta(hours=48))
    fired: list[int] = []

    def work() -> None:
        for _ in range(6):
            fired.append(check_deadlines(world))

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(fired) == 60
    for number in range(15):
        assert sorted(ladder_of(store, f"h{number}")) == sorted(LADDER)
        assert handoff_of(store, f"h{number}").flagged_for_review
    escalations = [note for note in told(store) if note[:2] == ("supervisors", events.ESCALATED)]
    assert len(escalations) == len(set(escalations)) == 15


def test_a_missed_deadline_sets_the_business_status_and_never_the_status(
    world: World, store: PostgresStore, clock: StillClock
) -> None:
    request(store)
    before = store.system_reader().read(ResourceKey("Task", "h1"))
    expected = [("acceptance-overdue", 0), ("escalated", 4), ("under-review", 24)]
    for code, hours in expected:
        clock.go_to(DEADLINE + timedelta(hours=hours))
        check_deadlines(world)
        task = task_of(store)
        assert task["status"] == "requested"
        assert task["businessStatus"]["coding"][0]["code"] == code
        assert handoff_of(store).business_status == code
    after = store.system_reader().read(ResourceKey("Task", "h1"))
    assert before is not None
    assert after is not None
    assert after.author == before.author == "sender"
    assert after.version > before.version


def test_both_sides_are_told_of_a_missed_deadline(world: World, store: PostgresStore, clock: StillClock) -> None:
    request(store)
    clock.go_to(DEADLINE)
    check_deadlines(world)
    assert ("sender", events.ACCEPTANCE_MISSED, "h1") in told(store)
    assert ("receiver", events.ACCEPTANCE_MISSED, "h1") in told(store)
    assert not [note for note in told(store) if note[0] == "stranger"]


def organization(id: str) -> dict[str, Any]:
    return {"valueReference": {"reference": f"Organization/{id}"}}


def role(id: str, partner: str) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "practitioner": {"reference": f"Practitioner/of-{id}"},
        "organization": {"reference": f"Organization/{partner}"},
    }


@pytest.mark.parametrize(
    ("inputs", "others", "expected"),
    [
        ((("alternate-contact", organization("stranger")),), (), "stranger"),
        (
            (("alternate-contact", {"valueReference": {"reference": "PractitionerRole/r1"}}),),
            (role("r1", "stranger"),),
            "stranger",
        ),
        (
            (("alternate-contact", {"valueReference": {"reference": "Practitioner/of-r2"}}),),
            (role("r2", "receiver"),),
            "receiver",
        ),
        ((), (), "lead-team"),
        ((("alternate-contact", {"valueReference": {"reference": "Practitioner/unknown"}}),), (), "lead-team"),
    ],
)
def test_the_alternate_contact_is_the_one_that_was_named_else_the_registers(
    world: World, store: PostgresStore, clock: StillClock, inputs: Any, others: Sequence[Any], expected: str
) -> None:
    request(store, inputs=inputs, others=[dict(other) for other in others])
    clock.go_to(DEADLINE)
    check_deadlines(world)
    assert (expected, events.ALTERNATE_TOLD, "h1") in told(store)
    assert store.reader(expected).read(ResourceKey("Task", "h1")) is not None
    assert len([note for note in told(store) if note[1] == events.ALTERNATE_TOLD]) == 1


def test_an_escalation_is_a_child_task_whose_owner_can_read_what_it_is_about(
    world: World, store: PostgresStore, clock: StillClock
) -> None:
    summary = {"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan"}
    request(store, inputs=(("escalation-owner", organization("stranger")),), others=[summary])
    clock.go_to(DEADLINE + timedelta(hours=3))
    check_deadlines(world)
    assert store.reader("stranger").read(ResourceKey("CarePlan", "plan")) is None
    clock.go_to(DEADLINE + timedelta(hours=4))
    check_deadlines(world)
    child = child_of(store)
    task = task_of(store, child)
    assert task["code"]["coding"][0]["code"] == "escalate"
    assert task["partOf"] == [{"reference": "Task/h1"}]
    assert task["focus"] == {"reference": "Task/h1"}
    assert task["owner"] == {"reference": "Organization/stranger"}
    assert task["requester"] == {"reference": "Organization/sender"}
    assert task["reasonCode"]["coding"][0]["code"] == "acceptance-overdue"
    assert task["input"][0]["valueReference"] == {"reference": "Organization/stranger"}
    assert handoff_of(store, child).part_of == "h1"
    assert ("stranger", events.ESCALATED, child) in told(store)
    for key in (ResourceKey("CarePlan", "plan"), ResourceKey("Task", "h1"), ResourceKey("Task", child)):
        assert store.reader("stranger").read(key) is not None
    assert store.reader("supervisors").read(ResourceKey("Task", "h1")) is None


@pytest.mark.parametrize(("register", "expected"), [("supervisors", "supervisors"), (None, "sender")])
def test_without_a_name_the_register_says_who_takes_an_escalation_else_the_initiator(
    world: World, store: PostgresStore, clock: StillClock, register: str | None, expected: str
) -> None:
    partners = world.register.partners  # type: ignore[attr-defined]
    partners["receiver"] = replace(partners["receiver"], escalation_owner=register)
    request(store)
    clock.go_to(DEADLINE + timedelta(hours=4))
    check_deadlines(world)
    assert handoff_of(store, child_of(store)).owner == expected


def test_what_was_answered_in_time_is_left_alone(world: World, store: PostgresStore, clock: StillClock) -> None:
    handoff = request(store)
    change_handoff(store, replace(handoff, status="accepted"))
    clock.go_to(DEADLINE + timedelta(hours=48))
    assert check_deadlines(world) == 4
    assert ladder_of(store) == []
    assert handoff_of(store).business_status == "awaiting-acceptance"


def test_a_cancelled_step_does_not_fire(world: World, store: PostgresStore, clock: StillClock) -> None:
    request(store)
    store.commit(WriteSet("receiver", cancelled_deadlines=[("h1", "")]))
    clock.go_to(DEADLINE + timedelta(hours=48))
    assert check_deadlines(world) == 0


def test_a_step_that_cannot_be_fired_does_not_keep_others_from_firing(
    world: World, store: PostgresStore, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    partners = world.register.partners  # type: ignore[attr-defined]
    partners["broken"] = replace(partners["receiver"], id="broken", alternate_contacts=({"Ana": "Lopez"},))
    request(store, "h1", owner="broken")
    request(store, "h2")
    clock.go_to(DEADLINE)
    assert check_deadlines(world) == 3
    assert ladder_of(store, "h2") == LADDER[:2]
    assert "alternate-contact of handoff h1 not fired" in caplog.text
    assert "Lopez" not in caplog.text
    assert "alternate-contact" in [deadline.step for deadline in store.open_deadlines("h1")]


@pytest.mark.parametrize(
    ("zone", "requested", "noon"),
    [
        # Spring forward on 8 March 2026, fall back on 1 November 2026 (New York), 29 March (Berlin).
        ("America/New_York", datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 16, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 6, 20, tzinfo=UTC), datetime(2026, 3, 7, 17, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 11, 1, 17, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 10, tzinfo=UTC)),
    ],
)
def test_noon_of_the_next_day_is_noon_on_the_recipients_wall_across_a_time_change(
    world: World, store: PostgresStore, clock: StillClock, zone: str, requested: datetime, noon: datetime
) -> None:
    rule = PATHWAYS["case-management-reengagement"].acceptance
    assert isinstance(rule, AtLocalTime)
    deadline = acceptance_deadline(rule, requested, None, WorkingTime(zone))
    keep_handoff(store, "h1", at=requested, deadlines=acceptance_deadlines(PATHWAYS["referral"], deadline))
    clock.go_to(noon - timedelta(seconds=1))
    assert check_deadlines(world) == 0
    clock.go_to(noon)
    assert check_deadlines(world) == 2
