"""What clients do that the specification leaves open, or that only their own servers define, means what they mean."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from whole_house import FHIR_JSON, Caller, Got, Tree, WholeHouse

from adapter.use_cases.patch import apply_patch
from mappings.json_codec import encode

JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"


@pytest.fixture
def number() -> str:
    return uuid4().hex


def _patient(number: str, **more: Any) -> Tree:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:x:habit", "value": number}], **more}


def _merge(caller: Caller, address: str, tree: Tree, content_type: str = JSON, **headers: str) -> Got:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.send("PATCH", address, raw=encode(tree), headers={**headers, "Content-Type": content_type})


def test_a_page_of_nothing_tells_the_total(sender: Caller, number: str) -> None:
    made = [sender.post("Patient", _patient(number)).status for _ in range(3)]
    counted = sender.get(f"Patient?identifier={number}&_count=0").tree
    assert (made, counted["total"], counted.get("entry")) == ([201] * 3, 3, None)
    assert sender.get(f"Patient?identifier={number}&_count=0&_totalMethod=count").tree["total"] == 3


def test_criteria_in_the_address_of_a_create_create_once(sender: Caller, number: str) -> None:
    address = f"Patient?identifier=urn:x:habit|{number}"
    first, second = sender.post(address, _patient(number)), sender.post(address, _patient(number))
    assert (first.status, second.status, second.tree["id"]) == (201, 200, first.tree["id"])
    assert sender.get(f"{address}&_count=0").tree["total"] == 1
    assert sender.post("Patient?nonsense=1", _patient(number)).code == "not-supported"


@pytest.mark.parametrize("form", ["?", "?_format=json", "?_format=json&_pretty=true"])
def test_what_the_answer_shall_look_like_is_no_condition(sender: Caller, number: str, form: str) -> None:
    made = [sender.post(f"Patient{form}", _patient(number)).status for _ in range(2)]
    assert made == [201, 201]
    assert sender.put(f"Patient{form}", _patient(number)).status == 400, "it names nothing"
    assert sender.delete(f"Patient{form}").status == 400


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8", MERGE_PATCH])
def test_an_object_is_merged(sender: Caller, number: str, content_type: str) -> None:
    made = sender.post("Patient", _patient(number, gender="other", name=[{"family": "Testerly"}], maritalStatus={
        "text": "x", "coding": [{"code": "M"}]
    }))  # fmt: skip
    got = _merge(sender, f"Patient/{made.tree['id']}", {
        "gender": None, "active": True, "name": [{"family": "Other"}], "maritalStatus": {"text": "y"}
    }, content_type)  # fmt: skip
    assert got.status == 200, got.tree
    assert {name: got.tree.get(name) for name in ("gender", "active", "name", "maritalStatus")} == {
        "gender": None, "active": True, "name": [{"family": "Other"}],
        "maritalStatus": {"text": "y", "coding": [{"code": "M"}]},
    }  # fmt: skip


def test_what_a_merge_leaves_is_checked_like_anything_that_is_sent(sender: Caller, number: str) -> None:
    address = f"Patient/{sender.post('Patient', _patient(number)).tree['id']}"
    assert _merge(sender, address, {"nonsense": 1}).expression == "Patient.nonsense"
    assert _merge(sender, address, {"gender": "sometimes"}).code == "code-invalid"
    assert _merge(sender, address, {"gender": "a\u0000"}).status == 400
    assert _merge(sender, address, {"id": "other"}).code == "invariant"
    assert _merge(sender, address, {"resourceType": None}).code == "invariant"
    assert sender.get(address).etag == 'W/"1"'


def test_a_resource_is_no_patch_and_a_list_is_not_merged(sender: Caller, number: str) -> None:
    made = sender.post("Patient", _patient(number)).tree
    for content_type, body in ((FHIR_JSON, made), ("application/json-patch+json", made), (MERGE_PATCH, [])):
        got = sender.send("PATCH", f"Patient/{made['id']}", raw=encode(body), headers={"Content-Type": content_type})
        assert (got.status, got.code) == (400, "structure"), content_type


def test_the_examples_of_the_merge_patch_standard() -> None:
    for target, patch, result in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert apply_patch(target, patch, "Basic") == result  # type: ignore[arg-type]


def test_a_patch_may_say_which_version_it_was_decided_on(house: WholeHouse, receiver: Caller) -> None:
    task = house.begin().task
    assert receiver.patch(task, [{"op": "replace", "path": "/status", "value": "received"}]).code == "required"
    assert _merge(receiver, task, {"status": "received"}).code == "required"
    stale: list[Tree] = [
        {"op": "test", "path": "/meta/versionId", "value": "9"},
        {"op": "replace", "path": "/status", "value": "received"},
    ]
    assert receiver.patch(task, stale).status == 412
    assert _merge(receiver, task, {"status": "received", "meta": {"versionId": "9"}}).status == 412
    moved = receiver.patch(task, [{**stale[0], "value": "1"}, stale[1]])
    assert (moved.status, moved.tree["status"]) == (200, "received")
    assert receiver.patch(task, stale, If_Match=moved.etag).status == 422, "the test itself does not hold"
    accepted = _merge(receiver, task, {"status": "accepted", "meta": moved.tree["meta"]})
    assert (accepted.status, accepted.tree["status"]) == (200, "accepted")


def test_the_capability_statement_says_where_a_token_is_got(house: WholeHouse) -> None:
    """As SMART App Launch 1.0 had it; several clients look nowhere else."""
    (rest,) = house.nobody.get("metadata").tree["rest"]
    (uris,) = rest["security"]["extension"]
    configuration = house.nobody.get(".well-known/smart-configuration").tree
    assert uris["url"] == "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    assert uris["extension"] == [{"url": "token", "valueUri": configuration["token_endpoint"]}]
