"""Writes `profiles/fsh/input/fsh/vocabulary.fsh`: the code systems whose codes live in the tables of the adapter.

    python -m profiles.build_vocabulary

A code that the adapter knows and its code system does not, or the other way round, is a fault of publishing; so the
tables are the source, and a test compares what is committed with what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from adapter.domain.business_status import BUSINESS_STATUSES, REASONS
from adapter.domain.events import KINDS
from adapter.domain.facts import ACCESS_NEEDS, CATALOGUE, COVERAGES, HANDOFF_METHODS, RISK_TIERS
from adapter.domain.measures import LATE_RECORD, LATE_RECORD_SAYS, STRATIFIERS, group_codes
from adapter.domain.responsibility import ACTIONS
from adapter.pathways import load_pathways
from mappings.contacts import LIVE_MEDIA, PHONE_MEDIA

OUTPUT = Path(__file__).parent / "fsh" / "input" / "fsh" / "vocabulary.fsh"
TELEHEALTH = "telehealth-instructions"
ESCALATE = "escalate"
EVIDENCE_SECTIONS = {
    "handoff-evidence": "Everything that proves, or fails to prove, a handoff.",
    "standing": "Who holds the person, what is awaited from whom, and by when.",
    "evidence-rules": "What must be provable, with a verdict on each rule.",
    "gates": "What each step needed, with a verdict on each gate.",
    "timeline": "What happened, in the order in which it was recorded.",
    "transitions": "Every step of the lifecycle.",
    "contacts": "Contact attempts, live or not.",
    "appointments": "What was booked, kept or missed.",
    "clock": "Every step of the clock: when it was or is due, and what became of it.",
    "ladder": "Missed deadlines, and who was brought in.",
    "deliveries": "Who was told of what.",
    "resources": "Every resource of the handoff, in its newest version.",
}
_SUPPLIED = {
    "initiator": "Supplied by the initiator.",
    "recipient": "Supplied by the recipient.",
    "either": "Supplied by either side.",
}


class Vocabulary(NamedTuple):
    """One code system and the value set of all its codes; `definitions` may be empty texts."""

    system: str
    id: str
    value_set: str
    title: str
    says: str
    definitions: Mapping[str, str]


def vocabularies() -> list[Vocabulary]:
    clocks = [clock for pathway in load_pathways().values() for clock in pathway.clocks]
    overdue = {f"{c.name}-overdue": "This clock of the pathway ran out." for c in clocks if c.task is None}
    follow_ups = {c.name: c.task for c in clocks if c.task is not None}
    facts = {row.code: f"{_sentence(row.meaning)} {_SUPPLIED[row.supplier]}" for row in CATALOGUE.values()}
    # Not a fact of the catalogue but one of the two forms of `appointment-place`.
    facts[TELEHEALTH] = "How the person joins an appointment that takes place by phone or video."
    return [
        Vocabulary("HandoffFact", "handoff-fact", "HandoffFacts", "Handoff facts",
            "The fields that a pathway may demand of a handoff; Task.input.type and Task.output.type.", facts),
        Vocabulary("HandoffStatus", "handoff-status", "HandoffStatuses", "Handoff business statuses",
            "Task.businessStatus of a handoff.", {**BUSINESS_STATUSES, **dict(sorted(overdue.items()))}),
        Vocabulary("HandoffReason", "handoff-reason", "HandoffReasons", "Handoff reasons",
            "Why a handoff was refused, paused, given back or taken back, or why a contact failed.", REASONS),
        Vocabulary("HandoffAction", "handoff-action", "HandoffActions", "Next actions of a handoff",
            "What is awaited next; the code of the extension next-action.", ACTIONS),
        Vocabulary("HandoffTaskCode", "handoff-task", "HandoffTaskCodes", "Child Tasks of a handoff",
            "Task.code of the Tasks that the adapter opens beside a handoff.",
            {ESCALATE: "Step in for a handoff that nobody answers.", **follow_ups}),
        Vocabulary("HandoffEvent", "handoff-event", "HandoffEvents", "Events of a handoff",
            "What the ledger of a handoff may hold; MessageHeader.event of messages about it.",
            {kind.replace(":", "-"): meaning for kind, meaning in KINDS.items()}),
        Vocabulary("EvidenceSection", "evidence-section", "EvidenceSections", "Evidence sections",
            "Composition.type and Composition.section.code of the answer to Task/$evidence.", EVIDENCE_SECTIONS),
        Vocabulary("HandoffMethod", "handoff-method", "HandoffMethods", "Handoff methods",
            "How a handoff was made; value of the fact handoff-method.", _codes(sorted(HANDOFF_METHODS))),
        Vocabulary("Coverage", "coverage", "Coverages", "Coverages",
            "The kind of coverage of the person, as far as routing needs it; value of the fact coverage.",
            _codes(sorted(COVERAGES))),
        Vocabulary("AccessNeed", "access-need", "AccessNeeds", "Access needs",
            "What makes the usual handoff unfit for the person; value of the fact access-needs, or Flag.code.",
            _codes(sorted(ACCESS_NEEDS))),
        Vocabulary("RiskTier", "risk-tier", "RiskTiers", "Risk tiers",
            "The higher the risk, the stronger the control; RiskAssessment.prediction.qualitativeRisk.",
            _codes(RISK_TIERS)),
        Vocabulary("CarePlanCategory", "care-plan-category", "CarePlanCategories", "Care plan categories",
            "CarePlan.category of plans that a handoff knows.",
            {"safety-plan": "A plan for when things get worse: warning signs, what helps, whom to call."}),
        Vocabulary("MeasureGroup", "measure-group", "MeasureGroups", "What a measure counts",
            "Measure.group.code and MeasureReport.group.code.", group_codes()),
        Vocabulary("MeasurePopulation", "measure-population", "MeasurePopulations", "Populations of a measure",
            "Measure.group.population.code beside HL7's.", {LATE_RECORD: LATE_RECORD_SAYS}),
        Vocabulary("MeasureStratifier", "measure-stratifier", "MeasureStratifiers", "What a measure is stratified by",
            "Measure.group.stratifier.code and MeasureReport.group.stratifier.code.", STRATIFIERS),
    ]  # fmt: skip


def shorthand() -> str:
    """The whole file."""
    return "\n\n".join(["// Written by profiles/build_vocabulary.py; edit the tables that it reads.", *_definitions()])


def _definitions() -> Iterator[str]:
    for vocabulary in vocabularies():
        head = [
            f"CodeSystem: {vocabulary.system}",
            f"Id: {vocabulary.id}",
            f"Title: {quoted(vocabulary.title)}",
            f"Description: {quoted(vocabulary.says)}",
            "* ^caseSensitive = true",
            "* ^experimental = false",
        ]
        codes = [
            " ".join([f"* #{code} {quoted(_display(code))}", *([quoted(text)] if text else [])])
            for code, text in vocabulary.definitions.items()
        ]
        yield "\n".join([*head, *codes])
        yield "\n".join(
            [
                f"ValueSet: {vocabulary.value_set}",
                f"Id: {vocabulary.id}",
                f"Title: {quoted(vocabulary.title)}",
                f"Description: {quoted(vocabulary.says)}",
                "* ^experimental = false",
                f"* include codes from system {vocabulary.system}",
            ]
        )
    media = sorted(LIVE_MEDIA | PHONE_MEDIA | {"FAXWRIT"})
    yield "\n".join(
        [
            "ValueSet: ContactMedia",
            "Id: contact-medium",
            'Title: "Contact media"',
            f'Description: "How a contact was tried. Live can be only {", ".join(sorted(LIVE_MEDIA))}."',
            "* ^experimental = false",
            *(f"* $participation-mode#{code}" for code in media),
            "",
        ]
    )


def _codes(codes: tuple[str, ...] | list[str]) -> dict[str, str]:
    return dict.fromkeys(codes, "")


def _display(code: str) -> str:
    words = code.replace("-", " ")
    return words[0].upper() + words[1:]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def quoted(text: str) -> str:
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


if __name__ == "__main__":
    OUTPUT.write_text(shorthand(), encoding="utf-8")
