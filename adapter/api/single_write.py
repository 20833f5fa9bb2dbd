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
    face: Face, raw: bytes, interaction_of: Callable[[Tree | None], Interaction], *, checked: bool = True
) -> Response:
    """Carry out the interaction that `interaction_of` makes of the decoded body. `checked` bodies are resources."""
    client = face.client()
    check_accept()
    first = face.decode(raw) if checked else None
    warnings = face.refuse_invalid(first) if first is not None else []
    fresh = iter([first])

    def plan(_reader: Reader) -> Plan:
        # Deciding rewrites references in place, so a second decision starts from the bytes again.
        interaction = interaction_of(next(fresh, None) or (decode(raw) if checked else None))
        permit(client, interaction)
        return Plan([interaction])

    asked = Request(client.tenant, _keys(raw), face.origin(INTERACTION_CODES[request.method]))

    def answer(done: Done) -> Answer:
        return single(done.outcomes[0], face.base_url, warnings)

    return answered(transact(face.world, asked, plan, answer))


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
