"""A refusal says where in the request its fault is: also when that is a header, which no FHIRPath can name.

`http.` and the name (https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location).
"""

from __future__ import annotations

import pytest
from whole_house import Caller, WholeHouse, referral

PATIENT = {"resourceType": "Patient", "name": [{"family": "Testerly"}]}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/fhir+json; charset=utf-16"),
        ("Content-Encoding", "br"),
        ("Content-Encoding", "gzip"),
        ("Accept", "text/turtle"),
        ("X-Request-ID", "two words"),
        ("Authorization", "Basic eDp5"),
        ("Authorization", "Bearer x"),
        ("If-None-Exist", "nonsense=1"),
        ("If-None-Exist", "name="),
    ],
)
def test_a_fault_of_a_header_is_told_by_its_name(sender: Caller, header: str, value: str) -> None:
    refused = sender.send("POST", "Patient", PATIENT, {header: value})
    assert 400 <= refused.status < 500
    assert refused.expression == f"http.{header}"


def test_a_request_without_a_token_is_told_where_it_belongs(house: WholeHouse) -> None:
    assert house.nobody.post("", referral()).expression == "http.Authorization"


def test_a_stale_version_is_told_where_it_was_stated(house: WholeHouse, sender: Caller) -> None:
    patient = house.begin().patient
    tree = sender.get(patient).tree
    assert sender.put(patient, tree, If_Match='W/"7"').expression == "http.If-Match"
    assert sender.put(patient, tree, If_Match="seven").expression == "http.If-Match"
    assert sender.put(patient, tree, If_None_Match="*").expression == "http.If-None-Match"
    stated = [{"op": "test", "path": "/meta/versionId", "value": "7"}, {"op": "remove", "path": "/name"}]
    assert sender.patch(patient, stated).expression == "Patient.meta.versionId"
    task = house.begin().task
    stale = {**sender.get(task).tree, "status": "cancelled", "statusReason": {"text": "x"}, "meta": {"versionId": "7"}}
    assert sender.put(task, stale).expression == "Task.meta.versionId"


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("HealthcareService/$find-destination?coverage=x", "http.coverage"),
        ("HealthcareService/$find-destination?within=soon", "http.within"),
        ("HealthcareService/$find-destination?within=P999D", "http.within"),
        ("HealthcareService/$find-destination?withn=P2D", "http.withn"),
        ("Measure/acceptance/$evaluate-measure?periodStart=2026-01-01", "http.periodEnd"),
        ("Measure/acceptance/$evaluate-measure?periodStart=soon&periodEnd=2026-01-01", "http.periodStart"),
        ("Measure/acceptance/$evaluate-measure?reportType=individual", "http.reportType"),
    ],
)
def test_a_fault_of_a_parameter_is_told_by_its_name(sender: Caller, path: str, expression: str) -> None:
    refused = sender.get(path)
    assert (refused.status, refused.expression) == (400, expression)


def test_a_fault_of_a_posted_parameter_is_told_in_the_parameters(sender: Caller) -> None:
    asked = {"resourceType": "Parameters", "parameter": [{"name": "within", "valueString": "soon"}]}
    refused = sender.post("HealthcareService/$find-destination", asked)
    assert refused.expression == "Parameters.parameter.where(name='within')"


def test_a_body_at_the_wrong_address_is_told_so_before_its_faults_are(sender: Caller) -> None:
    slot = {"resourceType": "Slot", "name": 7}
    for refused in (sender.post("Patient", slot), sender.put("Patient/x", slot), sender.put("Patient?_id=x", slot)):
        assert (refused.status, [issue["expression"] for issue in refused.issues]) == (400, [["Patient"]])
    validated = sender.post("Patient/$validate", slot)
    assert validated.expression == "Patient"
    assert {issue["expression"][0] for issue in validated.issues} >= {"Slot.name", "Slot.schedule"}


@pytest.mark.parametrize(
    "path",
    [
        "Patient?Testerly=1",
        "Patient?name:Testerly=x",
        "Patient?organization.Testerly=x",
        "Patient?organization:Testerly.name=x",
        "Patient?_has:Testerly:patient:status=x",
        "Patient?_has:Task:Testerly:status=x",
        "Patient?_include=Patient:Testerly",
        "Patient?_include:Testerly=Patient:link",
        "Patient?_revinclude=Testerly:patient",
        "Task?patient.Testerly.Rowan=x",
        "AuditEvent?Testerly=1",
    ],
)
def test_a_name_that_is_none_of_ours_is_not_repeated(sender: Caller, path: str) -> None:
    """Somebody who forgets `identifier=` sends a person's name or number in its place."""
    refused = sender.get(path, Prefer="handling=strict")
    assert refused.status == 400
    assert b"Testerly" not in refused.raw
    assert sender.send("POST", "Patient", PATIENT, {"If-None-Exist": "Testerly"}).raw.count(b"Testerly") == 0


def test_an_element_that_is_none_is_told_unless_it_may_be_a_name(sender: Caller) -> None:
    assert sender.post("Patient", {**PATIENT, "famly": "x"}).expression == "Patient.famly"
    assert sender.post("Patient", {**PATIENT, "Testerly": "x"}).expression == "Patient"


def test_a_target_of_a_message_that_is_none_is_told_by_its_header(sender: Caller) -> None:
    message = {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {
        "resourceType": "MessageHeader", "eventUri": "urn:e", "source": {"endpoint": "urn:s"}}}]}  # fmt: skip
    refused = sender.post("$process-message", message, NHSD_Target_Identifier="AAAA")
    assert refused.expression == "http.NHSD-Target-Identifier"
