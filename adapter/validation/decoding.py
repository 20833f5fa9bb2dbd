"""Bytes to a resource tree, within bounds: size, depth, numbers and characters (https://hl7.org/fhir/R4/json.html).

The bounds protect whoever walks the tree later: recursion, arithmetic on `1e999999999`, a text column of PostgreSQL
that cannot hold U+0000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from adapter.domain.errors import Invalid, Malformed, TooLarge
from adapter.use_cases.ports import Tree
from mappings import json_codec
from mappings.shapes import expression, resource_types

MAX_DEPTH = 64
MAX_EXPONENT = 308
"""Of a double: beyond it a number means infinity or zero to most who read JSON (RFC 8259, section 6)."""
_MAX_BITS = 1024
_WHOLE = "Resource"
"""Where a fault is that leaves nothing to point into; the text says line and column."""


def decode_resource(raw: bytes, *, max_bytes: int) -> Tree:
    """The decoded resource: an object with a `resourceType`.

    Raises TooLarge above `max_bytes`; Malformed for bytes that are no JSON object, for more than 64 levels
    (`too-costly`), for U+0000 and for numbers beyond a double's range (`value`); Invalid without `resourceType`."""
    if len(raw) > max_bytes:
        raise TooLarge(f"expected at most {max_bytes} bytes, got {len(raw)}", expression=_WHOLE)
    try:
        tree = json_codec.decode(raw)
    except Malformed as refusal:
        raise refusal.below(_WHOLE) from None
    if not isinstance(tree, dict):
        got = "an array" if isinstance(tree, list) else "a single value"
        raise Malformed(f"expected a JSON object at line 1 column 1, got {got}", expression=_WHOLE)
    refuse_costly(tree)
    if b"\\u0000" in raw:
        _refuse_nul(tree)
    if not isinstance(tree.get("resourceType"), str):
        raise Invalid("expected a resource with its resourceType, got none", expression=_WHOLE, code="structure")
    return tree


def _refuse_nul(tree: Tree) -> None:
    """Called only when the escape occurs in the bytes: it may also be an escaped backslash before `u0000`."""
    place = _first_place(tree, _has_nul)
    if place or any(map(_has_nul, tree)):
        text = "expected text without the character U+0000, got one"
        raise Malformed(text, expression=_expression(tree, place), code="value")


def refuse_costly(tree: Tree) -> None:
    """Raises Malformed for more than 64 levels and for numbers beyond a double's range. Level by level, so that no
    depth can exhaust the stack."""
    level: list[Any] = [tree]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            for value in node.values() if type(node) is dict else node:
                kind = type(value)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    below.append(value)
                elif (kind is Decimal or kind is int) and _is_beyond_range(value):
                    place = _first_place(tree, _is_beyond_range)
                    text = f"expected numbers below 1e{MAX_EXPONENT}, got a larger one"
                    raise Malformed(text, expression=_expression(tree, place), code="value")
        if not below:
            return
        level = below
    place = _first_place(tree, lambda _: False, too_deep=MAX_DEPTH)
    text = f"expected at most {MAX_DEPTH} levels of nesting, got more"
    raise Malformed(text, expression=_expression(tree, place[:_SHOWN]), code="too-costly")


_SHOWN = 6
"""Steps of a path that is too long: to `Bundle.entry[3].resource.extension[0]`, below which all is alike."""


def _is_beyond_range(value: Any) -> bool:
    if type(value) is Decimal:
        return bool(value) and abs(value.adjusted()) > MAX_EXPONENT
    return type(value) is int and value.bit_length() > _MAX_BITS


def _has_nul(value: Any) -> bool:
    return isinstance(value, str) and "\0" in value


def _first_place(tree: Tree, is_meant: Callable[[Any], bool], too_deep: int | None = None) -> list[str | int]:
    """The path of the first value, or of the first object with a key, that is meant, or of what lies too deep. Empty
    when there is none: the root. Only called when something is wrong, or may be; holds no more than one path."""
    path: list[str | int] = []
    levels = [_items(tree)]
    while levels:
        for key, value in levels[-1]:
            path.append(key)
            if isinstance(value, dict | list):
                if len(path) == too_deep or (isinstance(value, dict) and any(map(is_meant, value))):
                    return path
                levels.append(_items(value))
                break
            if is_meant(value):
                return path
            path.pop()
        else:
            levels.pop()
            del path[-1:]
    return []


def _items(node: Any) -> Iterator[tuple[str | int, Any]]:
    return iter(node.items() if isinstance(node, dict) else enumerate(node))


def _expression(tree: Tree, path: list[str | int]) -> str:
    """In words of R4 only: a property that it does not know may be called anything."""
    node: Any = tree
    text, below = _type(tree) or "Resource", list[str | int]()
    root, shown = text, text
    for step in path:
        node = node[step]
        below.append(step)
        shown = text + expression(root, below).removeprefix(root)
        if isinstance(node, dict) and (type_ := _type(node)):
            text, root, below = shown, type_, []
    return shown


def _type(node: Tree) -> str | None:
    type_ = node.get("resourceType")
    return type_ if isinstance(type_, str) and type_ in resource_types() else None
