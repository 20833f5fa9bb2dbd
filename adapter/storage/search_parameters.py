"""From `name[:modifier]=value,value` to an SQL condition on a resource's row.

https://hl7.org/fhir/R4/search.html#modifiers and #prefix. The forms of tokens and references become keys (equality on
an index); dates and texts are decided on the row, narrowed by coarse keys where that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, false, func, not_, or_, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.search_index import Parameter, index_of
from adapter.storage.search_keys import PREFIX_LENGTH, comparable, interval, key, month
from adapter.storage.search_values import local_reference
from adapter.storage.tables import bigints, resource_version, texts

_r = resource_version.c
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_UNESCAPED_BAR = re.compile(r"(?<!\\)\|")
_ESCAPE = re.compile(r"\\([,$|\\])")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d.*)", re.DOTALL)
_TYPE = re.compile(r"[A-Z][A-Za-z]+")
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

    @property
    def asked(self) -> str:
        modifier = f":{self.modifier}" if self.modifier else ""
        return f"{self.name}{modifier}" + (f".{self.chain}" if self.chain else "")


def criterion_of(type: str, name: str, value: str) -> Criterion:
    """Raises NotSupported for a parameter that this type does not have, Invalid for one without a value."""
    head, dot, chain = name.partition(".")
    code, colon, modifier = head.partition(":")
    if code not in {"_id", "_lastUpdated"} and code not in index_of(type).parameters:
        raise NotSupported(f"expected a search parameter of {type}, got `{code}`", expression=f"{type}.{code}")
    values = tuple(part for part in _UNESCAPED_COMMA.split(value) if part)
    if not values:
        raise Invalid(f"expected a value for the search parameter `{name}`, got none", expression=f"{type}.{code}")
    return Criterion(type, code, modifier if colon else None, chain if dot else None, values)


def parameter_of(criterion: Criterion) -> Parameter:
    return index_of(criterion.type).parameters[criterion.name]


def condition_of(criterion: Criterion) -> ColumnElement[bool]:
    """The condition of a criterion without a chain."""
    if criterion.name == "_id":
        _only_modifiers(criterion)
        return _r.id.in_(criterion.values)
    if criterion.name == "_lastUpdated":
        _only_modifiers(criterion)
        return or_(*[_last_updated(criterion, value) for value in criterion.values])
    parameter = parameter_of(criterion)
    if criterion.modifier == "missing":
        return _missing(criterion, parameter)
    if parameter.kind == "date":
        _only_modifiers(criterion)
        return or_(*[_date(criterion, parameter, value) for value in criterion.values])
    if parameter.kind == "string":
        _only_modifiers(criterion, "exact", "contains")
        return or_(*[_text(criterion, parameter, value) for value in criterion.values])
    named = has_any_key(keys_of(criterion))
    return not_(named) if criterion.modifier == "not" else named


def keys_of(criterion: Criterion) -> list[int]:
    """The keys of which a resource must have one to meet this criterion of tokens, references or URIs."""
    parameter = parameter_of(criterion)
    if parameter.kind == "token":
        _only_modifiers(criterion, "not")
        return [_token_key(parameter, value) for value in criterion.values]
    if parameter.kind == "uri":
        _only_modifiers(criterion)
        return [key(parameter.space, _unescaped(value)) for value in criterion.values]
    if criterion.modifier == "identifier":
        return [key(f"{parameter.space}:identifier", token_form(value)) for value in criterion.values]
    return [key(parameter.space, form) for value in criterion.values for form in reference_forms(criterion, value)]


def has_any_key(keys: Sequence[int]) -> ColumnElement[bool]:
    if not keys:
        return false()
    among: ColumnElement[bool] = _r.search_keys.overlap(bigints(keys))
    return among


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


def _missing(criterion: Criterion, parameter: Parameter) -> ColumnElement[bool]:
    if criterion.values not in {("true",), ("false",)}:
        raise Invalid(
            f"expected true or false for `{criterion.asked}`", expression=f"{criterion.type}.{criterion.name}"
        )
    # Asked seldom, so it is read out of the body instead of being kept for every resource.
    body = cast(func.nullif(func.convert_from(_r.body, "UTF8"), ""), JSONB)
    paths = parameter.json_paths()
    there = or_(*[func.jsonb_path_exists(body, cast(path, JSONPATH)) for path in paths])
    return not_(there) if criterion.values == ("true",) else there


def _date(criterion: Criterion, parameter: Parameter, value: str) -> ColumnElement[bool]:
    prefix, low, high = date_of(criterion, value)
    each = (
        func.unnest(_r.date_params, _r.date_lows, _r.date_highs).table_valued("number", "low", "high").render_derived()
    )
    on_row = select(1).where(each.c.number == parameter.number, _compare(prefix, each.c.low, each.c.high, low, high))
    if prefix != "eq" or (months := _months(low, high)) is None:
        return on_row.exists()
    return and_(has_any_key([key(f"{parameter.space}~month", name) for name in months]), on_row.exists())


def _compare(prefix: str, low: Any, high: Any, from_: datetime, until: datetime) -> ColumnElement[bool]:
    """The resource's interval `[low, high)` against the asked `[from_, until)`."""
    contained = and_(low >= from_, high <= until)
    relations: dict[str, ColumnElement[bool]] = {
        "eq": contained,
        "ne": not_(contained),
        "gt": high > until,
        "lt": low < from_,
        "ge": or_(low >= from_, high > until),
        "le": or_(low < from_, high <= until),
        "sa": low >= until,
        "eb": high <= from_,
        "ap": and_(low < until, high > from_),  # approximately: they overlap
    }
    return relations[prefix]


