"""The pathway files hold what the source documents demand, and a file that is wrong says where."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from adapter.domain.deadlines import AtLocalTime, Before, BusinessDays, Within
from adapter.domain.pathway import LADDER_STEPS, Pathway
from adapter.domain.task_status import Stage
from adapter.pathways import PathwayFileError, load_pathways, read_pathway

PATHWAYS = load_pathways()
CRISIS = ("mobile-crisis-to-outpatient", "stabilization-discharge", "case-management-reengagement")
PERINATAL = (
    "perinatal-minimum",
    "perinatal-in-room-call",
    "perinatal-digital",
    "perinatal-ob-visit",
    "perinatal-pediatric-visit",
    "maternity-hospital-discharge",
    "iop-discharge",
)

# PATHWAYS.md's tables of what each stage needs, as sets (a pathway may ask for more than named there).
NEEDS: dict[str, dict[Stage, set[str]]] = {
    "mobile-crisis-to-outpatient": {
        "request": {
            "current-risk-level",
            "crisis-trigger",
            "recipient-contact",
            "safety-plan-summary",
            "missed-appointment-barrier",
            "preferred-contact",
        },
        "accept": {"recipient-clinician", "risk-acknowledged", "appointment-time", "follow-up-owner"},
        "complete": {"live-contact", "first-contact-attended"},
    },
    "stabilization-discharge": {
        "request": {"current-risk-level", "risk-concerns-transferred", "medication-access", "transportation-plan"},
        "accept": {"recipient-clinician", "live-contact", "appointment-confirmed", "responsibilities-accepted"},
        "complete": {"first-contact-attended"},
    },
    "case-management-reengagement": {
        # The acceptance deadline is needed as well, and always there: stated, or noon of the next day.
        "request": {"housing-risk-summary", "alternate-contact", "escalation-owner", "bridge-contact"},
        "accept": {"recipient-clinician", "responsibilities-accepted"},
        "complete": {"first-contact-attended"},
    },
    "perinatal-minimum": {
        "request": {"named-recipient", "handoff-method", "preferred-contact", "person-informed"},
        "complete": {"first-contact-attended"},
    },
    "perinatal-in-room-call": {
        "request": {"named-recipient", "handoff-method", "preferred-contact", "person-informed", "brief-summary"},
        "accept": {"appointment-time", "live-contact"},
        "complete": {"first-contact-attended"},
    },
    "perinatal-digital": {
        "request": {
            "named-recipient",
            "handoff-method",
            "preferred-contact",
            "person-informed",
            "submitted-in-presence",
            "phone-confirmation",
        },
        "complete": {"first-contact-attended"},
    },
    "perinatal-ob-visit": {
        "request": {"named-recipient", "handoff-method", "preferred-contact", "person-informed"},
        "complete": {"first-contact-attended"},
    },
    "perinatal-pediatric-visit": {
        "request": {"named-recipient", "handoff-method", "preferred-contact", "person-informed", "visit-context"},
        "complete": {"first-contact-attended"},
    },
    "maternity-hospital-discharge": {
        "request": {"named-recipient", "handoff-method", "preferred-contact", "person-informed", "questions-contact"},
        "accept": {"appointment-confirmed", "appointment-place"},
        "complete": {"first-contact-attended"},
    },
    "iop-discharge": {
        "request": {"named-recipient", "discharge-summary", "last-session-time"},
        "accept": {"appointment-time", "appointment-place", "recipient-clinician"},
        "complete": {"first-contact-attended", "person-has-appointment"},
    },
    "referral": {},
}


def test_every_pathway_of_the_sources_has_a_file() -> None:
    assert set(PATHWAYS) == {*CRISIS, *PERINATAL, "referral"}


@pytest.mark.parametrize("name", NEEDS)
def test_each_stage_needs_what_the_source_says(name: str) -> None:
    pathway = PATHWAYS[name]
    needed = {stage: {need.fact for need in pathway.required(stage)} for stage in pathway.facts}
    assert {stage: facts for stage, facts in needed.items() if facts} == NEEDS[name]


@pytest.mark.parametrize("pathway", PATHWAYS.values(), ids=PATHWAYS)
def test_every_pathway_has_an_acceptance_clock_a_whole_ladder_and_evidence(pathway: Pathway) -> None:
    assert pathway.acceptance is not None
    assert tuple(step.name for step in pathway.ladder) == LADDER_STEPS
    assert pathway.evidence and pathway.title and pathway.source and pathway.purpose
    assert pathway.clock("arrange-care"), "a returned person has a clock as well"


@pytest.mark.parametrize("name", CRISIS)
def test_the_higher_the_risk_the_stronger_the_control(name: str) -> None:
    pathway = PATHWAYS[name]
    added = {tier: {need.fact for need in pathway.tiers[tier]["accept"]} for tier in ("low", "moderate", "high")}
    assert added == {
        "low": {"appointment-confirmed"},
        "moderate": {"live-contact"},
        "high": {"live-contact", "same-day-outreach"},
    }
    assert set(pathway.required("accept")) <= set(pathway.required("accept", "low"))


@pytest.mark.parametrize("name", PERINATAL)
def test_every_perinatal_pathway_follows_up_after_seven_to_ten_days(name: str) -> None:
    follow_up = PATHWAYS[name].clock("follow-up")
    assert follow_up is not None and follow_up.task
    assert (follow_up.opens, follow_up.due) == (Within(timedelta(days=7)), Within(timedelta(days=10)))


@pytest.mark.parametrize("name", PERINATAL)
def test_coverage_never_blocks(name: str) -> None:
    pathway = PATHWAYS[name]
    assert "coverage" in {need.fact for need in pathway.optional}
    assert all("coverage" not in gate.facts for gate in pathway.gates)


def test_the_acceptance_clocks_are_those_of_the_sources() -> None:
    assert PATHWAYS["case-management-reengagement"].acceptance == AtLocalTime(time(12), 1)
    assert PATHWAYS["perinatal-digital"].acceptance == BusinessDays(1)
    assert PATHWAYS["perinatal-minimum"].acceptance == Within(timedelta(hours=24))
    for name, fact in (
        ("stabilization-discharge", "discharge-time"),
        ("maternity-hospital-discharge", "discharge-time"),
        ("iop-discharge", "last-session-time"),
        ("perinatal-in-room-call", "visit-end"),
    ):
        rule = PATHWAYS[name].acceptance
        assert isinstance(rule, Before) and rule.fact == fact
    first_contact = PATHWAYS["mobile-crisis-to-outpatient"].clock("first-contact")
    assert first_contact is not None and first_contact.due == Within(timedelta(hours=48))


def test_names_are_unique_within_a_pathway() -> None:
    for pathway in PATHWAYS.values():
        for names in (
            [gate.name for gate in pathway.gates],
            [clock.name for clock in pathway.clocks],
            [rule.name for rule in pathway.evidence],
        ):
            assert len(names) == len(set(names))


GOOD = """title: T
source: S
purpose: P
request:
  crisis-trigger: initiator
