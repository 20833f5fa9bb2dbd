"""Scores of measures as lines for a terminal; what is withheld is said to be withheld."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapter.domain.measures import LATE_RECORD
from adapter.domain.measuring import Score
from adapter.use_cases.report_measures import MeasureScore

WITHHELD = "withheld"


def lines(scores: Iterable[MeasureScore]) -> Iterator[str]:
    for score in scores:
        yield f"{score.measure.title} ({score.measure.id})"
        unit = " h" if score.measure.scoring == "continuous-variable" else ""
        for group in score.groups:
            late = WITHHELD if group.total.withheld or group.late_records_are_small else group.late_records
            yield f"  {group.group.code:<38}{_text(group.total, unit)}  {LATE_RECORD} {late}"
            for stratifier, strata in group.strata.items():
                for name, stratum in strata.items():
                    yield f"    {f'{stratifier} {name}':<36}{_text(stratum, unit)}"


def _text(score: Score, unit: str) -> str:
    if score.withheld:
        return WITHHELD
    counts = "  ".join(f"{role} {count}" for role, count in score.counts.items())
    return counts if score.value is None else f"{score.value}{unit}  {counts}"
