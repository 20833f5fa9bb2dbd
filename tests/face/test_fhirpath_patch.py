"""FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html): each operation on each kind of element, and its refusals."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from adapter.domain.errors import BusinessRule, HandoffError, Invalid
from adapter.use_cases.patch import apply_patch

Tree = dict[str, Any]

TASK: Tree = {
    "resourceType": "Task",
    "id": "t",
    "status": "requested",
    "intent": "order",
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}, {"value": "3"}],
    "contained": [{"resourceType": "Patient", "id": "p", "name": [{"family": "A"}]}],
    "input": [
        {"type": {"coding": [{"code": "coverage"}]}, "valueCode": "insured"},
        {"type": {"coding": [{"code": "note"}], "text": "it's"}, "valueString": "x", "_valueString": {"id": "e"}},
    ],
}


def operation(type: str, **parts: Any) -> Tree:
    """`value_x` becomes the part `value` with `x` as it is; other parts are typed by what they are."""
    made: list[Tree] = [{"name": "type", "valueCode": type}]
    for name, given in parts.items():
        if name == "value":
            made.append({"name": "value", **given})
        else:
            made.append({"name": name, "valueInteger" if isinstance(given, int) else "valueString": given})
    return {"name": "operation", "part": made}


def patched(*operations: Tree) -> Tree:
    return apply_patch(deepcopy(TASK), {"resourceType": "Parameters", "parameter": list(operations)}, "Task")


def numbers(tree: Tree) -> list[str]:
    return [each["value"] for each in tree["identifier"]]


NUMBER_4 = {"valueIdentifier": {"value": "4"}}


@pytest.mark.parametrize(
    ("asked", "place", "expected"),
    [
        (operation("replace", path="Task.status", value={"valueCode": "accepted"}), "status", "accepted"),
        (operation("replace", path="status", value={"valueCode": "accepted"}), "status", "accepted"),
        (operation("add", path="Task", name="priority", value={"valueCode": "urgent"}), "priority", "urgent"),
        (operation("add", path="Task", name="note", value={"valueAnnotation": {"text": "n"}}), "note", [{"text": "n"}]),
        (operation("delete", path="Task.intent"), "intent", None),
        (operation("delete", path="Task.description"), "description", None),
        (operation("delete", path="Task.contained[0]"), "contained", None),
        (operation("replace", path="Task.contained.ofType(Patient).name.family", value={"valueString": "B"}),
         "contained", [{"resourceType": "Patient", "id": "p", "name": [{"family": "B"}]}]),
    ],
)  # fmt: skip
def test_one_element_is_changed_and_nothing_else(asked: Tree, place: str, expected: Any) -> None:
    got = patched(asked)
    assert got.get(place) == expected
    assert {k: v for k, v in got.items() if k != place} == {k: v for k, v in TASK.items() if k != place}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (operation("add", path="Task", name="identifier", value=NUMBER_4), "1 2 3 4"),
        (operation("insert", path="Task.identifier", index=0, value=NUMBER_4), "4 1 2 3"),
        (operation("insert", path="Task.identifier", index=3, value=NUMBER_4), "1 2 3 4"),
        (operation("delete", path="Task.identifier[1]"), "1 3"),
        (operation("delete", path="Task.identifier.where(system = 'urn:a')"), "2 3"),
        (operation("delete", path="Task.identifier.where(system='urn:a' and value='9')"), "1 2 3"),
        (operation("delete", path="Task.identifier.last()"), "1 2"),
        (operation("replace", path="Task.identifier.first()", value=NUMBER_4), "4 2 3"),
        (operation("replace", path="Task.identifier[2].value", value={"valueString": "9"}), "1 2 9"),
        (operation("move", path="Task.identifier", source=0, destination=2), "2 3 1"),
        (operation("move", path="Task.identifier", source=2, destination=0), "3 1 2"),
    ],
)
def test_lists_keep_their_order(asked: Tree, expected: str) -> None:
    assert numbers(patched(asked)) == expected.split()


def test_a_choice_is_named_without_its_type_and_may_change_it() -> None:
    path = "Task.input.where(type.coding.code = 'note').value"
    got = patched(operation("replace", path=path, value={"valueBoolean": True}))
    assert got["input"][1] == {"type": TASK["input"][1]["type"], "valueBoolean": True}
    assert "valueString" not in patched(operation("delete", path="Task.input[1].value"))["input"][1]
    assert "_valueString" not in patched(operation("delete", path="Task.input[1].value.ofType(string)"))["input"][1]


def test_a_choice_is_added_under_the_name_of_its_type() -> None:
    emptied = operation("delete", path="Task.input[0].value")
    added = operation("add", path="Task.input[0]", name="value", value={"valueQuantity": {"value": 1}})
    assert patched(emptied, added)["input"][0]["valueQuantity"] == {"value": 1}


def test_an_element_without_a_datatype_is_made_of_parts() -> None:
    parts = [{"name": "type", "valueCodeableConcept": {"text": "a fact"}}, {"name": "value", "valueString": "y"}]
    got = patched(operation("add", path="Task", name="input", value={"part": parts}))
    assert got["input"][2] == {"type": {"text": "a fact"}, "valueString": "y"}


def test_a_text_in_a_path_may_hold_a_quote() -> None:
    asked = operation("replace", path=r"Task.input.where(type.text = 'it\'s').value", value={"valueString": "z"})
    assert patched(asked)["input"][1]["valueString"] == "z"


def test_operations_build_on_each_other() -> None:
    assert numbers(patched(*[operation("delete", path="Task.identifier[0]")] * 2)) == ["3"]


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (operation("replace", path="Task.priority", value={"valueCode": "urgent"}), BusinessRule),
        (operation("replace", path="Task.identifier", value=NUMBER_4), BusinessRule),
        (operation("delete", path="Task.identifier"), BusinessRule),
        (operation("delete", path="Task"), BusinessRule),
        (operation("add", path="Task", name="status", value={"valueCode": "accepted"}), BusinessRule),
        (operation("insert", path="Task.identifier", index=4, value=NUMBER_4), BusinessRule),
        (operation("insert", path="Task.status", index=0, value={"valueCode": "x"}), BusinessRule),
        (operation("move", path="Task.identifier", source=3, destination=0), BusinessRule),
        (operation("add", path="Task", name="nonsense", value={"valueCode": "x"}), Invalid),
        (operation("add", path="Task.input[0]", name="value", value={"valueNonsense": "x"}), Invalid),
        (operation("add", path="Task", name="note"), Invalid),
        (operation("replace", path="Task.status"), Invalid),
        (operation("replace", path="Task.status +", value={"valueCode": "x"}), Invalid),
        (operation("replace", path="Task.where(", value={"valueCode": "x"}), Invalid),
        (operation("replace", path="Task.descendants()", value={"valueCode": "x"}), Invalid),
        (operation("replace", path="Task..status", value={"valueCode": "x"}), Invalid),
        (operation("replace", path="", value={"valueCode": "x"}), Invalid),
        (operation("replace", path="Task.identifier[x]", value={"valueCode": "x"}), Invalid),
        (operation("delete", path="x" * 2000), Invalid),
        (operation("destroy", path="Task.status"), Invalid),
        (operation("insert", path="Task.identifier", value=NUMBER_4), Invalid),
        (operation("replace", path="Task.id", value={"valueId": "other"}), Invalid),
        ({"name": "operation"}, Invalid),
        ({"name": "other", "part": []}, Invalid),
        ({"name": "operation", "part": [{"name": ["type"]}, 5]}, Invalid),
    ],
)
def test_what_does_not_apply_or_is_no_patch_is_refused_where_it_stands(asked: Tree, kind: type[HandoffError]) -> None:
    with pytest.raises(kind) as refusal:
        patched(asked)
    assert type(refusal.value) is kind
    assert refusal.value.issues[0].expression in {"Task.parameter[0]", "Task.id"}


@pytest.mark.parametrize("parameters", [None, [], {}, 5, "x", [5]])
def test_parameters_without_operations_are_refused(parameters: Any) -> None:
    with pytest.raises(Invalid):
        apply_patch(deepcopy(TASK), {"resourceType": "Parameters", "parameter": parameters}, "Task")
