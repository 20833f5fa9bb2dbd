"""What a measure counts among handoffs: pure, and without numbers that would point at a person.

A score is shown whole or not at all. It is withheld when any of its cells, or what is left of a cell, is a small
number; and so are the smallest other strata beside it, until what is withheld together is not small either: a
difference from the total would give it away otherwise. https://hl7.org/fhir/R4/measurereport.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from statistics import median
from typing import Final

from adapter.domain.measured import Measured, Observed, strata_of
from adapter.domain.measures import Group, Measure

FEWEST: Final = 5
"""A count below this, but for none, is a small number."""


@dataclass(frozen=True, slots=True)
class Score:
    """`counts` by population, in the order of the measure. `value` is the proportion, or the median in hours; None
    without anything to divide by or to take the middle of. `withheld`: nothing of it may be shown."""

    counts: Mapping[str, int]
    cells: tuple[int, ...]
    value: Decimal | None = None
    withheld: bool = False

    @property
    def is_small(self) -> bool:
        return _small(self.cells)


@dataclass(frozen=True, slots=True)
class GroupScore:
    group: Group
    total: Score
    late_records: int
    strata: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    """Stratifier → stratum → score; strata without any handoff of the initial population are not there."""

    @property
    def late_records_are_small(self) -> bool:
        """They are counted in the total only, so that no difference can be taken."""
        return _small([self.late_records])


def evaluate(
    measure: Measure, handoffs: Sequence[Measured], observed: Observed, stratifiers: Collection[str] = ()
) -> list[GroupScore]:
    """`handoffs` are those requested in the period; `observed` knows of later ones too."""
    return [_group_score(measure, group, handoffs, observed, stratifiers) for group in measure.groups]


def _group_score(
    measure: Measure, group: Group, handoffs: Sequence[Measured], observed: Observed, stratifiers: Collection[str]
) -> GroupScore:
    total = _score(measure, group, handoffs, observed)
    strata: dict[str, Mapping[str, Score]] = {}
    for stratifier in stratifiers:
        members: dict[str, list[Measured]] = {}
        for handoff in handoffs:
            for stratum in strata_of(handoff)[stratifier]:
                members.setdefault(stratum, []).append(handoff)
        scores = {name: _score(measure, group, members[name], observed) for name in sorted(members)}
        strata[stratifier] = _without_small_numbers({n: s for n, s in scores.items() if any(s.counts.values())})
    late = sum(handoff.has_late_record for handoff in handoffs if group.initial(handoff, observed))
    return GroupScore(group, replace(total, withheld=total.is_small), late, strata)


def _score(measure: Measure, group: Group, handoffs: Sequence[Measured], observed: Observed) -> Score:
    initial = [handoff for handoff in handoffs if group.initial(handoff, observed)]
    counts, cells, left = {"initial-population": len(initial)}, [len(initial)], initial
    for population in group.populations:
        inside = [handoff for handoff in left if population.counts(handoff, observed)]
        counts[population.role] = len(inside)
        rest = len(left) - len(inside)
        cells += [len(inside), rest]
        if population.role == "denominator-exclusion":
            excluded = {handoff.id for handoff in inside}
            left = [handoff for handoff in left if handoff.id not in excluded]
        else:
            left = inside if population.role != "numerator" else left
    if group.beyond is not None:
        cells.append(sum(group.beyond(handoff, observed) for handoff in initial))
    value: Decimal | None = None
    if measure.scoring == "cohort":
        cells.append(len(handoffs) - len(initial))
    elif measure.scoring == "proportion" and left:
        value = (Decimal(counts["numerator"]) / len(left)).quantize(Decimal("0.001"))
    elif group.hours is not None:
        durations = [found for handoff in left if (found := group.hours(handoff)) is not None]
        counts["measure-observation"] = len(durations)
        if durations:
            hours = Decimal(median(duration.total_seconds() for duration in durations)) / 3600
            value = hours.quantize(Decimal("0.1"))
    return Score(counts, tuple(cells), value)


def _without_small_numbers(strata: Mapping[str, Score]) -> dict[str, Score]:
    withheld = {name for name, score in strata.items() if score.is_small}
    by_size = sorted(strata, key=lambda name: (strata[name].counts["initial-population"], name))
    shown = [name for name in by_size if name not in withheld]
    while shown and withheld and _small(map(sum, zip(*(strata[name].cells for name in withheld), strict=True))):
        withheld.add(shown.pop(0))
    return {name: replace(score, withheld=name in withheld) for name, score in strata.items()}


def _small(cells: Iterable[int]) -> bool:
    return any(0 < cell < FEWEST for cell in cells)
