"""Search within one resource type, as one organisation.

https://hl7.org/fhir/R4/search.html. How a search is answered depends on nothing but what was asked and found:

- an organisation's Tasks by status walk an index that holds them in order, status by status;
- what has a key to look up is looked up, and sorted when it is not too much;
- the rest, and what is too much to sort, walks the resources of the type from the newest on.

A cursor is the place where a page ended. It carries no right: whoever follows it is asked again who they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from adapter.domain.errors import Invalid
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.search_chains import ids_pointed_at, keys_at_the_end_of
from adapter.storage.search_includes import included_with
from adapter.storage.search_index import worklist_key
from adapter.storage.search_order import Order, last, order_of
from adapter.storage.search_parameters import (
    CONTROLS,
    Criterion,
    condition_of,
    criterion_of,
    has_any_key,
    is_known,
    parameter_of,
    reference_forms,
    token_form,
)
from adapter.storage.sql import Values, all_of
from adapter.storage.stored import COLUMNS, STORED, stored_resource
from adapter.use_cases.ports import SearchPage, SearchQuery, StoredResource
from mappings.organization import PUBLISHED_TYPES

MOST_SORTED = 2000
"""So many resources are sorted for a page; more are walked through in order instead."""
MOST_BRANCHES = 40
"""So many lists of Tasks are merged; more are looked up and sorted like anything else."""

BY_ID = frozenset({"_id", "_has"})
"""Criteria that become ids, to be looked up with the type."""

Rows = Sequence[tuple[Any, ...]]
"""A stored resource and, as the columns after it, what it was sorted by."""
Conditions = Callable[[Values], list[str]]
"""What must hold of a row, for a statement with these values."""


def search(driver: Driver, access: Access, query: SearchQuery) -> SearchPage:
    """Raises NotSupported or Invalid naming the parameter that cannot be used, TooLarge for a chain too wide."""
    asked = _choosing(query.parameters)
    ignored = tuple(name for name, _ in asked if query.lenient and not is_known(query.type, name))
    criteria = [criterion_of(query.type, name, value) for name, value in asked if name not in ignored]
    order = order_of(query)
    rows = _page(driver, access, query, criteria, order)
    matches = [stored_resource(row, access.tenant) for row in rows[: query.count]]
    more = len(rows) > query.count
    total = None
    counting = last(query.parameters, "_total")
    if counting in {"accurate", "estimate"}:
        values = Values()
        where = all_of(_conditions(driver, access, query.type, criteria, values))
        total = driver.rows(f"SELECT count(*) FROM resource_version r WHERE {where}", *values.bound)[0][0]
    elif query.cursor is None and not more and counting != "none":
        total = len(matches)
    return SearchPage(
        matches=matches,
        included=included_with(driver, access, query, matches),
        total=total,
        next_cursor=order.cursor_at(rows[query.count - 1]) if more and query.count else None,
        ignored=ignored,
    )


def match(driver: Driver, access: Access, type: str, criteria: str) -> Sequence[StoredResource]:
    """At most two resources matching a conditional query string. Raises Invalid when it chooses nothing."""
    parsed = [criterion_of(type, name, value) for name, value in _choosing(parse_qsl(criteria, keep_blank_values=True))]
    if not parsed:
        raise Invalid("expected search parameters in the criteria of a conditional request, got none")
    values = Values()
    where = all_of(_conditions(driver, access, type, parsed, values))
    if type not in PUBLISHED_TYPES:
        rows = driver.rows(f"SELECT {STORED} FROM resource_version r WHERE {where} LIMIT 2", *values.bound)
        return [stored_resource(row, access.tenant) for row in rows]
    # Senders describe their partners in what they send. What the register publishes of them is the one that is meant.
    columns, order = f"{STORED}, r.readers @> ARRAY['*'] AS published", "ORDER BY published DESC LIMIT 2"
    rows = driver.rows(f"SELECT {columns} FROM resource_version r WHERE {where} {order}", *values.bound)
    if [row[COLUMNS] for row in rows] == [True, False]:
        rows = rows[:1]
    return [stored_resource(row, access.tenant) for row in rows]


def _choosing(parameters: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters if name.partition(":")[0] not in CONTROLS]


def _conditions(
    driver: Driver, access: Access, type: str, criteria: Sequence[Criterion], values: Values, walking: bool = False
) -> list[str]:
    """What must hold of a row: the access predicate first, in every search there is.

    A key is of one type already: with one to look up, the type must not tempt PostgreSQL to read all that are of it."""
    by_key = not walking and any(map(_has_keys, criteria)) and not any(each.name in BY_ID for each in criteria)
    column = "(r.type || '')" if by_key else "r.type"
    return [access.current(values), f"{column} = {values.bind(type)}", *_met(driver, access, criteria, values)]


def _met(driver: Driver, access: Access, criteria: Sequence[Criterion], values: Values) -> list[str]:
    """The criteria as conditions. The other end of a chain is searched with the same access."""

    def rows(type: str, criterion: Criterion, columns: str, limit: int) -> list[tuple[Any, ...]]:
        values = Values()
        where = all_of(_conditions(driver, access, type, [criterion], values))
        return list(driver.rows(f"SELECT {columns} FROM resource_version r WHERE {where} LIMIT {limit}", *values.bound))

    conditions = ["NOT r.deleted"]
    for criterion in criteria:
        if criterion.has is not None:
            conditions.append(f"r.id = ANY({values.texts(ids_pointed_at(criterion, rows))})")
        elif criterion.chain is not None:
            conditions.append(has_any_key(keys_at_the_end_of(criterion, rows), values))
        else:
            conditions.append(condition_of(criterion, values))
    return conditions


def _page(driver: Driver, access: Access, query: SearchQuery, criteria: Sequence[Criterion], order: Order) -> Rows:
    """One row more than asked for, if there is one."""
    limit = query.count + 1
    worklist = _worklist(criteria) if query.type == "Task" and order.by_last_updated else None
    if worklist is not None:
        values = Values()
        others = [criterion for criterion in criteria if criterion.name not in worklist.answers]
        conditions = [access.current(values), *_met(driver, access, others, values)]
        conditions += _after(query, order, values)
        return driver.rows(_merged(worklist, conditions, order, limit, values), *values.bound)
    if any(map(_has_keys, criteria)):
        values = Values()
        conditions = _conditions(driver, access, query.type, criteria, values) + _after(query, order, values)
        rows = driver.rows(_sorted(conditions, order, limit), *values.bound)
        if not rows or rows[0][-1] <= MOST_SORTED:
            return rows
    values = Values()
    conditions = _conditions(driver, access, query.type, criteria, values, walking=True) + _after(query, order, values)
    walk = f"SELECT {STORED}, {order.columns} FROM resource_version r WHERE {all_of(conditions)} {order.clause}"
    return driver.rows(f"{walk} LIMIT {limit}", *values.bound)


def _after(query: SearchQuery, order: Order, values: Values) -> list[str]:
    return [] if query.cursor is None else [order.after(query.cursor, values)]


def _has_keys(criterion: Criterion) -> bool:
    """Whether the criterion is looked up in the index of keys, so that few rows are likely."""
    if criterion.name in BY_ID or criterion.chain is not None:
        return True
    if criterion.name == "_lastUpdated" or criterion.modifier in {"not", "missing", "contains", "text"}:
        return False
    if (kind := parameter_of(criterion).kind) == "date":
        return criterion.modifier is None and all(value[:1].isdigit() for value in criterion.values)
    return kind not in {"number", "quantity"}


def _sorted(conditions: Sequence[str], order: Order, limit: int) -> str:
    """Look up, sort, take the first; the last column says how many there were. The inner LIMIT also keeps the planner
    from walking a whole type in order in the hope of meeting a rare key soon."""
    found = f"SELECT r.type, r.id, r.version, {order.columns} FROM resource_version r WHERE {all_of(conditions)}"
    first = f"SELECT *, count(*) OVER () AS found FROM ({found} LIMIT {MOST_SORTED + 1}) AS f"
    return (
        f"SELECT {STORED}, {order.columns_of('f')}, f.found FROM ({first} {order.clause_of('f')} LIMIT {limit}) AS f"
        f" JOIN resource_version r USING (type, id, version) {order.clause_of('f')}"
    )


@dataclass(frozen=True, slots=True)
class Worklist:
    """Tasks of an organisation by status, kept in order by an index: a key for each pair of owner and status."""

    column: str
    keys: Sequence[int]
    answers: frozenset[str]
    """The criteria that the keys already meet."""


def _worklist(criteria: Sequence[Criterion]) -> Worklist | None:
    """`Task?owner=…&status=…` (or requester), each once and plain; beside them only what has no key of its own."""
    statuses = [criterion for criterion in criteria if criterion.name == "status"]
    if len(statuses) != 1 or statuses[0].modifier or statuses[0].chain:
        return None
    for party in ("owner", "requester"):
        parties = [criterion for criterion in criteria if criterion.name == party]
        if len(parties) != 1 or parties[0].modifier in {"identifier", "missing"} or parties[0].chain:
            continue
        if any(_has_keys(criterion) for criterion in criteria if criterion.name not in {"status", party}):
            return None
        references = dict.fromkeys(form for value in parties[0].values for form in reference_forms(parties[0], value))
        codes = dict.fromkeys(token_form(value).rpartition("|")[2] for value in statuses[0].values)
        if 0 < len(references) * len(codes) <= MOST_BRANCHES:
            keys = [worklist_key(party, reference, code) for reference in references for code in codes]
            return Worklist(f"r.{party}_worklist", keys, frozenset({"status", party}))
    return None


def _merged(worklist: Worklist, conditions: Sequence[str], order: Order, limit: int, values: Values) -> str:
    """The newest of each key, merged: no more rows are touched than the page has, however long the lists are."""
    newest = (
        f"SELECT {STORED}, {order.columns} FROM resource_version r"
        f" WHERE {worklist.column} = k AND {all_of(conditions)} {order.clause} LIMIT {limit}"
    )
    keys = values.bigints(worklist.keys)
    return (
        f"SELECT r.* FROM unnest({keys}) AS k CROSS JOIN LATERAL ({newest}) AS r {order.clause_of('r')} LIMIT {limit}"
    )
