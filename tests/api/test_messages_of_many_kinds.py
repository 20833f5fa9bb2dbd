"""Messages as different communities write them: whom they are for, what they are about, and what they do to an earlier
one. https://hl7.org/fhir/R4/messageheader.html, https://hl7.org/fhir/R4/messaging.html"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from whole_house import RECEIVER, SENDER, THIRD, Caller, Got, Tree, WholeHouse

from mappings.canonicals import PARTNER_SYSTEM
from mappings.json_codec import encode

ELSEWHERE = "https://elsewhere.example/fhir/"


def known_as(partner: str) -> Tree:
    return {"identifier": {"system": PARTNER_SYSTEM, "value": partner}}


def made(type_: str, **elements: Any) -> Tree:
    return {"resourceType": type_, "id": str(uuid4()), **elements}


def to(tree: Tree) -> Tree:
    return {"reference": f"urn:uuid:{tree['id']}"}


def organisation(partner: str) -> Tree:
    return made("Organization", identifier=[known_as(partner)["identifier"]])


def header(**elements: Any) -> Tree:
    return made("MessageHeader", eventUri="urn:example:event", source={"endpoint": "urn:example:source"}, **elements)


def destination(partner: str) -> list[Tree]:
    return [{"endpoint": f"{PARTNER_SYSTEM}|{partner}"}]


def message(head: Tree, *trees: Tree, base: str | None = None) -> Tree:
    """With urn:uuid fullUrls, or with addresses below `base`."""
    entries = [
        {
            "fullUrl": f"{base}{tree['resourceType']}/{tree['id']}" if base else f"urn:uuid:{tree['id']}",
            "resource": tree,
        }
        for tree in (head, *trees)
    ]
    return {"resourceType": "Bundle", "id": str(uuid4()), "type": "message", "entry": entries}


def request(**order: Any) -> tuple[Tree, Tree]:
    patient = made("Patient", name=[{"family": "Testerly"}])
    number = [{"system": "urn:example:orders", "value": uuid4().hex}]
    given = {"status": "active", "intent": "order", "subject": to(patient), "identifier": number, **order}
    return made("ServiceRequest", **given), patient


def asking(order: Tree, *, owner: Tree | None = None, status: str = "requested", **elements: Any) -> Tree:
    whose = {"owner": owner} if owner else {}
    return made(
        "Task", status=status, intent="order", focus=to(order), **{"for": order["subject"]}, **whose, **elements
    )


def sent(caller: Caller, bundle: Tree, **headers: str) -> Got:
    return caller.post("$process-message", bundle, **headers)


def task_in(answer: Got) -> Tree:
    assert answer.status == 200, answer.tree
    (task,) = (e["resource"] for e in answer.tree["entry"] if e["resource"]["resourceType"] == "Task")
    assert isinstance(task, dict)
    return task


def owner_of(house: WholeHouse, task: Tree) -> str:
    """Who is asked, as the handoff has it."""
    handoff = house.caller(SENDER).get(f"/handoffs/{task['id']}", Accept="application/json")
    assert handoff.status == 200, handoff.raw
    return str(handoff.tree["owner"])


def status_of(house: WholeHouse, task: Tree) -> str:
    return str(house.caller(SENDER).get(f"Task/{task['id']}").tree["status"])


def ledger_of(house: WholeHouse, task: Tree) -> list[str]:
    return [event["kind"] for event in house.caller(SENDER).get(f"/handoffs/{task['id']}").tree["timeline"]]


def told_and_due(house: WholeHouse, task: Tree) -> tuple[list[str], list[str]]:
    """What the recipient is told of a handoff, and the clocks that run."""
    with house.house.store.engine.connect() as connection:
        told = text("SELECT event FROM notification WHERE handoff = :id AND subscriber = :who ORDER BY id")
        rows = connection.execute(told, {"id": task["id"], "who": RECEIVER})
        running = text("SELECT step FROM deadline WHERE handoff = :id")
        return [row.event for row in rows], [row.step for row in connection.execute(running, {"id": task["id"]})]


# Whom it is for


def by_contained_receiver(head: Tree, order: Tree) -> list[Tree]:
    head["contained"] = [{**organisation(RECEIVER), "id": "whom"}]
    head["destination"] = [{"endpoint": "urn:example:gateway", "receiver": {"reference": "#whom"}}]
    return []


def by_role_with_an_identifier(head: Tree, order: Tree) -> list[Tree]:
    role = made("PractitionerRole", organization=known_as(RECEIVER))
    head["destination"] = [{"endpoint": "urn:example:gateway", "receiver": to(role)}]
    return [role]


def by_practitioner_with_a_role(head: Tree, order: Tree) -> list[Tree]:
    doctor = made("Practitioner")
    head["destination"] = [{"endpoint": "urn:example:gateway", "receiver": to(doctor)}]
    return [doctor, made("PractitionerRole", practitioner=to(doctor), organization=known_as(RECEIVER))]


def by_receiver_behind_another_endpoint(head: Tree, order: Tree) -> list[Tree]:
    head["destination"] = [{**destination(THIRD)[0], "receiver": known_as(RECEIVER)}]
    return []


def by_endpoint_that_is_in_the_message(head: Tree, order: Tree) -> list[Tree]:
    address = made("Endpoint", status="active", address="urn:x", payloadType=[{"text": "x"}])
    address |= {"connectionType": {"code": "hl7-fhir-msg"}, "managingOrganization": known_as(RECEIVER)}
    head["destination"] = [{"endpoint": f"urn:uuid:{address['id']}"}]
    return [address]


def by_performer(head: Tree, order: Tree) -> list[Tree]:
    order["performer"] = [known_as(RECEIVER)]
    return []


def by_organisation_that_was_sent_under_the_id_of_another(head: Tree, order: Tree) -> list[Tree]:
    """The sender's own numbering; its identifier says who it is."""
    head["destination"] = [{"endpoint": "urn:example:gateway", "receiver": {"reference": f"Organization/{THIRD}"}}]
    return [{**organisation(RECEIVER), "id": THIRD}]


