"""The few FHIR elements that every generated resource is made of."""

from __future__ import annotations

from typing import Any, Final

from mappings.canonicals import FACT_SYSTEM, PARTICIPATION_MODE_SYSTEM

Tree = dict[str, Any]

HL7: Final = "http://terminology.hl7.org/CodeSystem"


def concept(system: str, code: str) -> Tree:
    return {"coding": [{"system": system, "code": code}]}


def reference(to: str) -> Tree:
    return {"reference": to}


def medium(code: str) -> list[Tree]:
    """Communication.medium of one v3 ParticipationMode code."""
    return [concept(PARTICIPATION_MODE_SYSTEM, code)]


def fact(code: str, value_type: str, value: object) -> Tree:
    """A Task.input or Task.output that carries one fact of the catalogue (`value_type` as in `valueString`)."""
    return {"type": concept(FACT_SYSTEM, code), f"value{value_type}": value}
