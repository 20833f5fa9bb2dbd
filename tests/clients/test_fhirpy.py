"""fhirpy (https://github.com/beda-software/fhir-py), unmodified, through a whole handoff over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound
from material import Material, addressed, located, of_type

Client = Any
TokenOf = Callable[[str], str]


@pytest.fixture
def client(base_url: str, token_of: TokenOf) -> Callable[[str], Client]:
    return lambda partner: SyncFHIRClient(base_url, authorization=f"Bearer {token_of(partner)}")


def test_a_whole_handoff(client: Callable[[str], Client], material: Material) -> None:
    sender, recipient = client(material.sender), client(material.recipient)
    assert sender.execute("metadata", method="get").fhirVersion == "4.0.1"

    sent = sender.execute("", data=material.request)
    places = located(material.request, sent)
    id_ = of_type(places, "Task")

    waiting = (
        recipient.resources("Task")
        .search(owner=recipient.reference("Organization", material.recipient), status="requested")
        .include("Task", "focus")
        .include("Task", "patient")
    )
    assert id_ in [task.id for task in waiting.fetch_all()]
    bundle = waiting.search(_id=id_).fetch_raw()
    assert {entry.resource.resource_type for entry in bundle.entry} == {"Task", "ServiceRequest", "Patient"}
    task = waiting.search(_id=id_).get()
    request = task.focus.to_resource()
    assert request.subject.to_resource().id == task["for"].to_resource().id
    assert request.get_by_path(["reasonCode", 0, "text"])

    task["status"] = "received"
    assert task.save()["status"] == "received"
    task["status"] = "accepted"
    with pytest.raises(OperationOutcome) as refused:
        task.save()
    assert {issue["code"] for issue in refused.value.resource["issue"]} == {"business-rule"}
    assert "needs the fact `recipient-clinician`" in str(refused.value)

    answer = addressed(material.answer, places)
    places |= located(answer, recipient.execute("", data=answer))
    task["output"] = addressed(material.outputs, places)
    assert task.save().meta.versionId == "3"
    stale = recipient.resource("Task", **{**task.serialize(), "meta": {"versionId": "2"}, "status": "in-progress"})
    with pytest.raises(MultipleResourcesFound, match="the current version"):  # its name for 412
        stale.save()
    task.patch(status="in-progress", meta=task["meta"])

    appointment = recipient.reference("Appointment", of_type(places, "Appointment")).to_resource()
    appointment["status"] = material.kept["status"]
    appointment.save()
    assert task.refresh().businessStatus, "the visit was noted on the Task, as a version of its own"
    task["status"] = "completed"
    task.save()

    seen = sender.reference("Task", id_).to_resource()
    assert seen["status"] == "completed"
    assert seen.refresh()["status"] == "completed"
    history = seen.execute("_history", method="get")
    assert [entry.resource["status"] for entry in history.entry] == [
        "completed", "in-progress", "in-progress", "accepted", "received", "requested",
    ]  # fmt: skip
    assert seen.execute("$evidence", method="get").type == "document"
    with pytest.raises(ResourceNotFound):
        client("pediatric-clinic").reference("Task", id_).to_resource()


def test_a_handoff_resource_by_resource(client: Callable[[str], Client]) -> None:
    sender, recipient = client("mobile-crisis"), client("outpatient-clinic")
    patient = sender.resource("Patient", name=[{"family": "Testerly", "given": ["Rowan"]}])
    assert patient.is_valid()
    patient.save()
    request = sender.resource("ServiceRequest", status="active", intent="order", subject=patient.to_reference()).save()
    owner = sender.reference("Organization", "outpatient-clinic")
    task = sender.resource(
        "Task",
        status="draft",
        intent="order",
        focus=request.to_reference(),
        requester=sender.reference("Organization", "mobile-crisis"),
        owner=owner,
        **{"for": patient.to_reference()},
    )
    task.save()
    with pytest.raises(ResourceNotFound):
        recipient.reference("Task", task.id).to_resource()
    task["status"] = "requested"
    task.update()
    theirs = recipient.resources("Task").search(patient=patient.to_reference()).get()
    for status in ("received", "accepted", "in-progress"):
        theirs["status"] = status
        theirs.save()
    sender.resource("Communication", status="completed", about=[task.to_reference()], subject=patient).save()
    told = recipient.resources("Communication").search(subject=patient.to_reference()).get()
    assert told.about[0].to_resource()["status"] == "in-progress"
    assert task.refresh().get_by_path(["owner", "reference"]) == owner.reference


def test_its_searches(client: Callable[[str], Client]) -> None:
    sender = client("mobile-crisis")
    number = uuid4().hex
    people = [
        sender.resource("Patient", identifier=[{"system": "urn:x:many", "value": number}], active=n % 2 == 0).save()
        for n in range(5)
    ]
    many = sender.resources("Patient").search(identifier=f"urn:x:many|{number}")
    assert {p.id for p in many.limit(2).fetch_all()} == {p.id for p in people}, "page by page"
    assert many.count() == 5
    assert many.search(active=True).count() == 3
    assert many.search(active__not=True).count() == 2
    assert many.search(birthdate__missing=True).count() == 5
    assert many.search(_lastUpdated__ge="2020-01-01").sort("-_lastUpdated").first().id == people[-1].id
    assert set(many.elements("active").first()) == {"resourceType", "id", "meta", "active"}
    with pytest.raises(MultipleResourcesFound):
        many.get()
    request = sender.resource("ServiceRequest", status="active", intent="order", subject=people[0].to_reference())
    request.save()
    asked = many.has("ServiceRequest", "subject", status="active", _id=request.id)
    assert asked.get().id == people[0].id
    with_patient = sender.resources("ServiceRequest").search(subject__Patient__identifier=f"urn:x:many|{number}")
    assert with_patient.include("ServiceRequest", "subject").get().id == request.id
    assert many.revinclude("ServiceRequest", "subject").limit(10).fetch_raw()["total"] == 5


def test_its_own_kind_of_conditions(client: Callable[[str], Client]) -> None:
    sender = client("mobile-crisis")
    number = uuid4().hex
    who = sender.resources("Patient").search(identifier=f"urn:x:once|{number}")
    person = sender.resource("Patient", identifier=[{"system": "urn:x:once", "value": number}])
    first, created = who.get_or_create(person)
    again, created_again = who.get_or_create(person)
    assert (created, created_again, again.id) == (True, False, first.id)
    assert sender.resource("Patient", **person).create(identifier=f"urn:x:once|{number}").id == first.id
    updated, created = who.update(sender.resource("Patient", **person, gender="other"))
    assert (created, updated.id, updated["gender"]) == (False, first.id, "other")
    assert "gender" not in who.patch(active=True, gender=None)
    assert who.get()["active"] is True
    who.delete()
    assert who.count() == 0
    with pytest.raises(ResourceNotFound):
        first.to_reference().to_resource()


def test_the_asynchronous_client(base_url: str, token_of: TokenOf, material: Material) -> None:
    async def run() -> list[str]:
        sender = AsyncFHIRClient(base_url, authorization=f"Bearer {token_of(material.sender)}")
        recipient = AsyncFHIRClient(base_url, authorization=f"Bearer {token_of(material.recipient)}")
        places = located(material.request, await sender.execute("", data=material.request))
        tasks = recipient.resources("Task").search(_id=of_type(places, "Task")).limit(1)
        found = [task async for task in tasks]
        found[0]["status"] = "received"
        await found[0].save()
        await found[0].refresh()
        return [task["status"] for task in found]

    assert asyncio.run(run()) == ["received"]
