"""One handoff walks through the whole house, over real HTTP: sent, told, read, answered, told back."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from running_house import RunningHouse, until
from whole_house import bundle, referral

from adapter.testkit.checks import Answer
from adapter.testkit.paths import find
from adapter.testkit.simulators import Receipt
from mappings.json_codec import decode

ROOT = Path(__file__).parents[2]
INITIATOR, RECIPIENT, EXCHANGE = "mobile-crisis", "outpatient-clinic", "hie-router"


def told(running: RunningHouse, partner: str, about: str, since: float) -> Receipt:
    receipt = running.partners[partner].inbox.wait_for(about, since, 20)
    assert receipt is not None, f"{partner} was told nothing about it"
    return receipt


def move(running: RunningHouse, actor: str, task: str, status: str, reason: str | None = None) -> Answer:
    """Read, decide, write, as a recipient does."""
    seen = running.send("GET", task, actor)
    assert seen.status == 200, seen.body
    changed = {**seen.body, "status": status, **({"statusReason": {"text": reason}} if reason else {})}
    return running.send("PUT", task, actor, changed, If_Match=seen.headers["ETag"])


def test_a_handoff_is_sent_told_read_accepted_and_completed(running: RunningHouse) -> None:
    began = time.monotonic()
    sent = running.send("POST", "", INITIATOR, referral())
    assert sent.status == 200, sent.body
    task = find(sent.body, "entry[2].response.location")[0].partition("/_history")[0]

    notification = told(running, RECIPIENT, task, began)
    assert notification.body["type"] == "history"
    assert notification.event is not None
    assert notification.event.focus == task
    assert b"Testerly" not in json.dumps(notification.body).encode(), "an id-only notification tells who it is about"

    seen = running.send("GET", task, RECIPIENT)
    assert seen.body["status"] == "requested"
    assert running.send("GET", seen.body["for"]["reference"], RECIPIENT).body["name"][0]["family"] == "Testerly"
    assert running.send("GET", task, "ob-clinic").status == 404

    before = time.monotonic()
    accepted = move(running, RECIPIENT, task, "accepted")
    assert (accepted.status, accepted.body["status"]) == (200, "accepted")
    told(running, INITIATOR, task, before)
    handoff = running.exchange.send("GET", f"../handoffs/{task.split('/')[1]}", INITIATOR)
    assert handoff.body["responsible"] == RECIPIENT

    for status in ("in-progress", "completed"):
        before = time.monotonic()
        assert move(running, RECIPIENT, task, status).status == 200
        told(running, INITIATOR, task, before)
    line = running.exchange.send("GET", f"../handoffs/{task.split('/')[1]}", INITIATOR).body["timeline"]
    steps = [event["status_to"] for event in line if event["status_to"]]
    assert steps == ["requested", "accepted", "in-progress", "completed"]
    for partner in (INITIATOR, RECIPIENT):
        assert running.partners[partner].inbox.faults == []


def message(sender: str, receiver: str, header: dict[str, Any], *resources: dict[str, Any]) -> dict[str, Any]:
    """A message with a registered address as its destination, and no Task."""
    partner = "https://handoff.example/fhir/NamingSystem/partner|"
    made = {
        "resourceType": "MessageHeader",
        "id": str(uuid4()),
        "eventCoding": {"system": "urn:events", "code": "servicerequest"},
        "source": {"endpoint": partner + sender},
        "destination": [{"endpoint": partner + receiver}],
        **header,
    }
    entries = [{"fullUrl": f"urn:uuid:{made['id']}", "resource": made}]
    entries += [{"fullUrl": f"urn:uuid:{tree['id']}", "resource": tree} for tree in resources]
    return {**bundle(*entries, type="message"), "id": str(uuid4())}


def request_of(number: str, **elements: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    patient = {"resourceType": "Patient", "id": str(uuid4()), "name": [{"family": "Messagely"}]}
    order = {
        "resourceType": "ServiceRequest",
        "id": str(uuid4()),
        "identifier": [{"system": "urn:refs", "value": number}],
        "status": "active",
        "intent": "plan",
        "subject": {"reference": f"urn:uuid:{patient['id']}"},
        **elements,
    }
    return order, patient


def the_task(running: RunningHouse, actor: str, number: str) -> dict[str, Any]:
    found = running.send("GET", f"Task?focus:ServiceRequest.identifier=urn:refs|{number}", actor)
    (task,) = find(found.body, "entry.resource")
    assert isinstance(task, dict)
    return task


def test_a_message_without_a_task_gets_one_and_an_update_of_it_moves_the_same_handoff(running: RunningHouse) -> None:
    number, began = uuid4().hex, time.monotonic()
    order, patient = request_of(number)
    focus = {"focus": [{"reference": f"urn:uuid:{order['id']}"}], "reason": {"coding": [{"code": "new"}]}}
    first = message(EXCHANGE, RECIPIENT, focus, order, patient)
    answer = running.send("POST", "$process-message", EXCHANGE, first)
    assert answer.status == 200, answer.body
    (response,) = find(answer.body, "entry[0].resource.response")
    assert response == {"identifier": first["id"], "code": "ok"}
    made = the_task(running, RECIPIENT, number)
    assert made["status"] == "requested"
    assert made["owner"]["reference"] == f"Organization/{RECIPIENT}"
    assert made["requester"]["reference"] == f"Organization/{EXCHANGE}"
    told(running, RECIPIENT, f"Task/{made['id']}", began)

    before = time.monotonic()
    update = {**focus, "reason": {"coding": [{"code": "update"}]}}
    second = message(EXCHANGE, RECIPIENT, update, {**order, "priority": "urgent"}, patient) | {"id": first["id"]}
    assert running.send("POST", "$process-message", EXCHANGE, second).status == 200
    same = the_task(running, RECIPIENT, number)
    assert same["id"] == made["id"]
    seen = running.send("GET", same["focus"]["reference"], RECIPIENT)
    assert (seen.body["priority"], seen.headers["ETag"]) == ("urgent", 'W/"2"')
    told(running, RECIPIENT, f"Task/{made['id']}", before)

    before = time.monotonic()
    withdrawn = message(EXCHANGE, RECIPIENT, update, {**order, "status": "revoked"}, patient) | {"id": first["id"]}
    assert running.send("POST", "$process-message", EXCHANGE, withdrawn).status == 200
    assert the_task(running, EXCHANGE, number)["status"] == "cancelled"
    told(running, RECIPIENT, f"Task/{made['id']}", before)


NAMES = {
    "the Bundle that it got": lambda asked, pushed: pushed["id"],
    "the MessageHeader that it got": lambda asked, pushed: pushed["entry"][0]["resource"]["id"],
    "the Bundle that the initiator sent": lambda asked, pushed: asked["id"],
    "the MessageHeader that the initiator sent": lambda asked, pushed: asked["entry"][0]["resource"]["id"],
}


@pytest.mark.parametrize("named", NAMES)
@pytest.mark.parametrize(("encounter", "expected"), [("planned", "accepted"), ("cancelled", "rejected")])
def test_a_recipient_answers_by_message_and_the_status_moves(
    running: RunningHouse, encounter: str, expected: str, named: str
) -> None:
    number, began = uuid4().hex, time.monotonic()
    order, patient = request_of(number)
    asked = message(INITIATOR, EXCHANGE, {"focus": [{"reference": f"urn:uuid:{order['id']}"}]}, order, patient)
    answer = running.send("POST", "$process-message", INITIATOR, asked)
    assert answer.status == 200, answer.body
    task = f"Task/{the_task(running, INITIATOR, number)['id']}"
    pushed = told(running, EXCHANGE, task, began).body
    assert pushed["type"] == "message"

    before = time.monotonic()
    visit = {"resourceType": "Encounter", "id": str(uuid4()), "status": encounter, "class": {"code": "AMB"}}
    response = {
        "response": {"identifier": NAMES[named](asked, pushed), "code": "ok"},
        "focus": [{"reference": f"urn:uuid:{visit['id']}"}],
    }
    answered = running.send("POST", "$process-message", EXCHANGE, message(EXCHANGE, INITIATOR, response, visit))
    assert answered.status == 200, answered.body
    moved = running.send("GET", task, INITIATOR).body
    assert moved["status"] == expected
    if expected == "rejected":
        assert moved["statusReason"]
        assert running.send("GET", task, EXCHANGE).status == 404
    told(running, INITIATOR, task, before)


def test_a_recipient_that_nobody_registered_is_refused_and_the_element_is_named(running: RunningHouse) -> None:
    unknown = running.send("POST", "", INITIATOR, referral(owner="nobody-here"))
    assert unknown.status == 422
    assert [issue["expression"] for issue in unknown.body["issue"]] == [["Bundle.entry[2].resource.owner"]]
    order, patient = request_of(uuid4().hex)
    header = {"focus": [{"reference": f"urn:uuid:{order['id']}"}]}
    sent = running.send("POST", "$process-message", EXCHANGE, message(EXCHANGE, "nobody-here", header, order, patient))
    assert sent.status == 422
    assert "Bundle.entry[0].resource.destination" in json.dumps(sent.body)


def test_a_new_code_path_is_not_needed_for_an_update_of_what_was_sent_by_put(running: RunningHouse) -> None:
    """The initiator corrects a resource of the handoff; the recipient is told and reads the new version."""
    sent = running.send("POST", "", INITIATOR, referral())
    patient, _, task = (find(sent.body, f"entry[{i}].response.location")[0].partition("/_history")[0] for i in range(3))
    told(running, RECIPIENT, task, 0)
    before = time.monotonic()
    seen = running.send("GET", patient, INITIATOR)
    changed = {**seen.body, "birthDate": "1990-01-01"}
    assert running.send("PUT", patient, INITIATOR, changed, If_Match=seen.headers["ETag"]).status == 200
    told(running, RECIPIENT, task, before)
    assert running.send("GET", patient, RECIPIENT).body["birthDate"] == "1990-01-01"


# The page that describes the walk


def named_files() -> set[str]:
    return set(re.findall(r"`(\w[\w.-]*/[\w./-]*)`", (ROOT / "docs" / "walk.md").read_text(encoding="utf-8")))


def test_every_file_that_the_walk_names_is_there() -> None:
    named = named_files()
    assert len(named) >= 20, "the walk names hardly any file: is this the right page?"
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_use_case_that_a_handoff_passes_is_a_stop_of_the_walk() -> None:
    text = (ROOT / "docs" / "walk.md").read_text(encoding="utf-8")
    for stop in ("transact", "targets", "linking", "begin_handoff", "update_task", "deliver", "check_deadlines"):
        assert f"adapter/use_cases/{stop}.py" in text


def test_the_server_writes_no_traceback(running: RunningHouse) -> None:
    until(lambda: running.send("GET", "metadata", None).status == 200)
    assert "Traceback" not in running.log
    assert '"level": "error"' not in running.log


def test_what_was_told_can_be_decoded_by_a_strict_receiver(running: RunningHouse) -> None:
    for partner in running.partners.values():
        assert partner.inbox.faults == [], partner.id
        for receipt in partner.inbox.receipts:
            assert decode(json.dumps(receipt.body).encode())["resourceType"] == "Bundle"
