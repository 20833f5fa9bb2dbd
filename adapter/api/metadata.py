"""GET [base]/metadata: what this server does (https://hl7.org/fhir/R4/capabilitystatement.html)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response

from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from mappings.canonicals import BASE, EVIDENCE_OPERATION, FIND_DESTINATION_OPERATION
from mappings.json_codec import encode
from mappings.times import format_time

Tree = dict[str, Any]

WRITE_INTERACTIONS: Final = ("create", "update", "patch", "delete")
READ_INTERACTIONS: Final = ("read", "vread", "history-instance", "search-type")

_OPERATIONS: Final = {
    "Task": ("evidence", EVIDENCE_OPERATION),
    "HealthcareService": ("find-destination", FIND_DESTINATION_OPERATION),
}


def metadata_routes(face: Face) -> Blueprint:
    routes = Blueprint("metadata", __name__)
    started = face.world.clock.now()
    statement = encode(capability_statement(face, started))

    @routes.get("/fhir/metadata")
    def metadata() -> Response:
        check_accept()
        return Response(statement, content_type=FHIR_JSON)

    return routes


def capability_statement(face: Face, started: datetime) -> Tree:
    return {
        "resourceType": "CapabilityStatement",
        "id": "handoff-adapter",
        "url": f"{BASE}/CapabilityStatement/handoff-adapter",
        "name": "HandoffAdapter",
        "title": "Handoff Adapter",
        "status": "active",
        "date": format_time(started),
        "kind": "instance",
        "software": {"name": "Handoff Adapter"},
        "implementation": {"description": "A FHIR R4 intermediary for warm handoffs", "url": face.base_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "SMART-on-FHIR",
                                }
                            ]
                        }
                    ],
                    "description": "SMART Backend Services: see .well-known/smart-configuration",
                },
                "resource": [_resource(type_) for type_ in sorted(face.resource_types)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
        "messaging": [
            {
                "documentation": "POST a message Bundle to $process-message; the answer is synchronous.",
                "supportedMessage": [
                    {"mode": "receiver", "definition": f"{BASE}/MessageDefinition/handoff-request"},
                ],
            }
        ],
    }


def _resource(type_: str) -> Tree:
    read_only = type_ == "AuditEvent"
    interactions = READ_INTERACTIONS if read_only else (*READ_INTERACTIONS, *WRITE_INTERACTIONS)
    tree: Tree = {
        "type": type_,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update" if type_ == "Task" else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalRead": "not-match",
        "conditionalCreate": not read_only,
        "conditionalUpdate": not read_only,
        "conditionalDelete": "not-supported" if read_only else "single",
        "referencePolicy": ["literal", "logical", "local", "enforced"],
    }
    if type_ in _OPERATIONS:
        name, definition = _OPERATIONS[type_]
        tree["operation"] = [{"name": name, "definition": definition}]
    return tree
