"""Each invariant: one resource that breaks exactly it, where that is shown, and the resource mended."""

import json
from typing import Any

import pytest

from adapter.validation import check
from adapter.validation.invariants import INVARIANTS

Json = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
TEXT: Json = {"text": "x"}
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": f"{TERMINOLOGY}/{system}", "code": code}]}


def with_extension(**value: Any) -> Json:
    return {"resourceType": "Patient", "extension": [{"url": "https://a.example/x", **value}]}


def timing(**repeat: Any) -> Json:
    request = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}
    return {**request, "occurrenceTiming": {"repeat": repeat}}


def resource(type_: str, /, **elements: Any) -> Json:
    required: dict[str, Json] = {
        "AllergyIntolerance": {"patient": {"display": "x"}},
        "Appointment": {"status": "proposed", "participant": [{"status": "accepted", "type": [TEXT]}]},
        "AppointmentResponse": {"appointment": {"display": "x"}, "participantStatus": "accepted"},
        "AuditEvent": {
            "type": {"code": "rest"},
            "recorded": "2026-01-31T08:00:00Z",
            "agent": [{"requestor": True}],
            "source": {"observer": {"display": "x"}},
        },
        "CarePlan": {"status": "active", "intent": "plan", "subject": {"display": "x"}},
        "Composition": {
            "status": "final",
            "type": TEXT,
            "date": "2026-01-31",
            "author": [{"display": "x"}],
            "title": "x",
        },
        "Condition": {"subject": {"display": "x"}},
        "Consent": {"status": "active", "scope": TEXT, "category": [TEXT], "policyRule": TEXT},
        "Encounter": {"status": "finished", "class": {"code": "AMB"}},
        "Goal": {"lifecycleStatus": "active", "description": TEXT, "subject": {"display": "x"}},
        "Group": {"type": "person", "actual": True},
        "Immunization": {
            "status": "completed",
            "vaccineCode": TEXT,
            "patient": {"display": "x"},
            "occurrenceDateTime": "2026",
        },
        "List": {"status": "current", "mode": "changes"},
        "MeasureReport": {
            "status": "complete",
            "type": "summary",
            "measure": "https://a.example/m",
            "period": {"start": "2026"},
        },
        "Observation": {"status": "final", "code": TEXT},
        "QuestionnaireResponse": {"status": "completed"},
        "RiskAssessment": {"status": "final", "subject": {"display": "x"}},
        "ServiceRequest": {"status": "active", "intent": "order", "subject": {"display": "x"}},
        "Task": {"status": "requested", "intent": "order"},
    }
    return {"resourceType": type_, **required.get(type_, {}), **elements}


def quantity(value: float, **more: Any) -> Json:
    return {"value": value, **more}


YEARS = {"system": UCUM, "code": "a"}
MET = coded("condition-clinical", "resolved")
ERROR = "entered-in-error"

