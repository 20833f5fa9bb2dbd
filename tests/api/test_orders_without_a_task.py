"""A transaction with an order and no Task becomes a handoff, as a message does; what asks nobody says so."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from whole_house import RECEIVER, SENDER, THIRD, Caller, Got, Tree, WholeHouse, bundle, entry, referral, transaction

PATIENT, ORDER, ROLE = (f"urn:uuid:{uuid4()}" for _ in range(3))
TO_RECEIVER = {"reference": f"Organization/{RECEIVER}"}


def order(*performers: Tree, **elements: Any) -> Tree:
    tree = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": PATIENT},
        "performer": list(performers),
        **elements,
    }
    return {name: value for name, value in tree.items() if value}


def ordered(*performers: Tree, others: tuple[Tree, ...] = (), **elements: Any) -> Tree:
    # No two are the same: what is sent again gets its first answer.
    patient = {"resourceType": "Patient", "identifier": [{"value": uuid4().hex}]}
    trees = (patient, order(*performers, **elements), *others)
    return transaction(*trees, full_urls=(PATIENT, ORDER, *[ROLE] * len(others)))


def remark(got: Got, index: int = 1) -> str | None:
    assert got.status == 200, got.tree
    outcome = got.tree["entry"][index]["response"].get("outcome")
    if outcome is None:
        return None
    (issue,) = outcome["issue"]
    return f"{issue['severity']} {issue['details']['text']}"


def tasks_for(caller: Caller, got: Got) -> list[str]:
    return caller.search(f"Task?focus={got.located[1]}")


def test_the_performer_is_asked_by_a_task_that_is_made(sender: Caller, receiver: Caller) -> None:
    got = sender.post("", ordered(TO_RECEIVER))
    (task,) = tasks_for(receiver, got)
    assert len(got.tree["entry"]) == 2, "an entry for each that was sent"
    assert (
        remark(got) == f"information handed over by {task}, made here as none was sent: it asks Organization/{RECEIVER}"
    )
    made = receiver.get(task).tree
    assert (made["status"], made["focus"]["reference"], made["for"]["reference"]) == (
        "requested",
        *reversed(got.located),
    )
    assert receiver.get(got.located[0]).status == 200, "what was sent with it is the recipient's to read"
    assert receiver.move(task, "accepted").status == 200


@pytest.mark.parametrize("base", [None, "https://theirs.example/fhir/"])
def test_references_of_the_order_are_resolved_however_they_are_written(
    sender: Caller, receiver: Caller, base: str | None
) -> None:
    patient = {"resourceType": "Patient", "id": "p1"}
    asked = order(TO_RECEIVER, id="s1", subject={"reference": "Patient/p1"})
    urls = (f"{base}Patient/p1", f"{base}ServiceRequest/s1") if base else (None, None)
    got = sender.post("", transaction(patient, asked, full_urls=urls))
    (task,) = tasks_for(receiver, got)
    assert receiver.get(task).tree["for"]["reference"] == got.located[0]


def test_the_performer_may_be_somebody_who_works_there(sender: Caller, receiver: Caller) -> None:
    role = {"resourceType": "PractitionerRole", "organization": TO_RECEIVER}
    sent_with_it = sender.post("", ordered({"reference": ROLE}, others=(role,)))
    assert len(tasks_for(receiver, sent_with_it)) == 1
    stored = sender.post("PractitionerRole", role).tree["id"]
    assert len(tasks_for(receiver, sender.post("", ordered({"reference": f"PractitionerRole/{stored}"})))) == 1


def test_a_repetition_begins_nothing_new(sender: Caller, receiver: Caller) -> None:
    sent = ordered(TO_RECEIVER)
    first, second = sender.post("", sent), sender.post("", sent)
    assert first.raw == second.raw
    number = [{"system": "urn:orders", "value": uuid4().hex}]
    conditional = bundle(
        entry("POST", "Patient", {"resourceType": "Patient"}) | {"fullUrl": PATIENT},
        entry(
            "POST",
            "ServiceRequest",
            order(TO_RECEIVER, identifier=number),
            ifNoneExist=f"identifier=urn:orders|{number[0]['value']}",
        ),
    )
    begun = sender.post("", conditional)
    again = sender.post("", {**conditional, "timestamp": "2026-11-22T00:00:00Z"})
    assert begun.located[1] == again.located[1]
    assert len(tasks_for(receiver, begun)) == 1


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "completed"},
        {"status": "draft"},
        {"intent": "plan"},
        {"intent": "filler-order"},
        {"doNotPerform": True},
    ],
)
def test_what_orders_nothing_is_stored_and_no_more(sender: Caller, receiver: Caller, elements: Tree) -> None:
    got = sender.post("", ordered(TO_RECEIVER, **elements))
    assert remark(got) is None
    assert tasks_for(receiver, got) == tasks_for(sender, got) == []


def test_an_order_to_oneself_is_no_handoff(sender: Caller) -> None:
    got = sender.post("", ordered({"reference": f"Organization/{SENDER}"}))
    assert remark(got) is None
    assert tasks_for(sender, got) == []


@pytest.mark.parametrize("performers", [(), ({"display": "Somebody else"},)])
def test_an_order_that_asks_nobody_known_says_so(sender: Caller, performers: tuple[Tree, ...]) -> None:
    got = sender.post("", ordered(*performers))
    assert (remark(got) or "").startswith("warning expected a Task that asks somebody, or a registered partner")
    assert tasks_for(sender, got) == []


def test_several_performers_are_refused_and_nothing_is_kept(house: WholeHouse, sender: Caller) -> None:
    number = uuid4().hex
    sent = ordered(TO_RECEIVER, {"reference": f"Organization/{THIRD}"}, identifier=[{"value": number}])
    got = sender.post("", sent)
    assert (got.status, got.expression) == (422, "Bundle.entry[1].resource.performer")
    assert sender.search(f"ServiceRequest?identifier={number}") == []


def test_a_task_that_is_sent_stands_for_itself(sender: Caller, receiver: Caller) -> None:
    sent = referral()
    focus = next(e for e in sent["entry"] if e["resource"]["resourceType"] == "ServiceRequest")["resource"]
    focus |= {"status": "active", "intent": "order", "performer": [TO_RECEIVER]}
    got = sender.post("", sent)
    assert got.status == 200, got.tree
    (request,) = [located for located in got.located if located.startswith("ServiceRequest/")]
    assert len(receiver.search(f"Task?focus={request}")) == 1
    assert all("outcome" not in each["response"] for each in got.tree["entry"])


def test_who_may_not_make_tasks_does_not_hand_over_by_an_order(house: WholeHouse) -> None:
    limited = house.caller(SENDER, "system/Patient.cruds system/ServiceRequest.cruds")
    assert limited.post("", ordered(TO_RECEIVER)).status == 403
