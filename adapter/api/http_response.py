"""Writing a FHIR response: body, ETag, Last-Modified, Location, and what Prefer asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from wsgiref.handlers import format_date_time

from flask import Response, after_this_request, request

from adapter.api.http_request import preference
from adapter.api.operation_outcome import FHIR_JSON, outcome
from adapter.domain.errors import Issue
from adapter.use_cases.ports import Answer, StoredResource
from mappings.interaction import Outcome
from mappings.json_codec import decode, encode
from mappings.security_labels import NOTICE_HEADER


def answered(answer: Answer) -> Response:
    """The answer to a write, as it was first given or as it was kept."""
    response = Response(answer.body, answer.status, content_type=FHIR_JSON)
    response.headers.update(answer.headers)
    return response


def single(outcome_: Outcome, base_url: str, warnings: Sequence[Issue] = ()) -> Answer:
    """The answer to one interaction on its own (https://hl7.org/fhir/R4/http.html#ops). `warnings` are told to whoever
    prefers an OperationOutcome."""
    headers: dict[str, str] = {}
    if outcome_.etag:
        headers["ETag"] = outcome_.etag
    if outcome_.last_modified:
        headers["Last-Modified"] = format_date_time(outcome_.last_modified.timestamp())
    if outcome_.location:
        # Of an update too: it is from there that clients learn the version that they hold now.
        headers["Content-Location"] = f"{base_url}/{outcome_.location}"
        if outcome_.status == 201:
            headers["Location"] = headers["Content-Location"]
    if outcome_.status == 204:
        return Answer(204, headers, b"")
    match preference("return"):
        case "minimal":
            return Answer(outcome_.status, headers, b"")
        case "operationoutcome":
            done = outcome([*warnings, Issue("informational", "done", severity="information")])
            return Answer(outcome_.status, headers, done)
    return Answer(outcome_.status, headers, outcome_.body or b"")


def accompany(shown: Iterable[StoredResource]) -> None:
    """What comes under 42 CFR Part 2 is answered with its notice (2.32), beside resources that stay as they came."""
    if any(stored.restricted_kinds for stored in shown):
        after_this_request(_with_notice)


def _with_notice(response: Response) -> Response:
    response.headers.update(NOTICE_HEADER)
    return response


def indented_when_asked(response: Response) -> Response:
    """`_pretty=true` (https://hl7.org/fhir/R4/http.html#parameters): the same content, for a person to read."""
    if request.args.get("_pretty") == "true" and response.mimetype == FHIR_JSON and (body := response.get_data()):
        response.set_data(encode(decode(body), indented=True))
    return response
