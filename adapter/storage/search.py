"""Search within one resource type, as one organisation.

https://hl7.org/fhir/R4/search.html. How a search is answered depends on nothing but what was asked and found:

- an organisation's Tasks by status walk an index that holds them in order, status by status;
- what has a key to look up is looked up, and sorted when it is not too much;
- the rest, and what is too much to sort, walks the resources of the type from the newest on.

A cursor is the place where a page ended. It carries no right: whoever follows it is asked again who they are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from sqlalchemy import ColumnElement, Engine, Row, Select, and_, func, literal, or_, select, tuple_, union_all

from adapter.domain.errors import Invalid, NotSupported, TooLarge
from adapter.storage.access import Access
from adapter.storage.reads import STORED, stored_resource
from adapter.storage.search_includes import included_with
from adapter.storage.search_index import index_of, worklist_key
from adapter.storage.search_keys import key
from adapter.storage.search_parameters import (
    CONTROLS,
    Criterion,
    condition_of,
    criterion_of,
    has_any_key,
    parameter_of,
    reference_forms,
    token_form,
)
from adapter.storage.tables import resource_version
from adapter.use_cases.ports import SearchPage, SearchQuery, StoredResource

MOST_SORTED = 2000
"""So many resources are sorted for a page; more are walked through in order instead."""
MOST_CHAINED = 1000
"""A chain that leads to more resources than this is refused: `patient.gender=female` is a question for a report."""
MOST_BRANCHES = 40

_r = resource_version.c


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by; the id, in the same direction, settles what is equal. Nulls (no such date) come last."""

    column: ColumnElement[Any]
    descending: bool
    by_time: bool = True
    is_default: bool = False
    """By `_lastUpdated`, which every row has and which the indexes are in the order of."""

    def clauses(self) -> Sequence[ColumnElement[Any]]:
        if not self.descending:
            return self.column.asc(), _r.id.asc()
        column = self.column.desc() if self.is_default else self.column.desc().nulls_last()
        return column, _r.id.desc()

    def after(self, cursor: str) -> ColumnElement[bool]:
        value, id = _place_of(cursor, self.by_time)
        if value is None:
            return and_(self.column.is_(None), _r.id < id if self.descending else _r.id > id)
        place = tuple_(literal(value), literal(id))
        row = tuple_(self.column, _r.id)
        beyond = row < place if self.descending else row > place
        return beyond if self.is_default else or_(beyond, self.column.is_(None))


def run_search(engine: Engine, access: Access, query: SearchQuery) -> SearchPage:
    """Raises NotSupported or Invalid naming the parameter that cannot be used, TooLarge for a chain too wide."""
    criteria = [criterion_of(query.type, name, value) for name, value in _choosing(query.parameters)]
    order = _order_of(query)
    conditions = _conditions(engine, access, query.type, criteria)
    start = conditions if query.cursor is None else [*conditions, order.after(query.cursor)]

    rows = _page(engine, access, query, criteria, start, order)
    matches = [stored_resource(row) for row in rows[: query.count]]
    more = len(rows) > query.count
    total = None
    if _last(query.parameters, "_total") == "accurate":
        total = _count(engine, conditions)
    elif query.cursor is None and not more:
        total = len(matches)
    return SearchPage(
        matches=matches,
        included=included_with(engine, access, query, matches),
        total=total,
        next_cursor=_cursor_at(rows[query.count - 1]) if more and query.count else None,
    )


def run_match(engine: Engine, access: Access, type: str, criteria: str) -> Sequence[StoredResource]:
    """At most two resources matching a conditional query string. Raises Invalid when it chooses nothing."""
    parsed = [criterion_of(type, name, value) for name, value in _choosing(parse_qsl(criteria, keep_blank_values=True))]
    if not parsed:
        raise Invalid("expected search parameters in the criteria of a conditional request, got none")
    statement = select(*STORED).where(*_conditions(engine, access, type, parsed)).limit(2)
    with engine.connect() as connection:
        return [stored_resource(row) for row in connection.execute(statement)]


def _choosing(parameters: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters if name.partition(":")[0] not in CONTROLS]


def _last(parameters: Sequence[tuple[str, str]], name: str) -> str | None:
    return next((value for each, value in reversed(parameters) if each == name), None)


