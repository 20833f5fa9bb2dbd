"""The ladder: what firing each rung does, what starts it beside a deadline, and what takes it down again.

Whoever is asked to step in - the alternate contact's organisation, the escalation owner - becomes a reader of the
handoff, because a notice that says nothing helps nobody: the request named them for this, or the operator did so in the
register. Their reading ends when the handoff is answered, unless they have taken the escalation over.
No rung changes the status of the handoff's Task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from adapter.domain import events
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.ladder import ACCEPTANCE, EFFECTS, ladder_deadlines, step_name
from adapter.domain.partner import Directory, Partner
from adapter.domain.pathway import BASE_PATHWAY
from adapter.domain.responsibility import next_action, responsible
from adapter.use_cases.decision import Decision
from adapter.use_cases.ports import (
    Deadline,
    NewVersion,
    Notification,
    Reader,
    ResourceKey,
    StoredResource,
    Tree,
    WriteSet,
)
from adapter.use_cases.world import World
from mappings import escalation_task
from mappings.json_codec import decode, encode
from mappings.party import partner_named_by
from mappings.references import RELATIVE
from mappings.task import write_handoff
from mappings.times import format_time

ACTOR: Final = "handoff-adapter"
"""Who acts in the ledger when a clock does."""

CONTACT_FAILED: Final = "contact-failed"
ANSWERABLE: Final = frozenset({"requested", "received"})
_OPEN: Final = frozenset({"requested", "received", "accepted", "in-progress", "on-hold"})
_HANDED_BACK: Final = frozenset({"rejected", "failed", "cancelled", "entered-in-error"})
_OVERDUE: Final = "-overdue"
# A later trouble never makes a graver one look smaller.
_GRAVITY: Final = (
    escalation_task.AWAITING_ACCEPTANCE,
    "appointment-booked",
    _OVERDUE,  # any clock of the pathway
    "acceptance-overdue",
    CONTACT_FAILED,
    "no-show",
    "escalated",
    "under-review",
)
_REASONS: Final = frozenset({"acceptance-overdue", CONTACT_FAILED})


@dataclass(slots=True)
class Firing:
    """A step of a handoff's clock while it fires: what is known, and the write set that it becomes."""

    world: World
    reader: Reader
    now: datetime
    directory: Directory
    step: Deadline
    handoff: Handoff
    stored: StoredResource
    write_set: WriteSet

    @property
    def task(self) -> ResourceKey:
        return self.stored.key

    def record(self, kind: str, **detail: object) -> None:
        """In the ledger of the handoff: it happened when it fell due, and is recorded now."""
        self.write_set.events.append(
            LedgerEvent(
                self.handoff.id, kind, ACTOR, self.step.due, self.now, detail={"step": self.step.step, **detail}
            )
        )

    def tell(self, kind: str, *subscribers: str) -> None:
        for subscriber in dict.fromkeys(subscribers):
            self.write_set.notifications.append(Notification(subscriber, self.handoff.id, kind, self.task))

    def tell_both_sides(self, kind: str) -> None:
        self.tell(kind, self.handoff.requester, self.handoff.owner)


def miss_acceptance(firing: Firing) -> None:
    firing.handoff = with_graver_status(firing.handoff, EFFECTS[ACCEPTANCE].business_status)
    firing.record(events.ACCEPTANCE_MISSED)
    firing.tell_both_sides(events.ACCEPTANCE_MISSED)


def tell_alternate_contact(firing: Firing) -> None:
    """The alternate contact of the request, else those of the recipient's register entry, else the recipient itself:
    a backup route that was left out must not make the rung disappear."""
    named, contact = _named_by_request(firing, "alternate-contact")
    recipient = firing.directory.get(firing.handoff.owner)
    told = [named.id] if named else list(recipient.alternate_contacts if recipient else ())
    told = told or [firing.handoff.owner]
    firing.handoff = _asked(firing.handoff, *told)
    firing.record(events.ALTERNATE_TOLD, told=told, **({"contact": contact} if contact else {}))
    firing.tell(events.ALTERNATE_TOLD, *told)


def escalate(firing: Firing) -> None:
    """A child Task to the escalation owner; if one is open with the same owner it is told again, not asked twice."""
    named, contact = _named_by_request(firing, "escalation-owner")
    recipient = firing.directory.get(firing.handoff.owner)
    of_register = recipient.escalation_owner if recipient else None
    owner = named.id if named else of_register or firing.handoff.requester
    child = next(
        (c for c in _escalations(firing.reader, firing.handoff.id) if c.status in _OPEN and c.owner == owner), None
    )
    again = child is not None
    if child is None:
        child = _begin_escalation(firing, owner, contact)
    firing.handoff = with_graver_status(_asked(firing.handoff, owner), EFFECTS["escalation-owner"].business_status)
    firing.record(events.ESCALATED, owner=owner, task=f"Task/{child.id}", again=again)
    firing.write_set.notifications.append(
        Notification(owner, child.id, events.ESCALATED, ResourceKey("Task", child.id))
    )
    firing.tell_both_sides(events.ESCALATED)


