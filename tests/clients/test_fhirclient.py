"""fhirclient (https://github.com/smart-on-fhir/client-py), unmodified, through a whole handoff over HTTP.

It finds the token endpoint in the CapabilityStatement and holds every answer against its own models of R4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.appointment import Appointment
from fhirclient.models.bundle import Bundle
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.patient import Patient
from fhirclient.models.servicerequest import ServiceRequest
from fhirclient.models.task import Task
from fhirclient.server import FHIRNotFoundException
from material import Material, addressed, located, of_type

Server = Any


@pytest.fixture
def server(base_url: str, assertion_of: Callable[[str], str]) -> Iterator[Callable[[str], Server]]:
    with ExitStack() as stack:

        def connected(partner: str) -> Server:
            settings = {"app_id": partner, "api_base": base_url, "scope": "system/*.cruds"}
            client = FHIRClient({**settings, "jwt_token": assertion_of(partner)})
            stack.callback(client.server.session.close)
            assert not client.prepare()
            client.authorize()
            assert client.ready
            return client.server

        yield connected


def test_a_whole_handoff(server: Callable[[str], Server], material: Material) -> None:
    sender, recipient = server(material.sender), server(material.recipient)
    assert CapabilityStatement.read_from("metadata", sender).fhirVersion == "4.0.1"

    places = located(material.request, Bundle(material.request).create(sender))
    id_ = of_type(places, "Task")

    search = Task.where({"owner": f"Organization/{material.recipient}", "status": "requested", "_count": "1"})
    waiting = list(search.include("focus").perform_resources_iter(recipient))
    assert id_ in {found.id for found in waiting if isinstance(found, Task)}, "page by page"
    assert any(isinstance(found, ServiceRequest) for found in waiting)

    task = Task.read(id_, recipient)
    request = task.focus.resolved(ServiceRequest)
    assert request.subject.resolved(Patient).id == task.for_fhir.resolved(Patient).id

    task.status = "received"
    task = Task(task.update(recipient))
    task.status = "accepted"
    with pytest.raises(requests.HTTPError) as refused:
        task.update(recipient)
    outcome = refused.value.response.json()
    assert (refused.value.response.status_code, outcome["issue"][0]["code"]) == (422, "business-rule")

    answer = addressed(material.answer, places)
    places |= located(answer, Bundle(answer).create(recipient))
    task = Task({**task.as_json(), "output": addressed(material.outputs, places)})
    accepted = Task(task.update(recipient))
    with pytest.raises(requests.HTTPError, match="412"):
        task.update(recipient)
    accepted.status = "in-progress"
    accepted.update(recipient)

    appointment = Appointment.read(of_type(places, "Appointment"), recipient)
    appointment.status = material.kept["status"]
    appointment.update(recipient)
    task = Task.read(id_, recipient)
    task.status = "completed"
    task.update(recipient)

    assert Task.read(id_, sender).status == "completed"
    assert Bundle.read_from(f"Task/{id_}/_history", sender).total == 6
    assert Bundle.read_from(f"Task/{id_}/$evidence", sender).type == "document"
    with pytest.raises(FHIRNotFoundException):
        Task.read(id_, server("pediatric-clinic"))


def test_a_handoff_resource_by_resource(server: Callable[[str], Server]) -> None:
    sender, recipient = server("mobile-crisis"), server("outpatient-clinic")
    number = uuid4().hex
    person = Patient({"identifier": [{"system": "urn:x:fhirclient", "value": number}], "birthDate": "1991-03-17"})
    patient = Patient(person.create(sender))
    subject = {"reference": patient.relativePath()}
    request = ServiceRequest({"status": "active", "intent": "order", "subject": subject}).create(sender)
    task = Task({
        "status": "requested", "intent": "order", "for": subject,
        "focus": {"reference": f"ServiceRequest/{request['id']}"},
        "requester": {"reference": "Organization/mobile-crisis"},
        "owner": {"reference": "Organization/outpatient-clinic"},
    }).create(sender)  # fmt: skip
    born = {"birthdate": {"$and": ["ge1991", "lt1992"]}, "identifier": number}
    (found,) = Patient.where(born).perform_resources_iter(recipient)
    assert found.birthDate.isostring == "1991-03-17"
    (theirs,) = Task.where({"patient": {"identifier": number}}).perform_resources_iter(recipient)
    assert theirs.id == task["id"]
    alone = Patient(Patient({"active": True}).create(sender))
    assert alone.delete(sender) is None
    with pytest.raises(requests.HTTPError, match="410"):
        Patient.read(alone.id, sender)
