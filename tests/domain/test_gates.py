"""One issue for each fact that is missing and each gate that is shut; a risk tier only ever adds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapter.domain.errors import BusinessRule
from adapter.domain.facts import CATALOGUE, FactEvidence, Facts
from adapter.domain.gates import check, unmet
from adapter.domain.pathway import Condition, Gate, Pathway, Requirement

NOW = datetime(2026, 5, 1, 15, tzinfo=UTC)


def facts(*codes: str, **evidence: FactEvidence) -> Facts:
    found = {code: (FactEvidence(CATALOGUE[code].element),) for code in codes}
    return Facts({**found, **{code.replace("_", "-"): (item,) for code, item in evidence.items()}})


PATHWAY = Pathway(
    name="test-pathway",
    title="t",
    source="s",
    purpose="p",
    facts={
        "request": (Requirement("crisis-trigger", "initiator"), Requirement("preferred-contact", "initiator")),
        "accept": (Requirement("recipient-clinician", "recipient"), Requirement("live-contact", "either")),
    },
    tiers={"high": {"accept": (Requirement("live-contact", "either"), Requirement("same-day-outreach", "recipient"))}},
    gates=(
        Gate("understood", "accept", "The risk is understood.", ("risk-acknowledged", "recipient-clinician")),
        Gate(
            "shared",
            "accept",
            "All three spoke.",
            ("live-contact",),
            Condition("live-contact", frozenset({"three-way"})),
        ),
        Gate(
            "today",
            "accept",
            "Outreach today.",
            ("same-day-outreach",),
            Condition("same-day-outreach", by_end_of_day=True),
            tiers=frozenset({"high"}),
        ),
        Gate(
            "sent-in-time",
            "request",
            "Sent before the last session.",
            ("discharge-summary",),
            Condition("discharge-summary", before="last-session-time"),
            when=("handoff-method", frozenset({"shared-note"})),
        ),
    ),
)


def test_nothing_is_unmet_when_all_is_there() -> None:
    assert unmet(PATHWAY, "request", facts("crisis-trigger", "preferred-contact")) == []
    assert unmet(PATHWAY, "complete", facts()) == []


def test_each_missing_fact_is_one_issue_at_the_element_where_it_belongs() -> None:
    issues = unmet(PATHWAY, "request", facts())
    assert [(issue.code, issue.expression) for issue in issues] == [
        ("business-rule", "ServiceRequest.reasonCode"),
        ("business-rule", "Task.input.where(type.coding.code='preferred-contact')"),
    ]
    assert "`crisis-trigger`" in issues[0].text and "the initiator sends it" in issues[0].text


def test_a_fact_that_a_gate_asks_for_as_well_is_reported_once_with_the_gates_words() -> None:
    issues = unmet(PATHWAY, "accept", facts(live_contact=FactEvidence("x", value="three-way")))
    assert len(issues) == 2
    assert "`recipient-clinician`" in issues[0].text and "Gate `understood`: The risk is understood." in issues[0].text
    assert "`risk-acknowledged`" in issues[1].text and "the recipient sends it" in issues[1].text


def test_a_gate_stays_shut_for_evidence_of_the_wrong_kind_and_says_what_it_got() -> None:
    found = facts("recipient-clinician", "risk-acknowledged", live_contact=FactEvidence("x", value="clinicians"))
    (issue,) = unmet(PATHWAY, "accept", found)
    assert "gate `shared`" in issue.text
    assert "expected one of: three-way; got clinicians" in issue.text
    assert issue.expression == CATALOGUE["live-contact"].element


def test_a_risk_tier_only_adds() -> None:
    spoke = FactEvidence("x", value="three-way")
    for found in (facts(), facts("recipient-clinician"), facts("recipient-clinician", live_contact=spoke)):
        without = {issue.text for issue in unmet(PATHWAY, "accept", found)}
        for tier in ("low", "moderate", "high"):
            assert without <= {issue.text for issue in unmet(PATHWAY, "accept", found, tier)}
    at_high = [issue.text for issue in unmet(PATHWAY, "accept", facts(), "high")]
    assert sum("`same-day-outreach`" in text for text in at_high) == 1
    assert sum("`live-contact`" in text for text in at_high) == 1


@pytest.mark.parametrize(("delay", "is_open"), [(timedelta(hours=2), True), (timedelta(hours=30), False)])
def test_outreach_on_the_same_day_is_not_outreach_tomorrow(delay: timedelta, is_open: bool) -> None:
    found = facts(
        "recipient-clinician",
        "risk-acknowledged",
        live_contact=FactEvidence("x", value="three-way"),
        same_day_outreach=FactEvidence("y", value="planned", at=NOW + delay),
    )
    assert (unmet(PATHWAY, "accept", found, "high", at=NOW, zone="America/New_York") == []) is is_open


def test_a_gate_with_a_condition_of_its_own_applies_only_then() -> None:
    base = ("crisis-trigger", "preferred-contact")
    last_session = FactEvidence("e", at=NOW)
    late = FactEvidence("d", at=NOW + timedelta(minutes=1))
    by_note = FactEvidence("m", value="shared-note")
    assert unmet(PATHWAY, "request", facts(*base, discharge_summary=late, last_session_time=last_session)) == []
    (issue,) = unmet(
        PATHWAY,
        "request",
        facts(*base, discharge_summary=late, last_session_time=last_session, handoff_method=by_note),
    )
    assert "not after `last-session-time`; got a later one" in issue.text
    in_time = FactEvidence("d", at=NOW)
    found = facts(*base, discharge_summary=in_time, last_session_time=last_session, handoff_method=by_note)
    assert unmet(PATHWAY, "request", found) == []


def test_check_raises_all_issues_at_once() -> None:
    with pytest.raises(BusinessRule) as refused:
        check(PATHWAY, "request", facts())
    assert len(refused.value.issues) == 2
    check(PATHWAY, "complete", facts())


def test_facts_are_immutable_and_hold_no_fact_without_evidence() -> None:
    found = Facts({"coverage": (), "crisis-trigger": (FactEvidence("x"),)})
    assert set(found) == {"crisis-trigger"} and "coverage" not in found and len(found) == 1
    assert found.values_of("coverage") == frozenset() and found.time_of("crisis-trigger") is None
    with pytest.raises(TypeError):
        found["coverage"] = ()  # type: ignore[index]
