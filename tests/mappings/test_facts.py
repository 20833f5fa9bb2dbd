"""Each fact is found where FHIR puts it, and only there: a voicemail is no live contact, another's plan no proof."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.domain.facts import CATALOGUE, Facts
from adapter.domain.gates import unmet
from adapter.pathways import load_pathways
from mappings.canonicals import (
    ACCESS_NEED_SYSTEM,
    CARE_PLAN_CATEGORY_SYSTEM,
    EXT_ACCEPTANCE_DEADLINE,
    FACT_SYSTEM,
    PARTICIPATION_MODE_SYSTEM,
    RISK_TIER_SYSTEM,
)
from mappings.facts import FINDERS, access_needs, extract_facts, risk_tier, stated_acceptance_deadline

Tree = dict[str, Any]
MOBILE_CRISIS = load_pathways()["mobile-crisis-to-outpatient"]


def fact(code: str, **value: Any) -> Tree:
    return {"type": {"coding": [{"system": FACT_SYSTEM, "code": code}]}, **value}


def ref(reference: str) -> Tree:
    return {"reference": reference}


def concept(system: str, code: str) -> Tree:
    return {"coding": [{"system": system, "code": code}]}


def communication(id: str, sender: str, *recipients: str, medium: str = "PHONE", **more: Any) -> Tree:
    return {
        "resourceType": "Communication",
        "id": id,
        "status": "completed",
        "basedOn": [ref("ServiceRequest/sr")],
        "medium": [concept(PARTICIPATION_MODE_SYSTEM, medium)],
        "sent": "2026-05-01T10:00:00-04:00",
        "sender": ref(sender),
        "recipient": [ref(recipient) for recipient in recipients],
        **more,
    }


def handoff() -> tuple[Tree, dict[str, Tree]]:
    """A Task and the resources of its request and answer: everything that mobile crisis needs, at high risk."""
    task: Tree = {
        "resourceType": "Task",
        "id": "t",
        "status": "requested",
        "intent": "order",
        "focus": ref("ServiceRequest/sr"),
        "for": ref("Patient/p"),
        "requester": ref("Organization/mobile-crisis"),
        "owner": ref("Organization/outpatient-clinic"),
        "input": [fact("missed-appointment-barrier", valueString="No ride")],
        "output": [
            fact("recipient-clinician", valueReference=ref("PractitionerRole/therapist")),
            fact("risk-acknowledged", valueString="Risk rises tomorrow evening, when the sister leaves."),
            fact("follow-up-owner", valueReference=ref("PractitionerRole/therapist")),
            fact("live-contact", valueReference=ref("Communication/call")),
        ],
    }
    trees: list[Tree] = [
        {
            "resourceType": "ServiceRequest",
            "id": "sr",
            "requester": ref("Practitioner/crisis-clinician"),
            "encounter": ref("Encounter/crisis-visit"),
            "reasonCode": [{"text": "Notice of eviction"}],
            "supportingInfo": [ref("RiskAssessment/risk"), ref("CarePlan/plan")],
        },
        {"resourceType": "Patient", "id": "p", "telecom": [{"system": "phone", "value": "+1-555-555-0100", "rank": 1}]},
        {
            "resourceType": "RiskAssessment",
            "id": "risk",
            "status": "final",
            "prediction": [{"qualitativeRisk": concept(RISK_TIER_SYSTEM, "high")}],
        },
        {
            "resourceType": "CarePlan",
            "id": "plan",
            "status": "active",
            "category": [concept(CARE_PLAN_CATEGORY_SYSTEM, "safety-plan")],
            "description": "Calls sister first, then 988.",
            "activity": [{"detail": {"status": "scheduled", "description": "Clinic calls today"}}],
        },
        {"resourceType": "Practitioner", "id": "crisis-clinician"},
        {
            "resourceType": "PractitionerRole",
            "id": "therapist",
            "practitioner": {"display": "A. Trialman"},
            "organization": ref("Organization/outpatient-clinic"),
            "telecom": [{"system": "phone", "value": "+1-555-555-0121"}],
        },
        {
            "resourceType": "Encounter",
            "id": "crisis-visit",
            "status": "finished",
            "subject": ref("Patient/p"),
            "serviceProvider": ref("Organization/mobile-crisis"),
            "period": {"end": "2026-05-01T09:00:00-04:00"},
        },
        {
            "resourceType": "Appointment",
            "id": "first",
            "status": "booked",
            "start": "2026-05-02T09:00:00-04:00",
            "basedOn": [ref("ServiceRequest/sr")],
            "participant": [
                {"actor": ref("Patient/p"), "status": "accepted"},
                {"actor": ref("PractitionerRole/therapist"), "status": "accepted"},
                {"actor": ref("Location/clinic"), "status": "accepted"},
            ],
        },
        communication("call", "Practitioner/crisis-clinician", "PractitionerRole/therapist"),
        communication("outreach", "PractitionerRole/therapist", "Patient/p", sent="2026-05-01T12:00:00-04:00"),
    ]
    return task, {f"{tree['resourceType']}/{tree['id']}": tree for tree in trees}


def organisation_of(reference: str) -> str | None:
    name = reference.removeprefix("Organization/").removeprefix("https://ids.example|")
    return name if name in {"mobile-crisis", "outpatient-clinic"} else None


def extract(task: Tree, related: dict[str, Tree]) -> Facts:
    return extract_facts(task, related, organisation_of=organisation_of)


@pytest.fixture
def task() -> Tree:
    return handoff()[0]


@pytest.fixture
def related() -> dict[str, Tree]:
    return handoff()[1]


def test_there_is_a_finder_for_every_fact_of_the_catalogue_and_no_other() -> None:
    assert list(FINDERS) == list(CATALOGUE)


def test_a_whole_mobile_crisis_handoff_passes_its_gates_at_high_risk(task: Tree, related: dict[str, Tree]) -> None:
    found = extract(task, related)
    assert risk_tier(task, related) == "high"
    at = datetime(2026, 5, 1, 15, tzinfo=UTC)
    assert unmet(MOBILE_CRISIS, "request", found, "high") == []
    assert unmet(MOBILE_CRISIS, "accept", found, "high", at=at, zone="America/New_York") == []
    assert [issue.expression for issue in unmet(MOBILE_CRISIS, "complete", found)] == ["Appointment.status"]
    related["Appointment/first"]["status"] = "fulfilled"
    assert unmet(MOBILE_CRISIS, "complete", extract(task, related)) == []


def test_evidence_names_its_place_and_holds_nothing_that_a_person_wrote(task: Tree, related: dict[str, Tree]) -> None:
    found = extract(task, related)
    assert found["missed-appointment-barrier"][0].expression == "Task.input[0]"
    (call,) = found["live-contact"]
    assert (call.reference, call.value) == ("Communication/call", "clinicians")
    assert call.at == datetime(2026, 5, 1, 14, tzinfo=UTC)
    for words in ("No ride", "eviction", "988", "sister", "Trialman", "0100"):
        assert words not in repr(list(found.values()))


# Each row: what is taken away or spoilt, and the fact that must be gone with it.
def spoil(path: str, **change: Any) -> Callable[[Tree, dict[str, Tree]], None]:
    def apply(task: Tree, related: dict[str, Tree]) -> None:
        tree = task if path == "Task" else related[path]
        for name, value in change.items():
            if value is None:
                tree.pop(name, None)
            else:
                tree[name] = value

    return apply


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (spoil("ServiceRequest/sr", reasonCode=[{"coding": []}]), {"crisis-trigger", "brief-summary"}),
        (
            spoil("ServiceRequest/sr", supportingInfo=None),
            {"current-risk-level", "safety-plan-summary", "agreed-next-steps"},
        ),
        (spoil("RiskAssessment/risk", status="entered-in-error"), {"current-risk-level"}),
        (
            spoil("RiskAssessment/risk", prediction=[{"qualitativeRisk": concept("urn:x", "high")}]),
            {"current-risk-level"},
        ),
        (spoil("CarePlan/plan", category=[concept("urn:x", "safety-plan")]), {"safety-plan-summary"}),
        (spoil("CarePlan/plan", description=" "), {"safety-plan-summary"}),
        (spoil("CarePlan/plan", status="revoked"), {"safety-plan-summary", "agreed-next-steps"}),
        (spoil("CarePlan/plan", activity=[]), {"agreed-next-steps"}),
        (spoil("Patient/p", telecom=[{"value": "+1-555-555-0100"}]), {"preferred-contact"}),
        (spoil("PractitionerRole/therapist", telecom=None), {"recipient-contact"}),
        (
            spoil("PractitionerRole/therapist", practitioner=None),
            {"recipient-clinician", "follow-up-owner"},
        ),
        (
            spoil("PractitionerRole/therapist", organization=ref("Organization/mobile-crisis")),
            {
                "recipient-clinician",
                "recipient-contact",
                "live-contact",
                "appointment-confirmed",
                "same-day-outreach",
            },
        ),
        (spoil("Appointment/first", basedOn=None), {"appointment-time", "appointment-confirmed", "appointment-place"}),
        (spoil("Appointment/first", status="pending"), {"appointment-confirmed"}),
        (
            spoil("Appointment/first", status="cancelled"),
            {"appointment-time", "appointment-confirmed", "appointment-place"},
        ),
        (
            spoil("Appointment/first", participant=[{"actor": ref("Patient/p"), "status": "accepted"}]),
            {"appointment-confirmed", "appointment-place"},
        ),
        (spoil("Communication/outreach", recipient=[ref("Patient/other")]), {"same-day-outreach"}),
        (spoil("Communication/outreach", sender=ref("Practitioner/crisis-clinician")), {"same-day-outreach"}),
        (
            spoil("Task", owner=ref("Organization/unknown")),
            {
                "named-recipient",
                "live-contact",
                "appointment-confirmed",
                "same-day-outreach",
                "recipient-contact",
            },
        ),
    ],
)
def test_what_is_taken_away_is_gone_and_nothing_else(
    task: Tree, related: dict[str, Tree], change: Callable[[Tree, dict[str, Tree]], None], lost: set[str]
) -> None:
    before = set(extract(task, related))
    change(task, related)
    assert before - set(extract(task, related)) == lost


@pytest.mark.parametrize("medium", ["PHONE", "VIDEOCONF", "FACE"])
def test_a_call_a_video_call_and_a_meeting_are_live(medium: str, task: Tree, related: dict[str, Tree]) -> None:
    related["Communication/call"]["medium"] = [concept(PARTICIPATION_MODE_SYSTEM, medium)]
    assert "live-contact" in extract(task, related)


@pytest.mark.parametrize(
    "change",
    [
        {"medium": [concept(PARTICIPATION_MODE_SYSTEM, "FAXWRIT")]},
        {"medium": [concept(PARTICIPATION_MODE_SYSTEM, "EMAILWRIT")]},
        {"medium": [concept(PARTICIPATION_MODE_SYSTEM, "WRITTEN")]},
        {"medium": [concept("urn:x", "PHONE")]},
        {"medium": [{"text": "phone"}]},
        {"medium": [{**concept(PARTICIPATION_MODE_SYSTEM, "PHONE"), "text": "Voicemail left"}]},
        {"topic": {"text": "left a voice mail"}},
        {"statusReason": concept("https://handoff.example/fhir/CodeSystem/handoff-reason", "voicemail")},
        {"status": "in-progress"},
        {"status": "not-done"},
        {"status": "entered-in-error"},
        {"sent": None},
        {"sender": None},
        {"sender": ref("Patient/p")},
        {"recipient": []},
        {"recipient": [ref("Patient/p")]},
        {"recipient": [ref("Practitioner/crisis-clinician")]},
        {"recipient": [ref("Practitioner/stranger")]},
    ],
)
def test_what_is_not_a_live_contact_of_both_sides_never_counts_as_one(
    change: Tree, task: Tree, related: dict[str, Tree]
) -> None:
    for name, value in change.items():
        if value is None:
            del related["Communication/call"][name]
        else:
            related["Communication/call"][name] = value
    assert "live-contact" not in extract(task, related)


def test_a_contact_is_three_way_when_this_patient_took_part(task: Tree, related: dict[str, Tree]) -> None:
    call = related["Communication/call"]
    call["recipient"].append(ref("Patient/other"))
    assert extract(task, related).values_of("live-contact") == {"clinicians"}
    call["recipient"].append(ref("Patient/p"))
    assert extract(task, related).values_of("live-contact") == {"three-way"}


def test_a_handoff_inside_one_organisation_takes_two_people_to_be_live(task: Tree, related: dict[str, Tree]) -> None:
    task["requester"] = task["owner"]
    call = related["Communication/call"]
    call["sender"] = call["recipient"][0]
    assert "live-contact" not in extract(task, related)
    related["PractitionerRole/lead"] = {**related["PractitionerRole/therapist"], "id": "lead"}
    call["sender"] = ref("PractitionerRole/lead")
    assert "live-contact" in extract(task, related)


def test_the_resources_of_another_handoff_in_the_same_bundle_prove_nothing(
    task: Tree, related: dict[str, Tree]
) -> None:
    other = {"resourceType": "ServiceRequest", "id": "sr2", "reasonCode": [{"text": "x"}]}
    second = {**task, "id": "t2", "focus": ref("ServiceRequest/sr2"), "input": [], "output": []}
    found = extract(second, {**related, "ServiceRequest/sr2": other})
    assert set(found) == {
        "crisis-trigger",
        "brief-summary",
        "named-recipient",
        "preferred-contact",
        "recipient-contact",
    }


def test_references_by_full_url_contained_and_by_version_are_followed() -> None:
    task, trees = handoff()
    patient, role = trees.pop("Patient/p"), trees.pop("PractitionerRole/therapist")
    task["for"] = ref("urn:uuid:1")
    trees["urn:uuid:1"] = patient
    trees["Appointment/first"]["participant"][0]["actor"] = ref("urn:uuid:1")
    trees["Communication/outreach"]["recipient"] = [ref("urn:uuid:1")]
    trees["Communication/outreach"]["sender"] = ref("Organization/outpatient-clinic")
    trees["Communication/call"]["recipient"] = [ref("#therapist")]
    trees["Communication/call"]["contained"] = [role]
    task["contained"] = [role]
    task["output"][0]["valueReference"] = ref("#therapist")
    task["focus"] = ref("ServiceRequest/sr/_history/1")
    found = extract(task, trees)
    assert {"live-contact", "same-day-outreach", "recipient-clinician", "recipient-contact"} <= set(found)
    assert {"preferred-contact", "crisis-trigger"} <= set(found)


def test_an_organisation_may_be_named_by_identifier(task: Tree, related: dict[str, Tree]) -> None:
    task["owner"] = {"identifier": {"system": "https://ids.example", "value": "outpatient-clinic"}}
    assert "named-recipient" in extract(task, related)


def test_the_sides_may_be_given_when_the_task_does_not_say(task: Tree, related: dict[str, Tree]) -> None:
    del task["requester"], task["owner"]
    assert "live-contact" not in extract(task, related)
    found = extract_facts(
        task, related, organisation_of=organisation_of, requester="mobile-crisis", owner="outpatient-clinic"
    )
    assert "live-contact" in found


def test_only_wanted_facts_are_looked_for(task: Tree, related: dict[str, Tree]) -> None:
    found = extract_facts(task, related, organisation_of=organisation_of, wanted=["crisis-trigger", "coverage"])
    assert set(found) == {"crisis-trigger"}


def test_the_crisis_visit_is_no_first_contact_but_the_recipients_visit_is(task: Tree, related: dict[str, Tree]) -> None:
    assert "first-contact-attended" not in extract(task, related)
    visit = {
        "resourceType": "Encounter",
        "id": "v",
        "status": "finished",
        "serviceProvider": ref("Organization/outpatient-clinic"),
        "appointment": [ref("Appointment/first")],
        "period": {"start": "2026-05-02T09:00:00-04:00"},
    }
    found = extract(task, {**related, "Encounter/v": visit})
    assert found["first-contact-attended"][0].at == datetime(2026, 5, 2, 13, tzinfo=UTC)
    by_sender = {**visit, "serviceProvider": ref("Organization/mobile-crisis")}
    assert "first-contact-attended" not in extract(task, {**related, "Encounter/v": by_sender})
    del visit["appointment"]
    assert "first-contact-attended" not in extract(task, {**related, "Encounter/v": visit})


def test_the_visit_of_the_handoff_is_no_first_contact_even_inside_one_organisation(
    task: Tree, related: dict[str, Tree]
) -> None:
    task["requester"] = task["owner"]
    visit = related["Encounter/crisis-visit"]
    visit.update(serviceProvider=task["owner"], basedOn=[ref("ServiceRequest/sr")])
    assert "first-contact-attended" not in extract(task, related)
    assert "first-contact-attended" in extract(task, {**related, "Encounter/v": {**visit, "id": "v"}})


def test_the_highest_stated_risk_decides_the_tier(task: Tree, related: dict[str, Tree]) -> None:
    related["RiskAssessment/risk"]["prediction"] = [
        {"qualitativeRisk": concept(RISK_TIER_SYSTEM, "low")},
        {"qualitativeRisk": concept("http://terminology.hl7.org/CodeSystem/risk-probability", "certain")},
        {"qualitativeRisk": concept(RISK_TIER_SYSTEM, "moderate")},
    ]
    assert risk_tier(task, related) == "high"
    related["ServiceRequest/sr"]["supportingInfo"] = []
    assert risk_tier(task, related) is None


@pytest.mark.parametrize(
    ("inputs", "code", "value"),
    [
        (
            [fact("handoff-method", valueCodeableConcept=concept("urn:x", "in-room-call"))],
            "handoff-method",
            "in-room-call",
        ),
        ([fact("handoff-method", valueCode="phone")], "handoff-method", "phone"),
        ([fact("submitted-in-presence", valueBoolean=False)], "submitted-in-presence", "false"),
        ([fact("coverage", valueCoding={"code": "medicaid"})], "coverage", "medicaid"),
        ([fact("access-needs", valueCode="language-need")], "access-needs", "language-need"),
        ([fact("questions-contact", valueContactPoint={"system": "phone", "value": "1"})], "questions-contact", None),
        ([fact("medication-access", valueCodeableConcept={"text": "picked up"})], "medication-access", None),
        (
            [fact("risk-concerns-transferred", valueReference=ref("RiskAssessment/risk"))],
            "risk-concerns-transferred",
            None,
        ),
        ([fact("alternate-contact", valueReference=ref("Organization/x"))], "alternate-contact", None),
        ([fact("escalation-owner", valueReference=ref("PractitionerRole/lead"))], "escalation-owner", None),
        ([fact("delegate", valueReference=ref("Practitioner/ma"))], "delegate", None),
        ([fact("discharge-time", valueDateTime="2026-05-01T15:00:00Z")], "discharge-time", None),
        ([fact("immediate-resource", valueString="988")], "immediate-resource", None),
        (
            [fact("bridge-contact", valueDateTime="2026-05-02"), fact("bridge-contact", valueReference=ref("X/1"))],
            "bridge-contact",
            None,
        ),
        ([fact("bridge-contact", valueReference=ref("Appointment/first"))], "bridge-contact", None),
    ],
)
def test_a_parameter_of_the_task_carries_its_fact(
    inputs: list[Tree], code: str, value: str | None, task: Tree, related: dict[str, Tree]
) -> None:
    task["input"] = inputs
    found = extract(task, related)
    assert found[code][-1].value == value


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        (fact("missed-appointment-barrier", valueString="  "), "missed-appointment-barrier"),
        (fact("handoff-method", valueCode="carrier-pigeon"), "handoff-method"),
        (fact("coverage", valueString="insured"), "coverage"),
        (fact("risk-acknowledged", valueBoolean=True), "risk-acknowledged"),
        (fact("escalation-owner", valueReference=ref("Patient/p")), "escalation-owner"),
        (fact("bridge-contact", valueDateTime="2026-05-02"), "bridge-contact"),
        (fact("medication-access", valueCodeableConcept={"coding": [{"system": "urn:x"}]}), "medication-access"),
        ({"type": {"coding": [{"system": "urn:x", "code": "delegate"}]}, "valueReference": ref("X/1")}, "delegate"),
    ],
)
def test_a_parameter_that_says_nothing_or_the_wrong_thing_carries_none(
    parameter: Tree, code: str, task: Tree, related: dict[str, Tree]
) -> None:
    task["input"] = task["output"] = [parameter]
    assert code not in extract(task, related)


def test_telling_the_person_is_the_initiators_and_reaches_this_patient(task: Tree, related: dict[str, Tree]) -> None:
    told = communication("told", "Practitioner/crisis-clinician", "Patient/p", payload=[{"contentString": "x"}])
    told["medium"] = [concept(PARTICIPATION_MODE_SYSTEM, "ONLINEWRIT")]
    found = extract(task, {**related, "Communication/told": told})
    assert {"person-informed", "phone-confirmation"} <= set(found)
    for change in ({"sender": ref("PractitionerRole/therapist")}, {"recipient": [ref("Patient/q")]}):
        found = extract(task, {**related, "Communication/told": {**told, **change}})
        assert not {"person-informed", "phone-confirmation"} & set(found)


def test_a_failed_contact_tells_whom_when_and_why(task: Tree, related: dict[str, Tree]) -> None:
    failed = communication("f", "Practitioner/crisis-clinician", "PractitionerRole/therapist", status="not-done")
    assert "failed-contact" not in extract(task, {**related, "Communication/f": failed})
    failed["statusReason"] = {"text": "no answer"}
    assert "failed-contact" in extract(task, {**related, "Communication/f": failed})


def test_planned_outreach_is_told_from_outreach_made(task: Tree, related: dict[str, Tree]) -> None:
    task["output"].append(fact("same-day-outreach", valueDateTime="2026-05-01T18:00:00-04:00"))
    assert extract(task, related).values_of("same-day-outreach") == {"planned", "made"}


def test_the_infants_visit_is_told_from_the_mothers(task: Tree, related: dict[str, Tree]) -> None:
    assert extract(task, related).values_of("visit-context") == {"own-visit"}
    related["Encounter/crisis-visit"]["subject"] = ref("Patient/infant")
    assert extract(task, related).values_of("visit-context") == {"visit-of-another"}


def test_documents_carry_the_discharge_summary_and_the_appointment(task: Tree, related: dict[str, Tree]) -> None:
    document = {
        "resourceType": "DocumentReference",
        "id": "d",
        "date": "2026-05-01T08:00:00Z",
        "context": {"related": [ref("Appointment/first")]},
    }
    task["input"].append(fact("discharge-summary", valueReference=ref("DocumentReference/d")))
    found = extract(task, {**related, "DocumentReference/d": document})
    assert found["discharge-summary"][0].at == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert "discharge-instructions" in found


def test_telehealth_instructions_are_a_place(task: Tree, related: dict[str, Tree]) -> None:
    del related["Appointment/first"]
    task["output"].append(fact("telehealth-instructions", valueUrl="https://video.example/1"))
    assert extract(task, related).values_of("appointment-place") == {"telehealth"}


def test_the_stated_deadline_is_read_with_its_zone(task: Tree) -> None:
    assert stated_acceptance_deadline(task) is None
    task["extension"] = [{"url": EXT_ACCEPTANCE_DEADLINE, "valueDateTime": "2026-05-02T12:00:00.1234567-04:00"}]
    stated = stated_acceptance_deadline(task)
    assert stated is not None and stated.replace(microsecond=0) == datetime(2026, 5, 2, 16, tzinfo=UTC)


def test_access_needs_come_from_inputs_and_flags(task: Tree, related: dict[str, Tree]) -> None:
    task["input"].append(fact("access-needs", valueCodeableConcept=concept(ACCESS_NEED_SYSTEM, "unstable-housing")))
    related["Flag/f"] = {"resourceType": "Flag", "id": "f", "code": concept(ACCESS_NEED_SYSTEM, "language-need")}
    related["ServiceRequest/sr"]["supportingInfo"].append(ref("Flag/f"))
    assert access_needs(task, related) == {"unstable-housing", "language-need"}


def test_extraction_changes_nothing_that_it_reads(task: Tree, related: dict[str, Tree]) -> None:
    before = copy.deepcopy((task, related))
    extract(task, related)
    assert (task, related) == before


def test_a_bare_task_of_a_foreign_sender_raises_nothing() -> None:
    assert set(extract({"resourceType": "Task", "status": "requested", "intent": "order"}, {})) == set()
