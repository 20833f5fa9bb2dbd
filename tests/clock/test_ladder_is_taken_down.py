"""What starts a ladder beside a deadline, and what an answer does to it: through the one write path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from small_house import START, StillClock, keep_handoff, partner, world_of

from adapter.domain import events
from adapter.domain.handoff import Handoff
from adapter.domain.ladder import acceptance_deadlines
from adapter.pathways import load_pathways
from adapter.storage import PostgresStore
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.use_cases.ports import Answer, Deadline, ResourceKey, WriteSet
from adapter.use_cases.transact import Plan, Request, transact
from adapter.use_cases.world import World
from mappings.interaction import Interaction
from mappings.json_codec import decode
from mappings.times import format_time

PATHWAYS = load_pathways()
REFERRAL = PATHWAYS["referral"]
DEADLINE = START + timedelta(hours=8)
REASON = {"text": "no capacity"}


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def world(store: PostgresStore, clock: StillClock) -> World:
    receiver = partner("receiver", alternate_contacts=("lead-team",), escalation_owner="supervisors")
    world = world_of(store, partner("sender"), receiver, partner("lead-team"), partner("supervisors"), clock=clock)
    keep_handoff(store, "h1", deadlines=acceptance_deadlines(REFERRAL, DEADLINE))
    return world


def send(world: World, tenant: str, *interactions: Interaction) -> None:
    transact(world, Request(tenant), lambda reader: Plan(interactions), lambda done: Answer(200, {}, b"{}"))


def report_failed_contact(world: World, tenant: str = "sender", count: int = 1) -> None:
    attempt = {
        "resourceType": "Communication",
        "status": "not-done",
        "statusReason": {"text": "voicemail"},
        "about": [{"reference": "Task/h1"}],
        "sent": format_time(START),
    }
    posts = [Interaction("POST", "Communication", at="Communication", resource=dict(attempt)) for _ in range(count)]
    send(world, tenant, *posts)


def answer(world: World, tenant: str, task_id: str, status: str, **elements: Any) -> None:
    stored = world.store.system_reader().read(ResourceKey("Task", task_id))
    assert stored is not None
    tree = {**decode(stored.body), "status": status, **elements}
    put = Interaction("PUT", "Task", task_id, at="Task", resource=tree, if_match=f'W/"{stored.version}"')
    send(world, tenant, put)


def handoff_of(world: World, id: str = "h1") -> Handoff:
    found = world.store.system_reader().handoff(id)
    assert found is not None
    return found


def kinds(world: World, id: str = "h1") -> list[str]:
    return [event.kind for event in world.store.system_reader().ledger_of(id)]


def climb_to_escalation(world: World, clock: StillClock) -> str:
    clock.go_to(DEADLINE + timedelta(hours=4))
    check_deadlines(world)
    ledger = world.store.system_reader().ledger_of("h1")
    task = next(e.detail["task"] for e in ledger if e.kind == events.ESCALATED)
    assert isinstance(task, str)
    return task.removeprefix("Task/")


def readable(world: World, tenant: str, id: str = "h1") -> bool:
    return world.store.reader(tenant).read(ResourceKey("Task", id)) is not None


def test_a_failed_contact_starts_the_ladder_without_waiting_for_the_deadline(world: World, clock: StillClock) -> None:
    report_failed_contact(world)
    assert handoff_of(world).business_status == "contact-failed"
    assert handoff_of(world).status == "requested"
    assert check_deadlines(world) == 1
    assert kinds(world)[-1] == events.ALTERNATE_TOLD
    clock.go_to(START + timedelta(hours=4))
    assert check_deadlines(world) == 1
    assert kinds(world)[-1] == events.ESCALATED
    child = next(e.detail["task"] for e in world.store.system_reader().ledger_of("h1") if e.kind == events.ESCALATED)
    stored = world.store.system_reader().read(ResourceKey("Task", str(child).removeprefix("Task/")))
    assert stored is not None
    assert decode(stored.body)["reasonCode"]["coding"][0]["code"] == "contact-failed"


def test_more_failed_contacts_while_the_ladder_climbs_start_no_second_one(world: World, clock: StillClock) -> None:
    report_failed_contact(world, count=2)
    report_failed_contact(world, tenant="receiver")
    assert kinds(world).count(events.CONTACT_FAILED) == 3
    clock.go_to(START + timedelta(hours=5))
    assert check_deadlines(world) == 2
    assert kinds(world).count(events.ALTERNATE_TOLD) == 1
    assert kinds(world).count(events.ESCALATED) == 1


def test_a_failed_contact_after_a_ladder_is_through_starts_another(world: World, clock: StillClock) -> None:
    report_failed_contact(world)
    clock.go_to(START + timedelta(hours=60))
    check_deadlines(world)
    told = kinds(world).count(events.ALTERNATE_TOLD)
    report_failed_contact(world)
    assert check_deadlines(world) == 1
    assert kinds(world).count(events.ALTERNATE_TOLD) == told + 1


def test_two_ladders_ask_the_same_escalation_owner_once_and_remind_it(world: World, clock: StillClock) -> None:
    report_failed_contact(world)
    climb_to_escalation(world, clock)
    ledger = world.store.system_reader().ledger_of("h1")
    escalated = [event.detail for event in ledger if event.kind == events.ESCALATED]
    assert len(escalated) == 2
    assert len({str(detail["task"]) for detail in escalated}) == 1
    assert [detail["again"] for detail in escalated] == [False, True]


@pytest.mark.parametrize(
    ("tenant", "status"), [("receiver", "accepted"), ("receiver", "rejected"), ("sender", "cancelled")]
)
def test_an_answer_takes_down_the_ladder_and_ends_the_reading_of_who_was_only_asked(
    world: World, clock: StillClock, tenant: str, status: str
) -> None:
    child = climb_to_escalation(world, clock)
    assert readable(world, "supervisors")
    assert readable(world, "lead-team")
    answer(world, tenant, "h1", status, statusReason=REASON)
    assert handoff_of(world, child).status == "cancelled"
    stored = world.store.system_reader().read(ResourceKey("Task", child))
    assert stored is not None
    assert decode(stored.body)["status"] == "cancelled"
    assert decode(stored.body)["statusReason"]["coding"][0]["code"] == "handoff-answered"
    assert kinds(world, child)[-1] == events.CANCELLED
    assert not readable(world, "supervisors")
    assert not readable(world, "lead-team")
    assert readable(world, "supervisors", child)
    assert [d.step for d in world.store.open_deadlines("h1") if d.step in {"governance-review"}] == []


def test_who_took_an_escalation_over_keeps_it_and_goes_on_reading(world: World, clock: StillClock) -> None:
    child = climb_to_escalation(world, clock)
    answer(world, "supervisors", child, "accepted")
    answer(world, "receiver", "h1", "accepted")
    assert handoff_of(world, child).status == "accepted"
    assert readable(world, "supervisors")
    assert not readable(world, "lead-team")


def test_who_rejects_an_escalation_reads_the_handoff_no_more(world: World, clock: StillClock) -> None:
    child = climb_to_escalation(world, clock)
    answer(world, "supervisors", child, "rejected", statusReason=REASON)
    assert not readable(world, "supervisors")
    assert handoff_of(world).status == "requested"
    assert readable(world, "receiver")


def test_a_missed_clock_of_the_pathway_is_told_unless_what_it_waited_for_is_there(
    world: World, store: PostgresStore, clock: StillClock
) -> None:
    visit = {
        "resourceType": "Appointment",
        "id": "visit",
        "status": "fulfilled",
        "basedOn": [{"reference": "Task/attended"}],
        "start": format_time(START),
    }
    for id, others in (("missed", []), ("attended", [visit])):
        keep_handoff(store, id, status="accepted", pathway="mobile-crisis-to-outpatient", others=others)
        store.commit(WriteSet("sender", deadlines=[Deadline(id, "first-contact", START)]))
    check_deadlines(world)
    assert events.CLOCK_MISSED in kinds(world, "missed")
    assert handoff_of(world, "missed").business_status == "first-contact-overdue"
    assert handoff_of(world, "missed").status == "accepted"
    assert events.CLOCK_MISSED not in kinds(world, "attended")
    assert world.store.open_deadlines("attended") == []


def test_a_follow_up_is_a_task_of_the_initiator_beside_the_handoff(
    world: World, store: PostgresStore, clock: StillClock
) -> None:
    keep_handoff(store, "p1", pathway="perinatal-minimum", deadlines=[("follow-up", START + timedelta(days=7))])
    clock.go_to(START + timedelta(days=7))
    assert check_deadlines(world) >= 1
    event = next(e for e in store.system_reader().ledger_of("p1") if e.kind == events.FOLLOW_UP_OPENED)
    key = ResourceKey("Task", str(event.detail["task"]).removeprefix("Task/"))
    stored = store.reader("receiver").read(key)
    assert stored is not None
    tree = decode(stored.body)
    assert tree["owner"] == tree["requester"] == {"reference": "Organization/sender"}
    assert tree["restriction"]["period"]["end"] == format_time(START + timedelta(days=10))
    assert tree["description"].startswith("Confirm that the appointment is scheduled")
    assert store.system_reader().handoff(key.id) is None