BROKEN_AND_MENDED: list[tuple[str, str, Json, Json]] = [
    (
        "age-1",
        "Condition.onset.ofType(Age).value",
        resource("Condition", onsetAge=quantity(-1, **YEARS)),
        resource("Condition", onsetAge=quantity(1, **YEARS)),
    ),
    ("age-1", "Condition.onset.ofType(Age)", resource("Condition", onsetAge=quantity(1)), resource("Condition")),
    (
        "ait-1",
        "AllergyIntolerance.clinicalStatus",
        resource("AllergyIntolerance"),
        resource("AllergyIntolerance", verificationStatus=coded("allergyintolerance-verification", ERROR)),
    ),
    (
        "ait-2",
        "AllergyIntolerance.clinicalStatus",
        resource(
            "AllergyIntolerance",
            clinicalStatus=TEXT,
            verificationStatus=coded("allergyintolerance-verification", ERROR),
        ),
        resource("AllergyIntolerance", clinicalStatus=TEXT),
    ),
    (
        "apr-1",
        "AppointmentResponse",
        resource("AppointmentResponse"),
        resource("AppointmentResponse", actor={"display": "x"}),
    ),
    (
        "app-1",
        "Appointment.participant[0]",
        resource("Appointment", participant=[{"status": "accepted"}]),
        resource("Appointment"),
    ),
    (
        "app-2",
        "Appointment.end",
        resource("Appointment", start="2026-01-31T08:00:00Z"),
        resource("Appointment", start="2026-01-31T08:00:00Z", end="2026-01-31T09:00:00Z"),
    ),
    (
        "app-3",
        "Appointment.start",
        resource("Appointment", status="booked"),
        resource("Appointment", status="waitlist"),
    ),
    (
        "app-4",
        "Appointment.cancelationReason",
        resource("Appointment", cancelationReason=TEXT),
        resource("Appointment", cancelationReason=TEXT, status="cancelled"),
    ),
    (
        "att-1",
        "Patient.photo[0].contentType",
        resource("Patient", photo=[{"data": "YWJj"}]),
        resource("Patient", photo=[{"data": "YWJj", "contentType": "image/png"}]),
    ),
    ("cmp-1", "Composition.section[0]", resource("Composition", section=[{"title": "x"}]), resource("Composition")),
    (
        "cmp-2",
        "Composition.section[0].emptyReason",
        resource("Composition", section=[{"entry": [{"display": "x"}], "emptyReason": TEXT}]),
        resource("Composition", section=[{"entry": [{"display": "x"}]}]),
    ),
    (
        "cnt-3",
        "Encounter.extension[0].value.ofType(Count).value",
        resource(
            "Encounter", extension=[{"url": "https://a.example/x", "valueCount": {**YEARS, "code": "1", "value": 1.5}}]
        ),
        resource(
            "Encounter", extension=[{"url": "https://a.example/x", "valueCount": {**YEARS, "code": "1", "value": 2}}]
        ),
    ),
    (
        "con-1",
        "Condition.stage[0]",
        resource("Condition", stage=[{"type": TEXT}]),
        resource("Condition", stage=[{"summary": TEXT}]),
    ),
    (
        "con-2",
        "Condition.evidence[0]",
        resource("Condition", evidence=[{"id": "x"}]),
        resource("Condition", evidence=[{"code": [TEXT]}]),
    ),
    (
        "con-3",
        "Condition.clinicalStatus",
        resource("Condition", category=[coded("condition-category", "problem-list-item")]),
        resource("Condition", category=[coded("condition-category", "encounter-diagnosis")]),
    ),
    (
        "con-4",
        "Condition.clinicalStatus",
        resource("Condition", abatementString="x"),
        resource("Condition", abatementString="x", clinicalStatus=MET),
    ),
    (
        "con-5",
        "Condition.clinicalStatus",
        resource("Condition", clinicalStatus=MET, verificationStatus=coded("condition-ver-status", ERROR)),
        resource("Condition", clinicalStatus=MET, verificationStatus=coded("condition-ver-status", "confirmed")),
    ),
    (
        "cpl-3",
        "CarePlan.activity[0].reference",
        resource("CarePlan", activity=[{"reference": {"display": "x"}, "detail": {"status": "scheduled"}}]),
        resource("CarePlan", activity=[{"detail": {"status": "scheduled"}}]),
    ),
    (
        "cpt-2",
        "Patient.telecom[0].system",
        resource("Patient", telecom=[{"value": "1"}]),
        resource("Patient", telecom=[{"value": "1", "system": "phone"}]),
    ),
    (
        "ctm-1",
        "CareTeam.participant[0].onBehalfOf",
        resource("CareTeam", participant=[{"member": {"reference": "Patient/1"}, "onBehalfOf": {"display": "x"}}]),
        resource("CareTeam", participant=[{"member": {"reference": "Practitioner/1"}, "onBehalfOf": {"display": "x"}}]),
    ),
    (
        "dis-1",
        "Encounter.extension[0].value.ofType(Distance)",
        resource("Encounter", extension=[{"url": "https://a.example/x", "valueDistance": {"value": 1}}]),
        resource("Encounter", extension=[{"url": "https://a.example/x", "valueDistance": quantity(1, **YEARS)}]),
    ),
    (
        "drt-1",
        "Encounter.length",
        resource("Encounter", length={"value": 1, "code": "h"}),
        resource("Encounter", length={"value": 1, "code": "h", "system": UCUM}),
    ),
    (
        "exp-1",
        "Task.extension[0].value.ofType(Expression)",
        resource("Task", extension=[{"url": "https://a.example/x", "valueExpression": {"language": "text/cql"}}]),
        resource(
            "Task",
            extension=[{"url": "https://a.example/x", "valueExpression": {"language": "text/cql", "expression": "x"}}],
        ),
    ),
    (
        "ext-1",
        "Patient.extension[0]",
        with_extension(valueString="x", extension=[{"url": "https://a.example/y", "valueString": "x"}]),
        with_extension(valueString="x"),
    ),
    ("ext-1", "Patient.extension[0]", with_extension(), with_extension(_valueDate={"id": "x"})),
    (
        "ext-1",
        "Patient.birthDate.extension[0]",
        resource("Patient", _birthDate={"extension": [{"url": "https://a.example/x"}]}),
        resource("Patient", _birthDate={"extension": [{"url": "https://a.example/x", "valueCode": "x"}]}),
    ),
    (
        "gol-1",
        "Goal.target[0].measure",
        resource("Goal", target=[{"detailString": "x"}]),
        resource("Goal", target=[{"detailString": "x", "measure": TEXT}]),
    ),
    (
        "grp-1",
        "Group.member",
        resource("Group", actual=False, member=[{"entity": {"display": "x"}}]),
        resource("Group", member=[{"entity": {"display": "x"}}]),
    ),
    (
        "imm-1",
        "Immunization.education[0]",
        resource("Immunization", education=[{"publicationDate": "2026"}]),
        resource("Immunization", education=[{"documentType": "x"}]),
    ),
    (
        "inv-1",
        "Task.lastModified",
        resource("Task", authoredOn="2026-01-31", lastModified="2026-01-30T23:00:00Z"),
        resource("Task", authoredOn="2026-01-31", lastModified="2026-01"),
    ),
    (
        "inv-1",
        "Parameters.parameter[0]",
        resource("Parameters", parameter=[{"name": "x"}]),
        resource("Parameters", parameter=[{"name": "x", "part": [{"name": "y", "valueString": "x"}]}]),
    ),
    (
        "lst-1",
        "List.emptyReason",
        resource("List", emptyReason=TEXT, entry=[{"item": {"display": "x"}}]),
        resource("List", emptyReason=TEXT),
    ),
    (
        "lst-2",
        "List.entry",
        resource("List", mode="working", entry=[{"item": {"display": "x"}, "deleted": True}]),
        resource("List", entry=[{"item": {"display": "x"}, "deleted": True}]),
    ),
    (
        "lst-3",
        "List.entry",
        resource("List", entry=[{"item": {"display": "x"}, "date": "2026"}]),
        resource("List", mode="working", entry=[{"item": {"display": "x"}, "date": "2026"}]),
    ),
    (
        "mrp-1",
        "MeasureReport.group",
        resource("MeasureReport", type="data-collection", group=[{"code": TEXT}]),
        resource("MeasureReport", group=[{"code": TEXT}]),
    ),
    (
        "mrp-2",
        "MeasureReport.group[0].stratifier[0].stratum[0]",
        resource("MeasureReport", group=[{"stratifier": [{"stratum": [{"measureScore": {"value": 1}}]}]}]),
        resource("MeasureReport", group=[{"stratifier": [{"stratum": [{"value": TEXT}]}]}]),
    ),
    (
        "obs-3",
        "Observation.referenceRange[0]",
        resource("Observation", referenceRange=[{"type": TEXT}]),
        resource("Observation", referenceRange=[{"text": "x"}]),
    ),
    (
        "obs-6",
        "Observation.dataAbsentReason",
        resource("Observation", dataAbsentReason=TEXT, valueBoolean=False),
        resource("Observation", dataAbsentReason=TEXT),
    ),
    (
        "obs-7",
        "Observation.component",
        resource("Observation", code=MET, valueBoolean=True, component=[{"code": MET, "valueBoolean": True}]),
        resource("Observation", code=MET, component=[{"code": MET, "valueBoolean": True}]),
    ),
    ("org-1", "Organization.name", resource("Organization", active=True), resource("Organization", name="x")),
    (
        "org-2",
        "Organization.address",
        resource("Organization", name="x", address=[{"use": "home"}]),
        resource("Organization", name="x", address=[{"use": "work"}]),
    ),
    (
        "org-3",
        "Organization.telecom",
        resource("Organization", name="x", telecom=[{"use": "home"}]),
        resource("Organization", name="x", telecom=[{"use": "work"}]),
    ),
    (
        "pat-1",
        "Patient.contact[0]",
        resource("Patient", contact=[{"gender": "other"}]),
        resource("Patient", contact=[{"gender": "other", "name": TEXT}]),
    ),
    (
        "per-1",
        "Task.executionPeriod.end",
        resource("Task", executionPeriod={"start": "2026-03-29T03:00:00+02:00", "end": "2026-03-29T00:59:59Z"}),
        resource("Task", executionPeriod={"start": "2026-03-29T03:00:00+02:00", "end": "2026-03-29T01:00:00Z"}),
    ),
    (
        "per-1",
        "Task.executionPeriod.end",
        resource("Task", executionPeriod={"start": "2026-03-05", "end": "2026-02"}),
        resource("Task", executionPeriod={"start": "2026-03-05", "end": "2026-03"}),
    ),
    (
        "ppc-1",
        "Consent.policy",
        {k: v for k, v in resource("Consent").items() if k != "policyRule"},
        resource("Consent"),
    ),
    (
        "prr-1",
        "ServiceRequest.code",
        resource("ServiceRequest", orderDetail=[TEXT]),
        resource("ServiceRequest", orderDetail=[TEXT], code=TEXT),
    ),
    (
        "qrs-1",
        "QuestionnaireResponse.item[0].item",
        resource(
            "QuestionnaireResponse",
            item=[{"linkId": "1", "answer": [{"valueCoding": {"code": "x"}}], "item": [{"linkId": "2"}]}],
        ),
        resource("QuestionnaireResponse", item=[{"linkId": "1", "item": [{"linkId": "2"}]}]),
    ),
    (
        "qty-3",
        "Observation.value.ofType(Quantity).system",
        resource("Observation", valueQuantity={"value": 1, "code": "g"}),
        resource("Observation", valueQuantity={"value": 1, "code": "g", "system": UCUM}),
    ),
    (
        "ras-1",
        "RiskAssessment.prediction[0].probability.ofType(Range)",
        resource("RiskAssessment", prediction=[{"probabilityRange": {"low": {"value": 1}}}]),
        resource(
            "RiskAssessment", prediction=[{"probabilityRange": {"low": {"value": 1, "code": "%", "system": UCUM}}}]
        ),
    ),
    (
        "ras-2",
        "RiskAssessment.prediction[0].probability.ofType(decimal)",
        resource("RiskAssessment", prediction=[{"probabilityDecimal": 100.1}]),
        resource("RiskAssessment", prediction=[{"probabilityDecimal": 100}]),
    ),
    (
        "rat-1",
        "Observation.value.ofType(Ratio)",
        resource("Observation", valueRatio={"numerator": {"value": 1}}),
        resource("Observation", valueRatio={"numerator": {"value": 1}, "denominator": {"value": 1}}),
    ),
    (
        "rng-2",
        "Observation.value.ofType(Range).high",
        resource("Observation", valueRange={"low": {"value": 2}, "high": {"value": 1.99}}),
        resource("Observation", valueRange={"low": {"value": 2, "unit": "mg"}, "high": {"value": 1, "unit": "g"}}),
    ),
    (
        "sev-1",
        "AuditEvent.entity[0].query",
        resource("AuditEvent", entity=[{"name": "x", "query": "YWJj"}]),
        resource("AuditEvent", entity=[{"query": "YWJj"}]),
    ),
    (
        "sqty-1",
        "Observation.value.ofType(Range).low",
        resource("Observation", valueRange={"low": {"value": 1, "comparator": "<"}}),
        resource("Observation", valueRange={"low": {"value": 1}}),
    ),
    ("tim-1", "durationUnit", timing(duration=1), timing(duration=1, durationUnit="h")),
    ("tim-2", "periodUnit", timing(period=1), timing(period=1, periodUnit="h")),
    ("tim-4", "duration", timing(duration=-1, durationUnit="h"), timing(duration=0, durationUnit="h")),
    ("tim-5", "period", timing(period=-1, periodUnit="h"), timing(period=0, periodUnit="h")),
    ("tim-6", "period", timing(periodMax=1), timing(periodMax=1, period=1, periodUnit="h")),
    ("tim-7", "duration", timing(durationMax=1), timing(durationMax=1, duration=1, durationUnit="h")),
    ("tim-8", "count", timing(countMax=1), timing(countMax=1, count=1)),
    ("tim-9", "offset", timing(offset=1, when=["C"]), timing(offset=1, when=["AC"])),
    ("tim-10", "timeOfDay", timing(timeOfDay=["08:00:00"], when=["AC"]), timing(timeOfDay=["08:00:00"])),
]


