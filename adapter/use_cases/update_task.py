"""A Task that changes: who moved it, whether it may move there, and who has to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from adapter.domain import events, gates
from adapter.domain.errors import BusinessRule, HandoffError, Invalid
from adapter.domain.facts import NO_FACTS, Facts
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.ladder import ACCEPTANCE
from adapter.domain.pathway import LADDER_STEPS, Pathway
from adapter.domain.responsibility import next_action, responsible
from adapter.domain.task_status import (
    TERMINAL,
    Party,
    Transition,
    check_status_reason,
    check_transition,
    who_may_do_what,
)
from adapter.use_cases.begin_handoff import AWAITING_ACCEPTANCE, begin_handoff, clocks_from
from adapter.use_cases.climb_ladder import close_escalations
from adapter.use_cases.decision import Decision, refuse
from adapter.use_cases.follow_up import APPOINTMENT_BOOKED, FIRST_CONTACT_MADE
from adapter.use_cases.ports import Deadline, WriteConflict
from adapter.use_cases.targets import Change, check_version
from mappings import task as task_mapping
from mappings.dialects import DIALECTS
from mappings.json_codec import decode
from mappings.times import parse_time

# The adapter's own codes, set when a step is taken; a status without one keeps what a partner or the clock has set.
_BUSINESS_STATUS = {
    "requested": AWAITING_ACCEPTANCE,
    # What was awaited is answered; `awaiting-acceptance` beside `accepted` would tell two stories.
    **dict.fromkeys(("accepted", "rejected", "cancelled", "entered-in-error")),
}
# Whoever accepts may have seen the person already, or have booked the visit: what a fact then makes the status say.
_VISITS = {"first-contact-attended": FIRST_CONTACT_MADE, "appointment-confirmed": APPOINTMENT_BOOKED}
_ANSWERED = frozenset({"accepted", "rejected", "cancelled", "entered-in-error", "failed", "completed"})


def update_task(decision: Decision, change: Change, before: Handoff) -> None:
    """Decide on a new version of a handoff's Task. Raises BusinessRule or Invalid, located in the request."""
    assert change.tree is not None and change.before is not None
    change.before_tree = decode(change.before.body)
    if change.before_tree["status"] != before.status:
        # Each is read by a statement of its own. Who is overtaken in between is told so, and not that a step which
        # was allowed when it was decided on does not follow.
        raise WriteConflict("the Task and its handoff were read at different moments")
    view = task_mapping.from_fhir(change.tree)
    _require_version(change)
    if before.status == "draft" and decision.tenant == before.requester:
        _update_draft(decision, change, before, view.status)
        return
    _refuse_fixed(change)
    party = Party.of(
        decision.tenant,
        before.requester,
        before.owner,
        abort_requested=_abort_requested(decision, before),
        recipient_shut_out=not before.may_be_read_by(before.owner, decision.now),
    )
    if view.status == before.status:
        _update_content(decision, change, before, party)
        return
    dialect = DIALECTS[_dialect_of(decision)]
    handoff, has_reason = before, view.has_status_reason and not _is_left_over(change)
    for target in dialect.steps_to(before.status, view.status):
        handoff = _step(decision, change, handoff, target, party, has_reason)
    change.tree["status"] = handoff.status
    decision.put(handoff)


def _is_left_over(change: Change) -> bool:
    """Whether the statusReason is that of an earlier step: a handoff that goes on after `on-hold` keeps the element,
    and that does not say why the recipient fails now. While it is on hold the reason stands, and may be the same."""
    earlier = change.before_tree or {}
    return earlier["status"] != "on-hold" and earlier.get("statusReason") == (change.tree or {}).get("statusReason")


def withdraw_draft(decision: Decision, before: Handoff) -> None:
    """The Task of a draft is deleted: nobody is asked any more, and the ledger says so."""
    target = "entered-in-error"
    decision.put(
        replace(
            before,
            status=target,
            updated_at=decision.now,
            responsible=responsible(target, before.requester, before.owner),
            next_action=next_action(target, before.requester, before.owner),
        )
    )
    kind = events.OF_STATUS[target]
    line = LedgerEvent(before.id, kind, decision.tenant, decision.now, decision.now, before.status, target)
    decision.record(line)