def by_bare_organisation_of_that_id(head: Tree, order: Tree) -> list[Tree]:
    head["destination"] = [{"endpoint": "urn:example:gateway", "receiver": {"reference": f"Organization/{RECEIVER}"}}]
    return [{"resourceType": "Organization", "id": RECEIVER, "name": "as the sender describes it"}]


def by_contained_role_of_a_contained_organisation(head: Tree, order: Tree) -> list[Tree]:
    role = {"resourceType": "PractitionerRole", "id": "role", "organization": {"reference": "#whom"}}
    order["contained"] = [role, {**organisation(RECEIVER), "id": "whom"}]
    order["performer"] = [{"reference": "#role"}]
    return []


def by_task_of_a_practitioner_with_a_role(head: Tree, order: Tree) -> list[Tree]:
    doctor = made("Practitioner")
    role = made("PractitionerRole", practitioner=to(doctor), organization={"reference": f"Organization/{RECEIVER}"})
    return [asking(order, owner=to(doctor)), doctor, role]


def by_task_of_a_practitioner(head: Tree, order: Tree) -> list[Tree]:
    """For whom that one works is not said; the destination is."""
    head["destination"] = destination(RECEIVER)
    return [asking(order, owner={"reference": "Practitioner/unknown"})]


def by_task_without_owner(head: Tree, order: Tree) -> list[Tree]:
    head["destination"] = destination(RECEIVER)
    return [asking(order)]


