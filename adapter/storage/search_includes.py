"""`_include` and `_revinclude`: what the matches point at, and what points at them, as far as the reader may see it.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.search_index import Parameter, index_of, references_in
from adapter.storage.search_keys import key
from adapter.storage.search_parameters import has_any_key, told
from adapter.storage.search_values import local_reference
from adapter.storage.sql import Values
from adapter.storage.stored import STORED, stored_resource
from adapter.use_cases.ports import ResourceKey, SearchQuery, StoredResource

MOST_INCLUDED = 1000
"""Includes beyond this are left out; they can still be read one by one."""


def included_with(
    driver: Driver, access: Access, query: SearchQuery, matches: Sequence[StoredResource]
) -> Sequence[StoredResource]:
    """Beside the matches, each once, never one of the matches. Raises NotSupported or Invalid naming the parameter."""
    asked = [
        _parsed(query, name, value)
        for name, value in query.parameters
        if name.partition(":")[0] in {"_include", "_revinclude"}
    ]
    known = {each.key for each in matches}
    found: dict[ResourceKey, StoredResource] = {}
    fresh, first = list(matches), True
    while fresh and len(found) < MOST_INCLUDED:
        more = [
            each
            for include in asked
            if first or include.iterate
            for each in _included(driver, access, include, fresh)
            if each.key not in known
        ]
        fresh, first = list({each.key: each for each in more}.values()), False
        known.update(each.key for each in fresh)
        found.update((each.key, each) for each in fresh)
    return list(found.values())[:MOST_INCLUDED]


@dataclass(frozen=True, slots=True)
class Include:
    """`_include` (`forward`) or `_revinclude`: reference parameters of `source`, and the one target type asked for.

    With `iterate` what was included is gone through as well, until nothing new comes."""

    forward: bool
    source: str
    parameters: Sequence[Parameter]
    only: str | None
    iterate: bool


def _parsed(query: SearchQuery, name: str, value: str) -> Include:
    head, colon, modifier = name.partition(":")
    if colon and modifier not in {"iterate", "recurse"}:  # `:recurse` is what STU3 called it
        raise NotSupported(f"expected `{head}` or `{head}:iterate`, got `:{told(modifier)}`", expression=head)
    forward, iterate = head == "_include", bool(colon)
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if value == "*" and forward:
        source, code = query.type, "*"
    if not source or not code:
        raise Invalid(f"expected `{head}` as Type:parameter or Type:parameter:Type", expression=head)
    if forward and source != query.type and not iterate:
        raise Invalid(
            f"expected `_include` to begin with {query.type}, the type searched for, or `_include:iterate`",
            expression=head,
        )
    known = index_of(source).parameters
    wanted = list(known.values()) if code == "*" else [known[code]] if code in known else []
    references = [parameter for parameter in wanted if parameter.kind == "reference"]
    if not references:
        raise NotSupported(f"expected a reference parameter of {told(source)}, got `{told(code)}`", expression=head)
    return Include(forward, source, references, target or None, iterate)


def _included(
    driver: Driver, access: Access, include: Include, beside: Sequence[StoredResource]
) -> Iterable[StoredResource]:
    reach = _pointed_at if include.forward else _pointing_at
    return reach(driver, access, include, beside)


def _pointed_at(
    driver: Driver, access: Access, include: Include, beside: Sequence[StoredResource]
) -> Iterable[StoredResource]:
    wanted: set[tuple[str, str]] = set()
    trees = [orjson.loads(each.body) for each in beside if each.key.type == include.source]
    for parameter in include.parameters:
        for tree in trees:
            for reference in references_in(parameter, tree):
                target, _, id = local_reference(reference).partition("/")
                if id and "/" not in id and include.only in (None, target):
                    wanted.add((target, id))
    values = Values(orjson.dumps([{"type": type, "id": id} for type, id in wanted]).decode())
    among = "(r.type, r.id) IN (SELECT type, id FROM json_to_recordset($1::json) AS k (type text, id text))"
    return _visible(driver, access, among, values) if wanted else ()


def _pointing_at(
    driver: Driver, access: Access, include: Include, beside: Sequence[StoredResource]
) -> Iterable[StoredResource]:
    keys = {
        key(parameter.space, str(each.key))
        for parameter in include.parameters
        for each in beside
        if include.only in (None, each.key.type) and (not parameter.targets or each.key.type in parameter.targets)
    }
    values = Values(include.source)
    where = f"(r.type || '') = $1 AND {has_any_key(sorted(keys), values)}"  # by the key, not by the type
    return _visible(driver, access, where, values) if keys else ()


def _visible(driver: Driver, access: Access, condition: str, values: Values) -> Iterable[StoredResource]:
    where = f"{condition} AND {access.current(values)} AND NOT r.deleted ORDER BY r.type, r.id LIMIT {MOST_INCLUDED}"
    rows = driver.rows(f"SELECT {STORED} FROM resource_version r WHERE {where}", *values.bound)
    return [stored_resource(row, access.tenant) for row in rows]
