"""In which order a search answers, and the cursor that says where a page ended.

https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.search_body import sortable
from adapter.storage.search_index import index_of
from adapter.storage.sql import Values, all_of, any_of
from adapter.storage.stored import COLUMNS
from adapter.use_cases.ports import SearchQuery

MOST_KEYS: Final = 5
_LAST_UPDATED: Final = "r.last_updated"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column to sort by. What has no value comes last."""

    column: str
    """An expression on a row of `resource_version` called `r`."""
    descending: bool
    kind: str = "time"
    """What the column holds: `time`, `text` or `number`."""
    may_be_missing: bool = True
    """To say so of a column that is never null would keep PostgreSQL from its index."""

    def clause(self, column: str) -> str:
        if not self.descending:
            return column
        return f"{column} DESC NULLS LAST" if self.may_be_missing else f"{column} DESC"

    def bound(self, value: Any, values: Values) -> str:
        return f"{values.bind(value)}::numeric" if self.kind == "number" else values.bind(value)

    def beyond(self, bound: str) -> str:
        """What comes after a value, whatever follows it."""
        place = f"{self.column} {'<' if self.descending else '>'} {bound}"
        return f"({place} OR {self.column} IS NULL)" if self.may_be_missing else place


@dataclass(frozen=True, slots=True)
class Order:
    """The keys, the first above all; the id, in the direction of the last, settles what is equal."""

    keys: Sequence[SortKey]

    @property
    def by_last_updated(self) -> bool:
        return len(self.keys) == 1 and self.keys[0].column == _LAST_UPDATED

    @property
    def columns(self) -> str:
        """What is sorted by, to be selected."""
        return ", ".join(f"{key.column} AS {name}" for key, name in zip(self.keys, self._names, strict=True))

    def columns_of(self, alias: str) -> str:
        """The same of rows that have been given `columns`."""
        return ", ".join(f"{alias}.{name}" for name in self._names)

    @property
    def clause(self) -> str:
        return self._clause([key.column for key in self.keys], "r.id")

    def clause_of(self, alias: str) -> str:
        """The same for rows that have been given `columns` and `id`."""
        return self._clause([f"{alias}.{name}" for name in self._names], f"{alias}.id")

    def after(self, cursor: str, values: Values) -> str:
        """What comes after the place of a cursor. Raises Invalid for what is no cursor of this order."""
        *place, id = _place_of(cursor, self.keys)
        sign, bound_id = "<" if self.keys[-1].descending else ">", values.bind(id)
        if len(self.keys) == 1 and place[0] is not None:
            (key,) = self.keys
            # Both at once, so that an index of both leads to the place.
            pair = f"({key.column}, r.id) {sign} ({key.bound(place[0], values)}, {bound_id})"
            return f"({pair} OR {key.column} IS NULL)" if key.may_be_missing else pair
        ways, equal = list[str](), list[str]()
        for key, value in zip(self.keys, place, strict=True):
            if value is None:
                equal.append(f"{key.column} IS NULL")
                continue
            bound = key.bound(value, values)
            ways.append(all_of([*equal, key.beyond(bound)]))
            equal.append(f"{key.column} = {bound}")
        return any_of([*ways, all_of([*equal, f"r.id {sign} {bound_id}"])])

    def cursor_at(self, row: Sequence[Any]) -> str:
        """The cursor of a stored resource followed by what it was sorted by."""
        by = row[COLUMNS : COLUMNS + len(self.keys)]
        place = [each.isoformat() if isinstance(each, datetime) else None if each is None else str(each) for each in by]
        return base64.urlsafe_b64encode(orjson.dumps([*place, row[1]])).rstrip(b"=").decode()

    @property
    def _names(self) -> Sequence[str]:
        return [f"sorted_{number}" for number in range(len(self.keys))]

    def _clause(self, columns: Sequence[str], id: str) -> str:
        sorted_by = [key.clause(column) for key, column in zip(self.keys, columns, strict=True)]
        return f"ORDER BY {', '.join(sorted_by)}, {id}{' DESC' if self.keys[-1].descending else ''}"


def order_of(query: SearchQuery) -> Order:
    """`_sort`: `_lastUpdated` (newest first when nothing is said), `_id` and parameters of the type, with commas."""
    asked = (last(query.parameters, "_sort") or "-_lastUpdated").split(",")
    if len(asked) > MOST_KEYS:
        raise NotSupported(f"expected to sort by at most {MOST_KEYS} parameters, got more", expression="_sort")
    return Order([_key_of(query.type, each.removeprefix("-"), each.startswith("-")) for each in asked])


def _key_of(type_: str, code: str, descending: bool) -> SortKey:
    if code == "_lastUpdated":
        return SortKey(_LAST_UPDATED, descending, may_be_missing=False)
    if code == "_id":
        return SortKey("r.id", descending, kind="text", may_be_missing=False)
    parameter = index_of(type_).parameters.get(code)
    if parameter is None:
        raise NotSupported(f"expected to sort by _lastUpdated, _id or search parameters of {type_}", expression="_sort")
    edge = "max" if descending else "min"
    if parameter.kind == "date":
        dates = f"unnest(r.date_params, r.date_lows) AS d (number, low) WHERE d.number = {parameter.number}"
        return SortKey(f"(SELECT {edge}(d.low) FROM {dates})", descending)
    if parameter.kind == "string":
        texts = f"unnest(r.texts) AS t WHERE starts_with(t, '{parameter.slot}:')"
        return SortKey(f"(SELECT {edge}(t) FROM {texts})", descending, kind="text")
    kind = "number" if parameter.kind in {"number", "quantity"} else "text"
    return SortKey(sortable(parameter, edge), descending, kind=kind)


def last(parameters: Sequence[tuple[str, str]], name: str) -> str | None:
    """The value that counts of a parameter that shapes the answer."""
    return next((value for each, value in reversed(parameters) if each == name), None)


def _place_of(cursor: str, keys: Sequence[SortKey]) -> list[Any]:
    """The value of each key, None where it has none, and the id."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(place, list) or len(place) != len(keys) + 1 or place[-1] is None:
            raise ValueError
        if not all(each is None or (isinstance(each, str) and "\0" not in each) for each in place):
            raise ValueError
        return [*(_value_of(text, key.kind) for text, key in zip(place, keys, strict=False)), place[-1]]
    except (ValueError, TypeError, ArithmeticError):  # binascii.Error and JSONDecodeError are ValueErrors
        raise Invalid("expected the cursor of a page link of this server", expression="_cursor", code="value") from None


def _value_of(text: str | None, kind: str) -> Any:
    if text is None or kind == "text":
        return text
    if kind == "number":
        return f"{Decimal(text):f}"
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment
