"""For whom care is weaker: strata whose score is worse than that of everybody, by a margin that matters.

Only scores that may be shown are compared. A margin says where to look and not why: with few handoffs it may be chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapter.domain.measures import Group, Measure
from adapter.domain.measuring import GroupScore, Score

POINTS: Final = Decimal("0.10")
"""A proportion that is worse by this much, of 1."""
LONGER: Final = Decimal("1.25")
"""A duration that is so many times as long."""


@dataclass(frozen=True, slots=True)
class WeakerCare:
    measure: Measure
    group: Group
    stratifier: str
    stratum: str
    score: Score
    overall: Score


def weaker_care(measure: Measure, scores: Sequence[GroupScore]) -> Iterator[WeakerCare]:
    """In the order of groups, stratifiers and strata. A measure without a score, which only counts, has none."""
    for group in scores:
        for stratifier, strata in group.strata.items():
            for stratum, score in strata.items():
                if _is_weaker(measure, score, group.total):
                    yield WeakerCare(measure, group.group, stratifier, stratum, score, group.total)


def _is_weaker(measure: Measure, score: Score, overall: Score) -> bool:
    if score.withheld or overall.withheld or score.value is None or overall.value is None:
        return False
    if measure.scoring == "continuous-variable":
        more, less = (overall.value, score.value) if measure.more_is_better else (score.value, overall.value)
        return more > less and more >= less * LONGER
    difference = overall.value - score.value if measure.more_is_better else score.value - overall.value
    return difference >= POINTS
