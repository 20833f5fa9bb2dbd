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
from adapter.domain.handoff import Handoff
from adapter.domain.ladder import run_of
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.begin_handoff import clocks_from
from adapter.use_cases.climb_ladder import ANSWERABLE, with_graver_status
from adapter.use_cases.decision import Decision
from adapter.use_cases.ports import Deadline

APPOINTMENT_BOOKED: Final = "appointment-booked"
FIRST_CONTACT_MADE: Final = "first-contact-made"
NO_SHOW: Final = "no-show"


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
        _put(decision, replace(handoff, business_status=FIRST_CONTACT_MADE))
    elif kind == events.APPOINTMENT_BOOKED and handoff.business_status != FIRST_CONTACT_MADE:
        rebooked = replace(handoff, business_status=None) if handoff.business_status == NO_SHOW else handoff
        _put(decision, _awaited_by(with_graver_status(rebooked, APPOINTMENT_BOOKED), start))


def _miss(decision: Decision, handoff: Handoff) -> None:
    """Nobody came: the pathway's clocks that start `missed` start, each time anew."""
    before = sum(event.kind == events.APPOINTMENT_MISSED for event in decision.reader.ledger_of(handoff.id))
    pathway = decision.pathway(handoff.pathway)
    clocks = clocks_from(decision, handoff, pathway, "missed", NO_FACTS)
    decision.write_set.deadlines += [Deadline(handoff.id, run_of(name, before + 1), due) for name, due in clocks]
    _put(decision, with_graver_status(handoff, NO_SHOW))


def _awaited_by(handoff: Handoff, appointment: datetime | None) -> Handoff:
    """The first contact is due at the appointment, once there is one."""
    action = handoff.next_action
    if action is None or appointment is None or action.code not in {"make-first-contact", "complete"}:
        return handoff
    return replace(handoff, next_action=replace(action, by=appointment))


def _put(decision: Decision, handoff: Handoff) -> None:
    decision.put(replace(handoff, updated_at=decision.now))
