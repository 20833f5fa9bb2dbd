"""Rules of a whole Bundle: bdl-1 to bdl-12, and requests that no server could carry out.

https://hl7.org/fhir/R4/bundle.html, https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapter.use_cases.ports import Tree
from adapter.validation import shapes

Fault = tuple[str, str, str]
"""(issue code, element below the Bundle, text)"""

_WITH_REQUEST = frozenset({"batch", "transaction", "history"})
_WITH_RESPONSE = frozenset({"batch-response", "transaction-response", "history"})
_CARRIED_OUT = frozenset({"batch", "transaction"})
_CHANGING = frozenset({"PUT", "PATCH", "DELETE"})
_RELATIVE = re.compile(r"^/?(?![A-Za-z][A-Za-z0-9+.-]*:)[^/\s][^\s]*$")
"""A leading slash is not what R4 says, but published bundles (HL7 BSeR) have it."""
_ABSOLUTE_RESTFUL = re.compile(r"^https?://\S+/(?P<type>[A-Z]\w+)/(?P<id>[A-Za-z0-9\-.]{1,64})$")


def faults(bundle: Tree) -> Iterator[Fault]:
    """The faults of a sound Bundle as a whole; what its resources are like is seen elsewhere."""
    type_: str = bundle.get("type", "")
    entries: list[Tree] = bundle.get("entry", [])
    if "total" in bundle and type_ not in ("searchset", "history"):
        yield "invariant", "total", f"expected a total only in a searchset or history, got one in a {type_} (bdl-1)"
    shape = type_ in _WITH_REQUEST, type_ in _WITH_RESPONSE
    for position, entry in enumerate(entries):
        yield from _of_entry(entry, type_, shape, f"entry[{position}]")
    if type_ != "history":
        yield from _full_urls(entries)
    if type_ in ("transaction", "batch"):
        for position, entry in enumerate(entries):
            if "request" in entry:
                yield from _of_request(entry, f"entry[{position}]")
    if type_ == "transaction":
        yield from _same_twice(entries)
    if type_ == "document":
        yield from _of_document(bundle, entries)
    if type_ == "message" and _first_type(entries) != "MessageHeader":
        yield "invariant", "entry", "expected a MessageHeader as the first entry of a message (bdl-12)"


def _of_entry(entry: Tree, type_: str, shape: tuple[bool, bool], at: str) -> Iterator[Fault]:
    if "search" in entry and type_ != "searchset":
        yield "invariant", f"{at}.search", f"expected search only in a searchset, got it in a {type_} (bdl-2)"
    if ("request" in entry) != shape[0]:
        there, got = ("no ", "one") if "request" in entry else ("a ", "none")
        yield "invariant", f"{at}.request", f"expected {there}request in an entry of a {type_}, got {got} (bdl-3)"
    if ("response" in entry) != shape[1]:
        there, got = ("no ", "one") if "response" in entry else ("a ", "none")
        yield "invariant", f"{at}.response", f"expected {there}response in an entry of a {type_}, got {got} (bdl-4)"
    if "resource" not in entry and "request" not in entry and "response" not in entry:
        yield "invariant", at, "expected a resource, request or response (bdl-5)"
    full_url: str = entry.get("fullUrl", "")
    if not full_url.startswith("http"):
        if full_url and ":" not in full_url:
            yield "value", f"{at}.fullUrl", "expected an absolute URL, urn:uuid or urn:oid, got a relative one"
        return
    if "/_history/" in full_url:
        yield "invariant", f"{at}.fullUrl", "expected a fullUrl without a version (bdl-8)"
    elif (
        type_ in _CARRIED_OUT and (stated := _ABSOLUTE_RESTFUL.match(full_url)) and (resource := entry.get("resource"))
    ):
        # A reference by fullUrl and one by type and id would mean two different people.
        same = resource.get("id", stated["id"]) == stated["id"]
        if resource.get("resourceType") == stated["type"] and not same:
            yield "value", f"{at}.fullUrl", "expected the fullUrl to end with the id of the resource, got another"


def _full_urls(entries: list[Tree]) -> Iterator[Fault]:
    """bdl-7: the same fullUrl twice only with different meta.versionId."""
    seen: set[tuple[str, str | None]] = set()
    for position, entry in enumerate(entries):
        if "fullUrl" not in entry:
            continue
        # The Bundle's own shape is known to be sound here, that of the resources in it is not.
        meta = (entry.get("resource") or {}).get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        key = entry["fullUrl"], version if isinstance(version, str) else None
        if key in seen:
            yield "invariant", f"entry[{position}].fullUrl", "expected each fullUrl once, got it again (bdl-7)"
        seen.add(key)


def _of_request(entry: Tree, at: str) -> Iterator[Fault]:
    method: str = entry["request"].get("method", "")
    url: str = entry["request"].get("url", "")
    resource: Tree | None = entry.get("resource")
    if not _RELATIVE.match(url) or ".." in url.partition("?")[0].split("/"):
        if url:
            yield "value", f"{at}.request.url", "expected a URL relative to the base (Task/1), got another"
        return
    if method in ("POST", "PUT", "PATCH") and resource is None:
        yield "required", f"{at}.resource", f"expected a resource to {method}, got none"
        return
    path, question, _ = url.removeprefix("/").partition("?")
    type_, slash, id_ = path.partition("/")
    if type_[:1].isupper() and type_ not in shapes.resource_types():
        if resource is None or resource.get("resourceType") != type_:  # else it is told of the resource
            yield "not-supported", f"{at}.request.url", "expected a resource type of R4 in the URL, got another name"
        return
    if method in ("POST", "PUT") and resource is not None and type_ in shapes.resource_types():
        if resource.get("resourceType") != type_ and not path.startswith(f"{type_}/$"):
            yield "value", f"{at}.request.url", "expected the type of the resource in the URL, got another"
        elif method == "PUT" and slash and not question:
            yield from _put_by_id(resource, id_, at)


def _put_by_id(resource: Tree, id_: str, at: str) -> Iterator[Fault]:
    if "id" not in resource:
        yield "required", f"{at}.resource.id", "expected the id that the URL names, got none"
    elif resource["id"] != id_:
        yield "value", f"{at}.resource.id", "expected the id that the URL names, got another"


def _same_twice(entries: list[Tree]) -> Iterator[Fault]:
    """A transaction may change a resource once, be it named by id or by the same criteria."""
    text = "expected each resource once in a transaction, got it again"
    seen: set[str] = set()
    created: list[tuple[str, str]] = []
    for position, entry in enumerate(entries):
        request = entry.get("request", {})
        url = request.get("url", "").removeprefix("/")
        if request.get("method") in _CHANGING and url:
            if url in seen:
                yield "invariant", f"entry[{position}].request.url", text
            seen.add(url)
        elif "ifNoneExist" in request:
            created.append((f"entry[{position}].request.ifNoneExist", f"{url}?{request['ifNoneExist']}"))
    yield from (("invariant", at, text) for at, criteria in created if criteria in seen)


def _of_document(bundle: Tree, entries: list[Tree]) -> Iterator[Fault]:
    identifier = bundle.get("identifier", {})
    for element in ("system", "value"):
        if element not in identifier and f"_{element}" not in identifier:
            yield "invariant", f"identifier.{element}", "expected an identifier with system and value (bdl-9)"
    if "timestamp" not in bundle:
        yield "invariant", "timestamp", "expected a timestamp in a document (bdl-10)"
    if _first_type(entries) != "Composition":
        yield "invariant", "entry", "expected a Composition as the first entry of a document (bdl-11)"


def _first_type(entries: list[Tree]) -> str | None:
    return (entries[0].get("resource") or {}).get("resourceType") if entries else None
