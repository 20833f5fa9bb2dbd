"""Evidence rules: met, not met, or not yet, on the ledger and the facts alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapter.domain import events
from adapter.domain.evidence import Verdict, judge
from adapter.domain.facts import FactEvidence, Facts
from adapter.domain.handoff import LedgerEvent
from adapter.domain.pathway import Condition, EvidenceRule, Pathway

START = datetime(2026, 5, 1, 15, tzinfo=UTC)


def ledger(*kinds: str) -> list[LedgerEvent]:
    """The events, an hour after one another."""
    moments = [START + timedelta(hours=n) for n in range(len(kinds))]
    return [LedgerEvent("h", kind, "a", at, at) for kind, at in zip(kinds, moments, strict=True)]


def verdict(
    rule: EvidenceRule, told: list[LedgerEvent], facts: Facts | None = None, tier: str | None = None
) -> Verdict | None:
    pathway = Pathway("p", "t", "s", "p", evidence=(rule,))
    findings = judge(pathway, told, facts or Facts(), tier, "America/New_York")
    return findings[0].verdict if findings else None


def evidence(**found: FactEvidence) -> Facts:
    return Facts({code.replace("_", "-"): (item,) for code, item in found.items()})


OPEN = ledger(events.REQUESTED)
ACCEPTED = ledger(events.REQUESTED, events.ACCEPTED)
COMPLETED = ledger(events.REQUESTED, events.ACCEPTED, events.STARTED, events.COMPLETED)
SPOKE = evidence(live_contact=FactEvidence("Communication", value="three-way", at=START))


def test_a_fact_proves_as_soon_as_it_is_there_and_fails_to_at_the_end() -> None:
    rule = EvidenceRule("contact", "They spoke.", facts=("live-contact",))
    assert verdict(rule, OPEN) is Verdict.NOT_YET
    assert verdict(rule, ACCEPTED) is Verdict.NOT_YET
    assert verdict(rule, COMPLETED) is Verdict.NOT_MET
    assert verdict(rule, OPEN, SPOKE) is Verdict.MET


def test_a_rule_may_be_judged_at_acceptance_already() -> None:
    rule = EvidenceRule("contact", "They spoke.", facts=("live-contact",), verdict_at="accepted")
    assert verdict(rule, ACCEPTED) is Verdict.NOT_MET


def test_evidence_of_the_wrong_kind_proves_nothing() -> None:
    rule = EvidenceRule(
        "shared", "All three spoke.", ("live-contact",), Condition("live-contact", frozenset({"three-way"}))
    )
    two = evidence(live_contact=FactEvidence("Communication", value="clinicians", at=START))
    assert verdict(rule, COMPLETED, two) is Verdict.NOT_MET
    assert verdict(rule, COMPLETED, SPOKE) is Verdict.MET


def test_a_failed_contact_must_be_followed_by_another_route() -> None:
    rule = EvidenceRule(
        "escalated", "Escalation, not closure.", each=events.CONTACT_FAILED, followed_by=(events.ALTERNATE_TOLD,)
    )
    assert verdict(rule, OPEN) is Verdict.NOT_YET
    assert verdict(rule, COMPLETED) is Verdict.MET  # nothing failed
    assert verdict(rule, ledger(events.REQUESTED, events.CONTACT_FAILED)) is Verdict.NOT_YET
    assert verdict(rule, ledger(events.CONTACT_FAILED, events.CANCELLED)) is Verdict.NOT_MET
    assert verdict(rule, ledger(events.ALTERNATE_TOLD, events.CONTACT_FAILED, events.CANCELLED)) is Verdict.NOT_MET
    assert verdict(rule, ledger(events.CONTACT_FAILED, events.ALTERNATE_TOLD, events.COMPLETED)) is Verdict.MET
    twice = ledger(events.CONTACT_FAILED, events.ALTERNATE_TOLD, events.CONTACT_FAILED, events.COMPLETED)
    assert verdict(rule, twice) is Verdict.NOT_MET


def test_an_event_must_come_before_the_moment_that_a_fact_names() -> None:
    rule = EvidenceRule(
        "in-time", "Accepted before discharge.", event_before=(events.ACCEPTED, "discharge-time"), verdict_at="accepted"
    )
    early = evidence(discharge_time=FactEvidence("Encounter.period.end", at=START + timedelta(hours=2)))
    late = evidence(discharge_time=FactEvidence("Encounter.period.end", at=START + timedelta(minutes=30)))
    assert verdict(rule, OPEN, early) is Verdict.NOT_YET
    assert verdict(rule, ACCEPTED, early) is Verdict.MET
    assert verdict(rule, ACCEPTED, late) is Verdict.NOT_MET
    assert verdict(rule, ACCEPTED) is Verdict.NOT_MET  # nobody told when the person left


def test_outreach_counts_on_the_day_of_acceptance_when_made_and_not_when_planned() -> None:
    rule = EvidenceRule(
        "outreach",
        "Outreach on the same day.",
        ("same-day-outreach",),
        Condition("same-day-outreach", frozenset({"made"})),
        same_day_as=events.ACCEPTED,
        tiers=frozenset({"high"}),
    )

    def reached(kind: str, later: timedelta) -> Facts:
        return evidence(same_day_outreach=FactEvidence("x", value=kind, at=START + later))

    assert verdict(rule, COMPLETED, reached("made", timedelta(hours=3)), "high") is Verdict.MET
    assert verdict(rule, COMPLETED, reached("made", timedelta(hours=30)), "high") is Verdict.NOT_MET
    assert verdict(rule, COMPLETED, reached("planned", timedelta(hours=3)), "high") is Verdict.NOT_MET
    assert verdict(rule, COMPLETED, reached("made", timedelta(hours=3)), "low") is None


def test_what_is_lacking_is_said_in_codes() -> None:
    rule = EvidenceRule("both", "Both.", facts=("live-contact", "appointment-time"), events=(events.ACCEPTED,))
    (finding,) = judge(Pathway("p", "t", "s", "p", evidence=(rule,)), OPEN, SPOKE)
    assert finding.lacking == ("the fact `appointment-time`", "the event `handoff:accepted`")


def test_a_handoff_entered_in_error_is_not_judged() -> None:
    rule = EvidenceRule("contact", "They spoke.", facts=("live-contact",))
    assert verdict(rule, ledger(events.REQUESTED, events.ENTERED_IN_ERROR)) is None
