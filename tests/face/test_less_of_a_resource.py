"""_summary, _elements, _pretty and HEAD (https://hl7.org/fhir/R4/search.html#summary): less, and marked as less."""

from __future__ import annotations

from uuid import uuid4

import pytest
from whole_house import SENDER, Caller, Tree, WholeHouse, bundle, entry

SUBSETTED = "SUBSETTED"
OBSERVATION: Tree = {
    "resourceType": "Observation",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "status": "final",
    "code": {"text": "weight"},
    "valueQuantity": {"value": 70.5},
    "_status": {"id": "s"},
    "note": [{"text": "not in the summary"}],
    "component": [{"code": {"text": "part"}, "valueString": "y", "dataAbsentReason": {"text": "no"}}],
    "referenceRange": [{"text": "normal"}],
}


@pytest.fixture(scope="module")
def number(house: WholeHouse) -> str:
    number = uuid4().hex
    created = house.caller(SENDER).post("Observation", {**OBSERVATION, "identifier": [{"value": number}]})
    assert created.status == 201, created.tree
    return number


def names(tree: Tree) -> set[str]:
    assert {"resourceType", "id", "meta"} <= set(tree)
    return set(tree) - {"resourceType", "id", "meta"}


SUBSETS = {
    "_summary=true": {"identifier", "status", "_status", "code", "valueQuantity", "component"},
    "_summary=text": {"text", "status", "_status", "code"},
    "_summary=data": set(OBSERVATION) - {"resourceType", "text"} | {"identifier"},
    "_elements=note": {"note", "status", "_status", "code"},
    "_elements=value": {"valueQuantity", "status", "_status", "code"},
    "_elements=Observation.note,identifier": {"note", "identifier", "status", "_status", "code"},
}


@pytest.mark.parametrize("asked", SUBSETS)
def test_a_subset_is_what_was_asked_for_and_what_must_be_there(sender: Caller, number: str, asked: str) -> None:
    page = sender.get(f"Observation?identifier={number}&{asked}").tree
    (found,) = (e["resource"] for e in page["entry"])
    assert names(found) == SUBSETS[asked]
    assert [tag["code"] for tag in found["meta"]["tag"]] == [SUBSETTED]
    read = sender.get(f"Observation/{found['id']}?{asked}")
    assert (read.tree, read.status) == (found, 200)
    assert read.etag == 'W/"1"'
    assert sender.get(f"Observation/{found['id']}/_history/1?{asked}").tree == found
    versions = sender.get(f"Observation/{found['id']}/_history?{asked}").tree
    assert [e["resource"] for e in versions["entry"]] == [found]
    batched = sender.post("", bundle(entry("GET", f"Observation/{found['id']}?{asked}"), type="batch"))
    assert batched.tree["entry"][0]["resource"] == found


def test_a_summary_goes_into_nested_elements(sender: Caller, number: str) -> None:
    page = sender.get(f"Observation?identifier={number}&_summary=true").tree
    (part,) = page["entry"][0]["resource"]["component"]
    assert part == {"code": {"text": "part"}, "valueString": "y"}


@pytest.mark.parametrize("asked", ["", "&_summary=false", "&_elements="])
def test_everything_is_given_when_nothing_less_is_asked_for(sender: Caller, number: str, asked: str) -> None:
    found = sender.get(f"Observation?identifier={number}{asked}").tree["entry"][0]["resource"]
    assert names(found) == set(OBSERVATION) - {"resourceType"} | {"identifier"}
    assert "tag" not in found["meta"]


def test_a_count_is_a_bundle_without_entries(sender: Caller, number: str) -> None:
    page = sender.get(f"Observation?identifier={number}&_summary=count").tree
    assert (page["total"], page["type"], "entry" in page) == (1, "searchset", False)


@pytest.mark.parametrize("asked", ["_summary=some", "_summary=true&_elements=code"])
def test_what_is_no_subset_is_refused(sender: Caller, number: str, asked: str) -> None:
    got = sender.get(f"Observation?identifier={number}&{asked}")
    assert (got.status, got.code) == (400, "value")


def test_includes_are_whole_unless_their_type_is_named(house, sender: Caller) -> None:  # type: ignore[no-untyped-def]
    begun = house.begin()
    query = f"Task?_id={begun.id}&_include=Task:patient&_elements=status"
    task, patient = (e["resource"] for e in sender.get(query).tree["entry"])
    assert "owner" not in task
    assert "name" in patient
    patient = sender.get(f"{query},Patient.active").tree["entry"][1]["resource"]
    assert names(patient) == set()


def test_a_part_is_not_taken_for_the_whole(sender: Caller, number: str) -> None:
    part = sender.get(f"Observation?identifier={number}&_elements=code").tree["entry"][0]["resource"]
    got = sender.put(f"Observation/{part['id']}", part)
    assert (got.status, got.code, got.expression) == (422, "business-rule", "Observation.meta.tag")
    assert "note" in sender.get(f"Observation/{part['id']}").tree


def test_pretty_is_the_same_content_in_lines(sender: Caller, number: str) -> None:
    plain = sender.get(f"Observation?identifier={number}")
    pretty = sender.get(f"Observation?identifier={number}&_pretty=true")
    assert pretty.tree["entry"] == plain.tree["entry"]
    assert b"\n  " in pretty.raw
    assert b"\n" not in plain.raw
    assert b"70.5" in pretty.raw


def test_head_is_answered_wherever_get_is(sender: Caller, number: str) -> None:
    id_ = sender.search(f"Observation?identifier={number}")[0]
    for path in (id_, f"{id_}/_history", f"{id_}/_history/1", "Observation/_history", "Observation?_id=x", "metadata"):
        head, get = sender.send("HEAD", path), sender.get(path)
        assert (head.status, head.raw) == (get.status, b""), path
        assert head.headers.get("ETag") == get.headers.get("ETag")
    assert sender.send("HEAD", "Observation/nobody").status == 404