def flag_for_review(firing: Firing) -> None:
    if firing.handoff.flagged_for_review:
        return
    changed = replace(firing.handoff, flagged_for_review=True)
    firing.handoff = with_graver_status(changed, EFFECTS["governance-review"].business_status)
    firing.record(events.FLAGGED_FOR_REVIEW)
    firing.tell_both_sides(events.FLAGGED_FOR_REVIEW)


RUNGS: Final[Mapping[str, Callable[[Firing], None]]] = MappingProxyType(
    {
        ACCEPTANCE: miss_acceptance,
        "alternate-contact": tell_alternate_contact,
        "escalation-owner": escalate,
        "governance-review": flag_for_review,
    }
)
"""What each step of EFFECTS does, in the order in which steps that fall due together are fired."""


def start_after_failed_contact(decision: Decision, handoff: Handoff) -> None:
    """A failed attempt to reach the recipient starts the pathway's ladder now, whatever the acceptance deadline says.

    One such ladder climbs at a time: further failed attempts while it does are recorded, not counted twice."""
    is_ours = [d for d in decision.write_set.deadlines if d.handoff == handoff.id and _is_later_run(d)]
    climbing = [d for d in decision.world.store.open_deadlines(handoff.id) if _is_later_run(d)]
    if not is_ours and not climbing:
        earlier = sum(event.kind == events.CONTACT_FAILED for event in decision.reader.ledger_of(handoff.id))
        # The ladder of the acceptance deadline is the first.
        steps = ladder_deadlines(decision.pathway(handoff.pathway), decision.now, run=2 + earlier)
        decision.write_set.deadlines += [Deadline(handoff.id, step, due) for step, due in steps]
    current = decision.handoff(handoff.id) or handoff
    decision.put(with_graver_status(replace(current, updated_at=decision.now), CONTACT_FAILED))


def _is_later_run(deadline: Deadline) -> bool:
    return deadline.step != step_name(deadline.step) in EFFECTS


def close_escalations(decision: Decision, handoff: Handoff, target: str) -> Handoff:
    """`handoff` is being moved to `target`, an answer: escalations that nobody has taken over are cancelled, and who
    was only asked reads no more. For an escalation itself: its owner, handing it back, reads the parent no more.

    Returns the handoff as it then is; the rest goes into the write set."""
    _stop_reading_the_parent(decision, handoff, target)
    reader = decision.world.store.system_reader()
    kept: list[str] = []
    for child in _escalations(reader, handoff.id):
        if child.status in ANSWERABLE:
            _cancel(decision, reader, child)
        elif child.status in _OPEN or child.status == "completed":
            kept.append(child.owner)
    return replace(handoff, escalated_to=tuple(dict.fromkeys(kept)))


def new_version(stored: StoredResource, tree: Tree, now: datetime) -> NewVersion:
    """The next version of a resource that the adapter itself changes: its author and its handoffs stay."""
    version = stored.version + 1
    tree["meta"] = {**tree.get("meta", {}), "versionId": str(version), "lastUpdated": format_time(now)}
    return NewVersion(stored.key, version, stored.author, now, encode(tree), tree, stored.handoffs)


def first_version(key: ResourceKey, tree: Tree, author: str, handoff: str, now: datetime) -> NewVersion:
    meta = {"versionId": "1", "lastUpdated": format_time(now)}
    tree = {"resourceType": key.type, "id": key.id, "meta": meta, **tree}
    return NewVersion(key, 1, author, now, encode(tree), tree, (handoff,))