@pytest.mark.parametrize(("key", "expression", "broken", "mended"), BROKEN_AND_MENDED)
def test_an_invariant_is_told_by_its_key_and_place_and_only_when_broken(
    key: str, expression: str, broken: Json, mended: Json
) -> None:
    if key.startswith("tim-"):
        expression = f"ServiceRequest.occurrence.ofType(Timing).repeat.{expression}"
    issues = check(broken)
    assert [(issue.code, issue.expression) for issue in issues] == [("invariant", expression)], issues
    assert f"({key})" in issues[0].text
    assert check(mended) == []


def test_every_invariant_of_the_table_is_tried() -> None:
    known = {rule.key for rules in INVARIANTS.values() for rule in rules}
    assert known == {key for key, *_ in BROKEN_AND_MENDED}


def test_a_time_to_the_leap_second_and_the_tenth_digit_can_be_compared() -> None:
    period = {"start": "2016-12-31T23:59:60Z", "end": "2016-12-31T23:59:60.1234567891Z"}
    assert check(resource("Task", executionPeriod=period)) == []
    assert check(resource("Task", executionPeriod={"start": period["end"], "end": period["start"]}))


def test_two_rules_that_published_resources_break_are_warnings() -> None:
    empty_section = resource("Composition", section=[{"title": "x"}])
    silent = resource("Patient", text={"status": "empty", "div": "<div> </div>"})
    for tree in (empty_section, silent):
        assert [issue.severity for issue in check(json.loads(json.dumps(tree)))] == ["warning"]
