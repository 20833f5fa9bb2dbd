"""The first visit: booked, missed, kept. What the handoff then says, who is told, and who reaches out again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from whole_house import Caller, WholeHouse, whole_house

from adapter.domain import events
from adapter.domain.handoff import Handoff
from adapter.pathways import load_pathways
from adapter.testkit.elements import fact
from adapter.testkit.whole_handoff import complete
from adapter.use_cases.check_deadlines import check_deadlines
from mappings.json_codec import decode, encode
from mappings.times import format_time

PATHWAYS = load_pathways()
Tree = dict[str, Any]


@pytest.fixture(scope="module")
def house(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHouse]:
    name = postgres.clone()
    with whole_house(postgres.postgres.url(name), tmp_path_factory.mktemp("house")) as house:
        yield house
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class Visit:
    """A handoff that was requested, and what can happen to its first visit."""

    house: WholeHouse
    initiator: Caller
    recipient: Caller
    sides: tuple[str, str]
    task: str
    request: str
    patient: str
    therapist: str
    outputs: list[Tree]
    appointment: str = ""

    @property
    def id(self) -> str:
        return self.task.partition("/")[2]

    @property
    def handoff(self) -> Handoff:
        found = self.house.house.store.system_reader().handoff(self.id)
        assert found is not None
        return found

    @property
    def says(self) -> str | None:
        """Task.businessStatus, which must be what the projection says."""
        codings = self.initiator.get(self.task).tree.get("businessStatus", {}).get("coding", [])
        code = codings[0]["code"] if codings else None
        assert code == self.handoff.business_status
        return code

    @property
    def awaited(self) -> str | None:
        action = self.handoff.next_action
        return action.code if action else None

    def accept(self) -> None:
        patch: list[Any] = [{"op": "replace", "path": "/status", "value": "accepted"}]
        if self.outputs:
            patch.append({"op": "add", "path": "/output", "value": self.outputs})
        taken = self.recipient.patch(self.task, patch, If_Match=self.recipient.get(self.task).etag)
        assert taken.status == 200, taken.tree

    def book(self, status: str = "booked", hours: float = 44) -> datetime:
        """Another Appointment; when it begins."""
        start = (self.house.house.clock.now() + timedelta(hours=hours)).replace(microsecond=0)
        made = self.recipient.post("Appointment", self._appointment(status, start))
        assert made.status == 201, made.tree
        self.appointment = f"Appointment/{made.tree['id']}"
        return start

    def becomes(self, status: str) -> None:
        """The Appointment is sent again with this status."""
        before = self.recipient.get(self.appointment).tree
        changed = self.recipient.put(self.appointment, {**before, "status": status})
        assert changed.status == 200, changed.tree

    def _appointment(self, status: str, start: datetime) -> Tree:
        return {
            "resourceType": "Appointment",
            "status": status,
            "start": format_time(start),
            "end": format_time(start + timedelta(hours=1)),
            "basedOn": [{"reference": self.request}],
            "participant": [
                {"actor": {"reference": self.patient}, "status": "accepted"},
                {"actor": {"reference": self.therapist}, "status": "accepted"},
            ],
        }

    def see(self) -> None:
        """The first visit as an Encounter of the recipient."""
        visit = {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": self.patient},
            "serviceProvider": {"reference": f"Organization/{self.sides[1]}"},
            "basedOn": [{"reference": self.request}],
            "period": {"start": format_time(self.house.house.clock.now())},
        }
        made = self.recipient.post("Encounter", visit)
        assert made.status == 201, made.tree

    def pass_time(self, **by: float) -> None:
        self.house.house.clock.advance(timedelta(**by))  # type: ignore[union-attr]
        check_deadlines(self.house.house.world)

    def tasks(self, code: str, caller: Caller | None = None) -> list[Tree]:
        """The Tasks of this code beside the handoff, as the caller (the recipient unless named) sees them."""
        page = (caller or self.recipient).get(f"Task?part-of={self.task}&code={code}").tree
        return [entry["resource"] for entry in page.get("entry", ())]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.house.house.store.system_reader().ledger_of(self.id)]

    def told(self, event: str) -> list[str]:
        with self.house.house.store.engine.begin() as connection:
            asked = text("SELECT subscriber FROM notification WHERE handoff = :id AND event = :event ORDER BY id")
            return list(connection.execute(asked, {"id": self.id, "event": event}).scalars())


Begin = Callable[..., Visit]


@pytest.fixture
def begin(house: WholeHouse) -> Begin:
    def begin(pathway: str = "perinatal-minimum", tier: str | None = None, optional: tuple[str, ...] = ()) -> Visit:
        made = complete(PATHWAYS[pathway], tier, optional=optional, chance=random.Random(uuid4().int))
        sent = house.caller(made.requester).post("", made.transaction(made.request))
        assert sent.status == 200, sent.tree
        at = dict(zip(made.request, sent.located, strict=True))
        answer = {name: tree for name, tree in made.answer.items() if name in {"therapist", "call"}}
        told = encode(made.transaction(answer)).decode()
        outputs = encode(made.outputs).decode()
        for name, reference in at.items():
            told = told.replace(made.wording.url(name), reference)
        answered = house.caller(made.owner).post("", decode(told.encode()))
        assert answered.status == 200, answered.tree
        for name, reference in zip(answer, answered.located, strict=True):
            outputs = outputs.replace(made.wording.url(name), reference)
        return Visit(
            house=house,
            initiator=house.caller(made.requester),
            recipient=house.caller(made.owner),
            sides=(made.requester, made.owner),
            task=at["task"],
            request=at["request"],
            patient=at["patient"],
            therapist=answered.located[0],
            outputs=decode(outputs.encode()),
        )

    return begin


def test_a_booking_after_acceptance_shows_and_says_when_the_visit_is_due(begin: Begin) -> None:
    visit = begin()
    visit.accept()
    assert visit.says is None
    start = visit.book()
    assert visit.says == "appointment-booked"
    assert visit.handoff.status == "accepted"
    assert visit.handoff.next_action is not None
    assert (visit.handoff.next_action.code, visit.handoff.next_action.by) == ("make-first-contact", start)
    assert visit.told(events.APPOINTMENT_BOOKED) == ["ob-clinic"]


def test_before_acceptance_a_booking_does_not_hide_that_an_answer_is_awaited(begin: Begin) -> None:
    visit = begin()
    visit.book()
    assert visit.says == "awaiting-acceptance"
    assert visit.kinds()[-1] == events.APPOINTMENT_BOOKED
    visit.accept()
    assert visit.says == "appointment-booked"


def test_whoever_saw_the_person_before_accepting_has_made_the_first_contact(begin: Begin) -> None:
    visit = begin()
    visit.book("fulfilled", hours=-1)
    assert visit.says == "awaiting-acceptance"
    visit.accept()
    assert visit.says == "first-contact-made"
    assert visit.awaited == "complete"


@pytest.mark.parametrize("pathway", PATHWAYS)
def test_a_missed_visit_shows_on_both_sides_and_whoever_holds_the_person_reaches_out(
    begin: Begin, pathway: str
) -> None:
    visit = begin(pathway, "moderate" if "current-risk-level" in str(PATHWAYS[pathway].facts) else None)
    start = visit.book(hours=1)
    if pathway in {"maternity-hospital-discharge", "iop-discharge"}:
        visit.outputs.append(fact("telehealth-instructions", "String", "The link was sent by text"))
    visit.accept()
    visit.pass_time(hours=2)
    visit.becomes("noshow")
    assert visit.says == "no-show"
    assert visit.handoff.status == "accepted"
    assert visit.told(events.APPOINTMENT_MISSED) == [visit.sides[0]]
    (missed,) = [e for e in visit.house.house.store.system_reader().ledger_of(visit.id) if "missed" in e.kind]
    assert missed.event_time == start < missed.recorded_time

    visit.pass_time(seconds=1)
    (task,) = visit.tasks("re-engagement")
    assert task["status"] == "requested"
    assert task["owner"] == {"reference": f"Organization/{visit.sides[1]}"}
    assert task["focus"] == {"reference": visit.task}
    assert task["description"]
    due = datetime.fromisoformat(task["restriction"]["period"]["end"])
    assert timedelta(hours=23) < due - missed.recorded_time <= timedelta(hours=24)
    assert visit.tasks("re-engagement", visit.initiator) == [task]
    assert visit.tasks("re-engagement", visit.house.caller("hie-router")) == []
    assert sorted(visit.told(events.FOLLOW_UP_OPENED)) == sorted(visit.sides)
    assert visit.handoff.responsible == visit.sides[1]


def test_the_recipient_works_off_the_re_engagement_and_the_person_comes_the_second_time(begin: Begin) -> None:
    visit = begin()
    visit.book(hours=1)
    visit.accept()
    visit.becomes("noshow")
    visit.pass_time(seconds=1)
    (task,) = visit.tasks("re-engagement")
    done = visit.recipient.patch(
        f"Task/{task['id']}", [{"op": "replace", "path": "/status", "value": "completed"}], If_Match='W/"1"'
    )
    assert done.status == 200, done.tree
    visit.book(hours=20)
    assert visit.says == "appointment-booked"
    visit.becomes("fulfilled")
    assert visit.says == "first-contact-made"
    visit.book()
    assert visit.says == "first-contact-made"


def test_a_missed_visit_counts_once_however_often_it_is_sent_and_another_one_counts_again(begin: Begin) -> None:
    visit = begin()
    visit.book(hours=1)
    visit.accept()
    for _ in range(2):
        visit.becomes("noshow")
        visit.pass_time(seconds=1)
    assert len(visit.tasks("re-engagement")) == 1
    assert visit.kinds().count(events.APPOINTMENT_MISSED) == 1
    visit.book(hours=20)
    visit.becomes("noshow")
    visit.pass_time(seconds=1)
    assert len(visit.tasks("re-engagement")) == 2
    assert visit.kinds().count(events.APPOINTMENT_MISSED) == 2


def test_who_came_before_the_clock_fired_is_not_chased(begin: Begin) -> None:
    visit = begin()
    visit.book(hours=1)
    visit.accept()
    visit.becomes("noshow")
    visit.see()
    visit.pass_time(seconds=1)
    assert visit.tasks("re-engagement") == []
    assert visit.says == "first-contact-made"


def test_the_first_visit_may_be_told_as_an_encounter(begin: Begin) -> None:
    visit = begin()
    visit.accept()
    assert visit.awaited == "make-first-contact"
    visit.see()
    assert visit.says == "first-contact-made"
    assert visit.awaited == "complete", "nobody is asked for a first contact that took place"
    assert visit.kinds()[-1] == events.APPOINTMENT_ATTENDED
    assert visit.told(events.APPOINTMENT_ATTENDED) == ["ob-clinic"]


@pytest.mark.parametrize("graver", ["escalated", "under-review"])
def test_a_missed_visit_never_hides_what_is_graver(begin: Begin, graver: str) -> None:
    visit = begin()
    visit.pass_time(hours=28.5 if graver == "escalated" else 49)
    assert visit.says == graver
    visit.book(hours=1)
    visit.becomes("noshow")
    assert visit.says == graver
    assert visit.kinds()[-1] == events.APPOINTMENT_MISSED


def test_a_missed_visit_outweighs_a_late_one_and_a_clock_that_runs_out_does_not_hide_it(begin: Begin) -> None:
    visit = begin()
    visit.accept()
    visit.pass_time(hours=25)
    assert visit.says == "first-contact-overdue"
    visit.book(hours=1)
    assert visit.says == "first-contact-overdue", "a booking does not make up for a contact that is overdue"
    visit.becomes("noshow")
    assert visit.says == "no-show"
    other = begin()
    other.book(hours=1)
    other.accept()
    other.becomes("noshow")
    other.pass_time(hours=25)
    assert events.CLOCK_MISSED in other.kinds()
    assert other.says == "no-show"


def test_a_closed_handoff_keeps_what_it_says(begin: Begin) -> None:
    visit = begin()
    visit.book(hours=1)
    visit.accept()
    visit.recipient.move(visit.task, "in-progress")
    visit.becomes("fulfilled")
    assert visit.recipient.move(visit.task, "completed").status == 200
    said = visit.says
    visit.book(hours=1)
    visit.becomes("noshow")
    visit.pass_time(seconds=1)
    assert visit.says == said
    assert visit.tasks("re-engagement") == []


def test_a_failed_contact_still_starts_its_ladder_while_a_re_engagement_is_due(begin: Begin) -> None:
    """Both count their runs; one must not be taken for the other."""
    visit = begin()
    for _ in range(2):
        visit.book(hours=1)
        visit.becomes("noshow")
    attempt = {
        "resourceType": "Communication",
        "status": "not-done",
        "statusReason": {"text": "voicemail"},
        "basedOn": [{"reference": visit.request}],
        "sent": format_time(visit.house.house.clock.now()),
    }
    assert visit.initiator.post("Communication", attempt).status == 201
    visit.pass_time(seconds=1)
    assert events.ALTERNATE_TOLD in visit.kinds()


def close(visit: Visit, caller: Caller, task: Tree, status: str, why: str | None = None) -> int:
    patch: list[Any] = [{"op": "replace", "path": "/status", "value": status}]
    if why:
        patch.append({"op": "add", "path": "/statusReason", "value": {"text": why}})
    return caller.patch(f"Task/{task['id']}", patch, If_Match='W/"1"').status


def test_a_follow_up_that_finds_nobody_attended_says_why_and_starts_a_re_engagement(begin: Begin) -> None:
    visit = begin()
    visit.accept()
    visit.pass_time(days=7.1)
    (task,) = visit.tasks("follow-up", visit.initiator)
    assert close(visit, visit.initiator, task, "failed") == 422
    assert close(visit, visit.initiator, task, "failed", "She had moved") == 200
    assert visit.says == "no-show"
    assert visit.told(events.FOLLOW_UP_CLOSED) == ["perinatal-clinic"]
    visit.pass_time(seconds=1)
    (again,) = visit.tasks("re-engagement")
    assert again["owner"] == {"reference": "Organization/perinatal-clinic"}
    assert close(visit, visit.recipient, again, "failed", "Nobody at the new address") == 200
    visit.pass_time(seconds=1)
    assert len(visit.tasks("re-engagement")) == 1, "an attempt that fails is told, and does not begin again by itself"
    assert visit.told(events.FOLLOW_UP_CLOSED) == ["perinatal-clinic", "ob-clinic"]
    ledger = visit.house.house.store.system_reader().ledger_of(visit.id)
    closed = [event.detail for event in ledger if event.kind == events.FOLLOW_UP_CLOSED]
    assert [(d["clock"], d["status"]) for d in closed] == [("follow-up", "failed"), ("re-engagement", "failed")]


def test_a_follow_up_that_went_well_is_written_down_and_starts_nothing(begin: Begin) -> None:
    visit = begin()
    visit.accept()
    visit.pass_time(days=7.1)
    (task,) = visit.tasks("follow-up", visit.initiator)
    said = visit.says
    assert close(visit, visit.initiator, task, "completed") == 200
    visit.pass_time(seconds=1)
    assert visit.says == said
    assert visit.tasks("re-engagement") == []
    assert visit.kinds()[-1] == events.FOLLOW_UP_CLOSED


def test_a_missed_visit_after_a_failed_follow_up_is_chased_again(begin: Begin) -> None:
    visit = begin()
    visit.book(hours=1)
    visit.accept()
    visit.pass_time(days=7.1)
    (task,) = visit.tasks("follow-up", visit.initiator)
    assert close(visit, visit.initiator, task, "failed", "unknown") == 200
    visit.pass_time(seconds=1)
    visit.becomes("noshow")
    visit.pass_time(seconds=1)
    assert len(visit.tasks("re-engagement")) == 2


def test_a_named_delegate_is_seen_by_the_recipient(begin: Begin) -> None:
    visit = begin("perinatal-ob-visit", optional=("delegate",))
    inputs = visit.recipient.get(visit.task).tree["input"]
    (delegate,) = [i["valueReference"]["reference"] for i in inputs if i["type"]["coding"][0]["code"] == "delegate"]
    role = visit.recipient.get(delegate)
    assert role.status == 200
    assert role.tree["code"][0]["text"] == "Medical assistant"
    assert role.tree["organization"]["reference"] == "Organization/ob-clinic"
