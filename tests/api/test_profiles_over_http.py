"""Profiles over HTTP: what is claimed is held, what is not known is told, the same by every way in."""

from __future__ import annotations

from typing import Any

import pytest
from whole_house import Caller, Tree, referral, transaction

from mappings.canonicals import BASE

PROFILE = f"{BASE}/StructureDefinition/"
UNKNOWN = {"profile": ["https://elsewhere.example/StructureDefinition/theirs"]}


def plan(**elements: Any) -> Tree:
    return {
        "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"display": "T. Testerly"},
        "category": [{"coding": [{"system": f"{BASE}/CodeSystem/care-plan-category", "code": "safety-plan"}]}],
        "description": "Whom to call first.", "meta": {"profile": [f"{PROFILE}safety-plan"]}, **elements,
    }  # fmt: skip


def test_a_claimed_profile_that_is_met_is_taken(sender: Caller) -> None:
    assert sender.post("CarePlan", plan()).status == 201


def test_a_claimed_profile_that_is_not_met_is_422_and_says_where(sender: Caller) -> None:
    got = sender.post("CarePlan", plan(category=[{"text": "other"}]))
    assert (got.status, got.code, got.expression) == (422, "required", "CarePlan.category")
    assert "safety-plan" in got.text


def test_in_a_transaction_it_refuses_the_whole_and_names_the_entry(sender: Caller) -> None:
    number = {"system": "urn:x", "value": "profile-all-or-nothing"}
    patient = {"resourceType": "Patient", "identifier": [number]}
    got = sender.post("", transaction(patient, plan(category=[{"text": "other"}])))
    assert (got.status, got.expression) == (422, "Bundle.entry[1].resource.category")
    assert sender.search("Patient?identifier=urn:x|profile-all-or-nothing") == []


def test_what_a_patch_makes_is_held_too(sender: Caller) -> None:
    made = sender.post("CarePlan", plan())
    address = f"CarePlan/{made.tree['id']}"
    got = sender.patch(address, [{"op": "remove", "path": "/description"}], if_match=made.etag)
    assert (got.status, got.code) == (422, "required")
    assert got.expression.endswith("description")
    assert sender.get(address).tree["description"] == "Whom to call first."


@pytest.mark.parametrize("claim", [UNKNOWN, {"profile": [f"{PROFILE}no-such-profile"]}], ids=["foreign", "ours"])
def test_a_profile_that_is_not_known_is_told_to_who_wants_to_hear(sender: Caller, claim: Tree) -> None:
    patient = {"resourceType": "Patient", "meta": claim, "name": [{"family": "Testerly"}]}
    got = sender.post("Patient", patient, prefer="return=OperationOutcome")
    assert got.status == 201
    assert [(i["severity"], i["code"]) for i in got.issues] == [
        ("warning", "not-found"),
        ("information", "informational"),
    ]
    told = sender.post("Patient/$validate", patient)
    assert [(i["severity"], i["expression"]) for i in told.issues] == [("warning", ["Patient.meta.profile[0]"])]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_in_a_response_bundle_it_stands_beside_the_entry_that_claimed_it(sender: Caller, kind: str) -> None:
    first: Tree = {"resourceType": "Patient", "name": [{"family": "Testerly"}]}
    got = sender.post("", transaction(first, {**first, "meta": UNKNOWN}, type=kind))
    assert got.status == 200, got.tree
    plain, claimed = (entry["response"] for entry in got.tree["entry"])
    assert "outcome" not in plain
    (issue,) = claimed["outcome"]["issue"]
    assert (issue["severity"], issue["expression"]) == ("warning", ["Bundle.entry[1].resource.meta.profile[0]"])
    assert claimed["status"].startswith("201")


def test_a_deadline_that_is_no_time_is_refused_although_nothing_was_claimed(sender: Caller) -> None:
    deadline = {"url": f"{PROFILE}acceptance-deadline", "valueString": "tonight"}
    got = sender.post("", referral(extension=[deadline]))
    assert (got.status, got.expression) == (422, "Bundle.entry[2].resource.extension[0].value")


def test_what_the_adapter_wrote_on_a_task_can_be_sent_back(sender: Caller, receiver: Caller) -> None:
    made = sender.post("", referral(meta={"profile": [f"{PROFILE}handoff-task"]}, authoredOn="2026-01-31T08:00:00Z"))
    assert made.status == 200, made.tree
    task = next(place for place in made.located if place.startswith("Task/"))
    got = receiver.get(task)
    assert len(got.tree["extension"]) >= 2
    assert receiver.put(task, {**got.tree, "status": "received"}, if_match=got.etag).status == 200
