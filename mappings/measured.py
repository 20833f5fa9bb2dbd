"""A Task and what it names → what a handoff is stratified and measured by (domain/measured.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from mappings.facts import extract_facts
from mappings.references import Tree

_WANTED = ("coverage", "access-needs", "visit-context", "visit-end")


class MeasuredFacts(NamedTuple):
    coverage: frozenset[str]
    access_needs: frozenset[str]
    language: str | None
    encounter: str | None
    """`Encounter/id` of the visit in which the handoff was made."""
    crisis_closed: datetime | None


def measured_facts(task: Tree, related: Mapping[str, Tree]) -> MeasuredFacts:
    """`related`: reference → tree, of more than this handoff if need be."""
    facts = extract_facts(task, related, organisation_of=lambda _: None, wanted=_WANTED)
    visit = next((evidence.reference for evidence in facts.get("visit-context", ())), None)
    patient = related.get((task.get("for") or {}).get("reference", ""))
    needs, coverage = facts.values_of("access-needs"), facts.values_of("coverage")
    return MeasuredFacts(coverage, needs, language(patient or {}), visit, facts.time_of("visit-end"))


def language(patient: Tree) -> str | None:
    """The preferred language, else the first that is listed, as the code that it is given by (BCP 47)."""
    listed = patient.get("communication") or ()
    for spoken in sorted(listed, key=lambda each: each.get("preferred") is not True):
        for coding in (spoken.get("language") or {}).get("coding") or ():
            if code := coding.get("code"):
                return str(code)
    return None


def references_of(tree: Tree) -> Iterator[str]:
    """What has to be at hand beside the Task, its focus and its Patient."""
    parameters = [each.get("valueReference") for each in tree.get("input") or ()]
    for element in [*parameters, tree.get("encounter"), *(tree.get("supportingInfo") or ())]:
        if element and "reference" in element:
            yield element["reference"]