ladder:
  alternate-contact: 5 minutes
  escalation-owner: 1 hour
"""


def test_a_good_file_reads_as_written() -> None:
    pathway = read_pathway("my-pathway.yaml", GOOD)
    assert pathway.name == "my-pathway"
    assert [step.after for step in pathway.ladder] == [timedelta(minutes=5), timedelta(hours=1)]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD.replace("crisis-trigger", "crisis-triger"), 5, "expected a fact of the catalogue"),
        (GOOD.replace("crisis-trigger: initiator", "crisis-trigger: sender"), 5, "expected a side of"),
        (GOOD.replace("crisis-trigger: initiator", "crisis-trigger: recipient"), 5, "from the initiator"),
        (GOOD.replace("escalation-owner", "supervisor"), 8, "expected a rung of"),
        (GOOD.replace("5 minutes", "soon"), 7, "expected a duration"),
        (GOOD.replace("5 minutes", "5 hours"), 7, "expected the rungs in the order"),
        (GOOD.replace("request:", "requests:"), 4, "got `requests`"),
        (GOOD.replace("title: T\n", ""), 1, "expected a line `title: …`"),
        (GOOD + "title: U\n", 9, "expected `title` once"),
        (GOOD + "gates:\n  - gate: g\n    stage: refuse\n", 11, "expected a stage of"),
        (
            GOOD + "gates:\n  - {gate: g, stage: accept, says: x, facts: [coverage], one of: [rich]}\n",
            10,
            "a code of `cov",
        ),
        (
            GOOD + "gates:\n  - {gate: g, stage: accept, says: x, facts: [coverage], by: end of day}\n",
            10,
            "carries a time",
        ),
        (GOOD + "gates:\n  - {gate: g, stage: accept, says: x, facts: [coverage], if: x}\n", 10, "got `if`"),
        (GOOD + "acceptance: {within: 4 hours, at: '12:00'}\n", 9, "`days later: …`"),
        (GOOD + "acceptance: {before: coverage, otherwise: {within: 1 hour}}\n", 9, "carries a time"),
        (GOOD + "acceptance: {at: '25:00', days later: 1}\n", 9, "a time of day"),
        (GOOD + "acceptance: {soon: yes}\n", 9, "expected one of `within`"),
        (GOOD + "tiers:\n  extreme: {accept: {live-contact: either}}\n", 10, "a risk tier of"),
        (GOOD + "clocks:\n  - {clock: c, starts: later, due: {within: 1 hour}}\n", 10, "a start of"),
        (
            GOOD + "clocks:\n  - {clock: c, starts: requested, due: {within: 1 hour}, task: x}\n",
            10,
            "`opens` and `task`",
        ),
        (GOOD + "evidence:\n  - {rule: r, says: x, events: ['handoff:lost']}\n", 10, "an event of the ledger"),
        (GOOD + "evidence:\n  - {rule: r, says: x}\n", 10, "to ask for facts"),
        (GOOD + "evidence:\n  - {rule: r, says: x, each: 'contact:failed'}\n", 10, "`each` and `followed by`"),
        (GOOD + "gates: {}\n", 9, "expected a list"),
        ("- a\n", 1, "`key: value` lines"),
        ("", 1, "an empty file"),
        ("title: [\n", 2, "expected YAML"),
    ],
)
def test_a_wrong_file_does_not_load_and_says_in_which_line(text: str, line: int, words: str) -> None:
    with pytest.raises(PathwayFileError) as refused:
        read_pathway("wrong.yaml", text)
    assert str(refused.value).startswith(f"wrong.yaml:{line}: ")
    assert words in str(refused.value)


def test_a_directory_without_the_base_pathway_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(PathwayFileError, match=r"expected a file referral\.yaml, got mine"):
        load_pathways(tmp_path)
    (tmp_path / "referral.yaml").write_text(GOOD, encoding="utf-8")
    assert list(load_pathways(tmp_path)) == ["mine", "referral"]
