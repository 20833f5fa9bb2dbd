"""A resource that bears what one search parameter looks for, and the value by which it is then found."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from least import codes_of, least, mandatory

from mappings.shapes import Element, elements_of

Tree = dict[str, Any]

CODING: Final = {"system": "urn:s", "code": "zebra"}
PERCENT: Final = {"value": 5, "system": "http://unitsofmeasure.org", "code": "%"}
MILLIGRAMS: Final = {"value": 5, "system": "http://unitsofmeasure.org", "code": "mg"}
AT: Final = "2026-02-03T10:00:00Z"
VALUES: Final[dict[str, tuple[Any, str]]] = {
    "string": ("Zebra", "Zebra"), "markdown": ("Zebra", "Zebra"), "HumanName": ({"family": "Zebra"}, "zebra"),
    "Address": ({"city": "Zebra"}, "zebra"), "CodeableConcept": ({"coding": [CODING]}, "urn:s|zebra"),
    "Coding": (CODING, "urn:s|zebra"), "Identifier": ({"system": "urn:s", "value": "zebra"}, "urn:s|zebra"),
    "ContactPoint": ({"system": "phone", "value": "zebra"}, "zebra"), "boolean": (True, "true"),
    "uri": ("urn:zebra:1", "urn:zebra:1"), "url": ("urn:zebra:1", "urn:zebra:1"),
    "canonical": ("http://example.org/zebra", "http://example.org/zebra"), "oid": ("urn:oid:1.2.3", "urn:oid:1.2.3"),
    "uuid": ("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"),
    "code": ("zebra", "zebra"), "id": ("zebra", "zebra"),
    "date": ("2026-02-03", "2026-02-03"), "dateTime": (AT, "2026-02-03"), "instant": (AT, "2026-02-03"),
    "Period": ({"start": AT, "end": AT}, "2026-02-03"), "Timing": ({"event": [AT]}, "2026-02-03"),
    "decimal": (5, "5"), "integer": (5, "5"), "positiveInt": (5, "5"), "unsignedInt": (5, "5"),
    **dict.fromkeys(("Quantity", "Age", "Duration", "Count", "Distance"), (MILLIGRAMS, "5||mg")),
    "Money": ({"value": 5, "currency": "USD"}, "5|urn:iso:std:iso:4217|USD"),
    "Range": ({"low": MILLIGRAMS, "high": MILLIGRAMS}, "5||mg")
}  # fmt: skip
"""Datatype → what is written, and the value by which it is found."""
FOUND_BY: Final = {"date": {"date", "dateTime", "instant", "Period", "Timing"}}
"""Of a parameter that looks at other datatypes as well, those that it finds: words and ages are no dates."""
PARTIES: Final[Tree] = {
    "owner": {"reference": "Organization/outpatient-clinic"}, "requester": {"reference": "Organization/mobile-crisis"}
}  # fmt: skip
MORE: Final[dict[tuple[str, str], Tree]] = {
    ("Appointment", "date"): {"end": AT},
    **{("Condition", f"abatement-{kind}"): {"clinicalStatus": {"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]}}
       for kind in ("age", "date", "string")},
}  # fmt: skip
"""What an invariant demands beside that."""


def bearing(type_: str, definition: Tree) -> Iterator[tuple[Tree, str]]:
    """(resource, value) for each place where the parameter looks."""
    for path in definition["paths"]:
        if path["type"] in FOUND_BY.get(definition["type"], {path["type"]}) & {*VALUES, "Reference"}:
            tree = deepcopy(least(type_)) | (PARTIES if type_ == "Task" else {})
            value = _write(tree, type_, path["steps"], path, definition)
            yield {**tree, **MORE.get((type_, definition["code"]), {})}, value


def _write(tree: Tree, shape: str, steps: list[Any], path: Tree, definition: Tree) -> str:
    """Puts a value at the end of `steps` (profiles/r4/README.md), with all that must be beside it on the way."""
    name, rest = steps[0], steps[1:]
    element = elements_of(shape)[name]
    _leave_the_other_choices(tree, shape, element)
    conditions: Tree = {}
    while rest and isinstance(rest[0], dict):
        conditions |= rest[0].get("where", {})
        rest = rest[1:]
    if not rest:
        written, value = _value(shape, name, element, path, definition)
        if isinstance(written, dict):
            written = {**written, **conditions}
        tree[name] = [written] if element.many else written
        return value
    held = tree.get(name)
    below = (held[0] if element.many else held) if held else mandatory(element.type)
    below.update(conditions)
    tree[name] = [below] if element.many else below
    return _write(below, element.type, rest, path, definition)


def _value(shape: str, name: str, element: Element, path: Tree, definition: Tree) -> tuple[Any, str]:
    if codes := codes_of(shape, name):
        return codes[0], codes[0]
    if path["type"] == "Reference":
        targets = [path["target"]] if path.get("target") else definition.get("targets") or sorted(element.targets)
        address = f"https://other.example/fhir/{(targets or ['Patient'])[0]}/zebra"
        return {"reference": address}, address
    if definition["type"] == "number" and path["type"] == "Range":  # the one of RiskAssessment
        return {"low": PERCENT, "high": PERCENT}, "5"
    written, value = VALUES[path["type"]]
    return deepcopy(written), value


def _leave_the_other_choices(tree: Tree, shape: str, element: Element) -> None:
    if element.choice:
        for name in [each for each in tree if each != element.name]:
            other = elements_of(shape).get(name)
            if other is not None and other.choice == element.choice:
                del tree[name]
