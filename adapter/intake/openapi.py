"""GET /openapi.json: the non-FHIR face, drawn from the schemas that the routes load.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Blueprint, Response
from marshmallow import Schema, fields, validate

from adapter.intake.handoffs import SIDES, HandoffSchema
from adapter.intake.schema import (
    AnswerSchema,
    AttemptSchema,
    BookingSchema,
    ConsentSchema,
    DocumentSchema,
    EmergencySchema,
    NewHandoffSchema,
)
from mappings.json_codec import encode

Tree = dict[str, Any]

_OUTCOME: Final = {"$ref": "#/components/schemas/OperationOutcome"}
_REFUSALS: Final[Mapping[str, str]] = {
    "400": "the body is no JSON, or breaks the schema",
    "401": "no token, or one that is not good",
    "403": "a scope is missing, or this organisation may not do it",
    "404": "no such handoff, or another organisation's",
    "406": "another media type than JSON is asked for",
    "409": "other writers kept changing the same handoff",
    "412": "the handoff was changed meanwhile",
    "413": "the body is too long",
    "415": "another media type than JSON was sent",
    "422": "the lifecycle or a gate forbids it: `expression` names the member that is missing",
    "429": "too many requests",
    "503": "the database cannot take it now; nothing was kept",
}


def openapi_routes() -> Blueprint:
    routes = Blueprint("openapi", __name__)
    body = encode(document())

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(body, content_type="application/json")

    return routes


def document() -> Tree:
    """The OpenAPI 3.1 document."""
    schemas: dict[str, Tree] = {}
    new, answer, handoff = (_reference(s, schemas) for s in (NewHandoffSchema(), AnswerSchema(), HandoffSchema()))
    schemas["HandoffSchema"]["properties"] |= {
        **{name: {"type": "object", "description": says} for name, says in _TOLD.items()},
        **{name: {"type": "string", "description": says} for name, says in _SAID.items()},
        **{name: {"type": "array", "description": says} for name, says in _LISTED.items()},
    }
    schemas["Handoffs"] = {
        "type": "object",
        "required": ["handoffs", "truncated", "withheld"],
        "properties": {
            "handoffs": {"type": "array", "items": handoff},
            "truncated": {"type": "boolean", "description": "there are more than are listed"},
            "withheld": {
                "type": "boolean",
                "description": "others are not shown, for want of a consent: ask who sent them",
            },
        },
    }
    schemas["Standing"] = {
        "type": "object",
        "description": "where the handoff stands now; GET /handoffs/{id} says all",
        "required": ["id", "status", "responsible"],
        "properties": {
            "id": {"type": "string"},
            "status": {"type": "string"},
            "responsible": {"type": "string", "description": "partner id of who holds the person now"},
            "next_action": {"type": ["object", "null"]},
            "acceptance_deadline": {"type": ["string", "null"], "format": "date-time"},
        },
    }
    schemas["OperationOutcome"] = {
        "type": "object",
        "description": "https://hl7.org/fhir/R4/operationoutcome.html; `expression` names the member of what was sent",
        "required": ["resourceType", "issue"],
        "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": {"type": "array", "minItems": 1}},
    }
    standing = {"$ref": "#/components/schemas/Standing"}
    id_ = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    key = {
        "name": "X-Request-ID",
        "in": "header",
        "description": "your key of this request: sent again with the same body, it gets the first answer again",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    }
    match = {
        "name": "If-Match",
        "in": "header",
        "description": "the ETag of the handoff that this was decided on; 412 when it has changed since",
        "schema": {"type": "string", "pattern": '^(W/)?"?[0-9]{1,9}"?$'},
    }
    side = {"name": "side", "in": "query", "schema": {"enum": list(SIDES)}, "description": "only those on that side"}

    def added(summary: str, body: Tree | None, status: str) -> Tree:
        return _operation(summary, standing, status, body=body, parameters=[id_, key, match])

    added_to = (AttemptSchema(), BookingSchema(), DocumentSchema(), ConsentSchema(), EmergencySchema())
    contact, booking, file, consent, emergency = (_reference(each, schemas) for each in added_to)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handoff Adapter, for systems without FHIR",
            "version": "1",
            "description": "Send a handoff, follow it, answer it. The FHIR face is described by GET /fhir/metadata.",
        },
        "security": [{"bearer": []}],
        "paths": {
            "/handoffs": {
                "get": _operation(
                    "the open handoffs of this organisation, and those given back to it, the most urgent first",
                    {"$ref": "#/components/schemas/Handoffs"},
                    "200",
                    parameters=[side],
                ),
                "post": _operation("send a handoff", standing, "201", body=new, parameters=[key]),
            },
            "/handoffs/{id}": {"get": _operation("where a handoff stands", handoff, "200", parameters=[id_])},
            "/handoffs/{id}/status": {"post": added("answer a handoff, or take it back", answer, "200")},
            "/handoffs/{id}/contacts": {"post": added("tell of an attempt to reach somebody", contact, "201")},
            "/handoffs/{id}/appointment": {
                "post": added("book the first appointment, or say how it went", booking, "200")
            },
            "/handoffs/{id}/documents": {"post": added("add a document", file, "201")},
            "/handoffs/{id}/consents": {
                "post": added("bring a consent of the person", consent, "201"),
                "delete": added("the person took back every consent that was brought here", None, "200"),
            },
            "/handoffs/{id}/emergency": {"post": added("disclose without consent in an emergency", emergency, "201")},
            "/oauth/token": {"post": _token()},
            **{path: {"get": _open(says)} for path, says in _OPEN.items()},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


_TOLD: Final = {
    "person": "who is handed over",
    "sender": "the initiator's clinician",
    "recipient_contact": "whom to reach at the recipient",
    "order_number": "the initiator's own number",
    "visit": "the visit in which the person is handed over",
    "risk": "level and notes",
    "safety_plan": "summary and next steps",
    "facts": "what the initiator told beside it, by code of the catalogue",
    "answers": "what the recipient told beside it, by code of the catalogue",
}
_SAID: Final = {
    "reason": "why the person is handed over",
    "status_reason": "why it was rejected, cancelled, failed or paused",
    "priority": "routine, urgent, asap or stat",
}
_LISTED: Final = {
    "timeline": "what happened",
    "open_deadlines": "what falls due",
    "contacts": "attempts to reach the other side or the person",
    "appointments": "with their status",
    "documents": "the file is got from `url` with the same token",
    "consents": "by which records under 42 CFR Part 2 go to the recipient",
    "confidentiality": "what of it 42 CFR Part 2 restricts",
    "also": "resources that have no member here: read them at /fhir/…",
}

_OPEN: Final = {
    "/healthz": "whether the process answers",
    "/readyz": "whether the database and the queue answer too, and row-level security is whole",
    "/metrics": "measurements for Prometheus",
    "/openapi.json": "this document",
}


def _operation(
    summary: str, answer: Tree, status: str, *, body: Tree | None = None, parameters: list[Tree] | None = None
) -> Tree:
    tree: Tree = {"summary": summary, "parameters": parameters or []}
    if body is not None:
        tree["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    refusals = {
        code: {"description": text, "content": {"application/fhir+json": {"schema": _OUTCOME}}}
        for code, text in _REFUSALS.items()
    }
    given = {"description": summary, "content": {"application/json": {"schema": answer}}}
    return tree | {"responses": {status: given, **refusals}}


def _token() -> Tree:
    form = {"type": "object", "required": ["grant_type", "client_assertion_type", "client_assertion", "scope"]}
    form |= {"properties": {name: {"type": "string"} for name in form["required"]}}  # type: ignore[dict-item]
    return {
        "summary": "an access token, by SMART Backend Services",
        "security": [],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {code: {"description": says} for code, says in (
            ("200", "the token"), ("400", "not a token request"), ("401", "not a client of this server"),
            ("413", "too long"), ("503", "try again"),
        )},
    }  # fmt: skip


def _open(says: str) -> Tree:
    responses = {"200": {"description": says}, "503": {"description": "not ready"}}
    return {"summary": says, "security": [], "responses": responses}


def _reference(schema: Schema, schemas: dict[str, Tree]) -> Tree:
    """A `$ref` to the JSON Schema of `schema`, which is put into `schemas` with all that it is made of."""
    name = type(schema).__name__
    if name not in schemas:
        tree: Tree = {"type": "object", "additionalProperties": schema.unknown != "raise"}
        schemas[name] = tree
        if says := (type(schema).__doc__ or "").strip():
            tree["description"] = says
        if required := [field for field, each in schema.fields.items() if each.required]:
            tree["required"] = required
        tree["properties"] = {field: _json_schema(each, schemas) for field, each in schema.fields.items()}
    return {"$ref": f"#/components/schemas/{name}"}


def _json_schema(field: fields.Field[Any], schemas: dict[str, Tree]) -> Tree:
    if isinstance(field, fields.Nested):
        tree = _reference(field.schema, schemas)
    elif isinstance(field, fields.List):
        tree = {"type": "array", "items": _json_schema(field.inner, schemas)}
    else:
        tree = {}
        for kind, what in _KINDS:
            if isinstance(field, kind):
                tree = dict(what)
                break
    for rule in _rules(field.validators):
        if isinstance(rule, validate.OneOf):
            tree["enum"] = list(rule.choices)
        elif isinstance(rule, validate.Length):
            low, high = ("minItems", "maxItems") if tree.get("type") == "array" else ("minLength", "maxLength")
            tree |= {name: value for name, value in ((low, rule.min), (high, rule.max)) if value is not None}
        elif isinstance(rule, validate.Regexp):
            # As ECMA 262 spells it, which JSON Schema asks for.
            tree["pattern"] = str(rule.regex.pattern).replace(r"\Z", "$")
    if field.allow_none:
        tree = {"anyOf": [tree, {"type": "null"}]}
    return tree | {k: v for k, v in field.metadata.items() if k == "description"}


_KINDS: Final[tuple[tuple[type, Tree], ...]] = (
    (fields.Boolean, {"type": "boolean"}),
    (fields.AwareDateTime, {"type": "string", "format": "date-time"}),
    (fields.Date, {"type": "string", "format": "date"}),
    (fields.Dict, {"type": "object"}),
    (fields.String, {"type": "string"}),
    (fields.Function, {"type": "string"}),
)


def _rules(validators: Any) -> Iterator[Any]:
    for each in validators:
        yield from _rules(each.validators) if isinstance(each, validate.And) else [each]
