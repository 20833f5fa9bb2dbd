"""Everything that proves, or fails to prove, one handoff: gathered once, shown as a FHIR document and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from adapter.domain.deadlines import ClockStep
from adapter.domain.evidence import Finding
from adapter.domain.gate_verdicts import GateFinding
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.pathway import Pathway

Tree = dict[str, Any]

ADAPTER: Final = "handoff-adapter"
"""The actor of what nobody but a clock did."""


class Kept(NamedTuple):
    """A resource as it is stored: its bytes, and the same decoded."""

    body: bytes
    tree: Tree


@dataclass(frozen=True, slots=True)
class Escalation:
    """A child Task of the ladder. `handoff` and `ledger` are there for those only who may read it."""

    task: str
    owner: str
    handoff: Handoff | None
    ledger: Sequence[LedgerEvent] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """As one organisation may see it at the time `at`. `id` is the number of this very document."""

    id: str
    at: datetime
    handoff: Handoff
    pathway: Pathway
    names: Mapping[str, str]
    """Partner id → name."""
    resources: Mapping[str, Kept]
    """`Type/id` → what belongs to the handoff, its Task among them."""
    beside: Mapping[str, Kept]
    """What those resources point at and belongs to no handoff, or to another one that may be read."""
    ledger: Sequence[LedgerEvent]
    clock: Sequence[ClockStep]
    gates: Sequence[GateFinding]
    findings: Sequence[Finding]
    escalations: Sequence[Escalation]
    restricted: frozenset[str] = frozenset()
    """Kinds of restriction (42 CFR Part 2) that what is shown comes under."""

    @property
    def task(self) -> str:
        return f"Task/{self.handoff.id}"

    @property
    def title(self) -> str:
        """Between whom; the name of nobody who is handed over."""
        return f"from {self.name(self.handoff.requester)} to {self.name(self.handoff.owner)}"

    def name(self, partner: str) -> str:
        """Of the adapter as well, which acts when a clock runs out."""
        return self.names.get(partner, "Handoff Adapter" if partner == ADAPTER else partner)

    def resource(self, key: object) -> Tree | None:
        found = self.resources.get(str(key)) or self.beside.get(str(key))
        return found.tree if found else None
