"""What clients of the published guides ask works as they ask it: IHE RSQ, SDOH Clinical Care, NHS BaRS, 360X over FHIR.

https://profiles.ihe.net/PCC/SDOH.RSQ, https://hl7.org/fhir/us/sdoh-clinicalcare,
https://digital.nhs.uk/developer/api-catalogue/booking-and-referral-fhir
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import pytest
from whole_house import RECEIVER, SENDER, Caller, Tree, WholeHouse, bundle, entry, referral, transaction

NHS = "https://fhir.nhs.uk/Id/nhs-number"
PLACER = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]}


@dataclass(frozen=True)
class Sent:
    """A referral of the person `number` under the order `order`; `Type/id` of its resources."""

    number: str
    order: str
    patient: str
    request: str
    task: str


@pytest.fixture(scope="module")
def sent(house: WholeHouse) -> Sent:
    number, order = uuid4().hex, uuid4().hex
    tree = referral(identifier=[{"system": "urn:example:tasks", "value": order}])
    patient, request = (e["resource"] for e in tree["entry"][:2])
    patient |= {
        "identifier": [{"system": NHS, "value": number}],
        "name": [{"family": f"Samplewood{number[:6]}", "given": ["Rowan"]}],
        "birthDate": "1991-03-17",
        "gender": "other",
        "address": [{"postalCode": "LS1 4AP"}],
    }
    request |= {"identifier": [{"type": PLACER, "system": "urn:example:orders", "value": order}],
                "authoredOn": "2026-02-01T09:00:00Z", "category": [{"coding": [{"code": "referral"}]}]}  # fmt: skip
    got = house.caller(SENDER).post("", tree)
    assert got.status == 200, got.tree
    return Sent(number, order, *got.located)


QUERIES = {
    # IHE RSQ: by id and identifier on Task and ServiceRequest, with the Task of a request
    "Task?_id={task_id}": "{task}",
    "Task?identifier=urn:example:tasks|{order}": "{task}",
    "ServiceRequest?_id={request_id}&_revinclude=Task:focus": "{request} {task}",
    "ServiceRequest?identifier=urn:example:orders|{order}&_revinclude=Task:focus": "{request} {task}",
    "ServiceRequest?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|PLAC|{order}": "{request}",
    "Task?_id={task_id}&_include=Task:focus&_include=Task:patient&_include=Task:owner": (
        "{task} {patient} {request} Organization/outpatient-clinic"
    ),
    # SDOHCC: what is waiting for me, what I asked for, what changed since
    "Task?owner=Organization/outpatient-clinic&status=requested,received&_id={task_id}": "{task}",
    "Task?requester=Organization/mobile-crisis&code=http://hl7.org/fhir/CodeSystem/task-code|fulfill&_id={task_id}": (
        "{task}"
    ),
    "Task?status:not=completed&_lastUpdated=gt2020-01-01&_sort=-_lastUpdated&_id={task_id}": "{task}",
    "Task?patient.identifier={nhs}|{number}": "{task}",
    "Task?focus:ServiceRequest.identifier={order}": "{task}",
    "Task?patient=Patient/{patient_id}&_include=Task:focus&_include:iterate=ServiceRequest:subject": (
        "{task} {request} {patient}"
    ),
    "Patient?_has:Task:patient:identifier=urn:example:tasks|{order}": "{patient}",
    "Patient?_has:ServiceRequest:subject:identifier={order}&birthdate=1991-03-17": "{patient}",
    # BaRS: a person's referrals, by number or by demographics
    "ServiceRequest?patient:identifier={nhs}|{number}": "",
    "ServiceRequest?patient.identifier={nhs}|{number}": "{request}",
    "ServiceRequest?subject:Patient.identifier={nhs}|{number}&status=active": "{request}",
    "ServiceRequest?patient.birthdate=1991-03-17&patient.family:exact=Samplewood{short}": "{request}",
    "ServiceRequest?patient.name=samplewood{short}&patient.given=row&_include=ServiceRequest:patient": (
        "{request} {patient}"
    ),
    "ServiceRequest?patient.address-postalcode=LS1&patient.family=Samplewood{short}&authored=ge2026-02-01": "{request}",
    "ServiceRequest?patient=Patient/{patient_id}&category=referral&intent=order": "{request}",
}


def found_in(searchset: Tree) -> list[str]:
    """Without what is said beside it: of other tests' handoffs something may be withheld."""
    resources = [e["resource"] for e in searchset.get("entry", ()) if e["search"]["mode"] != "outcome"]
    return [f"{resource['resourceType']}/{resource['id']}" for resource in resources]


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_answered_by_either_side_and_by_nobody_elses_question(
    sent: Sent, sender: Caller, receiver: Caller, third: Caller, query: str
) -> None:
    values = {
        "task": sent.task, "patient": sent.patient, "request": sent.request, "order": sent.order,
        "number": sent.number, "short": sent.number[:6], "nhs": NHS, **{
            f"{name}_id": key.partition("/")[2]
            for name, key in (("task", sent.task), ("patient", sent.patient), ("request", sent.request))
        },
    }  # fmt: skip
    path = quote(query.format(**values), safe="/?&=:,._-")
    expected = QUERIES[query].format(**values).split()
    for caller in (sender, receiver):
        got = caller.send("GET", path, headers={"Prefer": "handling=strict"})
        assert got.status == 200, got.tree
        assert sorted(found_in(got.tree)) == sorted(expected)
    posted = sender.send("POST", f"{path.partition('?')[0]}/_search", raw=path.partition("?")[2].encode(),
                         headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert len(found_in(posted.tree)) == len(expected)
    assert third.search(path) == []


def test_free_slots_of_a_service_are_found_through_its_schedule(receiver: Caller) -> None:
    """BaRS booking: `Slot?schedule.actor:HealthcareService=…&_include:iterate=Schedule:actor`."""
    here, plan = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    slots_of = [
        {
            "resourceType": "Slot",
            "status": status,
            "start": f"2026-03-0{day}T09:00:00Z",
            "end": f"2026-03-0{day}T09:30:00Z",
            "schedule": {"reference": plan},
        }
        for day, status in ((1, "free"), (2, "busy"), (3, "free"))
    ]
    schedule_of = {"resourceType": "Schedule", "actor": [{"reference": here}]}
    service_of = {"resourceType": "HealthcareService", "name": "x"}
    made = receiver.post("", transaction(service_of, schedule_of, *slots_of, full_urls=(here, plan)))
    assert made.status == 200, made.tree
    service, schedule, *slots = made.located
    id_ = service.partition("/")[2]
    query = f"Slot?schedule.actor:HealthcareService={id_}&status=free&start=ge2026-03-02&_include=Slot:schedule"
    assert receiver.search(query) == [slots[2], schedule]
    query += "&_include:iterate=Schedule:actor:HealthcareService"
    assert sorted(receiver.search(query)) == sorted([slots[2], schedule, service])


def test_a_task_moves_by_fhirpath_patch(house: WholeHouse, receiver: Caller) -> None:
    """As HAPI's client sends it: Parameters in application/fhir+json, alone and in a transaction."""

    def patch(status: str) -> Tree:
        parts = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Task.status"},
                 {"name": "value", "valueCode": status}]  # fmt: skip
        return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}

    begun = house.begin(owner=RECEIVER)
    got = receiver.patch(begun.task, patch("received"), If_Match='W/"1"')
    assert (got.status, got.tree["status"]) == (200, "received")
    stale = receiver.patch(begun.task, patch("accepted"), If_Match='W/"1"')
    assert stale.status == 412
    refused = receiver.patch(begun.task, patch("completed"), If_Match=got.etag)
    assert (refused.status, refused.code) == (422, "business-rule")
    nonsense = receiver.patch(begun.task, patch("nonsense"), If_Match=got.etag)
    assert (nonsense.status, nonsense.expression) == (400, "Task.status")
    sent = receiver.post("", bundle(entry("PATCH", begun.task, patch("accepted"), ifMatch=got.etag)))
    assert sent.status == 200, sent.tree
    assert receiver.get(begun.task).tree["status"] == "accepted"
