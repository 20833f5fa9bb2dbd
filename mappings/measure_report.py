"""The score of a measure → MeasureReport of type summary (https://hl7.org/fhir/R4/measurereport.html).

What is withheld stands there as withheld, with the data-absent-reason `masked`, so that nobody takes it for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from adapter.domain.measured import NOT_STATED
from adapter.domain.measures import LATE_RECORD, Measure
from adapter.domain.measuring import GroupScore, Score
from mappings.canonicals import (
    ACCESS_NEED_SYSTEM,
    COVERAGE_SYSTEM,
    MEASURE,
    MEASURE_GROUP_SYSTEM,
    MEASURE_POPULATION_SYSTEM,
    MEASURE_STRATIFIER_SYSTEM,
    RISK_TIER_SYSTEM,
)
from mappings.times import format_time

Tree = dict[str, Any]

_HL7: Final = "http://terminology.hl7.org/CodeSystem"
_SYSTEMS: Final = {
    "coverage": COVERAGE_SYSTEM,
    "access-need": ACCESS_NEED_SYSTEM,
    "language": "urn:ietf:bcp:47",
    "risk-tier": RISK_TIER_SYSTEM,
}
"""Of strata that are codes; the others are ids, of a pathway or an organisation."""
_MASKED: Final[Tree] = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
}


def to_fhir(
    measure: Measure, groups: Sequence[GroupScore], *, start: datetime, end: datetime, reporter: str, now: datetime
) -> Tree:
    """`end` is the last moment of the period; `reporter` the partner id of whose handoffs are counted."""
    notation = "increase" if measure.more_is_better else "decrease"
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": f"{MEASURE}{measure.id}",
        "date": format_time(now),
        "reporter": {"reference": f"Organization/{reporter}"},
        "period": {"start": format_time(start), "end": format_time(end)},
        "improvementNotation": _concept(f"{_HL7}/measure-improvement-notation", notation),
        "group": [_group(measure, score) for score in groups],
    }


def _group(measure: Measure, score: GroupScore) -> Tree:
    late = _count(score.late_records, score.late_records_are_small or score.total.withheld)
    tree: Tree = {
        "code": _concept(MEASURE_GROUP_SYSTEM, score.group.code),
        "population": [
            *_populations(score.total),
            {"code": _concept(MEASURE_POPULATION_SYSTEM, LATE_RECORD), **late},
        ],
        **_value(measure, score.total),
    }
    if score.strata:
        tree["stratifier"] = [
            {
                "code": [_concept(MEASURE_STRATIFIER_SYSTEM, stratifier)],
                **({"stratum": [_stratum(measure, stratifier, *each) for each in strata.items()]} if strata else {}),
            }
            for stratifier, strata in score.strata.items()
        ]
    return tree


def _stratum(measure: Measure, stratifier: str, name: str, score: Score) -> Tree:
    system = None if name == NOT_STATED else _SYSTEMS.get(stratifier)
    value = _concept(system, name) if system else {"text": name}
    return {"value": value, "population": _populations(score), **_value(measure, score)}


def _populations(score: Score) -> list[Tree]:
    return [
        {"code": _concept(f"{_HL7}/measure-population", role), **_count(count, score.withheld)}
        for role, count in score.counts.items()
    ]


def _count(count: int, withheld: bool) -> Tree:
    return {"_count": _MASKED} if withheld else {"count": count}


def _value(measure: Measure, score: Score) -> Tree:
    if score.value is None:
        return {}
    if score.withheld:
        return {"measureScore": _MASKED}
    if measure.scoring == "proportion":
        return {"measureScore": {"value": score.value}}
    unit = {"unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}
    return {"measureScore": {"value": score.value, **unit}}


def _concept(system: str, code: str) -> Tree:
    return {"coding": [{"system": system, "code": code}]}
