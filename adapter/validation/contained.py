"""Contained resources: dom-3, dom-4 and dom-5 (https://hl7.org/fhir/R4/references.html#contained)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapter.use_cases.ports import Tree

Fault = tuple[int, str, str]
"""(position in `contained`, element below it or '', text)"""


def faults(container: Tree) -> Iterator[Fault]:
    """The faults of what a sound resource contains. dom-2 is seen by whoever walks into a contained resource."""
    used = set(_local_references(container))
    for position, resource in enumerate(container["contained"]):
        if f"#{resource.get('id')}" not in used and "#" not in _local_references(resource):
            yield position, "", "expected a contained resource that is referred to, got one that is not (dom-3)"
        meta = resource.get("meta", {})
        for element in ("versionId", "lastUpdated"):
            if element in meta:
                yield position, f"meta.{element}", "expected no version of a contained resource (dom-4)"
        if "security" in meta:
            yield position, "meta.security", "expected no label of its own on a contained resource (dom-5)"


def _local_references(node: Any) -> Iterator[str]:
    """Every string that begins with `#`: a little wider than Reference, canonical, uri and url, on purpose."""
    if isinstance(node, str):
        if node.startswith("#"):
            yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _local_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _local_references(value)