def _conditions(engine: Engine, access: Access, type: str, criteria: Sequence[Criterion]) -> list[ColumnElement[bool]]:
    """What must hold of a row: the access predicate first, in every search there is."""
    conditions = [access.current(), _r.type == type, _r.deleted.is_(False)]
    for criterion in criteria:
        if criterion.chain is None:
            conditions.append(condition_of(criterion))
        else:
            conditions.append(_chained(engine, access, criterion))
    return conditions


def _chained(engine: Engine, access: Access, criterion: Criterion) -> ColumnElement[bool]:
    """`patient.identifier=…`: the resources at the other end are searched first, with the same access."""
    parameter = parameter_of(criterion)
    expression = f"{criterion.type}.{criterion.name}"
    if parameter.kind != "reference" or criterion.chain is None or "." in criterion.chain:
        raise NotSupported(
            f"expected a chain of one reference and one parameter, got `{criterion.asked}`", expression=expression
        )
    targets = {criterion.modifier} if criterion.modifier else parameter.targets
    if not targets:
        raise Invalid(
            f"expected the type in the chain, as `{criterion.name}:Patient.{criterion.chain}`", expression=expression
        )
    keys: list[int] = []
    name = criterion.chain.partition(":")[0]
    able = [
        target for target in sorted(targets) if name in index_of(target).parameters or name in {"_id", "_lastUpdated"}
    ]
    if not able:
        raise NotSupported(
            f"expected a search parameter of {'|'.join(sorted(targets))}, got `{name}`", expression=expression
        )
    for target in able:
        inner = criterion_of(target, criterion.chain, ",".join(criterion.values))
        statement = select(_r.id).where(*_conditions(engine, access, target, [inner])).limit(MOST_CHAINED + 1)
        with engine.connect() as connection:
            ids = connection.execute(statement).scalars().all()
        if len(ids) > MOST_CHAINED:
            raise TooLarge(
                f"expected `{criterion.asked}` to lead to at most {MOST_CHAINED} resources, it leads to more",
                expression=expression,
                code="too-costly",
            )
        keys += [key(parameter.space, f"{target}/{id}") for id in ids]
    return has_any_key(keys)


