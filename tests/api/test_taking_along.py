"""What the recipient names when it answers can be read by the initiator; what it only mentions cannot."""

from __future__ import annotations

from typing import Any

from whole_house import RECEIVER, SENDER, THIRD, Caller, WholeHouse, transaction

from mappings.canonicals import FACT_SYSTEM

Tree = dict[str, Any]


def role(of: str = RECEIVER) -> Tree:
    return {
        "resourceType": "PractitionerRole",
        "practitioner": {"display": "A. Trialman"},
        "organization": {"reference": f"Organization/{of}"},
    }


def names(caller: Caller, task: str, reference: str) -> None:
    fact = {"coding": [{"system": FACT_SYSTEM, "code": "recipient-clinician"}]}
    output = {"op": "add", "path": "/output", "value": [{"type": fact, "valueReference": {"reference": reference}}]}
    named = caller.patch(task, [output], If_Match=caller.get(task).etag)
    assert named.status == 200, named.tree


def test_the_clinician_whom_the_recipient_names_can_be_read_by_the_initiator(house: WholeHouse) -> None:
    begun = house.begin()
    receiver, sender = house.caller(RECEIVER), house.caller(SENDER)
    receiver.move(begun.task, "received")
    clinician = receiver.post("", transaction(role())).located[0]
    assert sender.get(clinician).status == 404
    names(receiver, begun.task, clinician)
    assert sender.get(clinician).status == 200
    assert house.caller(THIRD).get(clinician).status == 404


def test_who_spoke_comes_along_with_the_call_in_the_same_transaction(house: WholeHouse) -> None:
    begun = house.begin()
    receiver = house.caller(RECEIVER)
    call = {
        "resourceType": "Communication",
        "status": "completed",
        "basedOn": [{"reference": begun.request}],
        "sender": {"reference": "urn:uuid:6f0d2f36-2a0a-4b0e-9d43-0d1c4a0f1e11"},
    }
    sent = receiver.post("", transaction(role(), call, full_urls=("urn:uuid:6f0d2f36-2a0a-4b0e-9d43-0d1c4a0f1e11",)))
    assert sent.status == 200, sent.tree
    assert house.caller(SENDER).get(sent.located[0]).status == 200


def test_a_task_that_is_mentioned_does_not_open_its_handoff(house: WholeHouse) -> None:
    first, other = house.begin(), house.begin(owner=THIRD)
    note = {
        "resourceType": "Communication",
        "status": "completed",
        "basedOn": [{"reference": first.request}],
        "partOf": [{"reference": other.task}],
    }
    sent = house.caller(SENDER).post("Communication", note)
    assert sent.status == 201, sent.tree
    for caller, hidden in ((house.caller(RECEIVER), other), (house.caller(THIRD), first)):
        for key in (hidden.task, hidden.patient, hidden.request):
            assert caller.get(key).status == 404, key


def test_what_another_organisation_wrote_is_not_passed_on(house: WholeHouse) -> None:
    shown = house.begin(sender=THIRD, owner=RECEIVER)
    begun = house.begin()
    note = {
        "resourceType": "Communication",
        "status": "completed",
        "basedOn": [{"reference": begun.request}],
        "subject": {"reference": shown.patient},
    }
    assert house.caller(RECEIVER).post("Communication", note).status == 201
    assert house.caller(SENDER).get(shown.patient).status == 404


def test_a_clinician_of_others_is_not_passed_on_though_clinicians_are_of_many_handoffs(house: WholeHouse) -> None:
    shown, receiver = house.begin(), house.caller(RECEIVER)
    clinician = house.caller(SENDER).post("", transaction(role(SENDER))).located[0]
    call = {
        "resourceType": "Communication",
        "status": "completed",
        "basedOn": [{"reference": shown.request}],
        "sender": {"reference": clinician},
    }
    assert house.caller(SENDER).post("Communication", call).status == 201
    assert receiver.get(clinician).status == 200
    other = house.begin(sender=RECEIVER, owner=THIRD)
    forwarded = receiver.post("Communication", {**call, "basedOn": [{"reference": other.request}]})
    assert forwarded.status == 201, forwarded.tree
    assert house.caller(THIRD).get(f"Communication/{forwarded.tree['id']}").status == 200
    assert house.caller(THIRD).get(clinician).status == 404
