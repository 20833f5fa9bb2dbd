"""A Binary in its own form: a PDF is sent and got as a PDF (https://hl7.org/fhir/R4/binary.html#rest).

FHIR JSON is what is sent as JSON, and what is asked for by naming it. Whatever else is sent becomes the `data` of a
Binary; to whoever names no FHIR, its content is given as what it says it is, and never to be run by a browser.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from flask import Response, request

from adapter.api.http_request import JSON_TYPES, body, check_accept, content
from adapter.domain.errors import NotAcceptable
from adapter.use_cases.ports import Answer, StoredResource
from mappings.json_codec import decode, encode
from mappings.references import RELATIVE

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\w.+-]+=(\"[\w .+-]*\"|[\w.+-]+))*", re.ASCII)
_UNKNOWN: Final = "application/octet-stream"
_XML: Final = "application/fhir+xml"
_HARMLESS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
}
"""Somebody sent it, and nobody here looked into it."""


def resource_body(type_: str, max_bytes: int, id_: str | None = None) -> bytes:
    """The body of a create or update as FHIR JSON; that of a Binary may come as itself. Raises UnsupportedMedia,
    Invalid or TooLarge."""
    if type_ != "Binary" or request.mimetype in {*JSON_TYPES, _XML}:
        return body(max_bytes)
    tree: dict[str, object] = {"resourceType": "Binary", "contentType": request.content_type}
    if id_ is not None:
        tree["id"] = id_
    if data := content(max_bytes):
        tree["data"] = base64.b64encode(data).decode()
    if context := request.headers.get("X-Security-Context"):
        tree["securityContext"] = {"reference": context}
    return encode(tree)


def is_wanted_as_itself() -> bool:
    """Raises NotAcceptable for a form of FHIR that is not given here."""
    ranges = {value.partition(";")[0].strip().lower() for value, quality in request.accept_mimetypes if quality > 0}
    if ranges & {*JSON_TYPES, _XML} or not {"_format", "_summary", "_elements"}.isdisjoint(request.args):
        check_accept()
        return False
    return True


def binary_as_itself(found: StoredResource, answer: Answer) -> Response:
    """With the headers of `answer`, which would be the one in FHIR. Raises NotAcceptable when only other media types
    would do."""
    tree = decode(found.body)
    kind = tree.get("contentType", "")
    if not _MEDIA_TYPE.fullmatch(kind):
        kind = _UNKNOWN
    accept = request.accept_mimetypes
    if accept and not accept.quality(kind.partition(";")[0]):
        text = "expected Accept to allow the media type of this Binary, or application/fhir+json; got others only"
        raise NotAcceptable(text, expression="http.Accept")
    response = Response(base64.b64decode(tree.get("data", "")), content_type=kind)
    response.headers.update({**answer.headers, **_HARMLESS})
    context = tree.get("securityContext", {}).get("reference", "")
    if RELATIVE.match(context):  # anything else may hold what a header cannot
        response.headers["X-Security-Context"] = context
    return response
