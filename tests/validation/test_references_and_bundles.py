"""Rules that need more than one element: what a reference names, what contains it, what kind of Bundle it lies in."""

from typing import Any

import pytest

from adapter.validation import check
from adapter.validation.references import type_named_by

Json = dict[str, Any]
TASK: Json = {"resourceType": "Task", "status": "requested", "intent": "order"}
PATIENT: Json = {"resourceType": "Patient"}


def found(tree: Json) -> list[tuple[str, str | None]]:
    return [(issue.code, issue.expression) for issue in check(tree)]


@pytest.mark.parametrize(
    "reference",
    [
        "Observation/1",
        "Observation/1/_history/2",
        "https://a.example/fhir/Observation/1",
        "Observation?identifier=a|b",
        "#observation",
        "urn:uuid:2",
    ],
)
def test_a_reference_to_a_type_that_the_element_does_not_allow_is_told(reference: str) -> None:
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    task = {**TASK, "owner": {"reference": reference}, "contained": [{**observation, "id": "observation"}]}
    if reference != "#observation":
        del task["contained"]
    entries = [
        {"fullUrl": "urn:uuid:1", "resource": task, "request": {"method": "POST", "url": "Task"}},
        {"fullUrl": "urn:uuid:2", "resource": observation, "request": {"method": "POST", "url": "Observation"}},
    ]
    issues = check({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert [(i.code, i.expression) for i in issues] == [("value", "Bundle.entry[0].resource.owner.reference")]
    assert issues[0].text.endswith("got one to Observation")


@pytest.mark.parametrize(
    ("owner", "sound"),
    [
        ({"reference": "Organization/1", "type": "Organization"}, True),
        ({"reference": "Organization/1", "type": "Practitioner"}, False),
        ({"identifier": {"value": "1"}, "type": "Organization"}, True),
        ({"identifier": {"value": "1"}, "type": "Location"}, False),
        ({"reference": "urn:uuid:0197b5b6-7a1c-7cc1-a0c0-6b8f0f8e2f30", "type": "Location"}, False),
        ({"identifier": {"value": "1"}, "type": "https://a.example/a-type-of-our-own"}, True),
    ],
)
def test_the_type_beside_a_reference_or_an_identifier_must_fit(owner: Json, sound: bool) -> None:
    assert found({**TASK, "owner": owner}) == ([] if sound else [("value", "Task.owner.type")])


@pytest.mark.parametrize(
    ("reference", "type_"),
    [
        ("Task/1", "Task"),
        ("Task/1/_history/1", "Task"),
        ("https://a.example/Task/Task", "Task"),
        ("Task?a=Patient/1", "Task"),
        ("urn:uuid:1", None),
        ("https://a.example/x", None),
        ("", None),
    ],
)
def test_the_type_that_a_reference_names(reference: str, type_: str | None) -> None:
    assert type_named_by(reference) == type_


def test_a_local_reference_must_name_a_contained_resource() -> None:
    assert found({**TASK, "owner": {"reference": "#nobody"}}) == [("invariant", "Task.owner.reference")]


def test_a_contained_resource_must_be_referred_to_and_carry_no_version_and_label() -> None:
    inner: Json = {**PATIENT, "id": "p", "meta": {"versionId": "1", "security": [{"code": "R"}]}}
    assert found({**TASK, "for": {"reference": "#p"}, "contained": [inner]}) == [
        ("invariant", "Task.contained[0].meta.versionId"),
        ("invariant", "Task.contained[0].meta.security"),
    ]
    assert found({**TASK, "contained": [{**PATIENT, "id": "p"}]}) == [("invariant", "Task.contained[0]")]


def test_faults_of_contained_resources_and_of_parameters_are_located_there() -> None:
    inner = {**PATIENT, "id": "p", "foo": 1}
    assert found({**TASK, "for": {"reference": "#p"}, "contained": [inner]}) == [("structure", "Task.contained[0].foo")]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": {**TASK, "status": "done"}}]}
    assert found(parameters) == [("code-invalid", "Parameters.parameter[0].resource.status")]


ENTRY: Json = {"resource": PATIENT}
COLLECTION: Json = {"resourceType": "Bundle", "type": "collection"}
RESPONSE: Json = {"status": "200"}
DOCUMENT: Json = {
    "resourceType": "Bundle",
    "type": "document",
    "identifier": {"system": "urn:a", "value": "1"},
    "timestamp": "2026-01-31T08:00:00Z",
}
COMPOSITION: Json = {
    "resourceType": "Composition",
    "status": "final",
    "type": {"text": "x"},
    "date": "2026-01-31",
    "author": [{"display": "x"}],
    "title": "x",
}

BUNDLES: list[tuple[str, str, Json]] = [
    ("bdl-1", "Bundle.total", {**COLLECTION, "total": 1}),
    ("bdl-2", "Bundle.entry[0].search", {**COLLECTION, "entry": [{**ENTRY, "search": {"mode": "match"}}]}),
    (
        "bdl-3",
        "Bundle.entry[0].request",
        {**COLLECTION, "entry": [{**ENTRY, "request": {"method": "POST", "url": "Patient"}}]},
    ),
    ("bdl-3", "Bundle.entry[0].request", {**COLLECTION, "type": "transaction", "entry": [ENTRY]}),
    ("bdl-4", "Bundle.entry[0].response", {**COLLECTION, "entry": [{**ENTRY, "response": RESPONSE}]}),
    ("bdl-4", "Bundle.entry[0].response", {**COLLECTION, "type": "batch-response", "entry": [ENTRY]}),
    ("bdl-5", "Bundle.entry[0]", {**COLLECTION, "entry": [{"fullUrl": "urn:uuid:1"}]}),
    ("bdl-7", "Bundle.entry[1].fullUrl", {**COLLECTION, "entry": [{**ENTRY, "fullUrl": "urn:uuid:1"}] * 2}),
    (
        "bdl-8",
        "Bundle.entry[0].fullUrl",
        {**COLLECTION, "entry": [{**ENTRY, "fullUrl": "https://a.example/Patient/1/_history/1"}]},
    ),
    (
        "bdl-9",
        "Bundle.identifier.value",
        {**DOCUMENT, "identifier": {"system": "urn:a"}, "entry": [{"resource": COMPOSITION}]},
    ),
    (
        "bdl-10",
        "Bundle.timestamp",
        {**{k: v for k, v in DOCUMENT.items() if k != "timestamp"}, "entry": [{"resource": COMPOSITION}]},
    ),
    ("bdl-11", "Bundle.entry", {**DOCUMENT, "entry": [ENTRY]}),
    ("bdl-12", "Bundle.entry", {**COLLECTION, "type": "message", "entry": [ENTRY]}),
]


@pytest.mark.parametrize(("key", "expression", "bundle"), BUNDLES)
def test_a_rule_of_bundles_is_told_by_its_key_and_place(key: str, expression: str, bundle: Json) -> None:
    issues = check(bundle)
    assert [(i.code, i.expression) for i in issues] == [("invariant", expression)]
    assert f"({key})" in issues[0].text


def test_a_document_with_all_that_it_needs_passes() -> None:
    assert check({**DOCUMENT, "entry": [{"resource": COMPOSITION}]}) == []


def test_a_full_url_must_be_absolute_and_name_the_resource_that_it_stands_for() -> None:
    def transaction(full_url: str) -> Json:
        entry = {
            "fullUrl": full_url,
            "resource": {**PATIENT, "id": "1"},
            "request": {"method": "PUT", "url": "Patient/1"},
        }
        return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    assert check(transaction("https://a.example/Patient/1")) == []
    assert found(transaction("https://a.example/Patient/2")) == [("value", "Bundle.entry[0].fullUrl")]
    assert found(transaction("Patient/1")) == [("value", "Bundle.entry[0].fullUrl")]


def test_a_bundle_in_a_bundle_has_placeholders_of_its_own() -> None:
    inner = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {**TASK, "for": {"reference": "urn:uuid:outer"}},
                "request": {"method": "POST", "url": "Task"},
            }
        ],
    }
    outer = {**COLLECTION, "entry": [{"fullUrl": "urn:uuid:outer", "resource": PATIENT}, {"resource": inner}]}
    assert found(outer) == [("not-found", "Bundle.entry[1].resource.entry[0].resource.for.reference")]