def withdraw_at_once(decision: Decision, change: Change) -> None:
    """A handoff that this very change begins was taken back before it was seen: the recipient is told that alone, and
    no clock of the request runs."""
    assert change.tree is not None
    begun = decision.handoffs[change.key.id]
    write_set = decision.write_set
    write_set.deadlines = [d for d in write_set.deadlines if d.handoff != begun.id]
    write_set.notifications = [n for n in write_set.notifications if n.handoff != begun.id]
    party = Party.of(decision.tenant, begun.requester, begun.owner)
    decision.put(_step(decision, change, begun, "cancelled", party, has_reason=True))
    change.tree["status"] = "cancelled"


def _update_draft(decision: Decision, change: Change, before: Handoff, status: str) -> None:
    """A draft is the initiator's alone: any element may change, and sending it begins the handoff as if it were new."""
    view = task_mapping.from_fhir(change.tree or {})
    if status in {"draft", "requested"}:
        begin_handoff(decision, change, view)
        begun = decision.handoffs[before.id]
        begun = replace(begun, authored_on=before.authored_on, correlation=before.correlation)
        decision.put(replace(begun, disclosure=before.disclosure))
        return
    party = Party.of(decision.tenant, before.requester, before.owner)
    decision.put(_step(decision, change, before, status, party, view.has_status_reason))


def _step(decision: Decision, change: Change, handoff: Handoff, target: str, party: Party, has_reason: bool) -> Handoff:
    """Take one step of the lifecycle: check it, record it, set the clocks that it starts and stops, tell the others."""
    try:
        step = check_transition(handoff.status, target, party)
        check_status_reason(step, has_reason)
    except HandoffError as refusal:
        raise decision.placed(refusal, change) from None
    pathway = decision.pathway(handoff.pathway)
    facts = _facts(decision, change, handoff, pathway, step)
    tier = facts.risk_tier or handoff.risk_tier
    if step.gate:
        zone = decision.working_time(handoff.owner).zone
        issues = gates.unmet(pathway, step.gate, facts, tier, at=decision.now, zone=zone)
        if issues:
            raise decision.placed(BusinessRule(issues), change)
    moved = _moved(decision, handoff, pathway, step, facts, tier, told=_business_status_told(change))
    decision.record(
        LedgerEvent(
            handoff=handoff.id,
            kind=events.OF_STATUS[target],
            actor=decision.tenant,
            event_time=_event_time(decision, change),
            recorded_time=decision.now,
            status_from=handoff.status,
            status_to=target,
        )
    )
    _tell_the_others(decision, moved, events.OF_STATUS[target])
    return moved


def _moved(
    decision: Decision,
    handoff: Handoff,
    pathway: Pathway,
    step: Transition,
    facts: Facts,
    tier: str | None,
    *,
    told: str | None,
) -> Handoff:
    """The projection after the step, with the clocks that the step starts and stops written down."""
    target = step.target
    deadlines: list[tuple[str, datetime]] = []
    if target in _ANSWERED:
        handoff = close_escalations(decision, handoff, target)
        # Accepting stops the ladder; what was due from the request on (a first appointment) still has to happen.
        stopped = (ACCEPTANCE, *LADDER_STEPS) if target == "accepted" else ("",)
        decision.write_set.cancelled_deadlines += [(handoff.id, step) for step in stopped]
    if target == "accepted":
        deadlines = clocks_from(decision, handoff, pathway, "accepted", facts)
    elif target in {"rejected", "failed", "cancelled"}:
        deadlines = clocks_from(decision, handoff, pathway, "returned", facts)
    due_times = dict(deadlines)
    decision.write_set.deadlines += [Deadline(handoff.id, name, moment) for name, moment in deadlines]
    return replace(
        handoff,
        status=target,
        updated_at=decision.now,
        risk_tier=tier,
        business_status=told or _own_business_status(target, handoff, facts),
        responsible=responsible(target, handoff.requester, handoff.owner),
        next_action=next_action(
            # A first contact that took place before the acceptance is left to be recorded.
            "in-progress" if target == "accepted" and "first-contact-attended" in facts else target,
            handoff.requester,
            handoff.owner,
            acceptance_deadline=handoff.acceptance_deadline,
            first_contact_due=due_times.get("first-contact") or _first_contact(handoff),
            appointment=facts.time_of("appointment-time"),
            arrange_care_due=due_times.get("arrange-care"),
        ),
    )


