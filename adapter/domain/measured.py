"""One handoff as the measures see it: its sides, what it is stratified by, and when what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapter.domain.handoff import LedgerEvent

LATE: Final = timedelta(hours=24)
"""An event that was recorded this long after it happened is a late record."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All times are aware and in UTC. `events` is the ledger as far as it is known; what counts is when an event
    happened (event time), not when it was recorded."""

    id: str
    status: str
    pathway: str
    initiator: str
    recipient: str
    events: Sequence[LedgerEvent]
    requested_at: datetime
    patient: str | None = None
    risk_tier: str | None = None
    acceptance_deadline: datetime | None = None
    coverage: frozenset[str] = frozenset()
    access_needs: frozenset[str] = frozenset()
    language: str | None = None
    encounter: str | None = None
    """The visit or crisis episode that led to the handoff, as `Encounter/id`."""
    crisis_closed: datetime | None = None
    """Its Encounter.period.end."""

    def first(self, *kinds: str) -> datetime | None:
        """When something of these kinds happened first; None when it did not."""
        return min((event.event_time for event in self.events if event.kind in kinds), default=None)

    def happened(self, *kinds: str) -> bool:
        return any(event.kind in kinds for event in self.events)

    @property
    def has_late_record(self) -> bool:
        return any(event.recorded_time - event.event_time > LATE for event in self.events)


class Observed:
    """What is known when a report is made: the time, and each person's handoffs, also those after the period."""

    def __init__(self, handoffs: Iterable[Measured], now: datetime):
        self.now = now
        self._of_person: dict[str, list[Measured]] = {}
        for handoff in handoffs:
            if handoff.patient is not None:
                self._of_person.setdefault(handoff.patient, []).append(handoff)

    def others_of_the_person(self, handoff: Measured) -> list[Measured]:
        found = self._of_person.get(handoff.patient or "", ())
        return [other for other in found if other.id != handoff.id]


Strata = Mapping[str, frozenset[str]]
"""Stratifier → the strata that a handoff is in; several for access needs."""

NOT_STATED: Final = "not-stated"


def strata_of(handoff: Measured) -> Strata:
    def one(value: str | None) -> frozenset[str]:
        return frozenset({value or NOT_STATED})

    return {
        "pathway": one(handoff.pathway),
        "initiator": one(handoff.initiator),
        "recipient": one(handoff.recipient),
        "coverage": handoff.coverage or one(None),
        "access-need": handoff.access_needs or one(None),
        "language": one(handoff.language),
        "risk-tier": one(handoff.risk_tier),
    }
