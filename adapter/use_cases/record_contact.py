"""What arrives beside the Task: a contact attempt, an appointment, a request to abort. It joins the handoff that it
speaks of, is written down with the time at which it happened, and the other side is told."""

from __future__ import annotations

from collections.abc import Sequence
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
# What a Communication may prove, the strongest first, and the ledger event that it then is.
_KINDS = {
    "live-contact": events.CONTACT_MADE,
    "same-day-outreach": events.OUTREACH_MADE,
    "person-informed": events.PERSON_INFORMED,
}


def record_contact(decision: Decision, change: Change, handoff: Handoff, *, tell: bool) -> None:
    """Record a Communication of a handoff. An attempt that reached nobody starts the ladder while an answer is due."""
    assert change.tree is not None
    attempt = communication.from_fhir(change.tree)
    kind = events.CONTACT_FAILED if attempt.failed else _kind_of_contact(decision, change, handoff)
    _record(decision, str(change.key), handoff, kind, attempt.at, tell=tell)
    if attempt.failed and handoff.status in _ANSWERABLE:
        start_after_failed_contact(decision, handoff)


def _kind_of_contact(decision: Decision, change: Change, handoff: Handoff) -> str:
    task = decision.known.tree(f"Task/{handoff.id}")
    if task is None:
        decision.known.add(decision.reader.resources_of(handoff.id))
        task = decision.known.tree(f"Task/{handoff.id}") or {}
    facts = decision.facts(task, handoff.requester, handoff.owner, wanted=tuple(_KINDS))
    proven = (code for code in _KINDS for evidence in facts.get(code, ()) if evidence.reference == str(change.key))
    return _KINDS.get(next(proven, ""), events.UPDATED)


def record_appointment(decision: Decision, change: Change, handoff: Handoff, *, tell: bool) -> None:
    """Record an Appointment of a handoff: booked, missed or attended, as its status says."""
    assert change.tree is not None
    kind = appointment.EVENTS.get(change.tree.get("status", ""), events.UPDATED)
    _record(decision, str(change.key), handoff, kind, None, tell=tell)


def record_additions(decision: Decision, changes: Sequence[Change], handoff: Handoff) -> None:
    """Record other resources that joined a handoff or changed in it: one line, however many they are."""
    keys = ", ".join(sorted(str(change.key) for change in changes))
    _record(decision, keys, handoff, events.UPDATED, None, tell=True)


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
    _record(decision, str(change.key), handoff, events.ABORT_REQUESTED, told, tell=True)


def _record(
    decision: Decision, resource: str, handoff: Handoff, kind: str, told: datetime | None, *, tell: bool
) -> None:
    decision.record(
        LedgerEvent(
            handoff=handoff.id,
            kind=kind,
            actor=decision.tenant,
            event_time=decision.event_time(told),
            recorded_time=decision.now,
            detail={"resource": resource},
        )
    )
    if tell and handoff.status != "draft":
        for subscriber in sorted({handoff.requester, handoff.owner} - {decision.tenant} or {decision.tenant}):
            decision.tell(subscriber, handoff.id, kind)
