"""What arrives beside the Task: a contact attempt, an appointment, a request to abort. It joins the handoff that it
speaks of, is written down with the time at which it happened, and the other side is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapter.domain import events
from adapter.domain.facts import FactEvidence
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.task_status import TERMINAL, Party
from adapter.use_cases.climb_ladder import start_after_failed_contact
from adapter.use_cases.decision import Decision, refuse
from adapter.use_cases.follow_up import note_visit
from adapter.use_cases.targets import Change
from mappings import appointment, communication
from mappings.json_codec import decode
from mappings.references import Tree
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
    facts = decision.facts(_task_of(decision, handoff), handoff.requester, handoff.owner, wanted=tuple(_KINDS))
    proven = (code for code in _KINDS for evidence in facts.get(code, ()) if evidence.reference == str(change.key))
    return _KINDS.get(next(proven, ""), events.UPDATED)


def _task_of(decision: Decision, handoff: Handoff) -> Tree:
    """The handoff's Task, with all that belongs to the handoff known from now on."""
    address = f"Task/{handoff.id}"
    sent = next((change.tree for change in decision.changes if change.writes and str(change.key) == address), None)
    if sent is not None:
        return sent
    decision.known.add(decision.reader.resources_of(handoff.id))
    return decision.known.tree(address) or {}


def record_appointment(decision: Decision, change: Change, handoff: Handoff, *, tell: bool) -> None:
    """Record an Appointment of a handoff: booked, missed or attended, as its status says."""
    assert change.tree is not None
    kind = appointment.EVENTS.get(change.tree.get("status", ""), events.UPDATED)
    start = parse_time(change.tree.get("start"))
    if kind == _kind_before(change):
        # Another room or hour of the same booking. A missed visit that is sent again is not missed a second time.
        if kind == events.APPOINTMENT_BOOKED:
            note_visit(decision, handoff, kind, start)
        kind = events.UPDATED
    else:
        note_visit(decision, handoff, kind, start)
    happened = start if kind in {events.APPOINTMENT_MISSED, events.APPOINTMENT_ATTENDED} else None
    _record(decision, str(change.key), handoff, kind, happened, tell=tell)


def _kind_before(change: Change) -> str | None:
    if change.before is None or change.before.deleted:
        return None
    return appointment.EVENTS.get(decode(change.before.body).get("status", ""))


def record_additions(decision: Decision, changes: Sequence[Change], handoff: Handoff) -> None:
    """Record other resources that joined a handoff or changed in it: one line, however many they are, and a line of its
    own for the first visit, when it is told as an Encounter."""
    keys = sorted(str(change.key) for change in changes)
    for change in changes:
        if change.key.type == "Encounter" and handoff.status not in TERMINAL:
            handoff = decision.handoff(handoff.id) or handoff
            if visit := _first_visit(decision, change, handoff):
                keys.remove(str(change.key))
                note_visit(decision, handoff, events.APPOINTMENT_ATTENDED, visit.at)
                _record(decision, str(change.key), handoff, events.APPOINTMENT_ATTENDED, visit.at, tell=True)
    if keys:
        _record(decision, ", ".join(keys), handoff, events.UPDATED, None, tell=True)


def _first_visit(decision: Decision, change: Change, handoff: Handoff) -> FactEvidence | None:
    wanted = "first-contact-attended"
    facts = decision.facts(_task_of(decision, handoff), handoff.requester, handoff.owner, wanted=(wanted,))
    return next((evidence for evidence in facts.get(wanted, ()) if evidence.reference == str(change.key)), None)


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
