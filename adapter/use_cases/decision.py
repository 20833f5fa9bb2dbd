"""A change while it is being decided: what was asked, what is known, and the write set that grows from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapter.domain.deadlines import WorkingTime
from adapter.domain.errors import BusinessRule, HandoffError, Issue
from adapter.domain.facts import Facts
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.partner import Directory, Partner
from adapter.domain.pathway import BASE_PATHWAY, Pathway
from adapter.use_cases.linking import Known
from adapter.use_cases.ports import Notification, Reader, ResourceKey, WriteSet
from adapter.use_cases.targets import Change
from adapter.use_cases.world import World
from mappings.facts import extract_facts
from mappings.party import partner_named_by
from mappings.references import Tree, contained_or


@dataclass(slots=True)
class Decision:
    """`handoffs` are projections as they will be after this change; `now` is the recorded time of all of it."""

    world: World
    tenant: str
    reader: Reader
    now: datetime
    directory: Directory
    changes: Sequence[Change]
    known: Known
    write_set: WriteSet
    correlation: tuple[str, ...] = ()
    handoffs: dict[str, Handoff] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    """What the labels of the Bundle restrict, and so everything that came in it."""
    restricted: set[str] = field(default_factory=set)
    """Kinds of restriction that the answer comes under."""

    def handoff(self, handoff_id: str) -> Handoff | None:
        """The handoff as this change leaves it, or as it stands; None when it is none or not this tenant's."""
        if handoff_id in self.handoffs:
            return self.handoffs[handoff_id]
        return self.reader.handoff(handoff_id)

    def put(self, handoff: Handoff) -> None:
        self.handoffs[handoff.id] = handoff

    def partner(self, element: Tree | None, carrier: Tree) -> Partner | None:
        """The partner that a Reference element standing in `carrier` names."""
        return partner_named_by(element, contained_or(carrier, self.known.tree), self.directory)

    def employer(self, element: Tree | None) -> Partner | None:
        """The partner that a Practitioner works for, by the PractitionerRoles that this change knows."""
        roles = [tree for tree in self.known.trees().values() if tree.get("resourceType") == "PractitionerRole"]
        return partner_named_by(element, self.known.tree, self.directory, roles)

    def organisation_of(self, reference: str) -> str | None:
        """The partner id that `Type/id` belongs to; None when it belongs to none of the register."""
        found = partner_named_by({"reference": reference}, self.known.tree, self.directory)
        return found.id if found else None

    def pathway(self, name: str) -> Pathway:
        return self.world.pathways.get(name) or self.world.pathways[BASE_PATHWAY]

    def working_time(self, partner_id: str) -> WorkingTime:
        return self.world.working_time(self.directory.get(partner_id))

    def facts(self, task: Tree, requester: str, owner: str, wanted: Collection[str]) -> Facts:
        """Which of the `wanted` facts are proven for a Task by all that this change knows."""
        for partner in (requester, owner):
            self.known.tree(f"Organization/{partner}")
        return extract_facts(
            task,
            self.known.trees(),
            organisation_of=self.organisation_of,
            requester=requester,
            owner=owner,
            wanted=wanted,
        )

    def record(self, event: LedgerEvent) -> None:
        self.write_set.events.append(event)

    def tell(self, subscriber: str, handoff_id: str, event: str) -> None:
        """Queue a notification that points at the handoff's Task."""
        self.write_set.notifications.append(
            Notification(subscriber, handoff_id, event, ResourceKey("Task", handoff_id))
        )

    def event_time(self, told: datetime | None) -> datetime:
        """When it happened, as the partner told it; what lies in the future happened now at the latest."""
        return min(told, self.now) if told else self.now

    def placed(self, error: HandoffError, change: Change) -> HandoffError:
        """The refusal with each issue located in the request: below `change` for its own type, else below the entry of
        the type that the issue names, else as it is (the element belongs to a resource that is missing)."""
        return type(error)([self._place(issue, change) for issue in error.issues])

    def _place(self, issue: Issue, change: Change) -> Issue:
        type_ = (issue.expression or "").partition(".")[0]
        if not type_ or type_ == change.key.type:
            return issue.below(change.at)
        for other in self.changes:
            if other.writes and other.key.type == type_:
                return issue.below(other.at)
        return issue


def refuse(text: str, expression: str) -> BusinessRule:
    return BusinessRule(text, expression=expression)


def the_only_one(partners: Mapping[str, Partner], at: str, role: str, *, instead: str) -> Partner:
    """Of at least one named recipient, by id. Raises BusinessRule at `at` for several, and for one that is disabled."""
    if len(partners) > 1:
        raise refuse(
            "expected one recipient, for one organisation at a time holds a person; got several registered partners: "
            f"{instead}",
            at,
        )
    (partner,) = partners.values()
    if not partner.active:
        raise refuse(f"expected an active partner as the {role}, got one that is disabled", at)
    return partner
