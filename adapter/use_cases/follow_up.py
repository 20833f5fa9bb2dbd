"""What becomes of the first visit: the business status that says so, and what follows when the person did not come.

An Appointment or an Encounter never moves Task.status; only an organisation does. Code system of the business statuses:
domain/business_status.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from adapter.domain import events
from adapter.domain.facts import NO_FACTS
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.ladder import run_of
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.begin_handoff import clocks_from
from adapter.use_cases.climb_ladder import ANSWERABLE, with_graver_status
from adapter.use_cases.decision import Decision, refuse
from adapter.use_cases.ports import Deadline
from adapter.use_cases.targets import Change
from mappings import follow_up_task
from mappings.json_codec import decode

APPOINTMENT_BOOKED: Final = "appointment-booked"
FIRST_CONTACT_MADE: Final = "first-contact-made"
NO_SHOW: Final = "no-show"
_CLOSED: Final = frozenset({"completed", "failed", "cancelled", "rejected", "entered-in-error"})


def note_visit(decision: Decision, handoff: Handoff, kind: str, start: datetime | None) -> None:
    """An appointment was booked, missed or kept (`kind` is the ledger event, not written yet); `start` is its time.

    While an answer is awaited, that is what the business status speaks of, unless the person was missed. After
    acceptance a visit that took place ends every trouble, a missed one outweighs what is merely late, and a new booking
    takes back a missed one but not a first contact that is overdue."""
    if handoff.status in TERMINAL or handoff.status == "draft":
        return
    if kind == events.APPOINTMENT_MISSED:
        _miss(decision, handoff)
    elif handoff.status in ANSWERABLE:
        return
    elif kind == events.APPOINTMENT_ATTENDED:
        _put(decision, _to_be_recorded(replace(handoff, business_status=FIRST_CONTACT_MADE)))
    elif kind == events.APPOINTMENT_BOOKED and handoff.business_status != FIRST_CONTACT_MADE:
        rebooked = replace(handoff, business_status=None) if handoff.business_status == NO_SHOW else handoff
        _put(decision, _awaited_by(with_graver_status(rebooked, APPOINTMENT_BOOKED), start))


def close_follow_up(decision: Decision, change: Change) -> None:
    """A Task that a clock opened beside a handoff changes. Closed, it goes into the ledger, and the other side is told.

    A follow-up that is `failed` (the person did not attend) says why, and whoever holds the person reaches out again; a
    re-engagement that is `failed` opens no other one. Raises BusinessRule."""
    assert change.tree is not None and change.before is not None
    handoff = decision.handoff(follow_up_task.handoff_of(change.tree) or "")
    clock = decision.pathway(handoff.pathway).clock(follow_up_task.clock_of(change.tree)) if handoff else None
    status = change.tree["status"]
    if handoff is None or clock is None or clock.task is None or status not in _CLOSED:
        return
    if decode(change.before.body).get("status") in _CLOSED:
        return
    if status == "failed":
        if not change.tree.get("statusReason"):
            text = "a follow-up that is `failed` needs a statusReason: why, as far as it is known"
            raise refuse(text, f"{change.at}.statusReason")
        if clock.starts != "missed" and handoff.status not in TERMINAL:
            _miss(decision, handoff)
    decision.record(
        LedgerEvent(
            handoff.id,
            events.FOLLOW_UP_CLOSED,
            decision.tenant,
            decision.now,
            decision.now,
            detail={"clock": clock.name, "task": str(change.key), "status": status},
        )
    )
    for subscriber in sorted({handoff.requester, handoff.owner} - {decision.tenant}):
        decision.tell(subscriber, handoff.id, events.FOLLOW_UP_CLOSED)


def _miss(decision: Decision, handoff: Handoff) -> None:
    """Nobody came: the pathway's clocks that start `missed` start, each time anew."""
    before = sum(_is_a_miss(event) for event in decision.reader.ledger_of(handoff.id))
    pathway = decision.pathway(handoff.pathway)
    clocks = clocks_from(decision, handoff, pathway, "missed", NO_FACTS)
    decision.write_set.deadlines += [Deadline(handoff.id, run_of(name, before + 1), due) for name, due in clocks]
    _put(decision, with_graver_status(handoff, NO_SHOW))


def _is_a_miss(event: LedgerEvent) -> bool:
    if event.kind == events.FOLLOW_UP_CLOSED:
        return event.detail.get("status") == "failed"
    return event.kind == events.APPOINTMENT_MISSED


def _awaited_by(handoff: Handoff, appointment: datetime | None) -> Handoff:
    """The first contact is due at the appointment, once there is one."""
    action = handoff.next_action
    if action is None or appointment is None or action.code not in {"make-first-contact", "complete"}:
        return handoff
    return replace(handoff, next_action=replace(action, by=appointment))


def _to_be_recorded(handoff: Handoff) -> Handoff:
    """Nobody is asked for a first contact that took place: what is left is to record it, as late as that is."""
    action = handoff.next_action
    if action is None or action.code != "make-first-contact":
        return handoff
    return replace(handoff, next_action=replace(action, code="complete"))


def _put(decision: Decision, handoff: Handoff) -> None:
    decision.put(replace(handoff, updated_at=decision.now))
