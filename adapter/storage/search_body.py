"""What is asked too seldom to be kept in the index: read out of the body, row by row.

`:missing` of any parameter, `:text` of tokens, and quantities and numbers
(https://hl7.org/fhir/R4/search.html#modifiers, #quantity and #number). Every condition stands beside others that choose
few rows; alone it walks the resources of the type that the reader may see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapter.domain.errors import Invalid
from adapter.storage.search_index import Parameter
from adapter.storage.search_paths import json_path
from adapter.storage.sql import Values, any_of

BODY = "nullif(convert_from(r.body, 'UTF8'), '')::jsonb"
"""The body as jsonb; null for a deletion."""

_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")
_NUMBER = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(-?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?)")
# Of a Quantity, of either end of a Range, or of Money, whose currency is a code of ISO 4217.
_SYSTEM = (
    "coalesce(v->>'system', v->'low'->>'system', v->'high'->>'system',"
    " CASE WHEN v->>'currency' IS NOT NULL THEN 'urn:iso:std:iso:4217' END)"
)
_CODE = "coalesce(v->>'code', v->'low'->>'code', v->'high'->>'code', v->>'currency')"
# The resource's value `v`, or its interval from `v_low` to `v_high`, against the asked number and its implied range.
_RELATIONS: Mapping[str, str] = {
    "eq": "(v_low >= {low} AND v_high < {high})",
    "ne": "NOT (v_low >= {low} AND v_high < {high})",
    "gt": "v_high > {number}",
    "lt": "v_low < {number}",
    "ge": "v_high >= {number}",
    "le": "v_low <= {number}",
    "sa": "v_low > {number}",
    "eb": "v_high < {number}",
    "ap": "(v_low <= {above} AND v_high >= {below})",
}


def missing(parameter: Parameter, wanted: bool, values: Values) -> str:
    """Whether the elements of a parameter are not there (`wanted`) or there."""
    there = any_of(f"jsonb_path_exists({BODY}, {values.bind(path)}::jsonpath)" for path in parameter.json_paths())
    return f"NOT {there}" if wanted else there


def text_of_token(parameter: Parameter, text: str, values: Values) -> str:
    """`:text`: what a person reads beside a code begins with `text`, whatever its case."""
    start = f"lower({values.bind(text)}::text)"
    shown = (
        "SELECT v->>'text' UNION ALL SELECT v->>'display' UNION ALL SELECT v->'type'->>'text'"
        " UNION ALL SELECT c->>'display' FROM jsonb_path_query(v, '$.coding[*]') AS c"
    )
    return any_of(
        f"EXISTS (SELECT FROM jsonb_path_query({BODY}, {values.bind(_each(path))}::jsonpath) AS v,"
        f" LATERAL ({shown}) AS s (shown) WHERE starts_with(lower(s.shown), {start}))"
        for path in parameter.paths
    )


def number(parameter: Parameter, value: str, expression: str, values: Values) -> str:
    """A number or quantity: `[prefix]5.4`, `5.4|http://unitsofmeasure.org|mg`, `5.4||mg`. Raises Invalid."""
    parts = _UNESCAPED_BAR.split(value)
    found = _NUMBER.fullmatch(parts[0])
    if found is None or len(parts) not in ((1,) if parameter.kind == "number" else (1, 3)):
        form = "5.4" if parameter.kind == "number" else "5.4, 5.4|system|code or 5.4||code"
        raise Invalid(f"expected a number such as {form}, with or without a prefix", expression=expression)
    compared = _compared(found[1] or "eq", Decimal(found[2]), values)
    unit = _unit(parts, values)
    return any_of(
        f"EXISTS (SELECT FROM jsonb_path_query({BODY}, {values.bind(_each(path))}::jsonpath) AS v,"
        f" LATERAL (SELECT {', '.join(_interval(path['type']))}) AS i (v_low, v_high) WHERE {compared}{unit})"
        for path in parameter.paths
    )


def sortable(parameter: Parameter, edge: str) -> str:
    """What rows are sorted by: the `min` or `max` of what the elements of a parameter say."""
    each = " UNION ALL ".join(
        f"SELECT {_comparable(parameter.kind, path['type'])} FROM jsonb_path_query({BODY}, {_literal(path)}) AS v"
        for path in parameter.paths
    )
    return f"(SELECT {edge}(c.said) FROM ({each}) AS c (said))"


def _comparable(kind: str, datatype: str) -> str:
    if kind in {"number", "quantity"}:
        return _interval(datatype)[0]
    if kind == "reference":
        return "v->>'reference'"
    if kind == "token":
        return "coalesce(v->>'code', v->'coding'->0->>'code', v->>'value', v->>'text', v #>> '{}')"
    return "v #>> '{}'"


def _each(path: Mapping[str, Any]) -> str:
    """The path of single values: without `[*]` the last step of a path gives an array as it is."""
    return json_path(path) + "[*]"


def _literal(path: Mapping[str, Any]) -> str:
    """A path of the definitions, which hold no quotes but their own, as SQL."""
    return "'" + _each(path).replace("'", "''") + "'"


def _interval(datatype: str) -> tuple[str, str]:
    """From where to where a value reaches."""
    if datatype == "Range":
        low, high = "v->'low'->>'value'", "v->'high'->>'value'"
        return f"coalesce(({low})::numeric, '-Infinity')", f"coalesce(({high})::numeric, 'Infinity')"
    said = "(v #>> '{}')::numeric" if datatype in {"decimal", "integer", "positiveInt", "unsignedInt"} else None
    said = said or "(v->>'value')::numeric"
    return said, said


def _compared(prefix: str, asked: Decimal, values: Values) -> str:
    exponent = asked.as_tuple().exponent
    half = Decimal((0, (5,), int(exponent) - 1))
    tenth = abs(asked) / 10
    edges = {"number": asked, "low": asked - half, "high": asked + half, "below": asked - tenth, "above": asked + tenth}
    relation = _RELATIONS[prefix]
    return relation.format(
        **{name: f"{values.bind(f'{edge:f}')}::numeric" for name, edge in edges.items() if f"{{{name}}}" in relation}
    )


def _unit(parts: list[str], values: Values) -> str:
    if len(parts) == 1:
        return ""
    _, system, code = parts
    conditions = ""
    if system:
        conditions += f" AND {_SYSTEM} = {values.bind(system)}"
    if code:
        asked = values.bind(code)
        conditions += f" AND ({_CODE} = {asked} OR v->>'unit' = {asked})"
    return conditions
