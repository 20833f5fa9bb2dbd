"""From `name[:modifier]=value,value` to an SQL condition on a resource's row.

https://hl7.org/fhir/R4/search.html#modifiers and #prefix. The forms of tokens and references become keys (equality on
an index); dates and texts are decided on the row, narrowed by coarse keys where that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage import search_body
from adapter.storage.search_index import Parameter, index_of
from adapter.storage.search_keys import PREFIX_LENGTH, comparable, interval, key, month
from adapter.storage.search_values import local_reference
from adapter.storage.sql import Values, any_of
from mappings.shapes import resource_types

_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")
_ESCAPE = re.compile(r"\\([,$|\\])")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d.*)", re.DOTALL)
_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_BETWEEN = re.compile(r"[:.]")
_NAME = re.compile(r"_?[a-z][A-Za-z0-9-]*")
_LONGEST_NAME = 100
MOST_MONTHS = 24
"""A date interval of up to so many months is narrowed by their keys."""

CONTROLS = frozenset(
    {"_count", "_elements", "_format", "_include", "_pretty", "_revinclude", "_sort", "_summary", "_total"}
)
"""Parameters that shape the answer and choose nothing."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One search parameter as it was asked. Its values are alternatives; several criteria must all hold."""

    type: str
    name: str
    modifier: str | None
    chain: str | None
    """What follows the dot of `patient.identifier`, with its own modifier."""
    values: tuple[str, ...]
    has: tuple[str, str, str] | None = None
    """Of `_has:Task:patient:status`: the type that points here, the parameter by which, and what it must meet."""

    @property
    def asked(self) -> str:
        if self.has:
            return ":".join(("_has", *self.has))
        modifier = f":{self.modifier}" if self.modifier else ""
        return f"{self.name}{modifier}" + (f".{self.chain}" if self.chain else "")


def criterion_of(type: str, name: str, value: str) -> Criterion:
    """Raises NotSupported for a parameter that this type does not have, Invalid for one without a value."""
    if name.startswith("_has"):
        return Criterion(type, "_has", None, None, _values_of(type, "_has", name, value), _has_of(type, name))
    head, dot, chain = name.partition(".")
    code, colon, modifier = head.partition(":")
    if code not in {"_id", "_lastUpdated"} and code not in index_of(type).parameters:
        raise NotSupported(f"expected a search parameter of {type}, got `{told(code)}`", expression=_at(type, code))
    values = _values_of(type, code, name, value)
    return Criterion(type, code, modifier if colon else None, chain if dot else None, values)


def told(name: str) -> str:
    """The name of a parameter, as a refusal repeats it: what does not look like one may be a value that stands in the
    wrong place, and becomes `…`."""
    pieces = _BETWEEN.split(name)
    is_plain = all(piece in resource_types() or _NAME.fullmatch(piece) for piece in pieces if piece)
    return name if is_plain and len(name) <= _LONGEST_NAME else "…"


def _at(type: str, code: str) -> str:
    return f"{type}.{code}" if told(code) == code else type


def is_known(type: str, name: str) -> bool:
    """Whether a name means anything here; what it asks may still be refused."""
    code = name.partition(".")[0].partition(":")[0]
    return code in {"_id", "_lastUpdated", "_has"} or code in index_of(type).parameters


def _values_of(type: str, code: str, name: str, value: str) -> tuple[str, ...]:
    if "\0" in value:
        # No text column holds it: asked for, it would be a failure of the database instead of a refusal.
        raise Invalid(f"expected `{told(name)}` without the character U+0000, got one", expression=_at(type, code))
    values = tuple(part for part in _UNESCAPED_COMMA.split(value) if part)
    if not values:
        text = f"expected a value for the search parameter `{told(name)}`, got none"
        raise Invalid(text, expression=_at(type, code))
    return values


def _has_of(type: str, name: str) -> tuple[str, str, str]:
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise Invalid("expected `_has:Type:reference:parameter`, got something else", expression=f"{type}._has")
    return parts[1], parts[2], parts[3]


def parameter_of(criterion: Criterion) -> Parameter:
    return index_of(criterion.type).parameters[criterion.name]