def _begin_escalation(firing: Firing, owner: str, contact: str | None) -> Handoff:
    parent = firing.handoff
    child = Handoff(
        id=firing.world.new_id(),
        status="requested",
        requester=parent.requester,
        owner=owner,
        pathway=BASE_PATHWAY,
        patient=parent.patient,
        focus=str(firing.task),
        authored_on=firing.now,
        updated_at=firing.now,
        responsible=responsible("requested", parent.requester, owner),
        next_action=next_action("requested", parent.requester, owner),
        business_status=escalation_task.AWAITING_ACCEPTANCE,
        risk_tier=parent.risk_tier,
        part_of=parent.id,
    )
    reason = parent.business_status if parent.business_status in _REASONS else "acceptance-overdue"
    named = {"reference": contact} if contact else None
    tree = escalation_task.to_fhir(child, named=named, reason=reason, at=firing.now)
    key = ResourceKey("Task", child.id)
    firing.write_set.resources.append(first_version(key, tree, parent.requester, child.id, firing.now))
    firing.write_set.handoffs.append(child)
    firing.write_set.events.append(
        LedgerEvent(
            child.id,
            events.REQUESTED,
            ACTOR,
            firing.now,
            firing.now,
            status_to="requested",
            detail={"pathway": child.pathway, "owner": owner, "escalates": str(firing.task)},
        )
    )
    return child


def _named_by_request(firing: Firing, fact: str) -> tuple[Partner | None, str | None]:
    """The partner that Task.input `fact` leads to, and the literal reference that stands there; either may be None.

    Read as the initiator: it can only name what it may see."""
    element = escalation_task.input_reference(decode(firing.stored.body), fact)
    if element is None:
        return None, None
    reader = firing.world.store.reader(firing.handoff.requester)

    def resolve(reference: str) -> Tree | None:
        match = RELATIVE.match(reference)
        found = reader.read(ResourceKey(match.group(1), match.group(2))) if match else None
        return decode(found.body) if found and not found.deleted else None

    reference = element.get("reference")
    partner = partner_named_by(element, resolve, firing.directory)
    if partner is None and isinstance(reference, str):
        roles = (decode(r.body) for r in reader.resources_of(firing.handoff.id) if r.key.type == "PractitionerRole")
        role = next((r for r in roles if r.get("practitioner", {}).get("reference") == reference), None)
        partner = partner_named_by(role.get("organization"), resolve, firing.directory) if role else None
    if partner is not None and not partner.active:
        partner = None
    return partner, reference if isinstance(reference, str) else None


def _escalations(reader: Reader, parent: str) -> Iterator[Handoff]:
    """The escalations of a handoff, by the ledger that says which were begun."""
    tasks = (event.detail.get("task") for event in reader.ledger_of(parent) if event.kind == events.ESCALATED)
    for task in dict.fromkeys(task for task in tasks if isinstance(task, str)):
        child = reader.handoff(task.removeprefix("Task/"))
        if child is not None:
            yield child


def _cancel(decision: Decision, reader: Reader, child: Handoff) -> None:
    stored = reader.read(ResourceKey("Task", child.id))
    if stored is None:
        return
    cancelled = replace(
        child,
        status="cancelled",
        updated_at=decision.now,
        responsible=responsible("cancelled", child.requester, child.owner),
        next_action=None,
        business_status=None,
    )
    tree = decode(stored.body)
    escalation_task.cancel(tree, at=decision.now)
    write_handoff(tree, cancelled)
    decision.write_set.resources.append(new_version(stored, tree, decision.now))
    decision.write_set.handoffs.append(cancelled)
    decision.write_set.events.append(
        LedgerEvent(
            child.id,
            events.CANCELLED,
            ACTOR,
            decision.now,
            decision.now,
            status_from=child.status,
            status_to="cancelled",
            detail={"reason": escalation_task.ANSWERED},
        )
    )
    if child.owner != decision.tenant:
        decision.tell(child.owner, child.id, events.CANCELLED)


def _stop_reading_the_parent(decision: Decision, handoff: Handoff, target: str) -> None:
    if handoff.part_of is None or target not in _HANDED_BACK:
        return
    parent = decision.handoff(handoff.part_of)
    if parent is not None and handoff.owner in parent.escalated_to:
        left = tuple(partner for partner in parent.escalated_to if partner != handoff.owner)
        decision.put(replace(parent, escalated_to=left))


def _asked(handoff: Handoff, *partners: str) -> Handoff:
    """Whoever is not on one of the two sides already reads the handoff from now on."""
    others = (p for p in partners if p not in (handoff.requester, handoff.owner))
    return replace(handoff, escalated_to=tuple(dict.fromkeys([*handoff.escalated_to, *others])))


def with_graver_status(handoff: Handoff, business_status: str | None) -> Handoff:
    """The handoff with this business status, unless what it says now is graver."""
    if business_status is None or _gravity(handoff.business_status) > _gravity(business_status):
        return handoff
    return replace(handoff, business_status=business_status)


def _gravity(business_status: str | None) -> int:
    if business_status in _GRAVITY:
        return _GRAVITY.index(business_status)
    return _GRAVITY.index(_OVERDUE) if business_status and business_status.endswith(_OVERDUE) else -1
