"""What clients do that the specification leaves open, or that only their own servers define, means what they mean."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from whole_house import FHIR_JSON, Caller, Got, Tree, WholeHouse, bundle, entry

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


@pytest.mark.parametrize("form", ["", "?", "Patient?", "/Patient?", "https://any.example/fhir/Patient?"])
def test_a_condition_may_be_written_as_a_whole_address(sender: Caller, number: str, form: str) -> None:
    condition = f"{form}identifier=urn:x:habit|{number}"
    first = sender.post("Patient", _patient(number), If_None_Exist=condition)
    again = sender.post("Patient", _patient(number), If_None_Exist=f"identifier=urn:x:habit|{number}")
    assert (first.status, again.status, again.tree["id"]) == (201, 200, first.tree["id"])
    in_bundle = sender.post("", bundle(entry("POST", "Patient", _patient(number), ifNoneExist=condition)))
    assert in_bundle.located == [f"Patient/{first.tree['id']}"]


def test_a_condition_on_another_type_is_refused_where_it_stands(sender: Caller, number: str) -> None:
    condition = "https://any.example/fhir/Person?identifier=1"
    assert sender.post("Patient", _patient(number), If_None_Exist=condition).code == "value"
    got = sender.post("", bundle(entry("POST", "Patient", _patient(number), ifNoneExist=condition)))
    assert (got.status, got.expression) == (400, "Bundle.entry[0].request.ifNoneExist")
    questioned = f"identifier=urn:x:habit|{number}?"
    assert sender.post("Patient", _patient(f"{number}?"), If_None_Exist=questioned).status == 201
    assert sender.post("Patient", _patient(f"{number}?"), If_None_Exist=questioned).status == 200


def test_every_answer_to_a_write_says_which_version_there_is_now(sender: Caller, number: str) -> None:
    condition = {"If_None_Exist": f"identifier=urn:x:habit|{number}"}
    made = sender.post("Patient", _patient(number), **condition)
    address = f"Patient/{made.tree['id']}"

    def located(got: Got) -> str:
        return str(got.headers["Content-Location"]).rpartition("/fhir/")[2]

    assert made.headers["Location"] == made.headers["Content-Location"]
    assert located(sender.post("Patient", _patient(number), **condition)) == f"{address}/_history/1"
    updated = sender.put(address, {**made.tree, "active": True}, Prefer="return=minimal")
    assert (located(updated), "Location" in updated.headers) == (f"{address}/_history/2", False)
    assert located(_merge(sender, address, {"active": False})) == f"{address}/_history/3"


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


def test_a_reference_may_be_asked_for_by_its_whole_address(house: WholeHouse, sender: Caller) -> None:
    begun, base = house.begin(), house.house.world.base_url
    other = house.begin()
    for asked in (f"{base}/{begun.patient}", f"{other.patient},{base}/{begun.patient}"):
        assert begun.task in sender.search(f"Task?patient={asked}")
    assert other.task in sender.search(f"Task?patient={other.patient},{base}/{begun.patient}")
    posted = sender.send("POST", "Task/_search", raw=f"patient={base}/{begun.patient}".encode(), headers={
        "Content-Type": "application/x-www-form-urlencoded"
    })  # fmt: skip
    assert [e["resource"]["id"] for e in posted.tree["entry"]] == [begun.id]
    assert sender.search(f"Task?patient=https://other.example/fhir/{begun.patient}") == []
    sender.post("Questionnaire", {"resourceType": "Questionnaire", "status": "draft", "url": f"{base}/{begun.id}"})
    assert len(sender.search(f"Questionnaire?url={base}/{begun.id}")) == 1


def test_a_slash_at_the_end_changes_nothing(house: WholeHouse, sender: Caller, number: str) -> None:
    made = sender.post("/fhir/Patient/", _patient(number))
    assert made.status == 201
    address = f"Patient/{made.tree['id']}"
    assert sender.search(f"/fhir/Patient/?identifier={number}") == [address]
    assert sender.get(f"/fhir/{address}/").tree == made.tree
    assert sender.put(f"/fhir/{address}/", {**made.tree, "active": True}).status == 200
    assert sender.get(f"/fhir/{address}/_history/").tree["total"] == 2
    assert house.nobody.get("/fhir/metadata/").status == 200
    assert house.nobody.get(f"/fhir/{address}/").status == 401


def test_a_search_may_name_itself_and_be_a_get(sender: Caller, number: str) -> None:
    sender.post("Patient", _patient(number))
    assert sender.search(f"Patient/_search?identifier={number}") == sender.search(f"Patient?identifier={number}") != []


def test_an_operation_may_be_posted(house: WholeHouse, sender: Caller) -> None:
    task = house.begin().task
    assert sender.send("POST", f"{task}/$evidence").tree["type"] == "document"
    assert sender.post(f"{task}/$evidence", {"resourceType": "Parameters"}).tree["type"] == "document"
    coverage = {"resourceType": "Parameters", "parameter": [{"name": "coverage", "valueCode": "medicaid"}]}
    posted = sender.post("HealthcareService/$find-destination", coverage)
    asked = sender.get("HealthcareService/$find-destination?coverage=medicaid&_format=json&_pretty=true")
    assert posted.tree["link"] == asked.tree["link"]
    assert [e["fullUrl"] for e in posted.tree["entry"]] == [e["fullUrl"] for e in asked.tree["entry"]] != []
    year = [{"name": "periodStart", "valueDate": "2026-01-01"}, {"name": "periodEnd", "valueDate": "2026-12-31"}]
    report = sender.post("Measure/completion-rate/$evaluate-measure", {"resourceType": "Parameters", "parameter": year})
    assert (report.status, report.tree["period"]["start"][:10]) == (200, "2026-01-01")


def test_what_an_operation_does_not_know_is_refused_however_it_comes(house: WholeHouse, sender: Caller) -> None:
    where = "HealthcareService/$find-destination"
    assert sender.get(f"{where}?covrage=medicaid").code == "not-supported"
    for parameter, code in (
        ({"name": "covrage", "valueCode": "medicaid"}, "not-supported"),
        ({"name": "coverage", "valueCode": "gold"}, "code-invalid"),
        ({"name": "coverage", "valueCoding": {"code": "medicaid"}}, "value"),
        ({"name": "coverage", "resource": {"resourceType": "Patient"}}, "value"),
        ({"name": "coverage"}, "invariant"),
    ):
        got = sender.post(where, {"resourceType": "Parameters", "parameter": [parameter]})
        assert (got.status, got.code) == (400, code), parameter
    assert sender.post(where, {"resourceType": "Patient"}).expression == "Parameters"
    assert sender.get(f"{house.begin().task}/$evidence?nonsense=1").code == "not-supported"
