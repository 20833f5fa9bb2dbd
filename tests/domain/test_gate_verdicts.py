"""Facts and gates judged for the record: what each step needed, and whether it can still be shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapter.domain import events
from adapter.domain.evidence import Verdict
from adapter.domain.facts import FactEvidence, Facts
from adapter.domain.gate_verdicts import GateFinding, judge_gates
from adapter.domain.gates import unmet
from adapter.domain.handoff import LedgerEvent
from adapter.domain.pathway import Condition, Gate, Pathway, Requirement
from adapter.domain.task_status import STAGES
from adapter.pathways import load_pathways

START = datetime(2026, 5, 1, 15, tzinfo=UTC)
PATHWAY = Pathway(
    "p",
    "t",
    "s",
    "p",
    facts={
        "request": (Requirement("crisis-trigger", "initiator"),),
        "accept": (Requirement("live-contact", "either"),),
    },
    gates=(
        Gate("all-three", "accept", "All three spoke.", (), Condition("live-contact", one_of=frozenset({"three-way"}))),
        Gate(
            "soon",
            "accept",
            "On the day.",
            ("same-day-outreach",),
            Condition("same-day-outreach", by_end_of_day=True),
            tiers=frozenset({"high"}),
        ),
    ),
)


def ledger(*kinds: str) -> list[LedgerEvent]:
    return [LedgerEvent("h", kind, "a", START, START) for kind in kinds]


def verdicts(facts: Facts, *kinds: str, tier: str | None = None, now: datetime = START) -> dict[str, GateFinding]:
    return {found.name: found for found in judge_gates(PATHWAY, ledger(*kinds), facts, tier, now=now)}


def spoke(value: str) -> Facts:
    return Facts({"live-contact": (FactEvidence("Communication", value=value, at=START),)})


def test_what_is_missing_is_not_yet_while_the_step_is_open_and_not_met_once_it_was_taken() -> None:
    assert verdicts(Facts(), events.REQUESTED)["live-contact"].verdict is Verdict.NOT_YET
    taken = verdicts(Facts(), events.REQUESTED, events.ACCEPTED)["live-contact"]
    assert (taken.verdict, taken.lacking) == (Verdict.NOT_MET, ("the fact `live-contact`",))
    assert verdicts(Facts(), events.REQUESTED, events.REJECTED)["live-contact"].verdict is Verdict.NOT_MET


def test_a_gate_says_what_was_expected_and_what_was_got() -> None:
    shut = verdicts(spoke("clinicians"), events.REQUESTED)["all-three"]
    assert shut.verdict is Verdict.NOT_YET
    assert "expected one of: three-way; got clinicians" in shut.lacking[0]
    assert verdicts(spoke("three-way"), events.REQUESTED)["all-three"].verdict is Verdict.MET


def test_a_gate_of_a_tier_is_not_asked_of_others() -> None:
    assert "soon" not in verdicts(Facts(), events.REQUESTED)
    assert verdicts(Facts(), events.REQUESTED, tier="high")["soon"].verdict is Verdict.NOT_YET


def test_the_day_that_counts_is_that_of_the_step_not_that_of_the_question() -> None:
    reached = Facts({"same-day-outreach": (FactEvidence("Communication", value="made", at=START),)})
    later = START + timedelta(days=30)
    assert verdicts(reached, events.ACCEPTED, tier="high", now=later)["soon"].verdict is Verdict.MET


def test_a_handoff_entered_in_error_is_judged_by_nothing() -> None:
    assert not verdicts(Facts(), events.REQUESTED, events.ENTERED_IN_ERROR)


@pytest.mark.parametrize("name", load_pathways())
@pytest.mark.parametrize("tier", [None, "low", "moderate", "high"])
@pytest.mark.parametrize("facts", [Facts(), spoke("clinicians")])
def test_something_is_unmet_exactly_where_the_gate_would_refuse(name: str, tier: str | None, facts: Facts) -> None:
    pathway = load_pathways()[name]
    found = judge_gates(pathway, (), facts, tier, now=START)
    for stage in STAGES:
        refused = bool(unmet(pathway, stage, facts, tier, at=START))
        assert refused == any(f.verdict is not Verdict.MET for f in found if f.stage == stage), stage
