"""Reading as one organisation: what it may not see does not exist.

https://hl7.org/fhir/R4/http.html#read, #vread and #history
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Engine, Row, Select, select, tuple_

from adapter.domain.handoff import Handoff, LedgerEvent, NextAction
from adapter.storage.access import Access
from adapter.storage.connections import Driver, driver_of
from adapter.storage.failures import unavailable_when_down
from adapter.storage.search_keys import handoff_key
from adapter.storage.tables import bigints, handoff, ledger_event, resource_version, texts
from adapter.use_cases.ports import Answer, RequestRecord, ResourceKey, SearchPage, SearchQuery, StoredResource

_r = resource_version.c
STORED = (_r.type, _r.id, _r.version, _r.author, _r.last_updated, _r.body, _r.deleted, _r.handoffs)
"""The columns of a `StoredResource`, in this order."""


class PostgresReader:
    """`ports.Reader`. Each call is a statement of its own and sees what is committed by then."""

    def __init__(self, engine: Engine, access: Access):
        self._engine = engine
        self._access = access

    def read(self, key: ResourceKey) -> StoredResource | None:
        found = self._resources(
            select(*STORED).where(_r.type == key.type, _r.id == key.id, self._access.current()),
        )
        return found[0] if found else None

    def read_version(self, key: ResourceKey, version: int) -> StoredResource | None:
        found = self._resources(
            select(*STORED).where(_r.type == key.type, _r.id == key.id, _r.version == version, self._access.resources())
        )
        return found[0] if found else None

    def read_many(self, keys: Collection[ResourceKey]) -> dict[ResourceKey, StoredResource]:
        if not keys:
            return {}
        found = self._resources(
            select(*STORED).where(tuple_(_r.type, _r.id).in_(sorted(set(keys))), self._access.current())
        )
        return {stored.key: stored for stored in found}

    def history(self, key: ResourceKey) -> Sequence[StoredResource]:
        """The versions that are visible, newest first."""
        return self._resources(
            select(*STORED)
            .where(_r.type == key.type, _r.id == key.id, self._access.resources())
            .order_by(_r.version.desc())
        )

    def resources_of(self, handoff_id: str) -> Sequence[StoredResource]:
        """Current versions of what belongs to a handoff, deletions included, in the order of their keys."""
        return self._resources(
            select(*STORED)
            .where(
                _r.search_keys.contains(bigints([handoff_key(handoff_id)])),
                _r.handoffs.contains(texts([handoff_id])),
                self._access.current(),
            )
            .order_by(_r.type, _r.id)
        )

    def search(self, query: SearchQuery) -> SearchPage:
        from adapter.storage.search import run_search

        with unavailable_when_down():
            return run_search(self._engine, self._access, query)

    def match(self, type: str, criteria: str) -> Sequence[StoredResource]:
        from adapter.storage.search import run_match

        with unavailable_when_down():
            return run_match(self._engine, self._access, type, criteria)

    def handoff(self, id: str) -> Handoff | None:
        found = self._handoffs(select(handoff).where(handoff.c.id == id, self._access.handoffs()))
        return found[0] if found else None

    def handoffs_by_correlation(self, keys: Collection[str]) -> Sequence[Handoff]:
        """Handoffs that carry any of these correlation keys, oldest first."""
        if not keys:
            return ()
        return self._handoffs(
            select(handoff)
            .where(handoff.c.correlation.overlap(texts(sorted(set(keys)))), self._access.handoffs())
            .order_by(handoff.c.authored_on, handoff.c.id)
        )

    def ledger_of(self, handoff_id: str) -> Sequence[LedgerEvent]:
        """The events of a handoff, in the order in which they were recorded."""
        visible = select(handoff.c.id).where(handoff.c.id == handoff_id, self._access.handoffs()).exists()
        rows = self._rows(
            select(*[c for c in ledger_event.c if c.name != "id"])
            .where(ledger_event.c.handoff == handoff_id, visible)
            .order_by(ledger_event.c.id)
        )
        return [LedgerEvent(**row._mapping) for row in rows]

    def answer_to(self, request_key: str) -> RequestRecord | None:
        """What this organisation was answered to that key. The system asks nothing, so it gets None."""
        if self._access.tenant is None:
            return None
        with unavailable_when_down(), driver_of(self._engine) as driver:
            return request_record_of(driver, self._access.tenant, request_key)

    def _rows(self, statement: Select[Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        with unavailable_when_down(), self._engine.connect() as connection:
            return connection.execute(statement).all()

    def _resources(self, statement: Select[Any]) -> list[StoredResource]:
        return [stored_resource(row) for row in self._rows(statement)]

    def _handoffs(self, statement: Select[Any]) -> list[Handoff]:
        return [_handoff(row._mapping) for row in self._rows(statement)]


def stored_resource(row: Row[*tuple[Any, ...]]) -> StoredResource:
    type, id, version, author, last_updated, body, deleted, handoffs, *_ = row
    return StoredResource(ResourceKey(type, id), version, author, last_updated, body, deleted, tuple(handoffs))


def _handoff(row: Any) -> Handoff:
    columns = {name: value for name, value in row.items() if name != "readers"}
    code, who, by = (columns.pop(f"next_action_{part}") for part in ("code", "who", "by"))
    columns["next_action"] = None if code is None else NextAction(code, who, by)
    columns["correlation"] = tuple(columns["correlation"])
    columns["escalated_to"] = tuple(columns["escalated_to"])
    return Handoff(**columns)


def request_record_of(driver: Driver, tenant: str, key: str) -> RequestRecord | None:
    rows = driver.rows(
        "SELECT body_hash, status, headers, body FROM request_record WHERE tenant = $1 AND key = $2", tenant, key
    )
    if not rows:
        return None
    body_hash, status, headers, body = rows[0]
    return RequestRecord(tenant, key, body_hash, Answer(status, headers, body))
