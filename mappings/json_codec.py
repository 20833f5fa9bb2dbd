"""JSON in and out without changing a value: decimals keep their digits, keys their order, strings their letters.

`decode` gives dict, list, str, int, bool, None and `decimal.Decimal`; `encode` writes them back. FHIR forbids
duplicate keys, NaN and empty strings of control characters (https://hl7.org/fhir/R4/json.html); a JSON parser that
keeps the last duplicate or rounds `1.50` would change what a partner said without anyone noticing.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import jiter
import orjson

from adapter.domain.errors import Malformed

BOM = b"\xef\xbb\xbf"
_MAX_DIGITS = re.compile(r"number out of range|[0-9]{400}")


def decode(raw: bytes) -> Any:
    """The decoded value. Raises Malformed with the line and column; never quotes the content."""
    if raw.startswith(BOM):
        raw = raw[len(BOM) :]
    if not raw.strip():
        raise Malformed("expected a JSON object at line 1 column 1, got an empty body")
    try:
        return jiter.from_json(raw, allow_inf_nan=False, catch_duplicate_keys=True, float_mode="decimal")
    except ValueError as error:
        raise _located(str(error)) from None


def _located(message: str) -> Malformed:
    where = message[message.rfind(" at line ") :] if " at line " in message else ""
    if "duplicate key" in message:
        return Malformed(f"expected each key once, got a duplicate key{where}")
    if "recursion limit" in message:
        return Malformed(f"expected at most 64 levels of nesting, got more{where}", code="too-costly")
    if _MAX_DIGITS.search(message):
        return Malformed(f"expected a number of at most 4,300 digits{where}", code="value")
    return Malformed(f"expected well-formed JSON: {message}")


def encode(value: Any, *, indented: bool = False) -> bytes:
    """Compact UTF-8 JSON, or `indented` for a person. Numbers are written with the digits they came with."""
    option = orjson.OPT_INDENT_2 if indented else 0
    try:
        return orjson.dumps(value, default=_number, option=option)
    except TypeError:
        return orjson.dumps(_with_long_numbers(value), default=_number, option=option)


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"not JSON: {type(value).__name__}")


def _with_long_numbers(value: Any) -> Any:
    """orjson refuses integers beyond 64 bits; a FHIR decimal may be one."""
    if isinstance(value, dict):
        return {key: _with_long_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_long_numbers(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return orjson.Fragment(str(value))
    return value