def _last_updated(criterion: Criterion, value: str) -> ColumnElement[bool]:
    prefix, low, high = date_of(criterion, value)
    at = _r.last_updated
    within = and_(at >= low, at < high)
    return {
        "eq": within,
        "ap": within,
        "ne": not_(within),
        "gt": at >= high,
        "sa": at >= high,
        "ge": at >= low,
        "lt": at < low,
        "eb": at < low,
        "le": at < high,
    }[prefix]


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


def _text(criterion: Criterion, parameter: Parameter, value: str) -> ColumnElement[bool]:
    raw = _unescaped(value)
    plain = comparable(raw)
    if criterion.modifier == "exact":
        exact = _r.texts.contains(texts([f"{parameter.slot}:{plain}\n{raw}"]))
        return and_(exact, _narrowed(parameter, plain))
    each = func.unnest(_r.texts).table_valued("text").render_derived()
    compared = func.split_part(each.c.text, "\n", 1)
    start = f"{parameter.slot}:{plain}"
    if criterion.modifier == "contains":
        of_parameter = compared.startswith(f"{parameter.slot}:", autoescape=True)
        return select(1).where(of_parameter, func.strpos(compared, plain) > len(parameter.slot) + 1).exists()
    found = select(1).where(compared.startswith(start, autoescape=True)).exists()
    return and_(found, _narrowed(parameter, plain)) if len(plain) >= PREFIX_LENGTH else found


def _narrowed(parameter: Parameter, plain: str) -> ColumnElement[bool]:
    return has_any_key([key(f"{parameter.space}~prefix", plain[:PREFIX_LENGTH])])


def _only_modifiers(criterion: Criterion, *known: str) -> None:
    if criterion.modifier is not None and criterion.modifier not in known:
        raise _unknown_modifier(criterion)


def _unknown_modifier(criterion: Criterion) -> NotSupported:
    return NotSupported(
        f"expected a modifier that `{criterion.name}` has, got `:{criterion.modifier}`",
        expression=f"{criterion.type}.{criterion.name}",
    )


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(r"\1", value) if "\\" in value else value
