"""What a filter means, held against what happened."""

from __future__ import annotations

import pytest

from adapter.domain.subscription import FILTERS, TOLD
from mappings.topic_filter import Happened, all_match, parse

BASE = "http://127.0.0.1:8080/fhir"
STATUS = "https://handoff.example/fhir/CodeSystem/handoff-status"
TASK = {
    "resourceType": "Task",
    "status": "accepted",
    "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
    "businessStatus": {"coding": [{"system": STATUS, "code": "no-show"}, {"code": "bare"}]},
    "for": {"reference": "Patient/p1/_history/2"},
    "requester": {"reference": "Organization/mobile-crisis"},
    "owner": {"reference": "PractitionerRole/r1"},
}
ACCEPTED = Happened("handoff:accepted", "mobile-crisis", "outpatient-clinic", "crisis-to-outpatient", TASK)

MATCHING = {
    "Task?status=accepted", "status=accepted", "Task.status=accepted", "status=requested,accepted",
    "status=http://hl7.org/fhir/task-status|accepted", "status:not=completed", "status:not=completed,rejected",
    "owner=Organization/outpatient-clinic", "owner=outpatient-clinic", f"owner={BASE}/Organization/outpatient-clinic",
    "owner=PractitionerRole/r1", "requester=Organization/mobile-crisis", "patient=Patient/p1", "patient=p1",
    f"business-status={STATUS}|no-show", "business-status=no-show", "business-status=|bare",
    f"business-status={STATUS}|", "business-status:not=escalated", "code=fulfill", "code:not=escalate",
    "pathway=crisis-to-outpatient", "pathway=https://handoff.example/fhir/PlanDefinition/crisis-to-outpatient",
    "event=handoff-accepted", "event=https://handoff.example/fhir/CodeSystem/handoff-event|handoff-accepted",
    "Task?owner=outpatient-clinic&status=accepted&patient=Patient/p1",
    "status=http%3A%2F%2Fhl7.org%2Ffhir%2Ftask-status%7Caccepted",
}  # fmt: skip
NOT_MATCHING = {
    "status=requested", "status=urn:other|accepted", "status:not=accepted", "status=|accepted", "status=accept",
    "owner=Organization/mobile-crisis", "owner=Practitioner/outpatient-clinic", "requester=outpatient-clinic",
    "patient=Patient/p", "patient=Patient/p2", "patient=Group/p1", "business-status=|no-show",
    "business-status:not=no-show", "business-status=urn:x|no-show", "code=escalate", "pathway=crisis",
    "event=handoff-rejected", "status=accepted&owner=mobile-crisis",
}  # fmt: skip


@pytest.mark.parametrize("text", sorted(MATCHING))
def test_a_filter_lets_through_what_it_names(text: str) -> None:
    filters, issues = parse(text, BASE, "at")
    assert not issues
    assert all_match(filters, ACCEPTED)


@pytest.mark.parametrize("text", sorted(NOT_MATCHING))
def test_a_filter_keeps_out_what_it_does_not_name(text: str) -> None:
    filters, issues = parse(text, BASE, "at")
    assert not issues
    assert not all_match(filters, ACCEPTED)


@pytest.mark.parametrize("text", [
    "Encounter?patient=Patient/1", "Task?priority=urgent", "status:missing=true", "owner:not=x", "patient:Patient=1",
    "owner.name=x", "status=", "status=,", "Task?", "", "?", "&&", "_id=1", "_has:Task:owner:x=1",
])  # fmt: skip
def test_a_filter_that_would_not_be_kept_to_is_refused(text: str) -> None:
    _, issues = parse(text, BASE, "at")
    assert issues
    assert {issue.expression for issue in issues} == {"at"}
    assert {issue.code for issue in issues} <= {"not-supported", "value"}
    assert not any("Patient/1" in issue.text for issue in issues), "what a partner wrote is not repeated"


def test_a_task_that_has_nothing_matches_only_what_is_denied() -> None:
    nothing = Happened("handoff:entered-in-error", "a", "b", "referral", {})
    for parameter in FILTERS.keys() - {"owner", "requester", "pathway", "event"}:
        assert not all_match(parse(f"{parameter}=x", BASE, "at")[0], nothing), parameter
    assert all_match(parse("business-status:not=no-show", BASE, "at")[0], nothing)


def test_who_was_told_is_no_event_of_the_topic() -> None:
    assert "handoff:accepted" in TOLD
    assert not {kind for kind in TOLD if kind.startswith("delivery:")}
