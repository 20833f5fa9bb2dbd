"""Search and history results as Bundles (https://hl7.org/fhir/R4/http.html#search, #history)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from mappings.json_codec import encode
from mappings.security_labels import labelled_meta, restricted_kinds_of
from mappings.subset import Subset
from mappings.times import format_time

if TYPE_CHECKING:
    from datetime import datetime

Tree = dict[str, Any]


class _Key(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...


class _Version(Protocol):
    """A stored version, as far as a Bundle shows it (adapter.use_cases.ports.StoredResource has this form)."""

    @property
    def key(self) -> _Key: ...
    @property
    def version(self) -> int: ...
    @property
    def last_updated(self) -> datetime: ...
    @property
    def body(self) -> bytes: ...
    @property
    def deleted(self) -> bool: ...
    @property
    def restricted_kinds(self) -> frozenset[str]: ...


class _Page(Protocol):
    @property
    def matches(self) -> Sequence[_Version]: ...
    @property
    def included(self) -> Sequence[_Version]: ...
    @property
    def total(self) -> int | None: ...
    @property
    def ignored(self) -> Sequence[str]: ...
    @property
    def suppressed(self) -> bool: ...


def to_fhir(
    page: _Page, *, self_link: str, next_link: str | None = None, base_url: str = "", subset: Subset | None = None
) -> bytes:
    """A searchset: matches, then what was included, with links and, where it was asked for, the total.

    Parameters that were ignored are told of in an OperationOutcome beside the matches."""
    entries = [_found(resource, "match", base_url, subset) for resource in page.matches]
    entries += [_found(resource, "include", base_url, subset) for resource in page.included]
    if page.ignored:
        entries.append({"resource": _ignored(page.ignored), "search": {"mode": "outcome"}})
    if page.suppressed:
        entries.append({"resource": _SUPPRESSED, "search": {"mode": "outcome"}})
    links = [{"relation": "self", "url": self_link}]
    if next_link:
        links.append({"relation": "next", "url": next_link})
    bundle: Tree = {"resourceType": "Bundle", **_labelled([*page.matches, *page.included]), "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = links
    if entries:
        bundle["entry"] = entries
    return encode(bundle)


def history(
    versions: Sequence[_Version],
    *,
    self_link: str,
    base_url: str,
    total: int | None = None,
    next_link: str | None = None,
    subset: Subset | None = None,
) -> bytes:
    """A history Bundle, newest first; a deletion is an entry without a resource."""
    entries = []
    for version in versions:
        address = f"{version.key.type}/{version.key.id}"
        method = "DELETE" if version.deleted else "POST" if version.version == 1 else "PUT"
        entry: Tree = {"fullUrl": f"{base_url}/{address}"}
        if not version.deleted:
            entry["resource"] = orjson.Fragment(subset.of(version.body) if subset else version.body)
        entry["request"] = {"method": method, "url": version.key.type if method == "POST" else address}
        entry["response"] = {
            "status": "204" if version.deleted else "201" if version.version == 1 else "200",
            "lastModified": format_time(version.last_updated),
            "etag": f'W/"{version.version}"',
        }
        entries.append(entry)
    bundle: Tree = {"resourceType": "Bundle", **_labelled(versions), "type": "history"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": "self", "url": self_link}]
    if next_link:
        bundle["link"].append({"relation": "next", "url": next_link})
    if entries:
        bundle["entry"] = entries
    return encode(bundle)


def _labelled(shown: Sequence[_Version]) -> Tree:
    kinds = restricted_kinds_of(shown)
    return {"meta": labelled_meta(None, kinds)} if kinds else {}


_SUPPRESSED: Final = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "warning",
            "code": "suppressed",
            "details": {
                "text": "handoffs in which this organisation takes part are withheld from it, because no active Consent"
                " of the person covers it; whatever is searched for, they are not shown. Ask their initiators"
            },
        }
    ],
}
"""Said to whoever takes part in one that is withheld, at every search, so that it says nothing of what was asked."""


def _ignored(names: Sequence[str]) -> Tree:
    issues = [
        {
            "severity": "warning",
            "code": "not-supported",
            "details": {"text": f"`{name}` is no search parameter of this type and was left out of the search"},
            "expression": [f"http.{name}"],
        }
        for name in names
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _found(resource: _Version, mode: str, base_url: str, subset: Subset | None) -> Tree:
    body = subset.of(resource.body, is_match=mode == "match") if subset else resource.body
    address = f"{resource.key.type}/{resource.key.id}"
    return {
        "fullUrl": f"{base_url}/{address}" if base_url else address,
        "resource": orjson.Fragment(body),
        "search": {"mode": mode},
    }
