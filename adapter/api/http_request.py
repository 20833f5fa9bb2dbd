"""Reading a FHIR request: its body within bounds, its media types, its keys (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

import re
import zlib
from typing import Final

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from adapter.domain.errors import Invalid, NotAcceptable, TooLarge, UnsupportedMedia

MAX_FORM_BYTES: Final = 256 * 1024
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_TYPES: Final = frozenset({"application/fhir+json", "application/json", "application/json+fhir", ""})
ABOUT_THE_ANSWER: Final = frozenset({"_format", "_pretty"})
"""Parameters of any request, which say nothing of what is asked."""
_PATCH_TYPES: Final = frozenset({"application/json-patch+json", MERGE_PATCH})
_ACCEPTED: Final = frozenset({"application/fhir+json", "application/json", "application/*", "*/*"})
_JSON_FORMATS: Final = frozenset({"json", *JSON_TYPES})
# What is wrong with a request beside its body: `http.` and the name of the header or parameter
# (https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location).
CONTENT_TYPE: Final = "http.Content-Type"
CONTENT_ENCODING: Final = "http.Content-Encoding"
_KEY: Final = re.compile(r"^[\x21-\x7e]{1,200}$")


def body(max_bytes: int, *, patch: bool = False) -> bytes:
    """The bytes of the body, unpacked. Raises UnsupportedMedia or TooLarge."""
    media_type = request.mimetype
    if media_type not in (_PATCH_TYPES | JSON_TYPES if patch else JSON_TYPES):
        fhir = "application/fhir+json" if request.path.startswith("/fhir") else "application/json"
        others = f", application/json-patch+json or {MERGE_PATCH}" if patch else ""
        raise UnsupportedMedia(f"expected Content-Type {fhir}{others}, got another media type", expression=CONTENT_TYPE)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        text = "expected charset utf-8: FHIR JSON is always UTF-8, got another"
        raise UnsupportedMedia(text, expression=CONTENT_TYPE)
    return content(max_bytes)


def content(max_bytes: int) -> bytes:
    """The bytes of a body of any media type, unpacked. Raises UnsupportedMedia (of its encoding) or TooLarge."""
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    raw = request.stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise _too_large(max_bytes)
    return _unpacked(raw, max_bytes)


def form() -> MultiDict[str, str]:
    """The fields of a posted form. Raises TooLarge: a form of a search or a token request is short."""
    request.max_content_length = MAX_FORM_BYTES
    try:
        return request.form
    except RequestEntityTooLarge:
        raise TooLarge(f"expected a form of at most {MAX_FORM_BYTES} bytes, got more") from None


def _unpacked(raw: bytes, max_bytes: int) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        return raw
    if encoding not in {"gzip", "x-gzip"}:
        text = "expected Content-Encoding gzip or identity, got another"
        raise UnsupportedMedia(text, expression=CONTENT_ENCODING)
    unpack = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpack.decompress(raw, max_bytes + 1)
    except zlib.error:
        text = "expected a body in gzip, as Content-Encoding says"
        raise Invalid(text, expression=CONTENT_ENCODING, code="structure") from None
    if len(unpacked) > max_bytes:
        raise _too_large(max_bytes)
    if not unpack.eof:
        text = "expected a complete gzip body, got a truncated one"
        raise Invalid(text, expression=CONTENT_ENCODING, code="structure")
    return unpacked


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"expected a body of at most {max_bytes} bytes, got more")


def check_accept() -> None:
    """Raises NotAcceptable when only something else than JSON would do."""
    wanted = request.args.get("_format")
    if wanted is not None:
        if wanted.partition(";")[0].strip().replace(" ", "+") not in _JSON_FORMATS:
            text = "expected _format json: this server answers application/fhir+json only"
            raise NotAcceptable(text, expression="http._format")
        return
    if request.headers.get("Accept") in _ACCEPTED:
        return
    accept = request.accept_mimetypes
    # By media range alone: `application/fhir+json; fhirVersion=4.0` asks for what is given here.
    if accept and not any(quality > 0 and _media_range(value) in _ACCEPTED for value, quality in accept):
        text = "expected Accept to allow application/fhir+json, got other media types only"
        raise NotAcceptable(text, expression="http.Accept")


def _media_range(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def request_key() -> str | None:
    """X-Request-ID: the sender's own key for this request. Raises Invalid when it cannot be one."""
    key = request.headers.get("X-Request-ID")
    if key is not None and not _KEY.match(key):
        text = "expected X-Request-ID of 1 to 200 visible ASCII characters, got something else"
        raise Invalid(text, expression="http.X-Request-ID", code="value")
    return key


def preference(name: str) -> str | None:
    """`minimal` of `Prefer: return=minimal` for name `return`."""
    for part in request.headers.get("Prefer", "").replace(";", ",").split(","):
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip().strip('"').lower()
    return None
