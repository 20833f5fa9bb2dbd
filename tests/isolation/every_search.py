"""Every search on a type: its parameters with the values that a resource has, their modifiers, chains and includes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from specimens import SYSTEM, Searched, Tree, searched, values_at

Query = list[tuple[str, str]]
Search = tuple[str, Query, bool]
"""What it is called, its parameters, and whether the resource is among what its author finds by it."""

_COLUMNS: Final = ("_id", "_lastUpdated")
"""Not in a resource as it was sent; the searches of the type try them."""


def every_search(
    type_: str, tree: Tree | None, names: Mapping[str, str], includes: Iterable[str], modified: bool
) -> Iterator[Search]:
    """`names` are the search parameters that the server says it has for the type, with their kinds."""
    for name, kind in names.items():
        if name in _COLUMNS:
            continue
        if name == "_has":
            yield from islice(_has(type_, tree), None if modified else 1)
            continue
        ways = [way for way in searched(type_) if way.code == name]
        yield from BY_KIND[kind](name, [(way, value) for way in ways for value in _values(tree, way)], modified)
        if modified:
            yield f"{kind}:missing", [(f"{name}:missing", "true"), ("_total", "accurate")], False
            yield f"{kind}:missing", [(f"{name}:missing", "false"), ("_count", "1000")], False
            yield f"sorted by {kind}", [("_sort", name), ("_count", "3")], False
            yield f"sorted by {kind}", [("_sort", f"-{name}"), ("_count", "3")], False
    if tree is not None:
        for include in includes:
            yield "include", [("_id", tree["id"]), ("_include", include)], False
            if modified:
                yield "include:iterate", [("_lastUpdated", "ge2020"), ("_include:iterate", include)], False
                yield "revinclude", [("_id", tree["id"]), ("_revinclude", include)], False


def _values(tree: Tree | None, way: Searched) -> list[Any]:
    return [value for value in values_at(tree, way.steps) if value is not None] if tree is not None else []


Found = list[tuple[Searched, Any]]


def _token(name: str, found: Found, modified: bool) -> Iterator[Search]:
    for _, value in found:
        for system, code, text in _codes(value):
            both = f"{system}|{code}" if system else code
            yield "token", [(name, both)], True
            if modified:
                yield "token without system", [(name, code)], not system
                yield "token:not", [(f"{name}:not", both), ("_total", "accurate")], False
                yield "token:text", [(f"{name}:text", text)], False
                yield "token:of-type", [(f"{name}:of-type", f"{SYSTEM}|{code}|{code}")], False


def _codes(value: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(value, dict):
        yield "", str(value).lower() if isinstance(value, bool) else str(value), str(value)
    elif "coding" in value:
        for coding in value["coding"]:
            if "code" in coding:
                yield coding.get("system", ""), coding["code"], coding.get("display", coding["code"])
    elif "code" in value and "value" not in value:
        yield value.get("system", ""), value["code"], value.get("display", value["code"])
    elif "value" in value:
        system = "" if value.get("system") in {"phone", "email"} else value.get("system", "")
        yield system, str(value["value"]), str(value["value"])


def _reference(name: str, found: Found, modified: bool) -> Iterator[Search]:
    for way, value in found:
        if not isinstance(value, dict):
            yield "reference to a canonical", [(name, str(value))], True
            continue
        identifier = value.get("identifier", {}).get("value")
        if identifier:
            yield "reference:identifier", [(f"{name}:identifier", f"{SYSTEM}|{identifier}")], True
        if reference := value.get("reference"):
            target, _, id_ = reference.rpartition("/")
            number = value.get("display", id_)
            allowed = not way.targets or target in way.targets
            yield "reference", [(name, reference)], allowed
            if modified and target:
                yield "reference:Type", [(f"{name}:{target}", id_)], allowed
                yield "reference by address", [(name, f"http://127.0.0.1:8080/fhir/{reference}")], False
                yield "chain by id", [(f"{name}:{target}._id", id_)], allowed
                yield "chain by number", [(f"{name}:{target}.identifier", f"{SYSTEM}|{number}")], False
                yield "chain of two", [(f"{name}:{target}._has:Task:patient:identifier", number)], False
                yield "chain and include", [(f"{name}:{target}._id", id_), ("_include", "*")], allowed


def _string(name: str, found: Found, modified: bool) -> Iterator[Search]:
    for _, value in found:
        text = value if isinstance(value, str) else value.get("family") or value.get("city") or ""
        if text:
            yield "string", [(name, text)], True
            if modified:
                yield "string:exact", [(f"{name}:exact", text)], True
                yield "string:contains", [(f"{name}:contains", text[1:])], True
                yield "string, its beginning", [(name, text[:-1])], True


def _date(name: str, found: Found, modified: bool) -> Iterator[Search]:
    for _, value in found:
        period = value if isinstance(value, dict) else {"start": value}
        text = str(period.get("start") or (period.get("event") or [""])[0])[:10]
        if text:
            yield "date", [(name, text)], "end" not in period or period["end"][:10] == text
            if modified:
                for prefix in ("ge", "le", "ap", "ne", "sa", "eb"):
                    yield "date with a prefix", [(name, f"{prefix}{text}"), ("_total", "accurate")], False


def _number(name: str, found: Found, modified: bool) -> Iterator[Search]:
    for _, value in found:
        number = value if not isinstance(value, dict) else value.get("value")
        if number is not None:
            yield "number", [(name, str(number))], True
            if modified:
                yield "number with a prefix", [(name, f"ge{number}"), ("_total", "accurate")], False


def _quantity(name: str, found: Found, modified: bool) -> Iterator[Search]:
    yield from _number(name, found, modified)
    for _, value in found:
        if isinstance(value, dict) and "code" in value and modified:
            yield "quantity with its unit", [(name, f"{value['value']}|{value['system']}|{value['code']}")], True


def _uri(name: str, found: Found, modified: bool) -> Iterator[Search]:
    for _, value in found:
        yield "uri", [(name, str(value))], True


BY_KIND: Final = {
    "token": _token,
    "reference": _reference,
    "string": _string,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "uri": _uri,
}


def _has(type_: str, tree: Tree | None) -> Iterator[Search]:
    """The other way round: what a foreign resource points at, by that resource's own values."""
    if tree is None:
        return
    mark = f"{SYSTEM}|{tree['identifier'][0]['value']}" if isinstance(tree.get("identifier"), list) else "none"
    yield "_has", [("_has:Provenance:target:target", f"{type_}/{tree['id']}")], False
    yield "_has by id", [("_has:Task:focus:_id", tree["id"])], False
    yield "_has by number", [("_has:Task:focus:identifier", mark)], False
    yield "_has of _has", [("_has:Provenance:target:_has:AuditEvent:entity:_id", tree["id"])], False
