"""Writes `profiles/fsh/input/fsh/measures.fsh`: the Measures (https://hl7.org/fhir/R4/measure.html) of the adapter.

`adapter/domain/measures.py` is the source, of the words here as of the numbers in a report; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapter.domain.measures import LATE_RECORD, LATE_RECORD_SAYS, MEASURES, STRATIFIERS, Group, Measure
from profiles.build_vocabulary import quoted

OUTPUT = Path(__file__).parent / "fsh" / "input" / "fsh" / "measures.fsh"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def shorthand() -> str:
    """The whole file."""
    head = [
        "// Written by profiles/build_measures.py; edit adapter/domain/measures.py.",
        "Alias: $scoring = http://terminology.hl7.org/CodeSystem/measure-scoring",
        "Alias: $measure-population = http://terminology.hl7.org/CodeSystem/measure-population",
        "Alias: $improvement = http://terminology.hl7.org/CodeSystem/measure-improvement-notation",
        "Alias: $resource-types = http://hl7.org/fhir/resource-types",
    ]
    return "\n\n".join(["\n".join(head), *("\n".join(_measure(measure)) for measure in MEASURES.values()), ""])


def _measure(measure: Measure) -> Iterator[str]:
    yield f"Instance: {measure.id}"
    yield "InstanceOf: Measure"
    yield "Usage: #definition"
    yield f"Title: {quoted(measure.title)}"
    yield f"Description: {quoted(measure.says)}"
    yield f'* url = "https://handoff.example/fhir/Measure/{measure.id}"'
    yield f'* name = "{"".join(word.title() for word in measure.id.split("-"))}"'
    yield f"* title = {quoted(measure.title)}"
    yield f"* description = {quoted(measure.says)}"
    yield "* status = #active"
    yield "* experimental = false"
    yield "* subjectCodeableConcept = $resource-types#Task"
    yield f"* scoring = $scoring#{measure.scoring}"
    if measure.scoring == "continuous-variable":
        yield '* rateAggregation = "median"'
    yield f"* improvementNotation = $improvement#{'increase' if measure.more_is_better else 'decrease'}"
    for group in measure.groups:
        yield from _group(group)


def _group(group: Group) -> Iterator[str]:
    yield f"* group[+].code = MeasureGroup#{group.code}"
    yield f"* group[=].description = {quoted(group.says)}"
    yield from _population("$measure-population#initial-population", group.initial_says)
    for population in group.populations:
        yield from _population(f"$measure-population#{population.role}", population.says)
    if group.hours is not None:
        yield from _population("$measure-population#measure-observation", group.says)
    yield from _population(f"MeasurePopulation#{LATE_RECORD}", LATE_RECORD_SAYS)
    for code, says in STRATIFIERS.items():
        yield f"* group[=].stratifier[+].code = MeasureStratifier#{code}"
        yield f"* group[=].stratifier[=].description = {quoted(says)}"
        yield from _criteria("stratifier", says)


def _population(code: str, says: str) -> Iterator[str]:
    yield f"* group[=].population[+].code = {code}"
    yield f"* group[=].population[=].description = {quoted(says)}"
    yield from _criteria("population", says)


def _criteria(of: str, says: str) -> Iterator[str]:
    # R4 demands a language and has codes for languages of machines alone; what is meant here are words.
    yield f'* group[=].{of}[=].criteria.language.extension.url = "{_ABSENT}"'
    yield f"* group[=].{of}[=].criteria.language.extension.valueCode = #not-applicable"
    yield f"* group[=].{of}[=].criteria.expression = {quoted(says)}"
