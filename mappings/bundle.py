"""Transaction and batch Bundles ⇄ interactions and outcomes (https://hl7.org/fhir/R4/http.html#transaction)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from adapter.domain.errors import Invalid, NotSupported
from mappings.interaction import Interaction, Outcome, criteria_of
from mappings.json_codec import decode, encode
from mappings.references import ID
from mappings.security_labels import labelled_meta
from mappings.times import format_time

Tree = dict[str, Any]

# https://hl7.org/fhir/R4/http.html#trules: deletes first, so that a transaction can replace what it removes.
PROCESSING_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}


def from_fhir(bundle: Tree, first: int = 0) -> list[Interaction]:
    """The interactions of a transaction or batch, in request order. The Bundle has passed the structural check.
    `first` is the index of its first entry in the Bundle that was sent, for the location of errors."""
    return [_interaction(entry, f"Bundle.entry[{index}]") for index, entry in enumerate(bundle.get("entry", ()), first)]


def _interaction(entry: Tree, at: str) -> Interaction:
    request = entry["request"]
    method, url = request["method"], request["url"]
    type_, id_, version, criteria = _address(url, f"{at}.request.url", method)
    resource = entry.get("resource")
    interaction = Interaction(
        method=method,
        type=type_,
        id=id_,
        version=version,
        criteria=criteria,
        at=f"{at}.resource",
        request_at=f"{at}.request",
        full_url=entry.get("fullUrl"),
        if_none_exist=criteria_of(request.get("ifNoneExist"), type_, f"{at}.request.ifNoneExist"),
        if_match=request.get("ifMatch"),
        if_none_match=request.get("ifNoneMatch"),
    )
    if method in {"POST", "PUT", "PATCH"} and resource is None:
        raise Invalid(f"expected a resource to {method}, got none", expression=at, code="required")
    if method == "PATCH":
        interaction.patch = patch_in(resource, interaction.at)
    else:
        interaction.resource = resource
    if method in {"POST", "PUT"} and resource is not None and resource["resourceType"] != type_:
        raise Invalid(
            f"expected a {type_} for this url, got another resource type", expression=f"{at}.request.url", code="value"
        )
    return interaction


def _address(url: str, at: str, method: str) -> tuple[str, str | None, str | None, str | None]:
    """(type, id, version, query) of a request url relative to the base."""
    # Many clients put a slash before it; relative to the base is all that it can mean.
    path, question, query = url.removeprefix("/").partition("?")
    if "://" in path or path.startswith("/") or ".." in path or "\\" in path:
        raise Invalid("expected a url relative to the base, like Patient or Patient/123", expression=at, code="value")
    parts = [unquote(part) for part in path.split("/")]
    if any(part.startswith("$") for part in parts):
        raise NotSupported("expected no operation within a Bundle; ask for it by a request of its own", expression=at)
    if method in {"GET", "HEAD"} and len(parts) == 2 and parts[1] == "_search":
        parts = parts[:1]
    id_: str | None = None
    version: str | None = None
    type_ = parts[0]
    if len(parts) == 4 and parts[2] == "_history":
        id_, version = parts[1], parts[3]
    elif len(parts) == 2:
        id_ = parts[1]
    elif len(parts) > 2:
        raise Invalid("expected Type, Type/id or Type?criteria", expression=at, code="value")
    if not type_[:1].isupper() or not type_.isalpha():
        raise Invalid("expected a url that begins with a resource type", expression=at, code="value")
    if id_ is not None and not ID.match(id_):
        raise Invalid("expected an id of 1 to 64 letters, digits, `-` and `.`", expression=at, code="value")
    if method == "POST" and (id_ or question):
        raise Invalid("expected POST to a type, without id or query", expression=at, code="value")
    if method in {"PUT", "PATCH", "DELETE"} and not (id_ or query):
        raise Invalid(f"expected {method} to name Type/id or Type?criteria", expression=at, code="value")
    return type_, id_, version, query if question else None


def patch_in(resource: Tree | None, at: str) -> Tree | list[Any]:
    """JSON Patch operations from a Binary, or a FHIRPath Patch Parameters resource as it is."""
    if resource and resource.get("resourceType") == "Parameters":
        return resource
    if resource is None or resource.get("resourceType") != "Binary":
        raise Invalid("expected a Binary with a JSON Patch, or Parameters", expression=at, code="value")
    try:
        operations = decode(base64.b64decode(resource.get("data", ""), validate=True))
    except binascii.Error:
        raise Invalid("expected base64", expression=f"{at}.data", code="value") from None
    if not isinstance(operations, list):
        raise Invalid("expected a JSON Patch: an array of operations", expression=f"{at}.data", code="structure")
    return operations


def response_entry(outcome: Outcome, with_bodies: bool, remark: bytes | None = None) -> bytes:
    """One entry of a response. An outcome that is an error or answers a GET carries its body; others do when
    `with_bodies` (Prefer: return=representation). `remark` is an OperationOutcome without errors."""
    response: Tree = {"status": str(outcome.status)}
    if outcome.location:
        response["location"] = outcome.location
        response["etag"] = outcome.etag
    if outcome.last_modified:
        response["lastModified"] = format_time(outcome.last_modified)
    entry: Tree = {"response": response}
    said = outcome.body if outcome.status >= 400 else remark
    if said:
        response["outcome"] = orjson.Fragment(said)
    if outcome.body and outcome.status < 400 and (with_bodies or outcome.is_answer):
        entry["resource"] = orjson.Fragment(outcome.body)
    return encode(entry)


def response_bundle(kind: str, bundle_id: str, entries: Sequence[bytes], restricted: Collection[str] = ()) -> bytes:
    """A transaction-response or batch-response of entries in request order; `restricted`: kinds that it comes under."""
    bundle: Tree = {"resourceType": "Bundle", "id": bundle_id}
    if restricted:
        bundle["meta"] = labelled_meta(None, restricted)
    bundle["type"] = kind
    if entries:
        bundle["entry"] = [orjson.Fragment(entry) for entry in entries]
    return encode(bundle)


def without_resources(response: bytes) -> bytes:
    """What came of each entry, and nothing of its content; of a resource, or of a message about some, nothing."""
    answered = decode(response) if response else {}
    if answered.get("type") not in {"transaction-response", "batch-response"}:
        return encode(answered) if "response" in answered else b""
    entries = [{"response": entry["response"]} for entry in answered.get("entry", ())]
    return encode({**answered, "entry": entries})


def with_entries(response: bytes, entries: Mapping[int, bytes], restricted: Collection[str] = ()) -> bytes:
    """The same response with other entries at these positions, which may come under restrictions of their own."""
    bundle = decode(response)
    if restricted:
        bundle["meta"] = labelled_meta(bundle.get("meta"), restricted)
    for position, entry in entries.items():
        bundle["entry"][position] = orjson.Fragment(entry)
    return encode(bundle)
