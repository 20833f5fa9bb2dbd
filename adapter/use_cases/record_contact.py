"""What arrives beside the Task: a contact attempt, an appointment, a request to abort. It joins the handoff that it
speaks of, is written down with the time at which it happened, and the other side is told."""

from __future__ import annotations

from datetime import datetime

from adapter.domain import events
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.task_status import TERMINAL, Party
from adapter.use_cases.climb_ladder import start_after_failed_contact
from adapter.use_cases.decision import Decision, refuse
from adapter.use_cases.targets import Change
from mappings import appointment, communication
from mappings.times import parse_time

_ANSWERABLE = frozenset({"requested", "received"})


def record_contact(decision: Decision, change: Change, handoff: Handoff, *, tell: bool) -> None:
    """Record a Communication of a handoff. An attempt that reached nobody starts the ladder while an answer is due."""
    assert change.tree is not None
    attempt = communication.from_fhir(change.tree)
    kind = events.CONTACT_FAILED if attempt.failed else events.UPDATED
    if not attempt.failed and decision.is_live_contact(change.tree, handoff):
        kind = events.CONTACT_MADE
    _record(decision, change, handoff, kind, attempt.at, tell=tell)
    if attempt.failed and handoff.status in _ANSWERABLE:
        start_after_failed_contact(decision, handoff)


def record_appointment(decision: Decision, change: Change, handoff: Handoff, *, tell: bool) -> None:
    """Record an Appointment of a handoff: booked, missed or attended, as its status says."""
    assert change.tree is not None
    kind = appointment.EVENTS.get(change.tree.get("status", ""), events.UPDATED)
    _record(decision, change, handoff, kind, None, tell=tell)


def record_addition(decision: Decision, change: Change, handoff: Handoff, *, tell: bool) -> None:
    """Record any other resource that joined a handoff."""
    _record(decision, change, handoff, events.UPDATED, None, tell=tell)


def request_abort(decision: Decision, change: Change, handoff: Handoff) -> None:
    """A Task with code `abort`: the initiator asks the recipient to stop what is in progress."""
    party = Party.of(decision.tenant, handoff.requester, handoff.owner)
    at = f"{change.at}.focus"
    if not party.is_requester:
        raise refuse("only the initiator of a handoff may ask to abort it; the recipient may set `failed`", at)
    if handoff.status in TERMINAL:
        raise refuse(f"the handoff is `{handoff.status}`, which is final: there is nothing to abort", at)
    if handoff.status not in {"in-progress", "on-hold"}:
        raise refuse(f"the handoff is `{handoff.status}`: set its Task to `cancelled`, no abort request is needed", at)
    told = parse_time((change.tree or {}).get("authoredOn"))
    _record(decision, change, handoff, events.ABORT_REQUESTED, told, tell=True)


def _record(decision: Decision, change: Change, handoff: Handoff, kind: str, told: datetime | None, *, tell: bool) -> None:
    decision.record(
        LedgerEvent(
            handoff=handoff.id,
            kind=kind,
            actor=decision.tenant,
            event_time=decision.event_time(told),
            recorded_time=decision.now,
            detail={"resource": str(change.key)},
        )
    )
    if tell and handoff.status != "draft":
        for subscriber in sorted({handoff.requester, handoff.owner} - {decision.tenant} or {decision.tenant}):
            decision.tell(subscriber, handoff.id, kind)
