"""POST [base]/$process-message (https://hl7.org/fhir/R4/messageheader-operation-process-message.html)."""

from __future__ import annotations

import base64
import binascii
from functools import partial

from flask import Blueprint, Response, request

from adapter.api.face import Face, permit
from adapter.api.http_request import body, check_accept, request_key
from adapter.api.http_response import answered
from adapter.domain.errors import HandoffError, Invalid, NotSupported
from adapter.use_cases.receive_message import receive_message
from mappings.json_codec import decode


def process_message_routes(face: Face) -> Blueprint:
    routes = Blueprint("process_message", __name__)

    @routes.post("/fhir/$process-message")
    def process_message() -> Response:
        client = face.client()
        check_accept()
        raw = body(face.max_bytes)
        bundle = face.read_resource(raw)
        if bundle["resourceType"] != "Bundle" or bundle.get("type") != "message":
            raise NotSupported("expected a Bundle of type message", expression="Bundle.type")
        answer = receive_message(
            face.world,
            client.tenant,
            bundle,
            raw,
            permit=partial(permit, client),
            request_key=request_key(),
            destination=_target_identifier(),
            origin=face.origin("$process-message"),
        )
        return answered(answer)

    return routes


def _target_identifier() -> tuple[str, str] | None:
    """NHSD-Target-Identifier: base64 of {"system": …, "value": …}, by which NHS BaRS routes a message."""
    header = request.headers.get("NHSD-Target-Identifier")
    if header is None:
        return None
    try:
        target = decode(base64.b64decode(header, validate=True))
        return str(target["system"]), str(target["value"])
    except (binascii.Error, HandoffError, KeyError, TypeError, ValueError):
        raise Invalid(
            "expected NHSD-Target-Identifier to be base64 of a JSON object with system and value",
            expression="http.NHSD-Target-Identifier",
            code="value",
        ) from None