WAYS = (
    by_contained_receiver,
    by_role_with_an_identifier,
    by_practitioner_with_a_role,
    by_receiver_behind_another_endpoint,
    by_endpoint_that_is_in_the_message,
    by_performer,
    by_organisation_that_was_sent_under_the_id_of_another,
    by_bare_organisation_of_that_id,
    by_contained_role_of_a_contained_organisation,
    by_task_of_a_practitioner_with_a_role,
    by_task_of_a_practitioner,
    by_task_without_owner,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_message_goes_to_the_partner_that_it_names(
    house: WholeHouse, sender: Caller, way: Callable[[Tree, Tree], list[Tree]]
) -> None:
    order, patient = request()
    head = header(focus=[to(order)])
    others = way(head, order)
    task = task_in(sent(sender, message(head, order, patient, *others)))
    assert (task["status"], owner_of(house, task)) == ("requested", RECEIVER)
    focus, subject = (sender.get(task[element]["reference"]).tree for element in ("focus", "for"))
    assert (focus["identifier"], subject["name"]) == (order["identifier"], patient["name"])


def test_an_organization_of_another_server_is_not_ours_for_its_id(sender: Caller) -> None:
    order, patient = request()
    there = {"reference": f"{ELSEWHERE}Organization/{RECEIVER}"}
    head = header(focus=[to(order)], destination=[{"endpoint": "urn:example:gateway", "receiver": there}])
    refused = sent(sender, message(head, order, patient))
    assert (refused.status, refused.expression) == (422, "Bundle.entry[0].resource.destination")
    task = asking(order, owner=there)
    refused = sent(sender, message(header(focus=[to(task)]), order, patient, task))
    assert (refused.status, refused.expression) == (422, "Bundle.entry[3].resource.owner")


def test_of_several_recipients_none_is_guessed(sender: Caller) -> None:
    order, patient = request()
    head = header(focus=[to(order)], destination=destination(RECEIVER) + destination(THIRD))
    refused = sent(sender, message(head, order, patient))
    assert (refused.status, refused.expression) == (422, "Bundle.entry[0].resource.destination")
    assert "one recipient" in refused.text
    order["performer"] = [known_as(RECEIVER), known_as(THIRD)]
    refused = sent(sender, message(header(focus=[to(order)]), order, patient))
    assert (refused.status, refused.expression) == (422, "Bundle.entry[1].resource.performer")


def test_the_same_recipient_named_twice_is_one(house: WholeHouse, sender: Caller) -> None:
    order, patient = request()
    head = header(
        focus=[to(order)], destination=[*destination(RECEIVER), {"endpoint": "urn:x", "receiver": known_as(RECEIVER)}]
    )
    assert owner_of(house, task_in(sent(sender, message(head, order, patient)))) == RECEIVER


# What it is about


def test_what_is_asked_for_is_found_wherever_the_header_points(sender: Caller) -> None:
    """At the person first, at a Task that asks nobody, at a version, or at nothing at all."""
    order, patient = request()
    step = asking(order)
    version = f"{ELSEWHERE}ServiceRequest/{order['id']}/_history/3"
    for focus, base in (
        ([to(patient), to(order)], None),
        ([to(step)], None),
        ([], None),
        ([{"reference": version}], ELSEWHERE),
    ):
        order["subject"] = {"reference": f"Patient/{patient['id']}"} if base else to(patient)
        head = header(destination=destination(RECEIVER), **({"focus": focus} if focus else {}))
        task = task_in(sent(sender, message(head, order, patient, step, base=base)))
        assert task["focus"]["reference"].startswith("ServiceRequest/"), focus
        assert sender.get(task["for"]["reference"].partition("/_history")[0]).tree["name"] == patient["name"]


def test_a_person_whom_the_request_only_identifies_is_identified_in_the_task(sender: Caller) -> None:
    number = {"system": "urn:example:mrn", "value": uuid4().hex}
    for subject, extra in (
        ({"identifier": number}, {}),
        ({"reference": "#p"}, {"contained": [{"resourceType": "Patient", "id": "p", "identifier": [number]}]}),
    ):
        order, _ = request(subject=subject, **extra)
        task = task_in(sent(sender, message(header(focus=[to(order)], destination=destination(RECEIVER)), order)))
        assert task["for"]["identifier"] == number


def test_a_task_that_names_no_person_is_about_whom_its_request_is_about(house: WholeHouse, sender: Caller) -> None:
    order, patient = request()
    task = asking(order, owner=known_as(RECEIVER))
    del task["for"]
    begun = task_in(sent(sender, first(order, patient, task, focus=task)))
    assert "for" not in begun, "what was sent stays as it is"
    handoff = house.house.store.reader(SENDER).handoff(begun["id"])
    assert handoff is not None and handoff.patient is not None
    assert sender.get(handoff.patient).tree["name"] == patient["name"]


def test_the_person_is_the_one_in_focus_or_the_one_of_all_requests(sender: Caller) -> None:
    order, patient = request()
    another = made("Patient", name=[{"family": "Else"}])
    visit = made("Appointment", status="proposed", participant=[{"status": "accepted", "actor": {"display": "a room"}}])
    for focus in (patient, visit):
        head = header(focus=[to(focus)], destination=destination(RECEIVER))
        task = task_in(sent(sender, message(head, another, order, patient, visit)))
        assert sender.get(task["for"]["reference"]).tree["name"] == patient["name"]


def test_the_same_id_of_two_servers_is_two_people(sender: Caller) -> None:
    """The request's Patient/1 is the one of its own server, wherever the header comes from."""
    theirs, other = ({"resourceType": "Patient", "id": "1", "name": [{"family": name}]} for name in ("Right", "Wrong"))
    order, _ = request(subject={"reference": "Patient/1"})
    head = header(destination=destination(RECEIVER), focus=[{"reference": f"{ELSEWHERE}ServiceRequest/{order['id']}"}])
    bundle = message(head, other, base="https://here.example/fhir/")
    bundle["entry"] += message(theirs, order, base=ELSEWHERE)["entry"]
    assert sender.get(task_in(sent(sender, bundle))["for"]["reference"]).tree["name"] == theirs["name"]
    here = {**order, "subject": {"reference": "Patient/1"}}
    head = header(destination=destination(RECEIVER), focus=[{"reference": f"ServiceRequest/{order['id']}"}])
    bundle = message(head, base="https://here.example/fhir/")
    bundle["entry"] += message(theirs, order, base=ELSEWHERE)["entry"]
    bundle["entry"] += message(other, here, base="https://here.example/fhir/")["entry"]
    task = task_in(sent(sender, bundle))
    request_of_here = sender.get(task["focus"]["reference"]).tree
    assert request_of_here["subject"]["reference"] == task["for"]["reference"]
    assert sender.get(task["for"]["reference"]).tree["name"] == other["name"]


# What it does to an earlier one


def first(*trees: Tree, focus: Tree) -> Tree:
    return message(header(focus=[to(focus)], destination=destination(RECEIVER)), *trees)


def following(bundle: Tree, reason: str | None, *trees: Tree, focus: Tree) -> Tree:
    """Another message about the same: the Bundle keeps its id, as NHS BaRS does it."""
    why = {"reason": {"coding": [{"code": reason}]}} if reason else {}
    return {**message(header(focus=[to(focus)], destination=destination(RECEIVER), **why), *trees), "id": bundle["id"]}


def test_a_message_that_carries_its_task_is_updated_and_taken_back(house: WholeHouse, sender: Caller) -> None:
    order, patient = request()
    task = asking(order, owner=known_as(RECEIVER))
    begun = first(order, patient, task, focus=task)
    begun_task = task_in(sent(sender, begun))
    urgent = {**order, "priority": "urgent"}
    assert sent(sender, following(begun, "update", urgent, patient, task, focus=task)).status == 200
    assert sender.get(begun_task["focus"]["reference"]).tree["priority"] == "urgent"
    over = {**task, "id": str(uuid4()), "status": "cancelled", "statusReason": {"text": "seen elsewhere"}}
    same = task_in(sent(sender, following(begun, None, urgent, patient, over, focus=over)))
    assert (same["id"], same["status"], same["statusReason"]) == (begun_task["id"], "cancelled", over["statusReason"])
    assert len(sender.search(f"Task?focus={begun_task['focus']['reference']}")) == 1


def test_an_update_under_new_names_reaches_what_has_the_same_identifier(sender: Caller, receiver: Caller) -> None:
    order, patient = request()
    task = task_in(sent(sender, first(order, patient, focus=order)))
    renamed = {**order, "id": str(uuid4()), "status": "revoked"}
    over = message(header(focus=[to(renamed)], destination=destination(RECEIVER)), renamed, patient)
    assert task_in(sent(sender, over))["status"] == "cancelled"
    assert sender.get(task["focus"]["reference"]).tree["status"] == "revoked"
    number = order["identifier"][0]["value"]
    assert len(sender.search(f"ServiceRequest?identifier=urn:example:orders|{number}")) == 1


def test_two_requests_of_one_identifier_are_not_taken_for_one(sender: Caller) -> None:
    order, patient = request()
    begun = first(order, patient, focus=order)
    task = task_in(sent(sender, begun))
    copies = [{**order, "id": str(uuid4()), "priority": priority} for priority in ("urgent", "stat")]
    assert sent(sender, following(begun, "update", *copies, patient, focus=copies[0])).status == 200
    assert "priority" not in sender.get(task["focus"]["reference"]).tree
    number = order["identifier"][0]["value"]
    assert len(sender.search(f"ServiceRequest?identifier=urn:example:orders|{number}")) == 3


def test_each_of_two_tasks_is_followed_by_itself(house: WholeHouse, sender: Caller, third: Caller) -> None:
    (one, patient), owners = request(), (RECEIVER, THIRD)
    other, _ = request(subject=to(patient))
    tasks = [asking(order, owner=known_as(owner)) for order, owner in zip((one, other), owners, strict=True)]
    begun = first(one, other, patient, *tasks, focus=one)
    answer = sent(sender, begun)
    ids = {
        e["resource"]["focus"]["reference"]: e["resource"] for e in answer.tree["entry"][1:] if "focus" in e["resource"]
    }
    mine, theirs = ids.values()
    note = made("Observation", status="final", code={"text": "x"}, basedOn=[to(one)])
    over = {**tasks[0], "status": "cancelled", "statusReason": {"text": "moved"}}
    assert sent(sender, following(begun, "update", one, other, patient, over, tasks[1], note, focus=one)).status == 200
    assert [status_of(house, task) for task in (mine, theirs)] == ["cancelled", "requested"]
    assert third.search(f"Observation?_id={note['id']}&_include=*") == []
    assert third.get("Observation?code:text=x&_count=100").tree.get("entry", []) == [], "it is about the other one"
    revoked = [{**order, "status": "revoked"} for order in (one, other)]
    assert sent(sender, following(begun, "update", *revoked, patient, over, tasks[1], focus=one)).status == 200
    assert [status_of(house, task) for task in (mine, theirs)] == ["cancelled", "cancelled"]
    unknown = [{**task, "status": "cancelled"} for task in tasks]
    fresh = [
        made("ServiceRequest", **{k: v for k, v in o.items() if k not in {"id", "identifier"}}) for o in (one, other)
    ]
    for task, order in zip(unknown, fresh, strict=True):
        task["focus"] = to(order)
    again = sent(sender, first(*fresh, patient, *unknown, focus=fresh[0]))
    assert [e["resource"]["status"] for e in again.tree["entry"][1:3]] == ["cancelled", "cancelled"]


def test_the_draft_of_a_message_is_changed_and_sent_by_a_later_one(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    order, patient = request()
    draft = asking(order, owner=known_as(RECEIVER), status="draft")
    begun = first(order, patient, draft, focus=draft)
    task = task_in(sent(sender, begun))
    assert receiver.get(f"Task/{task['id']}").status == 404
    ready = {**draft, "id": str(uuid4()), "status": "requested", "priority": "urgent"}
    same = task_in(sent(sender, following(begun, "update", order, patient, ready, focus=ready)))
    assert (same["id"], same["status"], same["priority"]) == (task["id"], "requested", "urgent")
    assert receiver.get(f"Task/{task['id']}").status == 200


def test_one_request_of_two_that_is_revoked_cancels_nothing(house: WholeHouse, sender: Caller) -> None:
    order, patient = request()
    other, _ = request(subject=to(patient))
    begun = first(order, other, patient, focus=order)
    task = task_in(sent(sender, begun))
    more = following(begun, "update", {**order, "status": "revoked"}, other, patient, focus=order)
    more["entry"][0]["resource"]["focus"].append(to(other))
    assert sent(sender, more).status == 200
    assert status_of(house, task) == "requested"


def test_why_a_request_was_revoked_is_read_from_where_r4_has_it(sender: Caller) -> None:
    order, patient = request(reasonCode=[{"text": "why it was asked for"}])
    begun = first(order, patient, focus=order)
    sent(sender, begun)
    why = {"text": "moved away"}
    extension = {"url": "http://hl7.org/fhir/StructureDefinition/request-statusReason", "valueCodeableConcept": why}
    revoked = {**order, "status": "revoked", "extension": [extension]}
    task = task_in(sent(sender, following(begun, "update", revoked, patient, focus=order)))
    assert (task["status"], task["statusReason"]) == ("cancelled", why)
    order, patient = request(reasonCode=[{"text": "why it was asked for"}])
    begun = first(order, patient, focus=order)
    sent(sender, begun)
    untold = task_in(sent(sender, following(begun, "update", {**order, "status": "revoked"}, patient, focus=order)))
    assert untold["statusReason"] == {"text": "told by message, without a reason of its own"}


def test_what_is_under_way_is_not_cancelled_but_asked_to_be_stopped(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    order, patient = request()
    begun = first(order, patient, focus=order)
    task = task_in(sent(sender, begun))
    for status in ("accepted", "in-progress"):
        assert receiver.move(f"Task/{task['id']}", status).status == 200
    over = following(begun, "update", {**order, "status": "revoked"}, patient, focus=order)
    assert sent(sender, over).status == 200
    assert status_of(house, task) == "in-progress"
    assert "handoff:abort-requested" in ledger_of(house, task)
    assert receiver.move(f"Task/{task['id']}", "cancelled", reason="stopped").status == 200


def test_what_is_taken_back_before_it_was_seen_is_never_asked_for(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    order, patient = request(status="revoked")
    task = task_in(sent(sender, first(order, patient, focus=order)))
    assert (task["status"], bool(task["statusReason"])) == ("cancelled", True)
    handoff = house.house.store.reader(RECEIVER).handoff(task["id"])
    assert handoff is not None and (handoff.status, handoff.responsible) == ("cancelled", SENDER)
    assert ledger_of(house, task)[-2:] == ["handoff:requested", "handoff:cancelled"]
    assert receiver.move(f"Task/{task['id']}", "accepted").status == 422
    assert told_and_due(house, task) == (["handoff:cancelled"], ["arrange-care"])
    order, patient = request()
    owned = asking(order, owner=known_as(RECEIVER), status="cancelled")
    assert task_in(sent(sender, first(order, patient, owned, focus=owned)))["status"] == "cancelled"


def answer_to(bundle: Tree, *trees: Tree, code: str = "ok", to_message: str | None = None) -> Tree:
    which = to_message or bundle["entry"][0]["resource"]["id"]
    head = header(response={"identifier": which, "code": code}, destination=destination(SENDER))
    return message({**head, **({"focus": [to(trees[0])]} if trees else {})}, *trees)


def test_the_task_of_an_answer_brings_its_outputs_and_needs_no_owner(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    order, patient = request()
    begun = first(order, patient, focus=order)
    task = task_in(sent(sender, begun))
    letter = made("DocumentReference", status="current", content=[{"attachment": {"title": "letter"}}])
    output = {"type": {"text": "letter"}, "valueReference": to(letter)}
    accepted = made("Task", status="accepted", intent="order", output=[output], note=[{"text": "on Monday"}])
    moved = task_in(sent(receiver, answer_to(begun, accepted, letter)))
    assert (moved["id"], moved["status"], moved["note"]) == (task["id"], "accepted", accepted["note"])
    assert sender.get(moved["output"][0]["valueReference"]["reference"]).tree["content"] == letter["content"]
    assert len(sender.search(f"Task?focus={task['focus']['reference']}")) == 1


def test_a_step_that_an_answer_may_not_take_is_refused_where_it_asks(sender: Caller, receiver: Caller) -> None:
    order, patient = request()
    begun = first(order, patient, focus=order)
    sent(sender, begun)
    refused = sent(receiver, answer_to(begun, made("Task", status="completed", intent="order")))
    assert (refused.status, refused.expression) == (422, "Bundle.entry[1].resource.status")


def test_a_receipt_for_what_nobody_knows_hands_over_nobody(sender: Caller, third: Caller) -> None:
    order, patient = request()
    begun = first(order, patient, focus=order)
    sent(sender, begun)
    outcome = made("OperationOutcome", issue=[{"severity": "information", "code": "informational"}])
    finished = made("Task", status="completed", intent="order", owner=known_as(THIRD))
    for caller in (sender, third):  # it is another organisation's to answer
        for bundle in (answer_to(begun), answer_to(begun, to_message=str(uuid4())), answer_to(begun, finished)):
            refused = sent(caller, bundle)
            assert (refused.status, refused.code) == (400, "not-found")
            assert refused.expression == "Bundle.entry[0].resource.response.identifier"
    receipt = answer_to(begun, to_message=str(uuid4()))
    receipt["entry"].append({"fullUrl": f"urn:uuid:{outcome['id']}", "resource": outcome})
    assert sent(third, receipt).status == 400


def test_an_abort_request_that_comes_by_message_begins_no_handoff(sender: Caller, receiver: Caller) -> None:
    order, patient = request()
    task = task_in(sent(sender, first(order, patient, focus=order)))
    for status in ("accepted", "in-progress"):
        receiver.move(f"Task/{task['id']}", status)
    code = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]}
    stop = made("Task", status="requested", intent="order", code=code, focus={"reference": f"Task/{task['id']}"})
    answer = sent(sender, first(stop, focus=stop))
    assert answer.status == 200, answer.tree
    assert [e["resource"]["resourceType"] for e in answer.tree["entry"]] == ["MessageHeader"]
    assert receiver.move(f"Task/{task['id']}", "cancelled", reason="stopped").status == 200


def test_a_first_message_sent_again_under_another_timestamp_is_the_same(sender: Caller) -> None:
    order, patient = request()
    begun = first(order, patient, focus=order) | {"timestamp": "2026-11-22T05:00:00Z"}
    answer = sent(sender, begun)
    again = sent(sender, begun | {"timestamp": "2026-11-22T05:01:00.5+01:00"})
    assert again.raw == answer.raw
    assert len(sender.search(f"Task?focus={task_in(answer)['focus']['reference']}")) == 1


def test_the_same_message_to_another_recipient_is_another_one(house: WholeHouse, sender: Caller) -> None:
    order, patient = request()
    bundle = message(header(focus=[to(order)]), order, patient)
    for partner in (RECEIVER, THIRD):
        named = base64.b64encode(encode(known_as(partner)["identifier"])).decode()
        task = task_in(sent(sender, bundle, NHSD_Target_Identifier=named))
        assert owner_of(house, task) == partner


def test_an_update_back_to_what_was_sent_before_is_not_taken_for_a_repetition(sender: Caller) -> None:
    order, patient = request(priority="routine")
    begun = first(order, patient, focus=order)
    task = task_in(sent(sender, begun))
    head = header(focus=[to(order)], destination=destination(RECEIVER), reason={"coding": [{"code": "update"}]})
    for minute, priority in enumerate(("urgent", "routine", "urgent")):
        more = message(head, {**order, "priority": priority}, patient) | {"id": begun["id"]}
        assert sent(sender, more | {"timestamp": f"2026-11-22T05:0{minute}:00Z"}).status == 200
        assert sender.get(task["focus"]["reference"]).tree["priority"] == priority
