"""The one table from a refusal to its HTTP status, and the OperationOutcome that says why.

https://hl7.org/fhir/R4/operationoutcome.html. Every error of every FHIR route comes out of here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from adapter.domain import errors
from adapter.domain.errors import HandoffError, Issue
from mappings.json_codec import encode

FHIR_JSON: Final = "application/fhir+json"

STATUS: Final[dict[type[HandoffError], int]] = {
    errors.Malformed: 400,
    errors.Invalid: 400,
    errors.NotSupported: 400,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.Deleted: 410,
    errors.VersionConflict: 412,
    errors.MultipleMatches: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.BusinessRule: 422,
    errors.KeyReused: 422,
    errors.Throttled: 429,
    errors.Unavailable: 503,
}

# Answers of Flask itself (an unknown path, a wrong method), in FHIR's codes.
_HTTP_CODES: Final = {400: "structure", 404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported"}

_log = structlog.get_logger()


def describe(refusal: HandoffError) -> tuple[int, bytes]:
    """The status of a refusal, and its OperationOutcome."""
    return STATUS[type(refusal)], outcome(refusal.issues)


def outcome(issues: Sequence[Issue]) -> bytes:
    """An OperationOutcome. `details.text` is for a person; `expression` says where."""
    return encode({"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]})


def _issue(issue: Issue) -> dict[str, object]:
    tree: dict[str, object] = {"severity": issue.severity, "code": issue.code, "details": {"text": issue.text}}
    if issue.expression:
        tree["expression"] = [issue.expression]
    return tree


def register_error_handlers(app: Flask) -> None:
    """Answer every error with an OperationOutcome; what nobody foresaw is logged by its kind, never by its content."""

    @app.errorhandler(HandoffError)
    def refused(refusal: HandoffError) -> Response:
        status, body = describe(refusal)
        response = Response(body, status, content_type=FHIR_JSON)
        if status == 405:
            response.headers["Allow"] = ", ".join(_other_methods(app))
        if status == 401:
            response.headers["WWW-Authenticate"] = _challenge(refusal)
        if status in {429, 503}:
            response.headers["Retry-After"] = str(getattr(refusal, "retry_after", 5))
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        text = f"{error.name}: {request.method} is not answered at this address"
        body = outcome([Issue(_HTTP_CODES.get(status, "processing"), text)])
        response = Response(body, status, content_type=FHIR_JSON)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        # The message of an exception may quote what a partner sent; its type and place do not.
        _log.error("unforeseen", kind=type(error).__name__, at=_place_of(error), route=str(request.url_rule))
        issue = Issue("exception", "the server failed and kept nothing; send it again, and report it if that fails too")
        return Response(outcome([issue]), 500, content_type=FHIR_JSON)


def _challenge(refusal: HandoffError) -> str:
    """https://www.rfc-editor.org/rfc/rfc6750#section-3: no error code for who sent no token."""
    return "Bearer" if refusal.issues[0].code == "login" else 'Bearer error="invalid_token"'


def _other_methods(app: Flask) -> list[str]:
    """What may be asked at this address instead: a method that its route knows was refused for what is there."""
    adapter = app.create_url_adapter(request)
    known = adapter.allowed_methods() if adapter is not None else []
    return sorted(set(known) - {request.method})


def _place_of(error: Exception) -> str:
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place, trace = f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}", trace.tb_next
    return place