def condition_of(criterion: Criterion, values: Values) -> str:
    """The condition of a criterion without a chain, on a row of `resource_version` called `r`."""
    if criterion.name == "_id":
        _only_modifiers(criterion)
        return f"r.id = ANY({values.texts(criterion.values)})"
    if criterion.name == "_lastUpdated":
        _only_modifiers(criterion)
        return any_of(_last_updated(criterion, value, values) for value in criterion.values)
    parameter = parameter_of(criterion)
    if criterion.modifier == "missing":
        return _missing(criterion, parameter, values)
    if parameter.kind == "token" and criterion.modifier == "text":
        return any_of(search_body.text_of_token(parameter, _unescaped(value), values) for value in criterion.values)
    if parameter.kind in {"number", "quantity"}:
        _only_modifiers(criterion)
        at = f"{criterion.type}.{criterion.name}"
        return any_of(search_body.number(parameter, value, at, values) for value in criterion.values)
    if parameter.kind == "date":
        _only_modifiers(criterion)
        return any_of(_date(criterion, parameter, value, values) for value in criterion.values)
    if parameter.kind == "string":
        _only_modifiers(criterion, "exact", "contains")
        return any_of(_text(criterion, parameter, value, values) for value in criterion.values)
    named = has_any_key(keys_of(criterion), values)
    return f"NOT {named}" if criterion.modifier == "not" else named


def keys_of(criterion: Criterion) -> list[int]:
    """The keys of which a resource must have one to meet this criterion of tokens, references or URIs."""
    parameter = parameter_of(criterion)
    if parameter.kind == "token":
        _only_modifiers(criterion, "not", "of-type")
        if criterion.modifier == "of-type":
            return [_of_type_key(criterion, parameter, value) for value in criterion.values]
        return [_token_key(parameter, value) for value in criterion.values]
    if parameter.kind == "uri":
        _only_modifiers(criterion)
        return [key(parameter.space, _unescaped(value)) for value in criterion.values]
    if criterion.modifier == "identifier":
        return [key(f"{parameter.space}:identifier", token_form(value)) for value in criterion.values]
    return [key(parameter.space, form) for value in criterion.values for form in reference_forms(criterion, value)]


def has_any_key(keys: Iterable[int], values: Values) -> str:
    """No key at all is what nothing has."""
    return f"r.search_keys && {values.bigints(keys)}"


def reference_forms(criterion: Criterion, value: str) -> list[str]:
    """How the reference may be written in a resource: `Type/id`, an absolute address, or a bare id of any type."""
    parameter = parameter_of(criterion)
    typed = criterion.modifier
    if typed is not None and not _TYPE.fullmatch(typed):
        raise _unknown_modifier(criterion)
    value = local_reference(_unescaped(value))
    if ":" in value:
        return [value]
    if "/" in value:
        target = value.partition("/")[0]
        allowed = (not parameter.targets or target in parameter.targets) and typed in (None, target)
        return [value] if allowed else []
    if typed is not None:
        return [f"{typed}/{value}"] if not parameter.targets or typed in parameter.targets else []
    if parameter.targets:
        return [f"{target}/{value}" for target in sorted(parameter.targets)]
    return [value]


def token_form(value: str) -> str:
    """`system|code` as the index writes it: the escapes taken away."""
    return "|".join(_unescaped(part) for part in _UNESCAPED_BAR.split(value, maxsplit=1))


def _token_key(parameter: Parameter, value: str) -> int:
    if parameter.bare_codes:  # the system is implied by the element, so naming it adds nothing
        return key(parameter.space, _unescaped(_UNESCAPED_BAR.split(value, maxsplit=1)[-1]))
    return key(parameter.space, token_form(value))


def _of_type_key(criterion: Criterion, parameter: Parameter, value: str) -> int:
    """`identifier:of-type=system|code|value`: an identifier of a kind, whoever assigned it."""
    parts = [_unescaped(part) for part in _UNESCAPED_BAR.split(value)]
    at = f"{criterion.type}.{criterion.name}"
    if all(path["type"] != "Identifier" for path in parameter.paths):
        raise _unknown_modifier(criterion)
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise Invalid(f"expected `{criterion.asked}` as system|code|value", expression=at)
    return key(f"{parameter.space}:of-type", "|".join(parts))


def _missing(criterion: Criterion, parameter: Parameter, values: Values) -> str:
    if criterion.values not in {("true",), ("false",)}:
        raise Invalid(
            f"expected true or false for `{criterion.asked}`", expression=f"{criterion.type}.{criterion.name}"
        )
    return search_body.missing(parameter, criterion.values == ("true",), values)


