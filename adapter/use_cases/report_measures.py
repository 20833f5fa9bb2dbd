"""Evaluate a measure over the handoffs of a period, for one organisation or, from the command line, for all.

Coverage, access needs, language and visit are no part of the projection: they are read from the resources of each
handoff, two reads for every 200 of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Final

from adapter.domain.errors import Invalid, NotFound, TooLarge
from adapter.domain.measured import Measured, Observed
from adapter.domain.measures import MEASURES, STRATIFIERS, Measure
from adapter.domain.measuring import GroupScore, evaluate
from adapter.use_cases.ports import Reader, RequestedHandoff, ResourceKey, Tree
from mappings.json_codec import decode
from mappings.measured import measured_facts, references_of
from mappings.references import RELATIVE

MOST: Final = 10_000
"""So many handoffs a report that is asked for over HTTP may look at: some seconds of a server process."""
LOOK_AHEAD: Final = timedelta(days=60)
"""After the period: whether a crisis repeats within 30 days is seen only then, and it may close weeks after the
request."""
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, the last included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return _midnight(self.first)

    @property
    def until(self) -> datetime:
        return _midnight(self.last) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MeasureScore:
    measure: Measure
    groups: Sequence[GroupScore]


def report_measures(
    reader: Reader,
    wanted: Sequence[str],
    period: Period,
    stratifiers: Collection[str],
    now: datetime,
    most: int = MOST,
) -> list[MeasureScore]:
    """One score for each measure that is wanted, by id. Raises NotFound for an unknown measure, Invalid for an unknown
    stratifier or a period that ends before it begins, TooLarge, Unavailable."""
    for id_ in wanted:
        if id_ not in MEASURES:
            raise NotFound("no such Measure", expression="Measure")
    if not set(stratifiers) <= STRATIFIERS.keys():
        raise Invalid(f"expected a stratifier of {', '.join(STRATIFIERS)}, got another", code="code-invalid")
    if period.last < period.first:
        raise Invalid("expected a period that ends after it begins, got one that ends before", code="value")
    found = reader.requested_between(period.since, period.until + LOOK_AHEAD, most + 1)
    if len(found) > most:
        raise TooLarge(
            f"expected at most {most} handoffs to look at, got more: ask for a shorter period", code="too-costly"
        )
    known = list(_measured(reader, found))
    inside = [handoff for handoff in known if handoff.requested_at < period.until]
    observed = Observed(known, now)
    return [
        MeasureScore(measure, evaluate(measure, inside, observed, stratifiers))
        for measure in (MEASURES[id_] for id_ in wanted)
    ]  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _measured(reader: Reader, found: Sequence[RequestedHandoff]) -> Iterator[Measured]:
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        named = [(f"Task/{h.id}", h.patient, h.focus) for h, _, _ in batch]
        trees = _trees(reader, {reference for reference in chain(*named) if reference})
        trees |= _trees(reader, {r for tree in trees.values() for r in references_of(tree)} - trees.keys())
        for handoff, at, ledger in batch:
            facts = measured_facts(trees.get(f"Task/{handoff.id}", {}), trees)
            yield Measured(
                id=handoff.id,
                status=handoff.status,
                pathway=handoff.pathway,
                initiator=handoff.requester,
                recipient=handoff.owner,
                events=ledger,
                requested_at=at,
                patient=handoff.patient,
                risk_tier=handoff.risk_tier,
                acceptance_deadline=handoff.acceptance_deadline,
                coverage=facts.coverage,
                access_needs=facts.access_needs,
                language=facts.language,
                encounter=facts.encounter,
                crisis_closed=facts.crisis_closed,
            )


def _trees(reader: Reader, references: Collection[str]) -> dict[str, Tree]:
    keys = [ResourceKey(*reference.split("/")[:2]) for reference in references if RELATIVE.match(reference)]
    return {str(key): decode(stored.body) for key, stored in reader.read_many(keys).items() if not stored.deleted}
