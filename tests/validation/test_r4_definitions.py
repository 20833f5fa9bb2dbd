"""The committed definitions are R4's and nobody else's, and the search paths lead to what they name."""

import json
from pathlib import Path
from typing import Any

import pytest

import profiles
from adapter.validation import check, shapes

R4 = Path(profiles.__file__).parent / "r4"
SEARCH: dict[str, list[dict[str, Any]]] = json.loads((R4 / "search-parameters.json").read_bytes())
SCHEMA: dict[str, Any] = json.loads((R4 / "schema.json").read_bytes())


def test_there_are_the_146_resource_types_of_r4() -> None:
    assert len(shapes.resource_types()) == 146
    assert not {"SubscriptionStatus", "DomainResource", "Resource"} & shapes.resource_types()


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ("Meta", {"id", "extension", "versionId", "lastUpdated", "source", "profile", "security", "tag"}),
        ("Binary", {"id", "meta", "implicitRules", "language", "contentType", "securityContext", "data"}),
        ("Bundle.entry.response", {"id", "extension", "modifierExtension", "status", "location", "etag",
                                   "lastModified", "outcome"}),
        ("Period", {"id", "extension", "start", "end"}),
    ],
)  # fmt: skip
def test_no_shape_has_elements_of_a_product_or_of_a_later_version(shape: str, names: set[str]) -> None:
    assert set(shapes.elements_of(shape)) == names


def test_references_point_at_types_of_r4_only() -> None:
    everything = shapes.resource_types()
    for shape in json.loads((R4 / "elements.json").read_bytes()):
        for element in shapes.elements_of(shape).values():
            assert element.targets <= everything, (shape, element.name)


def test_every_type_has_a_schema_and_compiles() -> None:
    for type_ in sorted(shapes.resource_types()):
        issues = check({"resourceType": type_, "noSuchElement": 1})
        assert f"{type_}.noSuchElement" in [issue.expression for issue in issues]


def test_every_shape_of_the_elements_has_a_schema_with_the_same_properties() -> None:
    for shape in json.loads((R4 / "elements.json").read_bytes()):
        if shape in ("Resource", "DomainResource"):
            continue
        properties = {p for p in SCHEMA[shape]["properties"] if not p.startswith("_")}
        of_json_only = {"resourceType"} if shape in shapes.resource_types() else set()
        assert properties - of_json_only == set(shapes.elements_of(shape)), shape


def test_an_expression_names_places_as_fhirpath_does() -> None:
    assert shapes.expression("Patient", ["name", 0, "_given", 1, "extension"]) == "Patient.name[0].given[1].extension"
    assert shapes.expression("Observation", ["valueQuantity", "code"]) == "Observation.value.ofType(Quantity).code"
    assert shapes.expression("Patient", ["not an element"]) == "Patient"


def follow(node: Any, steps: list[Any]) -> list[Any]:
    """The reader of a path as `profiles/r4/README.md` describes it."""
    values = [node]
    for step in steps:
        if isinstance(step, str):
            values = [v[step] for v in values if step in v]
        elif "where" in step:
            values = [v for v in values if all(v.get(k) == wanted for k, wanted in step["where"].items())]
        elif "index" in step:
            values = values[step["index"] : step["index"] + 1]
        else:
            values = [any(v.get(name, False) is not False for name in step["present"]) for v in values]
        values = [item for v in values for item in (v if isinstance(v, list) else [v])]
    return values


@pytest.mark.parametrize(
    ("type_", "code", "tree", "values"),
    [
        ("Task", "owner", {"owner": {"reference": "Organization/1"}}, [{"reference": "Organization/1"}]),
        (
            "Patient",
            "phone",
            {"telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}]},
            [{"system": "phone", "value": "1"}],
        ),
        ("Patient", "deceased", {}, [False]),
        ("Patient", "deceased", {"deceasedBoolean": False}, [False]),
        ("Patient", "deceased", {"deceasedDateTime": "2026"}, [True]),
        ("Observation", "value-concept", {"valueCodeableConcept": {"text": "x"}}, [{"text": "x"}]),
        ("Observation", "combo-code", {"code": 1, "component": [{"code": 2}, {"code": 3}]}, [1, 2, 3]),
        ("Bundle", "message", {"entry": [{"resource": {"id": "1"}}, {"resource": {"id": "2"}}]}, [{"id": "1"}]),
        ("Condition", "onset-date", {"onsetDateTime": "2026"}, ["2026"]),
        ("MedicationRequest", "code", {"medicationCodeableConcept": {"text": "x"}}, [{"text": "x"}]),
        ("Appointment", "actor", {"participant": [{"actor": 1}, {"status": "x"}, {"actor": 2}]}, [1, 2]),
    ],
)
def test_a_search_path_leads_to_the_values_of_its_parameter(
    type_: str, code: str, tree: dict[str, Any], values: list[Any]
) -> None:
    [parameter] = [p for p in SEARCH[type_] if p["code"] == code]
    assert [v for path in parameter["paths"] for v in follow(tree, path["steps"])] == values


def test_search_parameters_name_existing_places_and_types() -> None:
    types = shapes.resource_types()
    assert set(SEARCH) == types | {"Resource"}
    assert {p["code"] for p in SEARCH["Resource"]} == {
        "_id", "_lastUpdated", "_profile", "_security", "_source", "_tag",
    }  # fmt: skip
    for type_, parameters in SEARCH.items():
        codes = [p["code"] for p in parameters]
        assert len(codes) == len(set(codes)), type_
        for parameter in parameters:
            assert parameter["paths"], (type_, parameter["code"])
            assert set(parameter.get("targets", ())) <= types
            for path in parameter["paths"]:
                assert_path_exists(type_, path)


def assert_path_exists(shape: str, path: dict[str, Any]) -> None:
    for step in path["steps"]:
        if isinstance(step, str):
            element = shapes.elements_of(shape)[step]
            shape = element.type
        elif "present" in step:
            shape = "boolean"
    assert shape in (path["type"], "string"), path
