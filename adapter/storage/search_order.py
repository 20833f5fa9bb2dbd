"""In which order a search answers, and the cursor that says where a page ended.

https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.search_body import sortable
from adapter.storage.search_index import index_of
from adapter.storage.sql import Values
from adapter.storage.stored import COLUMNS
from adapter.use_cases.ports import SearchQuery


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by; the id, in the same direction, settles what is equal. What has no value comes last."""

    column: str
    """An expression on a row of `resource_version` called `r`."""
    descending: bool
    kind: str = "time"
    """What the column holds: `time`, `text` or `number`."""
    by_last_updated: bool = False

    @property
    def clause(self) -> str:
        return self._clause(self.column, "r.id")

    def clause_of(self, alias: str) -> str:
        """The same for rows that have been given the columns `sorted` and `id`."""
        return self._clause(f"{alias}.sorted", f"{alias}.id")

    def _clause(self, column: str, id: str) -> str:
        if not self.descending:
            return f"ORDER BY {column}, {id}"
        # `_lastUpdated` is never null, and saying so would keep PostgreSQL from its index.
        return f"ORDER BY {column} DESC{'' if self.by_last_updated else ' NULLS LAST'}, {id} DESC"

    def after(self, cursor: str, values: Values) -> str:
        """What comes after the place of a cursor. Raises Invalid for what is no cursor of this order."""
        value, id = _place_of(cursor, self.kind)
        beyond = "<" if self.descending else ">"
        if value is None:
            return f"({self.column} IS NULL AND r.id {beyond} {values.bind(id)})"
        cast = "::numeric" if self.kind == "number" else ""
        place = f"({self.column}, r.id) {beyond} ({values.bind(value)}{cast}, {values.bind(id)})"
        return place if self.by_last_updated else f"({place} OR {self.column} IS NULL)"


def order_of(query: SearchQuery) -> Order:
    """`_sort`: `_lastUpdated` (newest first when nothing is said), `_id`, or one parameter of the type."""
    asked = last(query.parameters, "_sort")
    if not asked:
        return Order("r.last_updated", descending=True, by_last_updated=True)
    code = asked.removeprefix("-")
    descending = asked.startswith("-")
    if code == "_lastUpdated":
        return Order("r.last_updated", descending, by_last_updated=True)
    if code == "_id":
        return Order("r.id", descending, kind="text")
    parameter = index_of(query.type).parameters.get(code)
    if parameter is None:
        raise NotSupported(
            f"expected to sort by _lastUpdated, _id or one search parameter of {query.type}", expression="_sort"
        )
    edge = "max" if descending else "min"
    if parameter.kind == "date":
        dates = f"unnest(r.date_params, r.date_lows) AS d (number, low) WHERE d.number = {parameter.number}"
        return Order(f"(SELECT {edge}(d.low) FROM {dates})", descending)
    if parameter.kind == "string":
        texts = f"unnest(r.texts) AS t WHERE starts_with(t, '{parameter.slot}:')"
        return Order(f"(SELECT {edge}(t) FROM {texts})", descending, kind="text")
    kind = "number" if parameter.kind in {"number", "quantity"} else "text"
    return Order(sortable(parameter, edge), descending, kind=kind)


def last(parameters: Sequence[tuple[str, str]], name: str) -> str | None:
    """The value that counts of a parameter that shapes the answer."""
    return next((value for each, value in reversed(parameters) if each == name), None)


def cursor_at(row: Sequence[Any]) -> str:
    """The cursor of a stored resource followed by what it was sorted by."""
    by = row[COLUMNS]
    value = by.isoformat() if isinstance(by, datetime) else None if by is None else str(by)
    return base64.urlsafe_b64encode(orjson.dumps([value, row[1]])).rstrip(b"=").decode()


def _place_of(cursor: str, kind: str) -> tuple[Any, str]:
    try:
        value, id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(id, str) or not isinstance(value, str | None) or "\0" in id + (value or ""):
            raise ValueError
        if kind == "number" and value is not None:
            return f"{Decimal(value):f}", id
        if kind == "text" or value is None:
            return value, id
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment, id
    except (ValueError, TypeError, ArithmeticError):  # binascii.Error and JSONDecodeError are ValueErrors
        raise Invalid("expected the cursor of a page link of this server", expression="_cursor", code="value") from None
