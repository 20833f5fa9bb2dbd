"""What may not be sent whole may not be patched together either, and a FHIRPath Patch is a resource that is checked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from whole_house import FHIR_JSON, JSON_PATCH, Caller

MERGE = "application/merge-patch+json"
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueQuantity": {"value": 1}}


@pytest.fixture
def observation(sender: Caller) -> str:
    return f"Observation/{sender.post('Observation', OBSERVATION).tree['id']}"


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"url": "urn:x", "valueString": "x"}
    for _ in range(levels):
        inner = {"url": "urn:x", "extension": [inner]}
    return inner


@pytest.mark.parametrize(
    ("kind", "patch", "code"),
    [
        (JSON_PATCH, '[{"op":"replace","path":"/valueQuantity/value","value":1e999999}]', "value"),
        (JSON_PATCH, f'[{{"op":"replace","path":"/valueQuantity/value","value":{"9" * 399}}}]', "value"),
        (MERGE, '{"valueQuantity":{"value":1e-999999}}', "value"),
        (JSON_PATCH, json.dumps([{"op": "add", "path": "/extension", "value": [nested(40)]}]), "too-costly"),
        (MERGE, json.dumps({"extension": [nested(40)]}), "too-costly"),
    ],
)
def test_no_patch_makes_what_could_not_be_sent(
    sender: Caller, observation: str, kind: str, patch: str, code: str
) -> None:
    refused = sender.send("PATCH", observation, raw=patch.encode(), headers={"Content-Type": kind})
    assert (refused.status, refused.code) == (400, code)
    assert refused.expression.startswith("Observation.")


def test_a_fhirpath_patch_with_an_element_that_parameters_do_not_have_is_refused_there(
    sender: Caller, observation: str
) -> None:
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Observation.value", "extra": 1}]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    refused = sender.send("PATCH", observation, patch, {"Content-Type": FHIR_JSON})
    assert (refused.status, refused.expression) == (400, "Parameters.parameter[0].part[1].extra")