def _own_business_status(target: str, handoff: Handoff, facts: Facts) -> str | None:
    if target == "accepted":
        for fact, code in _VISITS.items():
            if fact in facts:
                return code
    return _BUSINESS_STATUS.get(target, handoff.business_status)


def _business_status_told(change: Change) -> str | None:
    """A businessStatus of ours that this very update sets, rather than leaves."""
    told = task_mapping.business_status_of(change.tree or {})
    return told if told != task_mapping.business_status_of(change.before_tree or {}) else None


def _first_contact(handoff: Handoff) -> datetime | None:
    action = handoff.next_action
    return action.by if action and action.code in {"make-first-contact", "complete", "resume"} else None


def _update_content(decision: Decision, change: Change, handoff: Handoff, party: Party) -> None:
    """The same status, other content: the owner's to change while it works on it."""
    at = f"{change.at}.status"
    if handoff.status in TERMINAL or not party.is_owner:
        raise refuse(
            f"Task.status is `{handoff.status}` and stays so; this change of content is not the asking organisation's "
            f"to make. {who_may_do_what(handoff.status)}; the initiator may add Communications",
            at,
        )
    assert change.tree is not None
    decision.put(
        replace(
            handoff,
            updated_at=decision.now,
            business_status=task_mapping.business_status_of(change.tree) or handoff.business_status,
        )
    )
    decision.record(
        LedgerEvent(handoff.id, events.UPDATED, decision.tenant, _event_time(decision, change), decision.now)
    )
    _tell_the_others(decision, handoff, events.UPDATED)


def _facts(decision: Decision, change: Change, handoff: Handoff, pathway: Pathway, step: Transition) -> Facts:
    """What the step needs to be proven: from all that belongs to the handoff and all that this change brings."""
    if step.gate is None and step.target not in _ANSWERED:
        return NO_FACTS
    assert change.tree is not None
    decision.known.add(decision.reader.resources_of(handoff.id))
    wanted = pathway.clock_facts | (pathway.facts_at(step.gate) if step.gate else frozenset())
    if step.target == "accepted":
        wanted |= _VISITS.keys()
    return decision.facts(change.tree, handoff.requester, handoff.owner, wanted)


def _tell_the_others(decision: Decision, handoff: Handoff, event: str) -> None:
    others = {handoff.requester, handoff.owner} - {decision.tenant} or {decision.tenant}
    for subscriber in sorted(others):
        decision.tell(subscriber, handoff.id, event)


def _require_version(change: Change) -> None:
    """Two people may answer at once: an update must say which version it was decided on."""
    interaction = change.interaction
    stated = ((interaction.resource or {}).get("meta") or {}).get("versionId")
    if interaction.if_match is None and interaction.method == "PUT" and stated is not None:
        interaction.if_match = f'W/"{stated}"'
        assert change.before is not None
        check_version(interaction, change.before, f"{interaction.at}.meta.versionId")
    if interaction.if_match is None:
        raise Invalid(
            'expected If-Match with the version that this change was decided on, like W/"3", got none',
            expression=f"{interaction.request_at}.ifMatch" if interaction.request_at else "Task.meta.versionId",
            code="required",
        )


def _refuse_fixed(change: Change) -> None:
    assert change.tree is not None and change.before_tree is not None
    changed = task_mapping.changed_fixed_elements(change.before_tree, change.tree)
    if changed:
        raise refuse(
            f"Task.{changed[0]} is fixed once the handoff is requested; to ask for something else, cancel it and send "
            "a new Task for the same focus",
            f"{change.at}.{changed[0]}",
        )


def _abort_requested(decision: Decision, handoff: Handoff) -> bool:
    if handoff.status not in {"in-progress", "on-hold"}:
        return False
    return any(event.kind == events.ABORT_REQUESTED for event in decision.reader.ledger_of(handoff.id))


def _dialect_of(decision: Decision) -> str:
    partner = decision.directory.get(decision.tenant)
    return partner.dialect if partner else "base"


def _event_time(decision: Decision, change: Change) -> datetime:
    assert change.tree is not None
    told = change.tree.get("lastModified")
    if change.before_tree is not None and told == change.before_tree.get("lastModified"):
        told = None
    return decision.event_time(parse_time(told))
