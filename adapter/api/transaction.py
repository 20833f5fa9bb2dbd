"""POST [base]: transaction and batch (https://hl7.org/fhir/R4/http.html#transaction)."""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Blueprint, Response

from adapter.api.face import Face, Tree, permit
from adapter.api.http_request import body, check_accept, preference, request_key
from adapter.api.http_response import answered
from adapter.api.operation_outcome import describe, outcome
from adapter.domain.errors import Issue, NotSupported
from adapter.use_cases.receive_bundle import receive_bundle
from adapter.validation import issues_by_entry

_ELSEWHERE: Final = {
    "message": "a message goes to $process-message",
    "document": "a document is stored as a resource, by POST to /fhir/Bundle",
    "collection": "a collection is stored as a resource, by POST to /fhir/Bundle",
    "searchset": "it is an answer of a server",
    "history": "it is an answer of a server",
    "transaction-response": "it is an answer of a server",
    "batch-response": "it is an answer of a server",
}


def transaction_routes(face: Face) -> Blueprint:
    routes = Blueprint("transaction", __name__)

    @routes.post("/fhir")
    @routes.post("/fhir/")
    def transaction() -> Response:
        client = face.client()
        check_accept()
        raw = body(face.max_bytes)
        bundle = face.decode(raw)
        _refuse_others(bundle)
        warnings = face.refuse_invalid(bundle)
        answer = receive_bundle(
            face.world,
            client.tenant,
            bundle,
            raw,
            permit=partial(permit, client),
            request_key=request_key(),
            with_bodies=preference("return") == "representation",
            describe=describe,
            origin=face.origin("transaction"),
            remarks=_of_entries(warnings),
            outcome=outcome,
        )
        return answered(answer)

    return routes


def _of_entries(warnings: list[Issue]) -> dict[int, list[Issue]]:
    """What was noticed about each entry without being refused, such as a profile that is not known here."""
    return {index: issues for index, issues in issues_by_entry(warnings).items() if index is not None}


def _refuse_others(bundle: Tree) -> None:
    """What is sent to the wrong place is told so before its faults are: they may be none where it belongs."""
    if bundle["resourceType"] != "Bundle":
        raise NotSupported(
            "expected a Bundle of type transaction or batch; a single resource goes to its type, like /fhir/Task",
            expression="Bundle",
        )
    kind = bundle.get("type")
    if isinstance(kind, str) and kind in _ELSEWHERE:
        raise NotSupported(
            f"expected a Bundle of type transaction or batch here, got {kind}; {_ELSEWHERE[kind]}",
            expression="Bundle.type",
        )
