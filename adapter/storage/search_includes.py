"""`_include` and `_revinclude`: what the matches point at, and what points at them, as far as the reader may see it.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.search_index import Parameter, index_of, references_in
from adapter.storage.search_keys import key
from adapter.storage.search_parameters import has_any_key
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
    forward = [_parsed(query, name, value) for name, value in query.parameters if name.partition(":")[0] == "_include"]
    reverse = [
        _parsed(query, name, value) for name, value in query.parameters if name.partition(":")[0] == "_revinclude"
    ]
    if not matches:
        return ()
    found: dict[ResourceKey, StoredResource] = {}
    if forward:
        _add(found, _pointed_at(driver, access, forward, matches))
    for parameters, source in reverse:
        _add(found, _pointing_at(driver, access, source, parameters, matches))
    for each in matches:
        found.pop(each.key, None)
    return list(found.values())[:MOST_INCLUDED]


Asked = tuple[list[tuple[Parameter, str | None]], str]
"""Reference parameters, each with the one type asked for, and the type that they are parameters of."""


def _parsed(query: SearchQuery, name: str, value: str) -> Asked:
    head, colon, modifier = name.partition(":")
    if colon:
        raise NotSupported(f"expected `{head}` without a modifier, got `:{modifier}`", expression=head)
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if not source or not code:
        raise Invalid(f"expected `{head}` as Type:parameter or Type:parameter:Type", expression=head)
    if head == "_include" and source != query.type:
        raise Invalid(f"expected `_include` to begin with {query.type}, the type searched for", expression=head)
    known = index_of(source).parameters
    wanted = list(known.values()) if code == "*" else [known[code]] if code in known else []
    references = [(parameter, target or None) for parameter in wanted if parameter.kind == "reference"]
    if not references:
        raise NotSupported(f"expected a reference parameter of {source}, got `{code}`", expression=head)
    return references, source


def _pointed_at(
    driver: Driver, access: Access, asked: Sequence[Asked], matches: Sequence[StoredResource]
) -> Iterable[StoredResource]:
    wanted: set[tuple[str, str]] = set()
    trees = [orjson.loads(match.body) for match in matches]
    for parameters, _ in asked:
        for parameter, only in parameters:
            for tree in trees:
                for reference in references_in(parameter, tree):
                    target, _, id = local_reference(reference).partition("/")
                    if id and "/" not in id and only in (None, target):
                        wanted.add((target, id))
    values = Values(orjson.dumps([{"type": type, "id": id} for type, id in wanted]).decode())
    among = "(r.type, r.id) IN (SELECT type, id FROM json_to_recordset($1::json) AS k (type text, id text))"
    return _visible(driver, access, among, values) if wanted else ()


def _pointing_at(
    driver: Driver,
    access: Access,
    type: str,
    parameters: Sequence[tuple[Parameter, str | None]],
    matches: Sequence[StoredResource],
) -> Iterable[StoredResource]:
    keys = {
        key(parameter.space, str(match.key))
        for parameter, only in parameters
        for match in matches
        if only in (None, match.key.type) and (not parameter.targets or match.key.type in parameter.targets)
    }
    values = Values(type)
    return _visible(driver, access, f"r.type = $1 AND {has_any_key(sorted(keys), values)}", values)


def _visible(driver: Driver, access: Access, condition: str, values: Values) -> Iterable[StoredResource]:
    where = f"{condition} AND {access.current(values)} AND NOT r.deleted ORDER BY r.type, r.id LIMIT {MOST_INCLUDED}"
    rows = driver.rows(f"SELECT {STORED} FROM resource_version r WHERE {where}", *values.bound)
    return [stored_resource(row) for row in rows]


def _add(found: dict[ResourceKey, StoredResource], more: Iterable[StoredResource]) -> None:
    for stored in more:
        found.setdefault(stored.key, stored)
