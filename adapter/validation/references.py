"""Does a reference point at something that it may point at? ref-1, target types, and placeholders within a Bundle.

Only what the text of the reference and the Bundle around it tell; whether a stored resource exists is for the store.
https://hl7.org/fhir/R4/references.html, https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapter.use_cases.ports import Tree
from adapter.validation import shapes

_PLACEHOLDER = "urn:uuid:"
_TYPES_THAT_MUST_RESOLVE = frozenset({"transaction", "batch"})
"""In others a `urn:uuid` may be known to the reader from elsewhere; real messages (NHS BaRS) carry such references."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The Bundle around a reference: its type, and fullUrl → resource type of its entries."""

    bundle_type: str | None
    types: Mapping[str, str]

    @classmethod
    def of(cls, bundle: Tree) -> Entries:
        """Of a Bundle that need not be sound."""
        entries = bundle.get("entry")
        types: dict[str, str] = {}
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(full_url := entry.get("fullUrl"), str):
                resource: Any = entry.get("resource")
                types[full_url] = _text(resource.get("resourceType") if isinstance(resource, dict) else None) or ""
        return cls(_text(bundle.get("type")), types)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


NO_ENTRIES = Entries(None, {})


@dataclass(frozen=True, slots=True)
class Container:
    """The resource around a `#id`: its own type, and id → type of what it contains."""

    type: str | None
    contained: Mapping[str, str]

    @classmethod
    def of(cls, resource: Tree) -> Container:
        """Of a resource that need not be sound."""
        inner = resource.get("contained")
        if not inner:
            return cls(_text(resource.get("resourceType")), {})
        return cls(
            _text(resource.get("resourceType")),
            {
                c["id"]: c.get("resourceType") or ""
                for c in (inner if isinstance(inner, list) else ())
                if isinstance(c, dict) and isinstance(c.get("id"), str)
            },
        )


def fault_of(
    reference: str | None, targets: frozenset[str], entries: Entries, container: Container
) -> tuple[str, str] | None:
    """(issue code, text), or None. `targets` empty = any type."""
    if reference is None:
        return None
    head, slash, _ = reference.partition("/")
    if slash and head in targets:
        return None
    if reference.startswith("#"):
        return _local(reference, targets, container)
    if reference.startswith(_PLACEHOLDER):
        return _placeholder(reference, targets, entries)
    return _wrong_type(entries.types.get(reference) or type_named_by(reference), targets)


def type_fault(stated: Any, reference: str | None, targets: frozenset[str]) -> str | None:
    """What is wrong with Reference.type, if anything: it must agree with the reference, and with what may stand there.
    Without a reference it alone says what an identifier is of. A type that R4 does not have says nothing."""
    if stated not in shapes.resource_types():
        return None
    named = type_named_by(reference) if reference else None
    if named is not None and named != stated:
        return f"expected the type that the reference names, {named}; got {stated}"
    if targets and stated not in targets:
        return f"expected a reference to {', '.join(sorted(targets))}; got one to {stated}"
    return None


def type_named_by(reference: str) -> str | None:
    """`Task` of `Task/1`, `Task/1/_history/2`, `https://a.example/fhir/Task/1` and `Task?identifier=…`; else None."""
    address = reference.partition("?")[0].partition("#")[0]
    parts = address.partition("/_history/")[0].split("/")
    for type_ in (parts[-2] if len(parts) > 1 else "", parts[-1]):
        if type_ in shapes.resource_types():
            return type_
    return None


def _local(reference: str, targets: frozenset[str], container: Container) -> tuple[str, str] | None:
    if reference == "#":
        return _wrong_type(container.type, targets)
    if reference[1:] in container.contained:
        return _wrong_type(container.contained[reference[1:]], targets)
    return "invariant", "expected the id of a contained resource after '#', got another (ref-1)"


def _placeholder(reference: str, targets: frozenset[str], entries: Entries) -> tuple[str, str] | None:
    if reference in entries.types:
        if entries.bundle_type == "batch":
            return "invariant", "expected entries of a batch that do not depend on each other, got such a reference"
        return _wrong_type(entries.types[reference], targets)
    if entries.bundle_type in _TYPES_THAT_MUST_RESOLVE:
        return "not-found", "expected the fullUrl of an entry of this Bundle, got a urn:uuid that no entry has"
    return None


def _wrong_type(found: str | None, targets: frozenset[str]) -> tuple[str, str] | None:
    if not found or not targets or found in targets:
        return None
    # A name of R4 may be repeated; anything else is what somebody wrote, and a refusal quotes nobody.
    got = found if found in shapes.resource_types() else "another type"
    return "value", f"expected a reference to {', '.join(sorted(targets))}; got one to {got}"