# The resource's interval `d.low <= t < d.high` against the asked one, `{low} <= t < {high}`.
_RELATIONS: Mapping[str, str] = {
    "eq": "(d.low >= {low} AND d.high <= {high})",
    "ne": "NOT (d.low >= {low} AND d.high <= {high})",
    "gt": "d.high > {high}",
    "lt": "d.low < {low}",
    "ge": "(d.low >= {low} OR d.high > {high})",
    "le": "(d.low < {low} OR d.high <= {high})",
    "sa": "d.low >= {high}",
    "eb": "d.high <= {low}",
    "ap": "(d.low < {high} AND d.high > {low})",  # approximately: they overlap
}
# The same for the one point in time that `_lastUpdated` is.
_POINT_RELATIONS: Mapping[str, str] = {
    "eq": "(r.last_updated >= {low} AND r.last_updated < {high})",
    "ne": "NOT (r.last_updated >= {low} AND r.last_updated < {high})",
    "gt": "r.last_updated >= {high}",
    "lt": "r.last_updated < {low}",
    "ge": "r.last_updated >= {low}",
    "le": "r.last_updated < {high}",
    "sa": "r.last_updated >= {high}",
    "eb": "r.last_updated < {low}",
    "ap": "(r.last_updated >= {low} AND r.last_updated < {high})",
}


def _date(criterion: Criterion, parameter: Parameter, value: str, values: Values) -> str:
    prefix, low, high = date_of(criterion, value)
    related = _related(_RELATIONS[prefix], low, high, values)
    intervals = "unnest(r.date_params, r.date_lows, r.date_highs) AS d (number, low, high)"
    on_row = f"EXISTS (SELECT FROM {intervals} WHERE d.number = {values.bind(parameter.number)} AND {related})"
    if prefix != "eq" or (months := _months(low, high)) is None:
        return on_row
    return f"({has_any_key([key(f'{parameter.space}~month', name) for name in months], values)} AND {on_row})"


def _last_updated(criterion: Criterion, value: str, values: Values) -> str:
    prefix, low, high = date_of(criterion, value)
    return _related(_POINT_RELATIONS[prefix], low, high, values)


def _related(relation: str, low: datetime, high: datetime, values: Values) -> str:
    edges = {"low": low, "high": high}
    return relation.format(**{name: values.bind(edge) for name, edge in edges.items() if f"{{{name}}}" in relation})


def date_of(criterion: Criterion, value: str) -> tuple[str, datetime, datetime]:
    """Prefix (`eq` when there is none) and interval. Raises Invalid."""
    expression = f"{criterion.type}.{criterion.name}"
    found = _PREFIX.fullmatch(value)
    if found is None:
        raise Invalid(f"expected a date for `{criterion.asked}`, with or without a prefix", expression=expression)
    try:
        # A + of a zone that was not percent-encoded arrives as a space.
        return found[1] or "eq", *interval(found[2].replace(" ", "+"))
    except ValueError:
        raise Invalid(f"expected a date such as 2026-11-21 for `{criterion.asked}`", expression=expression) from None


def _months(low: datetime, high: datetime) -> list[str] | None:
    first, last = low.year * 12 + low.month - 1, high.year * 12 + high.month - 1
    if last - first > MOST_MONTHS:
        return None
    return [month(datetime(n // 12, n % 12 + 1, 1, tzinfo=low.tzinfo)) for n in range(first, last + 1)]


def _text(criterion: Criterion, parameter: Parameter, value: str, values: Values) -> str:
    raw = _unescaped(value)
    plain = comparable(raw)
    if criterion.modifier == "exact":
        exact = f"{parameter.slot}:{plain}\n{raw}"
        return f"r.texts @> {values.texts([exact])}"
    each = "split_part(t, E'\\n', 1)"
    if criterion.modifier == "contains":
        slot = values.bind(f"{parameter.slot}:")
        inside = f"strpos(substr({each}, length({slot}::text) + 1), {values.bind(plain)}::text) > 0"
        return f"EXISTS (SELECT FROM unnest(r.texts) AS t WHERE starts_with({each}, {slot}::text) AND {inside})"
    start = values.bind(f"{parameter.slot}:{plain}")
    on_row = f"EXISTS (SELECT FROM unnest(r.texts) AS t WHERE starts_with({each}, {start}::text))"
    if len(plain) < PREFIX_LENGTH:
        return on_row
    return f"({has_any_key([key(f'{parameter.space}~prefix', plain[:PREFIX_LENGTH])], values)} AND {on_row})"


def _only_modifiers(criterion: Criterion, *known: str) -> None:
    if criterion.modifier is not None and criterion.modifier not in known:
        raise _unknown_modifier(criterion)


def _unknown_modifier(criterion: Criterion) -> NotSupported:
    return NotSupported(
        f"expected a modifier that `{criterion.name}` has, got `:{told(str(criterion.modifier))}`",
        expression=f"{criterion.type}.{criterion.name}",
    )


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(r"\1", value) if "\\" in value else value
