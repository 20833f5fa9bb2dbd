"""GET [base]/metadata: what this server does (https://hl7.org/fhir/R4/capabilitystatement.html).

Made from the tables that the routes themselves work from: the resource types, the search index, the operations.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response

from adapter.api.face import Face, Searchable
from adapter.api.http_request import check_accept
from adapter.api.operation_outcome import FHIR_JSON
from adapter.api.operations import OPERATIONS, Operation
from mappings.canonicals import BASE, TOPIC_HANDOFF
from mappings.json_codec import encode
from mappings.subscription import PROFILE
from mappings.times import format_time

Tree = dict[str, Any]

WRITE_INTERACTIONS: Final = ("create", "update", "patch", "delete")
READ_INTERACTIONS: Final = ("read", "vread", "history-instance", "history-type", "search-type")
EVERY_TYPE: Final = "Resource"
READ_ONLY: Final = frozenset({"AuditEvent"})
"""Made by the adapter alone."""
_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport"
# https://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-topics-in-r4: what can be subscribed to.
_SUBSCRIPTION: Final[Tree] = {
    "extension": [
        {
            "url": f"{_BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical",
            "valueCanonical": TOPIC_HANDOFF,
        }
    ],
    "supportedProfile": [PROFILE],
}

OAUTH_URIS: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"

# Of every type, beside what the search index has: https://hl7.org/fhir/R4/search.html#has.
_HAS: Final = {
    "name": "_has",
    "type": "string",
    "documentation": "`_has:Type:reference:parameter=value`: what such a resource points at; may be nested.",
}


def metadata_routes(face: Face, token_url: str) -> Blueprint:
    routes = Blueprint("metadata", __name__)
    started = face.world.clock.now()
    statement = encode(capability_statement(face, started, token_url))

    @routes.get("/fhir/metadata")
    def metadata() -> Response:
        check_accept()
        return Response(statement, content_type=FHIR_JSON)

    return routes


def capability_statement(face: Face, started: datetime, token_url: str) -> Tree:
    return {
        "resourceType": "CapabilityStatement",
        "id": "handoff-adapter",
        "url": f"{BASE}/CapabilityStatement/handoff-adapter",
        "name": "HandoffAdapter",
        "title": "Handoff Adapter",
        "status": "active",
        "date": format_time(started),
        "kind": "instance",
        "instantiates": [f"{_BACKPORT}/CapabilityStatement/backport-subscription-server-r4"],
        "software": {"name": "Handoff Adapter"},
        "implementation": {"description": "A FHIR R4 intermediary for warm handoffs", "url": face.base_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/merge-patch+json"],
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
                    "description": "SMART Backend Services: see .well-known/smart-configuration. What is labelled "
                    "42CFRPart2 is disclosed to whom an active Consent of the person names, else refused or withheld",
                    # Where clients of SMART App Launch 1.0 look for the token endpoint.
                    "extension": [
                        {"url": OAUTH_URIS, "extension": [{"url": "token", "valueUri": token_url}]},
                    ],
                },
                "resource": [_resource(face, type_) for type_ in sorted(face.resource_types)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "searchParam": [*(_parameter(each) for each in face.searchable(EVERY_TYPE)), _HAS],
                "operation": [_operation(each) for each in OPERATIONS if each.type is None],
            }
        ],
        "messaging": [
            {
                "documentation": "POST a message Bundle with any event to $process-message; the answer is synchronous.",
            }
        ],
    }


def _resource(face: Face, type_: str) -> Tree:
    read_only = type_ in READ_ONLY
    interactions = READ_INTERACTIONS if read_only else (*READ_INTERACTIONS, *WRITE_INTERACTIONS)
    common = {each.code for each in face.searchable(EVERY_TYPE)}
    own = [each for each in face.searchable(type_) if each.code not in common]
    tree: Tree = {
        "type": type_,
        **(_SUBSCRIPTION if type_ == "Subscription" else {}),
        "interaction": [{"code": code} for code in interactions if (type_, code) != ("AuditEvent", "history-type")],
        "versioning": "versioned-update" if type_ == "Task" else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalRead": "full-support",
        "conditionalCreate": not read_only,
        "conditionalUpdate": not read_only,
        "conditionalDelete": "not-supported" if read_only else "single",
        "referencePolicy": ["literal", "logical", "local", "enforced"],
        "searchInclude": [f"{type_}:{each.code}" for each in own if each.kind == "reference"],
        "searchParam": [_parameter(each) for each in own],
        "operation": [_operation(each) for each in OPERATIONS if each.type in ("*", type_)],
    }
    return {name: value for name, value in tree.items() if value != []}


def _parameter(parameter: Searchable) -> Tree:
    return {"name": parameter.code, "type": parameter.kind}


def _operation(operation: Operation) -> Tree:
    return {"name": operation.name, "definition": operation.definition}
