"""Searching by what lies at the other end of a reference: chains (`patient.name`) and `_has` (the other way round).

https://hl7.org/fhir/R4/search.html#chaining and #has. What lies there is searched first, by the same rules and with the
same access: a chain never tells of a resource that the reader may not see.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from adapter.domain.errors import Invalid, NotSupported, TooLarge
from adapter.storage.search_index import Parameter, index_of, references_in
from adapter.storage.search_keys import key
from adapter.storage.search_parameters import Criterion, criterion_of, told
from adapter.storage.search_values import local_reference

MOST_CHAINED = 1000
"""A chain that leads to more resources than this is refused: `patient.gender=female` is a question for a report."""
DEEPEST = 5
"""So many references may follow one another."""

Rows = Callable[[str, Criterion, str, int], list[tuple[object, ...]]]
"""(type, criterion, columns, limit) → these columns of the visible resources that meet it."""


def keys_at_the_end_of(criterion: Criterion, rows: Rows) -> list[int]:
    """`patient.identifier=…`: the keys of references to what is found at the other end."""
    expression = f"{criterion.type}.{criterion.name}"
    chain = criterion.chain or ""
    _refuse_too_deep(criterion, expression)
    # Not `_id` and `_lastUpdated` either, which have no index of their own.
    parameter = index_of(criterion.type).parameters.get(criterion.name)
    if parameter is None or parameter.kind != "reference":
        raise NotSupported(f"expected a chain from a reference, got `{told(criterion.asked)}`", expression=expression)
    targets = sorted({criterion.modifier} if criterion.modifier else parameter.targets)
    if not targets:
        example = told(f"{criterion.name}:Patient.{chain}")
        raise Invalid(f"expected the type in the chain, as `{example}`", expression=expression)
    name = chain.partition(".")[0].partition(":")[0]
    able = [type for type in targets if name in index_of(type).parameters or name in {"_id", "_lastUpdated", "_has"}]
    if not able:
        raise NotSupported(
            f"expected a search parameter of {' or '.join(map(told, targets))}, got `{told(name)}`",
            expression=expression,
        )
    keys: list[int] = []
    for type in able:
        inner = criterion_of(type, chain, ",".join(criterion.values))
        found = _bounded(rows(type, inner, "r.id", MOST_CHAINED + 1), criterion, expression)
        keys += [key(parameter.space, f"{type}/{id}") for (id,) in found]
    return keys


def ids_pointed_at(criterion: Criterion, rows: Rows) -> list[str]:
    """`_has:Task:patient:status=…`: the ids of those that such a resource points at."""
    assert criterion.has is not None
    type, code, rest = criterion.has
    expression = f"{criterion.type}._has"
    _refuse_too_deep(criterion, expression)
    parameter = _reference_to(criterion.type, type, code, expression)
    inner = criterion_of(type, rest, ",".join(criterion.values))
    found = _bounded(rows(type, inner, "r.body", MOST_CHAINED + 1), criterion, expression)
    ids: dict[str, None] = {}
    for (body,) in found:
        for reference in references_in(parameter, orjson.loads(body)):  # type: ignore[arg-type]
            target, _, id = local_reference(reference).partition("/")
            if target == criterion.type:
                ids[id] = None
    return list(ids)


def _reference_to(target: str, type: str, code: str, expression: str) -> Parameter:
    parameter = index_of(type).parameters.get(code)
    if parameter is None or parameter.kind != "reference":
        raise NotSupported(f"expected a reference parameter of {told(type)}, got `{told(code)}`", expression=expression)
    if parameter.targets and target not in parameter.targets:
        raise Invalid(f"expected a parameter that points at {target}, got {type}:{code}", expression=expression)
    return parameter


def _bounded(found: list[tuple[object, ...]], criterion: Criterion, expression: str) -> list[tuple[object, ...]]:
    if len(found) > MOST_CHAINED:
        raise TooLarge(
            f"expected `{told(criterion.asked)}` to lead to at most {MOST_CHAINED} resources, it leads to more",
            expression=expression,
            code="too-costly",
        )
    return found


def _refuse_too_deep(criterion: Criterion, expression: str) -> None:
    depth = (criterion.chain or "").count(".") + criterion.asked.count("_has:")
    if depth >= DEEPEST:
        raise TooLarge(f"expected a chain of at most {DEEPEST} references, got more", expression=expression)
