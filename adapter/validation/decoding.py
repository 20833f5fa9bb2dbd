"""Bytes to a resource tree, within bounds: size, depth, numbers and characters (https://hl7.org/fhir/R4/json.html).

The bounds protect whoever walks the tree later: recursion, arithmetic on `1e999999999`, a text column of PostgreSQL
that cannot hold U+0000.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapter.domain.errors import Invalid, Malformed, TooLarge
from adapter.use_cases.ports import Tree
from mappings import json_codec

MAX_DEPTH = 64
MAX_EXPONENT = 308
"""Of a double: beyond it a number means infinity or zero to most who read JSON (RFC 8259, section 6)."""
_MAX_BITS = 1024


def decode_resource(raw: bytes, *, max_bytes: int) -> Tree:
    """The decoded resource: an object with a `resourceType`.

    Raises TooLarge above `max_bytes`; Malformed for bytes that are no JSON object, for more than 64 levels
    (`too-costly`), for U+0000 and for numbers beyond a double's range (`value`); Invalid without `resourceType`."""
    if len(raw) > max_bytes:
        raise TooLarge(f"expected at most {max_bytes} bytes, got {len(raw)}")
    tree = json_codec.decode(raw)
    if not isinstance(tree, dict):
        raise Malformed("expected a JSON object, got " + ("an array" if isinstance(tree, list) else "a single value"))
    _refuse_costly(tree)
    if b"\\u0000" in raw:
        _refuse_nul(tree)
    if not isinstance(tree.get("resourceType"), str):
        raise Invalid("expected a resource with its resourceType, got none", expression="Resource", code="structure")
    return tree


def _refuse_costly(tree: Tree) -> None:
    """Level by level, so that no depth can exhaust the stack."""
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
                elif kind is Decimal:
                    if value and abs(value.adjusted()) > MAX_EXPONENT:
                        raise _beyond_range()
                elif kind is int and value.bit_length() > _MAX_BITS:
                    raise _beyond_range()
        if not below:
            return
        level = below
    raise Malformed(f"expected at most {MAX_DEPTH} levels of nesting, got more", code="too-costly")


def _beyond_range() -> Malformed:
    return Malformed(f"expected numbers below 1e{MAX_EXPONENT}, got a larger one", code="value")


def _refuse_nul(node: Any) -> None:
    """Called only when the escape occurs in the bytes: it may also be an escaped backslash before `u0000`."""
    if isinstance(node, str):
        if "\0" in node:
            raise Malformed("expected text without the character U+0000, got one", code="value")
    elif isinstance(node, dict):
        for key, value in node.items():
            _refuse_nul(key)
            _refuse_nul(value)
    elif isinstance(node, list):
        for value in node:
            _refuse_nul(value)
