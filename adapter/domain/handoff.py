"""A handoff: who holds a person now, who is to take over, what has to happen next and by when.

A projection of the coordination Task and what hangs on it; the resources stay the truth. Organisations are named by
their partner id (the `Organization.id` in the register), resources by `Type/id`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


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

    @property
    def readers(self) -> frozenset[str]:
        """Organisations that may read the resources of this handoff: the initiator always, the recipient from
        `requested` until it hands the person back (a draft is nobody else's business; rejection ends reading), and
        whoever an escalation was addressed to."""
        if self.status in {"draft", "entered-in-error"}:
            return frozenset({self.requester})
        if self.status == "rejected":
            return frozenset({self.requester, *self.escalated_to})
        return frozenset({self.requester, self.owner, *self.escalated_to})


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
