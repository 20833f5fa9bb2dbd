"""One write that came as its own HTTP request: the same path as an entry of a transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, request

from adapter.api.face import Face, permit
from adapter.api.http_request import MERGE_PATCH, check_accept, request_key
from adapter.api.http_response import answered, single
from adapter.domain.errors import Invalid
from adapter.use_cases.ports import Answer, Reader
from adapter.use_cases.transact import Done, Plan, Request, transact
from mappings.interaction import INTERACTION_CODES, Interaction
from mappings.json_codec import decode

Tree = dict[str, Any]


def write(
    face: Face, raw: bytes, interaction_of: Callable[[Tree | None], Interaction], *, of_type: str | None = None
) -> Response:
    """Carry out the interaction that `interaction_of` makes of the body: a resource `of_type`, or none that is decoded
    here."""
    client = face.client()
    check_accept()
    first = _resource(face, raw, of_type) if of_type else None
    warnings = face.refuse_invalid(first) if first is not None else []
    fresh = iter([first])

    def plan(_reader: Reader) -> Plan:
        # Deciding rewrites references in place, so a second decision starts from the bytes again.
        interaction = interaction_of(next(fresh, None) or (decode(raw) if of_type else None))
        permit(client, interaction)
        return Plan([interaction])

    asked = Request(client.tenant, _keys(raw), face.origin(INTERACTION_CODES[request.method]))

    def answer(done: Done) -> Answer:
        return single(done.outcomes[0], face.base_url, warnings)

    return answered(transact(face.world, asked, plan, answer))


def _resource(face: Face, raw: bytes, type_: str) -> Tree:
    """A body that is sent to the wrong address is told so before its faults are: they may be none where it belongs."""
    tree = face.decode(raw)
    if tree["resourceType"] != type_:
        raise Invalid(f"expected a {type_} at this address, got another resource type", expression=type_, code="value")
    return tree


def _keys(raw: bytes) -> tuple[tuple[str, bytes], ...]:
    key = request_key()
    if key is None:
        return ()
    asked = f"{request.method} {request.full_path} {request.headers.get('If-Match', '')}\n".encode()
    return ((f"request:{key}", hashlib.sha256(asked + raw).digest()),)


def patch_of(face: Face, raw: bytes) -> list[Any] | Tree:
    """A JSON Patch, a Parameters resource with a FHIRPath Patch, or a JSON Merge Patch. Raises Malformed or Invalid."""
    patch = decode(raw)
    if isinstance(patch, dict) and patch.get("resourceType") == "Parameters":
        return face.read_resource(raw)
    if isinstance(patch, list) and request.mimetype != MERGE_PATCH:
        return patch
    # Of an object that says only that it is JSON, nothing else can be meant.
    if isinstance(patch, dict) and request.mimetype in {MERGE_PATCH, "application/json"}:
        return patch
    raise Invalid(
        f"expected a JSON Patch (an array of operations), Parameters, or an object as {MERGE_PATCH}; got another "
        "value at line 1 column 1",
        code="structure",
    )