def _page(
    engine: Engine,
    access: Access,
    query: SearchQuery,
    criteria: Sequence[Criterion],
    conditions: Sequence[ColumnElement[bool]],
    order: Order,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """One row more than asked for, if there is one; each is a stored resource and what it was sorted by."""
    limit = query.count + 1
    worklist = _worklist(query.type, criteria) if order.is_default else None
    with engine.connect() as connection:
        if worklist is not None:
            others = [criterion for criterion in criteria if criterion.name not in worklist.answers]
            same = _conditions(engine, access, query.type, others)
            if query.cursor is not None:
                same.append(order.after(query.cursor))
            return connection.execute(_merged(worklist, same, order, limit)).all()
        if any(_has_keys(criterion) for criterion in criteria):
            rows = connection.execute(_sorted(conditions, order, limit)).all()
            if not rows or rows[0].found <= MOST_SORTED:
                return rows
        walk = select(*STORED, order.column.label("sorted_by")).where(*conditions).order_by(*order.clauses())
        return connection.execute(walk.limit(limit)).all()


def _has_keys(criterion: Criterion) -> bool:
    """Whether the criterion is looked up in the index of keys, so that few rows are likely."""
    if criterion.name == "_id":
        return True
    if criterion.name == "_lastUpdated" or criterion.modifier in {"not", "missing", "contains"}:
        return False
    return criterion.chain is not None or parameter_of(criterion).kind != "date"


def _sorted(conditions: Sequence[ColumnElement[bool]], order: Order, limit: int) -> Select[Any]:
    """Look up, sort, take the first. The inner LIMIT also keeps the planner from walking a whole type in order in the
    hope of meeting a rare key soon."""
    few = (
        select(_r.id, _r.version, order.column.label("sorted_by")).where(*conditions).limit(MOST_SORTED + 1).subquery()
    )
    ends = few.c.sorted_by, few.c.id
    clauses = [end.desc().nulls_last() if order.descending else end.asc() for end in ends]
    first = select(few, func.count().over().label("found")).order_by(*clauses).limit(limit).subquery()
    ends = first.c.sorted_by, first.c.id
    return (
        select(*STORED, first.c.sorted_by, first.c.found)
        .join(first, and_(_r.id == first.c.id, _r.version == first.c.version))
        .where(*conditions)
        .order_by(*[end.desc().nulls_last() if order.descending else end.asc() for end in ends])
    )


@dataclass(frozen=True, slots=True)
class Worklist:
    """Tasks of an organisation by status, kept in order by an index: a key for each pair of owner and status."""

    column: ColumnElement[Any]
    keys: Sequence[int]
    answers: frozenset[str]
    """The criteria that the keys already meet."""


def _worklist(type: str, criteria: Sequence[Criterion]) -> Worklist | None:
    """`Task?owner=…&status=…` (or requester), each once and plain; anything beside them is a filter."""
    if type != "Task":
        return None
    statuses = [criterion for criterion in criteria if criterion.name == "status"]
    if len(statuses) != 1 or statuses[0].modifier or statuses[0].chain:
        return None
    for party, column in (("owner", _r.owner_worklist), ("requester", _r.requester_worklist)):
        parties = [criterion for criterion in criteria if criterion.name == party]
        if len(parties) != 1 or parties[0].modifier in {"identifier", "missing"} or parties[0].chain:
            continue
        references = dict.fromkeys(form for value in parties[0].values for form in reference_forms(parties[0], value))
        codes = dict.fromkeys(token_form(value).rpartition("|")[2] for value in statuses[0].values)
        if 0 < len(references) * len(codes) <= MOST_BRANCHES:
            keys = [worklist_key(party, reference, code) for reference in references for code in codes]
            return Worklist(column, keys, frozenset({"status", party}))
    return None


def _merged(worklist: Worklist, same: Sequence[ColumnElement[bool]], order: Order, limit: int) -> Select[Any]:
    """The newest of each key, merged: no more rows are touched than the page has, however long the lists are."""
    columns = [*STORED, order.column.label("sorted_by")]
    branches = [
        select(*columns)
        .where(worklist.column == each, *same)
        .order_by(*order.clauses())
        .limit(limit)
        .subquery()
        .select()
        for each in worklist.keys
    ]
    merged = union_all(*branches).subquery()
    ends = merged.c.sorted_by, merged.c.id
    return select(merged).order_by(*[end.desc() if order.descending else end.asc() for end in ends]).limit(limit)


def _count(engine: Engine, conditions: Sequence[ColumnElement[bool]]) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(resource_version).where(*conditions)).scalar_one()


def _order_of(query: SearchQuery) -> Order:
    """`_sort`: `_lastUpdated` (newest first when nothing is said), `_id`, or one date parameter."""
    asked = _last(query.parameters, "_sort")
    if not asked:
        return Order(_r.last_updated, descending=True, is_default=True)
    code = asked.removeprefix("-")
    descending = asked.startswith("-")
    if code == "_lastUpdated":
        return Order(_r.last_updated, descending, is_default=True)
    if code == "_id":
        return Order(_r.id, descending, by_time=False)
    parameter = index_of(query.type).parameters.get(code)
    if parameter is None or parameter.kind != "date":
        raise NotSupported(
            f"expected to sort by _lastUpdated, _id or one date parameter of {query.type}", expression="_sort"
        )
    each = func.unnest(_r.date_params, _r.date_lows).table_valued("number", "low").render_derived()
    edge = func.max(each.c.low) if descending else func.min(each.c.low)
    return Order(select(edge).where(each.c.number == parameter.number).scalar_subquery(), descending)


def _cursor_at(row: Row[*tuple[Any, ...]]) -> str:
    value = row.sorted_by.isoformat() if isinstance(row.sorted_by, datetime) else row.sorted_by
    return base64.urlsafe_b64encode(orjson.dumps([value, row.id])).rstrip(b"=").decode()


def _place_of(cursor: str, by_time: bool) -> tuple[Any, str]:
    try:
        value, id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(id, str) or not isinstance(value, str | None):
            raise ValueError
        return datetime.fromisoformat(value) if by_time and value is not None else value, id
    except (ValueError, TypeError, binascii.Error, orjson.JSONDecodeError):
        raise Invalid("expected the cursor of a page link of this server", expression="_cursor", code="value") from None
