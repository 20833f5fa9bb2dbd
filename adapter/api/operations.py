"""The operations of this server: what the CapabilityStatement lists, and the OperationDefinitions of our own ones.

https://hl7.org/fhir/R4/operations.html. A test compares this table with the routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from flask import Blueprint, Response

from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from mappings.canonicals import BASE
from mappings.json_codec import decode, encode

Tree = dict[str, Any]

_HL7: Final = "http://hl7.org/fhir/OperationDefinition"
_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription"


@dataclass(frozen=True, slots=True)
class Operation:
    """`type` is the resource type that it is called on, None for the whole server, `*` for every type."""

    name: str
    type: str | None
    definition: str


OPERATIONS: Final = (
    Operation("process-message", None, f"{_HL7}/MessageHeader-process-message"),
    Operation("validate", "*", f"{_HL7}/Resource-validate"),
    Operation("evidence", "Task", f"{BASE}/OperationDefinition/evidence"),
    Operation("find-destination", "HealthcareService", f"{BASE}/OperationDefinition/find-destination"),
    Operation("evaluate-measure", "Measure", f"{BASE}/OperationDefinition/evaluate-measure"),
    Operation("status", "Subscription", f"{_BACKPORT}-status"),
    Operation("events", "Subscription", f"{_BACKPORT}-events"),
)

_EVIDENCE: Final[Tree] = {
    "resourceType": "OperationDefinition",
    "id": "evidence",
    "url": f"{BASE}/OperationDefinition/evidence",
    "name": "Evidence",
    "title": "Everything that proves a handoff",
    "status": "active",
    "kind": "operation",
    "description": "One document with all that proves, or fails to prove, the handoff of a Task: its resources, the "
    "timeline, and the verdict on each gate and evidence rule of its pathway.",
    "code": "evidence",
    "affectsState": False,
    "resource": ["Task"],
    "system": False,
    "type": False,
    "instance": True,
    "parameter": [
        {
            "name": "return",
            "use": "out",
            "min": 1,
            "max": "1",
            "documentation": "A document Bundle that begins with a Composition.",
            "type": "Bundle",
        }
    ],
}


def own_definitions() -> Mapping[str, Tree]:
    """Id → OperationDefinition: those that are published with the profiles, and those that are not yet."""
    found: dict[str, Tree] = {"evidence": _EVIDENCE}
    for file in files("profiles").joinpath("package").iterdir():
        if file.name.startswith("OperationDefinition-"):
            tree = decode(file.read_bytes())
            found[tree["id"]] = tree
    own = f"{BASE}/OperationDefinition/"
    return {o.name: found[o.name] for o in OPERATIONS if o.definition.startswith(own)}


def operation_definition_routes() -> Blueprint:
    """Beside the OperationDefinitions that partners keep here; like the CapabilityStatement for everybody."""
    routes = Blueprint("operation_definition", __name__)
    for id_, tree in own_definitions().items():
        routes.add_url_rule(f"/fhir/OperationDefinition/{id_}", id_, _shown(encode(tree)))
    return routes


def _shown(body: bytes):  # type: ignore[no-untyped-def]
    def show() -> Response:
        check_accept()
        return Response(body, content_type=FHIR_JSON)

    return show
