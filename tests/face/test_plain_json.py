"""A system without FHIR sends, follows and answers a handoff in plain JSON (docs/plain-json.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from whole_house import RECEIVER, SENDER, Caller, Got, Tree, WholeHouse

from adapter.intake.openapi import document
from adapter.intake.schema import AnswerSchema, AttemptSchema, BookingSchema, ConsentSchema, NewHandoffSchema
from mappings.canonicals import FACT_SYSTEM

JSON = {"Content-Type": "application/json"}


def crisis(**more: Any) -> Tree:
    """All that the pathway mobile-crisis-to-outpatient asks of a request, at high risk."""
    return {
        "recipient": RECEIVER,
        "pathway": "mobile-crisis-to-outpatient",
        "person": {
            "identifier": {"system": "urn:example:mrn", "value": uuid4().hex},
            "family": "Testerly",
            "given": ["Rowan"],
            "birth_date": "1991-03-17",
            "gender": "other",
            "phone": "+1-555-555-0142",
            "language": "en",
        },
        "reason": "Panic after a notice of eviction",
        "priority": "urgent",
        "sender": {"name": "M. Rehearsal, LPC", "role": "Mobile crisis clinician", "phone": "+1-555-555-0110"},
        "recipient_contact": {"name": "D. Sample-Access", "phone": "+1-555-555-0120"},
        "visit": {"start": "2026-01-05T08:00:00-05:00", "end": "2026-01-05T09:00:00-05:00"},
        "risk": {"level": "high", "notes": "alone at home from tomorrow on"},
        "safety_plan": {"summary": "Calls sister first, then 988", "next_steps": ["Clinic calls today"]},
        "person_informed": {"at": "2026-01-05T09:00:00-05:00", "by": "in-person", "text": "The clinic calls today"},
        "facts": {
            "missed-appointment-barrier": "could not get through on the phone",
            "preferred-contact": "+1-555-555-0142",
            "access-needs": ["unstable-housing", "language-need"],
            "coverage": "medicaid",
        },
        **more,
    }


ACCEPTED: Tree = {
    "status": "accepted",
    "clinician": {"name": "T. Clinician", "role": "Therapist"},
    "follow_up_owner": {"name": "T. Clinician"},
    "risk_acknowledged": "We know that the plan holds only while the sister is reachable",
    "responsibilities": ["weekly call"],
    "same_day_outreach": "2026-01-05T20:00:00Z",
    "live_contact": {"at": "2026-01-05T15:00:00Z", "by": "phone", "three_way": True, "text": "spoke"},
    "appointment": {"start": "2026-01-06T15:00:00Z", "end": "2026-01-06T16:00:00Z", "status": "booked",
                    "place": "Second floor"},
}  # fmt: skip


def send(caller: Caller, tree: Any, path: str = "/handoffs", **headers: str) -> Got:
    return caller.send("POST", path, tree, headers={**JSON, **headers})


def answer(caller: Caller, id_: str, **tree: Any) -> Got:
    return send(caller, tree, f"/handoffs/{id_}/status")


def test_a_handoff_goes_there_and_back_without_a_word_of_fhir(
    house: WholeHouse, sender: Caller, receiver: Caller, third: Caller
) -> None:
    now = house.house.clock.now().isoformat()
    sent = send(sender, crisis())
    assert sent.status == 201, sent.tree
    id_ = sent.tree["id"]
    assert sent.headers["Location"] == f"/handoffs/{id_}"
    assert (sent.tree["status"], sent.tree["responsible"], sent.tree["next_action"]["who"]) == (
        "requested", SENDER, RECEIVER)  # fmt: skip

    task = receiver.get(f"Task/{id_}").tree
    assert task["owner"]["reference"] == f"Organization/{RECEIVER}"
    assert {i["type"]["coding"][0]["code"] for i in task["input"]} == {
        "recipient-contact", "missed-appointment-barrier", "preferred-contact", "access-needs", "coverage"}  # fmt: skip
    patient = receiver.get(task["for"]["reference"]).tree
    assert (patient["birthDate"], patient["name"][0]["given"]) == ("1991-03-17", ["Rowan"])

    early = answer(receiver, id_, status="accepted")
    assert early.status == 422
    told = {issue["expression"][0] for issue in early.issues}
    assert {"clinician", "risk_acknowledged", "follow_up_owner", "appointment"} <= told

    outreach = {"same_day_outreach": now, "live_contact": {**ACCEPTED["live_contact"], "at": now}}
    accepted = answer(receiver, id_, **(ACCEPTED | outreach))
    assert accepted.status == 200, accepted.tree
    assert (accepted.tree["status"], accepted.tree["responsible"]) == ("accepted", RECEIVER)
    assert answer(receiver, id_, status="in-progress").status == 200
    seen = {**ACCEPTED["appointment"], "status": "fulfilled"}
    completed = answer(receiver, id_, status="completed", appointment=seen)
    assert (completed.status, completed.tree.get("status")) == (200, "completed"), completed.tree

    followed = sender.get(f"/handoffs/{id_}").tree
    assert followed["status"] == "completed"
    assert [e["status_to"] for e in followed["timeline"] if e["status_to"]] == [
        "requested", "accepted", "in-progress", "completed"]  # fmt: skip
    assert len(receiver.search(f"Appointment?based-on={task['focus']['reference']}")) == 1
    for got in (third.get(f"/handoffs/{id_}"), answer(third, id_, status="accepted")):
        missing = answer(third, "nobody", status="accepted")
        assert (got.status, got.tree) == (404, missing.tree)


def test_a_missing_fact_is_named_by_its_member(sender: Caller) -> None:
    for member, gone in {
        "risk.level": {"risk": None},
        "safety_plan.summary": {"safety_plan": None},
        "facts.missed-appointment-barrier": {"facts": {"preferred-contact": "+1"}},
    }.items():
        plain = {name: value for name, value in crisis(**gone).items() if value is not None}
        got = send(sender, plain)
        assert got.status == 422, got.tree
        assert [i["expression"] for i in got.issues] == [[member]], got.tree


def test_an_appointment_has_an_end_and_is_refused_by_its_member_when_it_has_none(sender: Caller) -> None:
    without = {name: value for name, value in ACCEPTED["appointment"].items() if name != "end"}
    refused = answer(sender, "any", **{**ACCEPTED, "appointment": without})
    assert (refused.status, refused.code, refused.expression) == (400, "required", "appointment.end")


def test_an_appointment_may_be_told_without_naming_who_holds_it(sender: Caller, receiver: Caller) -> None:
    id_ = send(sender, crisis()).tree["id"]
    booked = answer(receiver, id_, status="received", appointment=ACCEPTED["appointment"])
    assert booked.status == 200, booked.tree
    (appointment,) = receiver.search(f"Appointment?based-on={receiver.get(f'Task/{id_}').tree['focus']['reference']}")
    actors = [each["actor"]["reference"] for each in receiver.get(appointment).tree["participant"]]
    assert [actor.partition("/")[0] for actor in actors] == ["Patient", "Location"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2026-01-05T20:00:00-05:00", "2026-01-05T20:00:00-05:00"),
        ("2026-01-05T20:00:00+20:00", "2026-01-05T00:00:00+00:00"),
        ("2026-01-05T20:00:00+05:30:15", "2026-01-05T14:29:45+00:00"),
    ],
)
def test_a_zone_that_fhir_does_not_have_is_said_in_another(sender: Caller, said: str, kept: str) -> None:
    told = {"at": said, "by": "in-person", "text": "The clinic calls today"}
    sent = send(sender, crisis(person_informed=told))
    assert sent.status == 201, sent.tree
    task = sender.get(f"Task/{sent.tree['id']}").tree
    (call,) = sender.search(f"Communication?subject={task['for']['reference']}")
    assert sender.get(call).tree["sent"] == kept


def test_a_time_at_the_end_of_the_calendar_is_refused_and_breaks_nothing(sender: Caller) -> None:
    told = {"at": "0001-01-01T00:00:00+20:00", "by": "in-person", "text": "x"}
    assert send(sender, crisis(person_informed=told)).status == 400


def test_the_examples_of_the_docs_are_ones_that_are_taken() -> None:
    text = (Path(__file__).parents[2] / "docs" / "plain-json.md").read_text(encoding="utf-8")
    sent = re.search(r"-d '(\{.*?\})'\n", text, re.DOTALL)
    answered = re.search(r"/status\n(\{.*?\})\n```", text, re.DOTALL)
    assert sent and answered
    NewHandoffSchema().load(json.loads(sent[1]))
    AnswerSchema().load(json.loads(answered[1]))
    for path, schema in (("contacts", AttemptSchema()), ("appointment", BookingSchema())):
        added = re.search(rf"/{path}\n(\{{.*?\}})\n(\n|```)", text, re.DOTALL)
        assert added, path
        schema.load(json.loads(added[1]))
    consents = re.search(r'"consents": (\[.*?\])\n', text, re.DOTALL)
    assert consents
    ConsentSchema(many=True).load(json.loads(consents[1]))


@pytest.mark.parametrize(
    ("member", "plain", "status"),
    [
        ("recipient", {"recipient": "nobody"}, 400),
        ("facts.delegate.organization", {"facts": {"delegate": {"name": "x", "organization": "nobody"}}}, 400),
        ("recipient", {"recipient": "a b"}, 400),
        ("pathway", {"pathway": "nonsense"}, 422),
        ("person.gender", {"person": {**crisis()["person"], "gender": "x"}}, 400),
        ("person.identifier.value", {"person": {"identifier": {}, "family": "x"}}, 400),
        ("risk.level", {"risk": {"level": "terrible"}}, 400),
        ("acceptance_deadline", {"acceptance_deadline": "tomorrow"}, 400),
        ("acceptance_deadline", {"acceptance_deadline": "2026-01-05T20:00:00"}, 400),
        ("facts.coverage", {"facts": {"coverage": "gold"}}, 400),
        ("facts.access-needs[1]", {"facts": {"access-needs": ["language-need", "x"]}}, 400),
        ("facts.no-such-fact", {"facts": {"no-such-fact": "x"}}, 400),
        ("reason", {"reason": ""}, 400),
        ("reason", {"reason": "\u0000"}, 400),
        ("reason", {"reason": " \n"}, 400),
        ("order_number.system", {"order_number": {"system": "our numbers", "value": "1"}}, 400),
        ("person.language", {"person": {**crisis()["person"], "language": " en"}}, 400),
        ("nonsense", {"nonsense": 1}, 400),
        ("…", {"Rowan Testerly": 1}, 400),
    ],
)
def test_a_fault_is_located_in_what_was_sent(sender: Caller, member: str, plain: Tree, status: int) -> None:
    got = send(sender, crisis(**plain))
    assert got.status == status, got.tree
    assert [i["expression"] for i in got.issues] == [[member]], got.tree
    assert b"Testerly" not in got.raw


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"5", b'{"a":1,"a":2}', b"null"])
def test_what_is_no_json_object_is_refused(sender: Caller, raw: bytes) -> None:
    got = sender.send("POST", "/handoffs", raw=raw, headers=JSON)
    assert (got.status, got.code) == (400, "structure")


def test_the_same_request_again_is_the_same_handoff(sender: Caller) -> None:
    plain = crisis()
    first, again = send(sender, plain), send(sender, plain)
    assert (first.status, first.raw, first.headers["Location"]) == (201, again.raw, again.headers["Location"])
    keyed = send(sender, plain, **{"X-Request-ID": "plain-1"})
    other = send(sender, crisis(), **{"X-Request-ID": "plain-1"})
    assert (keyed.status, other.status) == (201, 422)


def test_an_unknown_medium_a_missing_scope_or_no_token_is_refused(house: WholeHouse, sender: Caller) -> None:
    assert sender.send("POST", "/handoffs", raw=b"{}", headers={"Content-Type": "text/plain"}).status == 415
    assert send(house.caller(SENDER, "system/Task.cruds"), crisis()).status == 403
    assert send(house.nobody, crisis()).status == 401


def test_who_may_not_answer_is_told_who_may(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    id_ = house.begin().id
    got = answer(sender, id_, status="accepted")
    assert (got.status, got.expression) == (422, "status")
    got = answer(receiver, id_, status="rejected")
    assert (got.status, got.expression) == (422, "reason")
    assert answer(receiver, id_, status="rejected", reason="no room").tree["responsible"] == SENDER


def routes(app: Flask) -> set[tuple[str, str]]:
    found = set()
    for rule in app.url_map.iter_rules():
        path = str(rule).replace("<id_>", "{id}")
        if not path.startswith(("/fhir", "/demo")):
            found |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


def test_the_openapi_names_every_route_that_is_not_fhir_and_no_page(house: WholeHouse) -> None:
    got = house.nobody.get("/openapi.json")
    assert got.tree["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, each in got.tree["paths"].items() for method in each}
    assert described <= routes(house.app)
    pages = {"/handoffs/{id}/evidence"}
    undescribed = {path for _, path in routes(house.app) - described} - pages
    assert not {path for path in undescribed if path.startswith(("/handoffs", "/oauth", "/openapi"))}


def test_the_schemas_hold_what_the_openapi_says_of_them() -> None:
    schemas = document()["components"]["schemas"]
    new = schemas["NewHandoffSchema"]
    assert set(new["required"]) == {"recipient", "person", "reason"}
    assert new["properties"]["risk"] == {"$ref": "#/components/schemas/RiskSchema"}
    assert schemas["RiskSchema"]["properties"]["level"]["enum"] == ["high", "low", "moderate"]
    assert schemas["FactsSchema"]["properties"]["access-needs"]["items"]["enum"]
    assert FACT_SYSTEM not in str(schemas)
