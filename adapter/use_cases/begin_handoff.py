"""A Task that is new: who asks whom, on which pathway, by when; refused when it lacks what the pathway needs."""

from __future__ import annotations

from datetime import datetime

from adapter.domain import events, gates
from adapter.domain.deadlines import acceptance_deadline, due
from adapter.domain.errors import BusinessRule, HandoffError, Invalid, NotAllowed
from adapter.domain.facts import Facts
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.ladder import acceptance_deadlines
from adapter.domain.pathway import BASE_PATHWAY, Pathway
from adapter.domain.responsibility import next_action, responsible
from adapter.domain.task_status import Party, check_status_reason, check_transition
from adapter.use_cases.decision import Decision, refuse
from adapter.use_cases.linking import reach
from adapter.use_cases.ports import Deadline
from adapter.use_cases.targets import Change
from mappings import task as task_mapping
from mappings.canonicals import PLAN_DEFINITION
from mappings.message import forwarded_keys
from mappings.task import TaskView

AWAITING_ACCEPTANCE = "awaiting-acceptance"


def begin_handoff(decision: Decision, change: Change, view: TaskView) -> None:
    """Decide on a new coordination Task. Raises NotAllowed, Invalid or BusinessRule, located in the request."""
    assert change.tree is not None
    requester = _requester(decision, change, view)
    owner = _owner(decision, change, view)
    party = Party.of(decision.tenant, requester, owner)
    try:
        step = check_transition(None, view.status, party)
        check_status_reason(step, view.has_status_reason)
    except HandoffError as refusal:
        raise decision.placed(refusal, change) from None
    pathway = _pathway(decision, change, view)
    authored_on = decision.event_time(view.authored_on)
    # What the Task leads to counts as well when it was sent before.
    reach([str(change.key)], decision.known, decision.reader, decision.tenant)
    facts = decision.facts(change.tree, requester, owner, pathway.facts_at("request") | pathway.clock_facts)
    if step.gate:
        zone = decision.working_time(owner).zone
        issues = gates.unmet(pathway, step.gate, facts, facts.risk_tier, at=decision.now, zone=zone)
        if issues:
            raise decision.placed(BusinessRule(issues), change)
    requested = view.status == "requested"
    deadline = _acceptance_deadline(decision, pathway, view, owner, facts) if requested else view.stated_deadline
    handoff = Handoff(
        id=change.key.id,
        status=view.status,
        requester=requester,
        owner=owner,
        pathway=pathway.name,
        patient=view.patient or _subject(decision, view),
        focus=view.focus,
        authored_on=authored_on,
        updated_at=decision.now,
        responsible=responsible(view.status, requester, owner),
        next_action=next_action(view.status, requester, owner, acceptance_deadline=deadline),
        business_status=task_mapping.business_status_of(change.tree) or (AWAITING_ACCEPTANCE if requested else None),
        risk_tier=facts.risk_tier,
        acceptance_deadline=deadline,
        part_of=task_id_in(view.part_of),
        correlation=(*decision.correlation, *_forwarded_keys(decision, owner, change.key.id)),
    )
    decision.put(handoff)
    decision.record(
        LedgerEvent(
            handoff=handoff.id,
            kind=events.OF_STATUS[handoff.status],
            actor=decision.tenant,
            event_time=authored_on,
            recorded_time=decision.now,
            status_to=handoff.status,
            detail={"pathway": pathway.name, "owner": owner},
        )
    )
    if requested:
        start_clocks(decision, handoff, pathway, facts)
        decision.tell(owner, handoff.id, events.REQUESTED)


def _forwarded_keys(decision: Decision, owner: str, handoff_id: str) -> tuple[str, ...]:
    """A recipient that speaks messages answers the message that it gets, which is ours and not the initiator's."""
    recipient = decision.directory.get(owner)
    if recipient is None or all(channel.type != "message" for channel in recipient.channels):
        return ()
    return forwarded_keys(handoff_id)


def start_clocks(decision: Decision, handoff: Handoff, pathway: Pathway, facts: Facts) -> None:
    """Write the rows of the clock that begin when a handoff is requested."""
    steps = acceptance_deadlines(pathway, handoff.acceptance_deadline)
    steps += clocks_from(decision, handoff, pathway, "requested", facts)
    decision.write_set.deadlines += [Deadline(handoff.id, step, moment) for step, moment in steps]


def clocks_from(
    decision: Decision, handoff: Handoff, pathway: Pathway, start: str, facts: Facts
) -> list[tuple[str, datetime]]:
    """(clock, due) of the pathway's clocks that start now; a clock that opens a follow-up is due when that opens."""
    working_time = decision.working_time(handoff.owner)
    return [
        (clock.name, due(clock.opens or clock.due, decision.now, working_time, facts))
        for clock in pathway.clocks
        if clock.starts == start
    ]


def task_id_in(reference: str | None) -> str | None:
    """`1` of `Task/1`; None for anything else."""
    type_, _, id_ = (reference or "").rpartition("/")
    return id_ if type_ == "Task" else None


def _requester(decision: Decision, change: Change, view: TaskView) -> str:
    """The tenant. Who a Task names as requester must not be another registered organisation."""
    assert change.tree is not None
    named = decision.partner(view.requester, change.tree)
    if named is not None and named.id != decision.tenant:
        raise NotAllowed(
            "expected Task.requester to belong to the organisation of the access token, got another partner",
            expression=f"{change.at}.requester",
        )
    return decision.tenant


def _owner(decision: Decision, change: Change, view: TaskView) -> str:
    assert change.tree is not None
    at = f"{change.at}.owner"
    if not view.owner:
        raise Invalid("expected a named recipient as Task.owner, got none", expression=at, code="required")
    owner = decision.partner(view.owner, change.tree) or decision.employer(view.owner)
    if owner is None:
        raise refuse(
            "expected Task.owner to name a registered partner: Organization/<partner id>, an Organization with an "
            "identifier of the register, or a PractitionerRole of one; got none that is registered",
            at,
        )
    if not owner.active:
        raise refuse("expected Task.owner to name an active partner, got one that is disabled", at)
    return owner.id


def _subject(decision: Decision, view: TaskView) -> str | None:
    """Whom what is asked for is about, where the Task itself does not say."""
    focus = decision.known.tree(view.focus) if view.focus else None
    reference = ((focus or {}).get("subject") or (focus or {}).get("patient") or {}).get("reference")
    return reference if reference and not reference.startswith("#") else None


def _pathway(decision: Decision, change: Change, view: TaskView) -> Pathway:
    focus = decision.known.tree(view.focus) if view.focus else None
    name = task_mapping.pathway_of(view.instantiates, (focus or {}).get("instantiatesCanonical"))
    if name is None:
        return decision.pathway(BASE_PATHWAY)
    if name not in decision.world.pathways:
        known = ", ".join(sorted(decision.world.pathways))
        raise refuse(
            f"expected {PLAN_DEFINITION}<pathway> with a pathway known here ({known}), got another",
            f"{change.at}.instantiatesCanonical",
        )
    return decision.pathway(name)


def _acceptance_deadline(
    decision: Decision, pathway: Pathway, view: TaskView, owner: str, facts: Facts
) -> datetime | None:
    return acceptance_deadline(
        pathway.acceptance, decision.now, view.stated_deadline, decision.working_time(owner), facts
    )
