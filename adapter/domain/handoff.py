"""A handoff: who holds a person now, who is to take over, what has to happen next and by when.

A projection of the coordination Task and what hangs on it; the resources stay the truth. Organisations are named by
their partner id (the `Organization.id` in the register), resources by `Type/id`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from adapter.domain.disclosure import Basis, Disclosure, Restriction, outlasting


@dataclass(frozen=True, slots=True)
class NextAction:
    """What is awaited: `code` from the handoff-action code system, `who` a partner id, `by` an aware time or None."""

    code: str
    who: str
    by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    """One transfer of responsibility; `id` is the id of its Task. All times are aware and in UTC."""

    id: str
    status: str
    requester: str
    owner: str
    pathway: str
    patient: str | None
    focus: str | None
    authored_on: datetime
    updated_at: datetime
    responsible: str
    next_action: NextAction | None
    business_status: str | None = None
    risk_tier: str | None = None
    acceptance_deadline: datetime | None = None
    part_of: str | None = None
    """The parent handoff's id, for an escalation child."""
    flagged_for_review: bool = False
    escalated_to: tuple[str, ...] = ()
    """Owners of escalations of this handoff: whoever is asked to step in must be able to read what it is about."""
    correlation: tuple[str, ...] = ()
    """Keys by which later messages name this handoff (message ids, Bundle.id, placer and filler identifiers)."""
    disclosure: Disclosure | None = None
    """What of it is restricted, and whom a Consent lets read it; None while nothing is."""

    @property
    def readers(self) -> frozenset[str]:
        """Organisations that may read the resources of this handoff: those that take part; where something is
        restricted, of these the initiator and those that a Consent opens it for."""
        if self.disclosure is None:
            return self.parties
        return frozenset(org for org in self.parties if self.basis_for(org) is not None)

    def basis_for(self, party: str, restrictions: Collection[Restriction] = ()) -> Basis | None:
        """What lets one of the parties read a resource with `restrictions` of its own; None when nothing does."""
        if self.disclosure is None:
            return Basis()
        # What it asked for itself the initiator always sees; of what others restrict, each resource decides.
        general = () if party == self.requester else self.disclosure.general
        return self.disclosure.basis(party, {*general, *restrictions})

    def may_be_read_by(self, organisation: str, now: datetime) -> bool:
        """At this moment, and not only when its disclosure was last looked at."""
        basis = self.basis_for(organisation) if organisation in self.parties else None
        return basis is not None and basis.in_force(now)

    @property
    def parties(self) -> frozenset[str]:
        """Organisations that take part: the initiator always, the recipient from `requested` until it hands the person
        back (a draft is nobody else's business; rejection ends reading), and whoever an escalation was addressed to."""
        if self.status in {"draft", "entered-in-error"}:
            return frozenset({self.requester})
        if self.status == "rejected":
            return frozenset({self.requester, *self.escalated_to})
        return frozenset({self.requester, self.owner, *self.escalated_to})


def readers_of(author: str, restrictions: Collection[Restriction], handoffs: Iterable[Handoff]) -> dict[str, Basis]:
    """Who may read a resource of these handoffs that `author` sent with `restrictions` of its own, and by what."""
    found = {author: Basis()}
    for handoff in handoffs:
        for party in handoff.readers:
            basis = handoff.basis_for(party, restrictions)
            if basis is not None:
                found[party] = outlasting(found[party], basis) if party in found else basis
    return found


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One line of the append-only ledger. `event_time` is when it happened (as told), `recorded_time` when we learned
    of it; a late record shows as late. `detail` holds codes and references, never names or free text of a person."""

    handoff: str
    kind: str
    actor: str
    event_time: datetime
    recorded_time: datetime
    status_from: str | None = None
    status_to: str | None = None
    detail: dict[str, object] = field(default_factory=dict)
