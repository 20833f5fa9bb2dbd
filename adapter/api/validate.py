"""$validate (https://hl7.org/fhir/R4/resource-operation-validate.html): 200 also when the content is invalid."""

from __future__ import annotations

from flask import Blueprint, Response

from adapter.api.face import Face
from adapter.api.http_request import body, check_accept
from adapter.api.operation_outcome import FHIR_JSON, outcome
from adapter.domain.errors import HandoffError, Issue

ALL_OK = Issue("informational", "no issues found", severity="information")


def validate_routes(face: Face) -> Blueprint:
    routes = Blueprint("validate", __name__)

    @routes.post("/fhir/<type_>/$validate")
    def validate(type_: str) -> Response:
        face.client()
        check_accept()
        return Response(outcome(_issues(face, body(face.max_bytes), type_)), content_type=FHIR_JSON)

    return routes


def _issues(face: Face, raw: bytes, type_: str) -> list[Issue]:
    other = Issue("invalid", f"expected a {type_}, got another type", type_)
    issues: list[Issue] = []
    try:
        tree = face.decode(raw)
        if tree["resourceType"] not in {type_, "Parameters"}:
            issues = [other]
        face.refuse_invalid(tree)
    except HandoffError as refusal:
        return [*issues, *refusal.issues]
    if tree["resourceType"] == "Parameters" and type_ != "Parameters":
        given = tree.get("parameter", ())
        tree = next((p["resource"] for p in given if p.get("name") == "resource" and "resource" in p), tree)
        issues = [] if tree["resourceType"] == type_ else [other]
    return issues + face.world.check(tree) or [ALL_OK]
