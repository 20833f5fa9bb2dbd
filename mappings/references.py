"""References: finding them in a resource, and rewriting those that point inside a Bundle.

https://hl7.org/fhir/R4/bundle.html#references (what a reference in a Bundle points at) and
https://hl7.org/fhir/R4/http.html#trules (what a transaction must rewrite: references, uris and narrative links).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

Tree = dict[str, Any]

ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}\Z")
RELATIVE = re.compile(r"^([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?$")
CONDITIONAL = re.compile(r"^([A-Z][A-Za-z]+)\?(.+)$", re.DOTALL)
_REST_URL = re.compile(r"^(.*/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})$")

# Elements of type uri, url or uuid that may point at another entry. Not here: Identifier.system, Identifier.value,
# Extension.url and Coding.system, which name things and point at nothing.
_LINKING_URIS = frozenset({"url", "valueUri", "valueUrl", "valueUuid", "instantiatesUri", "endpoint", "uri", "source"})
_NARRATIVE_LINK = re.compile(r"""((?:href|src)\s*=\s*)(["'])(.*?)\2""", re.DOTALL)


def walk_references(tree: Tree, at: str) -> Iterator[tuple[Tree, str]]:
    """Every Reference element with a literal reference, and the expression of that element."""
    stack: list[tuple[Any, str]] = [(tree, at)]
    while stack:
        node, where = stack.pop()
        if type(node) is dict:
            if type(node.get("reference")) is str:
                yield node, where
            for key, value in node.items():
                if type(value) is dict or (type(value) is list and value and type(value[0]) is not str):
                    stack.append((value, f"{where}.{key}"))
        else:
            for index, item in enumerate(node):
                if type(item) is dict:
                    stack.append((item, f"{where}[{index}]"))


class Links(NamedTuple):
    """What a resource points at: its Reference elements with a literal reference, and the addresses of Binaries in its
    attachments and urls, as they stand there."""

    references: Sequence[Tree]
    binaries: Sequence[str]


NO_LINKS = Links((), ())


def links_in(tree: Tree) -> Links:
    """Without the expressions of the elements: the quick form for the path that every bundle takes."""
    return _links(tree, {})


def _links(tree: Tree, uris: Mapping[str, str]) -> Links:
    """The links of a tree; uri elements that name one of `uris`, and such links of its narrative, are rewritten."""
    references: list[Tree] = []
    binaries: list[str] = []
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            for key, value in node.items():
                kind = type(value)
                if kind is str:
                    if key == "reference":
                        references.append(node)
                    elif key in _LINKING_URIS:
                        if value in uris:
                            value = node[key] = uris[value]
                        if "Binary/" in value:
                            binaries.append(value)
                    elif key == "div" and uris and "urn:" in value:
                        node[key] = _NARRATIVE_LINK.sub(partial(_narrative_link, uris), value)
                elif kind is dict or (kind is list and value and type(value[0]) is not str):
                    stack.append(value)
        else:
            stack.extend([item for item in node if type(item) is dict])
    return Links(references, binaries)


def _narrative_link(uris: Mapping[str, str], match: re.Match[str]) -> str:
    target = uris.get(match.group(3), match.group(3))
    return f"{match.group(1)}{match.group(2)}{target}{match.group(2)}"


def here(element: Tree | None, base_url: str) -> Tree | None:
    """A Reference element with an address of this server made relative."""
    reference = (element or {}).get("reference", "")
    if not reference.startswith(base_url + "/"):
        return element
    return {**(element or {}), "reference": reference[len(base_url) + 1 :]}


def base_of(full_url: str | None) -> str | None:
    """`https://x/fhir/` of `https://x/fhir/Patient/1`; None for a urn or anything that is not a RESTful address."""
    match = _REST_URL.match(full_url) if full_url else None
    return match.group(1) if match else None


class BundleAddresses:
    """Which address inside a Bundle means which key (`Type/id`) in this server."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._sent_as: dict[str, tuple[str, str | None]] = {}
        self._uris: dict[str, str] = {}

    def add(self, full_url: str | None, sent_as: str | None, key: str) -> None:
        """`full_url` and `sent_as` (`Type/id` under which the sender knows the resource) now mean `key`."""
        if full_url:
            self._keys[full_url] = key
            if full_url.startswith("urn:"):
                self._uris[full_url] = key
        if sent_as:
            self._sent_as.setdefault(sent_as, (key, base_of(full_url)))

    def resolve(self, reference: str, base: str | None) -> str | None:
        """The key that `reference`, standing in an entry whose fullUrl has `base`, points at inside the Bundle."""
        address, fragment, _ = reference.partition("#")
        if fragment and not address:
            return None
        unversioned, _, _ = address.partition("/_history/")
        if base and (found := self._keys.get(base + unversioned)):
            return found
        if found := self._keys.get(address) or self._keys.get(unversioned):
            return found
        key, its_base = self._sent_as.get(unversioned, (None, None))
        # `Patient/1` of one server is not `Patient/1` of another, and may be somebody else.
        return None if base and its_base and base != its_base else key

    def rewrite_uris(self, tree: Tree) -> Links:
        """Rewrite uri elements and narrative links that name a placeholder (`urn:uuid:…`) of this Bundle, in place.

        Returns the links of the tree as they are then: every resource is gone through once."""
        return _links(tree, self._uris)


Resolve = Callable[[str], Tree | None]
"""A literal reference → the tree that it points at, or None when it is unknown here."""


def contained_or(tree: Tree, resolve: Resolve) -> Resolve:
    """`resolve`, with `#id` answered from the contained resources of `tree`."""

    def lookup(reference: str) -> Tree | None:
        if reference.startswith("#"):
            return next((c for c in tree.get("contained", ()) if c.get("id") == reference[1:]), None)
        return resolve(reference)

    return lookup


def in_trees(trees: Mapping[str, Tree]) -> Resolve:
    """Resolve from a mapping of `Type/id`, ignoring a version in the reference."""
    return lambda reference: trees.get(reference.partition("/_history/")[0])
