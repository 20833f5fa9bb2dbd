"""The least that a resource of any R4 type must hold: so that every interaction can be tried on every type."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from mappings.shapes import elements_of

Tree = dict[str, Any]

_VALUES: Final[dict[str, Any]] = {
    "boolean": True, "decimal": 1, "integer": 1, "positiveInt": 1, "unsignedInt": 1, "base64Binary": "eA==",
    "canonical": "http://example.org/definition", "code": "en", "date": "2026-01-01",
    "dateTime": "2026-01-01T09:00:00Z", "id": "x", "instant": "2026-01-01T09:00:00Z", "markdown": "x",
    "oid": "urn:oid:1.2.3", "string": "Example", "time": "09:00:00", "uri": "urn:example:x",
    "url": "http://example.org/x", "uuid": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
    "Reference": {"display": "x"}, "CodeableConcept": {"text": "x"}, "Coding": {"code": "x"},
    "Identifier": {"value": "x"}, "Period": {"start": "2026-01-01"}, "Quantity": {"value": 1},
    "Money": {"value": 1, "currency": "USD"}, "Narrative": {
        "status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
    },
}  # fmt: skip
_MORE: Final[dict[str, Tree]] = {
    "AllergyIntolerance": {"clinicalStatus": {"coding": [{"code": "active"}]}},
    "Appointment": {"participant": [{"status": "accepted", "actor": {"display": "x"}}]},
    "AppointmentResponse": {"actor": {"display": "x"}},
    "Bundle": {"type": "collection"},
    "Consent": {"policyRule": {"text": "x"}},
    "Organization": {"name": "x"},
}
"""What an invariant demands beside that."""


@cache
def _schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path("profiles/r4/schema.json").read_bytes())
    return content


def least(type_: str) -> Tree:
    """A valid resource with what is mandatory."""
    return {"resourceType": type_, **mandatory(type_), **_MORE.get(type_, {})}


def mandatory(shape: str) -> Tree:
    """What an element or a resource of this shape cannot do without."""
    definition = _schema()[shape]
    names = {name for name in definition.get("required", ()) if name != "resourceType"}
    for alternatives in definition.get("allOf", ()):
        names.add(_simplest(shape, [name for each in alternatives["anyOf"] for name in each["required"]]))
    return {name: _value(shape, name) for name in sorted(names)}


def codes_of(shape: str, name: str) -> list[str]:
    """The codes out of which an element must be, where they are fixed."""
    schema = _schema()[shape]["properties"][name]
    codes: list[str] = schema.get("items", schema).get("enum", [])
    return codes


def _simplest(shape: str, names: list[str]) -> str:
    """`status` of `status`, `_status`; of a choice one whose value is known here."""
    known = [name for name in names if not name.startswith("_")]
    return next((name for name in known if elements_of(shape)[name].type in _VALUES), known[0])


def _value(shape: str, name: str) -> Any:
    element = elements_of(shape)[name]
    if codes := codes_of(shape, name):
        value = codes[0]
    elif element.type == "Resource":
        value = {"resourceType": "Basic", "code": {"text": "x"}}
    else:
        value = _VALUES.get(element.type) or mandatory(element.type) or {"id": "x"}
    return [value] if element.many else value
