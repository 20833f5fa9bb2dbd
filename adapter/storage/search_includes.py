"""`_include` and `_revinclude`: what the matches point at, and what points at them, as far as the reader may see it.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import Engine, select, tuple_

from adapter.domain.errors import Invalid, NotSupported
from adapter.storage.access import Access
from adapter.storage.reads import STORED, stored_resource
from adapter.storage.search_index import Parameter, index_of, references_in
from adapter.storage.search_keys import key
from adapter.storage.search_parameters import has_any_key
from adapter.storage.search_values import local_reference
from adapter.storage.tables import resource_version
from adapter.use_cases.ports import ResourceKey, SearchQuery, StoredResource

MOST_INCLUDED = 1000
"""Includes beyond this are left out; they can still be read one by one."""

_r = resource_version.c


def included_with(
    engine: Engine, access: Access, query: SearchQuery, matches: Sequence[StoredResource]
) -> Sequence[StoredResource]:
    """Beside the matches, each once, never one of the matches. Raises NotSupported or Invalid naming the parameter."""
    forward = [_parsed(query, name, value) for name, value in query.parameters if name.partition(":")[0] == "_include"]
    reverse = [
        _parsed(query, name, value) for name, value in query.parameters if name.partition(":")[0] == "_revinclude"
    ]
    if not matches or not (forward or reverse):
        return ()
    found: dict[ResourceKey, StoredResource] = {}
    if forward:
        _add(found, _pointed_at(engine, access, forward, matches))
    for parameters, source in reverse:
        _add(found, _pointing_at(engine, access, source, parameters, matches))
    for match in matches:
        found.pop(match.key, None)
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
    engine: Engine, access: Access, asked: Sequence[Asked], matches: Sequence[StoredResource]
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
    return _current(engine, access, wanted)


def _current(engine: Engine, access: Access, keys: set[tuple[str, str]]) -> Iterable[StoredResource]:
    if not keys:
        return ()
    statement = (
        select(*STORED)
        .where(access.current(), _r.deleted.is_(False), tuple_(_r.type, _r.id).in_(sorted(keys)))
        .order_by(_r.type, _r.id)
        .limit(MOST_INCLUDED)
    )
    with engine.connect() as connection:
        return [stored_resource(row) for row in connection.execute(statement)]


def _pointing_at(
    engine: Engine,
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
    statement = (
        select(*STORED)
        .where(access.current(), _r.type == type, _r.deleted.is_(False), has_any_key(sorted(keys)))
        .order_by(_r.id)
        .limit(MOST_INCLUDED)
    )
    with engine.connect() as connection:
        return [stored_resource(row) for row in connection.execute(statement)]


def _add(found: dict[ResourceKey, StoredResource], more: Iterable[StoredResource]) -> None:
    for stored in more:
        found.setdefault(stored.key, stored)
