"""Who reads what is restricted, kept with the rows: the readers follow from the rule in `domain/disclosure.py` alone.

Settled at the end of a change, under the locks on its handoffs, from the rows as they then are: a decision that was
taken on permits that have ended in the meantime cannot bring them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from adapter.domain.disclosure import Disclosure, DisclosureChange
from adapter.domain.handoff import Handoff, readers_of
from adapter.storage.connections import Driver
from adapter.storage.handoffs import HANDOFF, handoff_of
from adapter.storage.kept_disclosure import of_handoff, of_resource, restrictions_from, rows_of
from adapter.storage.pg_arrays import bigint_literal, text_literal
from adapter.storage.search_keys import handoff_key
from adapter.use_cases.ports import EVERYONE, NewVersion, WriteSet

_LOAD = f"SELECT {', '.join(HANDOFF)} FROM handoff WHERE id = ANY($1::text[])"

_RESTRICT = """UPDATE resource_version r SET disclosure = jsonb_build_object('restrictions', k.restrictions)
 FROM json_to_recordset($1::json) AS k (type text, id text, version int, restrictions jsonb)
 WHERE r.type = k.type AND r.id = k.id AND r.version = k.version"""

_DISCLOSE = """UPDATE handoff h SET disclosure = k.disclosure, readers = k.readers
 FROM json_to_recordset($1::json) AS k (id text, disclosure jsonb, readers text[]) WHERE h.id = k.id"""

_AFFECTED = "r.search_keys && $1::bigint[] AND r.handoffs && $2::text[]"
_ALIKE = f"""SELECT DISTINCT r.author, r.handoffs, r.disclosure -> 'restrictions', '{EVERYONE}' = ANY(r.readers)
 FROM resource_version r WHERE {_AFFECTED}"""
_SETTLE = f"""UPDATE resource_version r SET readers = k.readers, disclosure = k.disclosure
 FROM json_to_recordset($3::json)
  AS k (author text, handoffs text[], restrictions jsonb, readers text[], disclosure jsonb)
 WHERE {_AFFECTED} AND r.author = k.author AND r.handoffs = k.handoffs
  AND (r.disclosure -> 'restrictions') IS NOT DISTINCT FROM k.restrictions"""


def settle(driver: Driver, write_set: WriteSet, restricted: Iterable[str]) -> None:
    """`restricted`: handoffs with a disclosure that this change touches; those that it gives one are settled too."""
    changes = {change.handoff: change for change in write_set.disclosures}
    ids = sorted({*restricted, *changes})
    _restrict(driver, write_set.resources)
    if not ids:
        return
    handoffs = {handoff.id: _changed(handoff, changes.get(handoff.id)) for handoff in _load(driver, ids)}
    driver.run(_DISCLOSE, _json(_kept(handoff) for handoff in handoffs.values()))
    affected = bigint_literal([handoff_key(id) for id in ids]), text_literal(ids)
    alike = driver.rows(_ALIKE, *affected)
    others = {id for _, belonging, _, _ in alike for id in belonging} - handoffs.keys()
    handoffs |= {handoff.id: handoff for handoff in _load(driver, sorted(others))}
    driver.run(_SETTLE, *affected, _json(_read_by(handoffs, *each) for each in alike))


def _restrict(driver: Driver, versions: Sequence[NewVersion]) -> None:
    restricted = [version for version in versions if version.restrictions]
    if restricted:
        records = (
            {**v.key._asdict(), "version": v.version, "restrictions": rows_of(v.restrictions)} for v in restricted
        )
        driver.run(_RESTRICT, _json(records))


def _load(driver: Driver, ids: Sequence[str]) -> list[Handoff]:
    return [handoff_of(row) for row in driver.rows(_LOAD, text_literal(ids))] if ids else []


def _changed(handoff: Handoff, change: DisclosureChange | None) -> Handoff:
    if change is None:
        return handoff
    return replace(handoff, disclosure=(handoff.disclosure or Disclosure()).changed(change))


def _kept(handoff: Handoff) -> Mapping[str, Any]:
    assert handoff.disclosure is not None
    readers = {party: basis for party in handoff.parties if (basis := handoff.basis_for(party)) is not None}
    return {
        "id": handoff.id,
        "disclosure": of_handoff(handoff.disclosure, handoff.parties, readers),
        "readers": sorted(readers),
    }


def _read_by(
    handoffs: Mapping[str, Handoff], author: str, belonging: Sequence[str], restrictions: Any, public: bool
) -> Mapping[str, Any]:
    own = restrictions_from({"restrictions": restrictions or ()})
    readers = readers_of(author, own, [handoffs[id] for id in belonging if id in handoffs])
    return {
        "author": author,
        "handoffs": belonging,
        "restrictions": restrictions,
        "readers": sorted([*readers, EVERYONE] if public else readers),
        "disclosure": of_resource(restrictions, readers),
    }


def _json(records: Iterable[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(records)).decode()
