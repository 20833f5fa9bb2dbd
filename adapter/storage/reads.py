"""Reading as one organisation: what it may not see does not exist.

https://hl7.org/fhir/R4/http.html#read, #vread and #history
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from adapter.domain.deadlines import ClockStep
from adapter.domain.disclosure import COUNSELING_NOTES, PART2
from adapter.domain.errors import NotSupported
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.task_status import NON_TERMINAL
from adapter.storage import audit_search, measure_rows, transitions
from adapter.storage.access import Access
from adapter.storage.connections import Driver, Reading
from adapter.storage.failures import unavailable_when_down
from adapter.storage.handoffs import HANDOFF, handoff_of
from adapter.storage.history import history_page
from adapter.storage.search import match, search
from adapter.storage.search_keys import handoff_key
from adapter.storage.sql import Values, any_of
from adapter.storage.stored import STORED, stored_resource
from adapter.use_cases.ports import (
    Answer,
    HistoryPage,
    RequestedHandoff,
    RequestRecord,
    ResourceKey,
    SearchPage,
    SearchQuery,
    StoredResource,
)

EVENT = "e.handoff, e.kind, e.actor, e.event_time, e.recorded_time, e.status_from, e.status_to, e.detail"


class PostgresReader:
    """`ports.Reader`. Each call is a statement of its own and sees what is committed by then; all raise Unavailable."""

    def __init__(self, driver: Reading, access: Access):
        """`driver`: connections on which at least what `access` allows is to be seen."""
        self._driver = driver
        self._access = access

    def read(self, key: ResourceKey) -> StoredResource | None:
        if rendered := self._rendered(key):
            return rendered()
        values = Values(*key)
        found = self._resources(f"r.type = $1 AND r.id = $2 AND {self._access.current(values)}", values)
        return found[0] if found else None

    def read_version(self, key: ResourceKey, version: int) -> StoredResource | None:
        if rendered := self._rendered(key):
            return rendered() if version == 1 else None
        values = Values(*key, version)
        where = f"r.type = $1 AND r.id = $2 AND r.version = $3 AND {self._access.resources(values)}"
        found = self._resources(where, values)
        return found[0] if found else None

    def read_many(self, keys: Collection[ResourceKey]) -> dict[ResourceKey, StoredResource]:
        """The current versions, deletions included."""
        if not keys:
            return {}
        values = Values(orjson.dumps([{"type": key.type, "id": key.id} for key in set(keys)]).decode())
        wanted = "(r.type, r.id) IN (SELECT type, id FROM json_to_recordset($1::json) AS k (type text, id text))"
        found = self._resources(f"{wanted} AND {self._access.current(values)}", values)
        return {stored.key: stored for stored in found}

    def history(self, key: ResourceKey) -> Sequence[StoredResource]:
        """The versions that are visible, newest first."""
        if rendered := self._rendered(key):
            found = rendered()
            return [found] if found else ()
        values = Values(*key)
        where = f"r.type = $1 AND r.id = $2 AND {self._access.resources(values)}"
        return self._resources(f"{where} ORDER BY r.version DESC", values)

    def history_page(
        self, type: str, id: str | None, *, since: datetime | None, count: int, cursor: str | None
    ) -> HistoryPage:
        """Versions of one resource, or of all of a type, newest first. Raises Invalid for a cursor that is none."""
        if type == audit_search.TYPE or (id is not None and self._rendered(ResourceKey(type, id))):
            return self._history_of_one_version(type, id, count)
        with unavailable_when_down(), self._driver() as driver:
            return history_page(driver, self._access, type, id, since=since, count=count, cursor=cursor)

    def _history_of_one_version(self, type: str, id: str | None, count: int) -> HistoryPage:
        if id is None:
            raise NotSupported("an AuditEvent has one version and no history; search for AuditEvents", expression=type)
        versions = self.history(ResourceKey(type, id))
        return HistoryPage(versions[:count], len(versions), None)

    def resources_of(self, handoff_id: str) -> Sequence[StoredResource]:
        """Current versions of what belongs to a handoff, deletions included, in the order of their keys."""
        values = Values()
        belongs = f"r.search_keys @> {values.bigints([handoff_key(handoff_id)])}"
        belongs += f" AND r.handoffs @> {values.texts([handoff_id])}"  # a key of 64 bits is not yet a proof
        return self._resources(f"{belongs} AND {self._access.current(values)} ORDER BY r.type, r.id", values)

    def search(self, query: SearchQuery) -> SearchPage:
        """Raises NotSupported or Invalid naming the parameter that cannot be used, TooLarge for a chain too wide."""
        with unavailable_when_down(), self._driver() as driver:
            if query.type == audit_search.TYPE:
                return audit_search.search(driver, self._access, query)
            if query.type in {"Provenance", "Task"}:
                return transitions.search(driver, self._access, query, partial(search, driver, self._access))
            return search(driver, self._access, query)

    def match(self, type: str, criteria: str) -> Sequence[StoredResource]:
        with unavailable_when_down(), self._driver() as driver:
            return match(driver, self._access, type, criteria)

    def handoff(self, id: str) -> Handoff | None:
        values = Values(id)
        found = self._handoffs(f"h.id = $1 AND {self._access.handoffs(values)}", values)
        return found[0] if found else None

    def restricted_handoffs(self, patients: Collection[str], author: str) -> Sequence[Handoff]:
        """Handoffs with restricted records of one of these patients that `author` discloses."""
        values = Values()
        named = [[kind, patient, author] for kind in (PART2, COUNSELING_NOTES) for patient in sorted(patients)]
        about = [f"h.disclosure @> {values.bind(_restricted(*each))}::jsonb" for each in named]
        where = f"{any_of(about or ['false'])} AND {self._access.handoffs(values)} ORDER BY h.id"
        return self._handoffs(where, values)

    def handoffs_by_correlation(self, keys: Collection[str]) -> Sequence[Handoff]:
        """Handoffs that carry any of these correlation keys, oldest first."""
        if not keys:
            return ()
        values = Values()
        where = f"h.correlation && {values.texts(sorted(set(keys)))} AND {self._access.handoffs(values)}"
        return self._handoffs(f"{where} ORDER BY h.authored_on, h.id", values)

    def ledger_of(self, handoff_id: str) -> Sequence[LedgerEvent]:
        """The events of a handoff, in the order in which they were recorded."""
        values = Values(handoff_id)
        visible = f"SELECT FROM handoff h WHERE h.id = $1 AND {self._access.handoffs(values)}"
        where = f"e.handoff = $1 AND EXISTS ({visible})"
        rows = self._rows(f"SELECT {EVENT} FROM ledger_event e WHERE {where} ORDER BY e.id", values)
        return [LedgerEvent(*row) for row in rows]

    def clock_of(self, handoff_id: str) -> Sequence[ClockStep]:
        """Every step of a handoff's clock, in the order of its time."""
        values = Values(handoff_id)
        visible = f"SELECT FROM handoff h WHERE h.id = $1 AND {self._access.handoffs(values)}"
        where = f"d.handoff = $1 AND EXISTS ({visible})"
        columns = "d.step, d.due, d.fired_at, d.cancelled_at"
        rows = self._rows(f"SELECT {columns} FROM deadline d WHERE {where} ORDER BY d.due, d.step", values)
        return [ClockStep(*row) for row in rows]

    def open_handoffs(self, partner: str, returned_since: datetime, limit: int) -> Sequence[Handoff]:
        """By when their next action is due: what is open on either side, and what was given back to `partner`."""
        values = Values(partner)
        is_open = f"(h.owner = $1 OR h.requester = $1) AND h.status = ANY({values.texts(NON_TERMINAL)})"
        returned = "h.requester = $1 AND h.status IN ('rejected', 'failed')"
        returned += f" AND h.updated_at >= {values.bind(returned_since)}"
        where = f"({is_open} OR {returned}) AND {self._access.handoffs(values)}"
        order = f"h.next_action_by NULLS LAST, h.authored_on, h.id LIMIT {values.bind(limit)}"
        return self._handoffs(f"{where} ORDER BY {order}", values)

    def requested_between(self, since: datetime, until: datetime, limit: int) -> Sequence[RequestedHandoff]:
        with unavailable_when_down(), self._driver() as driver:
            found = measure_rows.requested_between(driver, self._access, HANDOFF, since, until, limit)
            ledgers = measure_rows.ledgers_of(driver, EVENT, [row[0] for row, _ in found])
        handoffs = [(handoff_of(row), at) for row, at in found]
        return [RequestedHandoff(handoff, at, ledgers.get(handoff.id, ())) for handoff, at in handoffs]

    def answer_to(self, request_key: str) -> RequestRecord | None:
        """What this organisation was answered to that key. The system asks nothing, so it gets None."""
        if self._access.tenant is None:
            return None
        with unavailable_when_down(), self._driver() as driver:
            return request_record_of(driver, self._access.tenant, request_key)

    def _rendered(self, key: ResourceKey) -> Callable[[], StoredResource | None] | None:
        """How to get a resource that is kept in another form than its own: of the audit trail, or of the ledger."""
        if key.type == audit_search.TYPE:
            read = audit_search.read
        elif transitions.is_transition(key):
            read = transitions.read
        else:
            return None

        def rendered() -> StoredResource | None:
            with unavailable_when_down(), self._driver() as driver:
                return read(driver, self._access, key.id)

        return rendered

    def _rows(self, sql: str, values: Values) -> Sequence[tuple[Any, ...]]:
        with unavailable_when_down(), self._driver() as driver:
            return driver.rows(sql, *values.bound)

    def _resources(self, where: str, values: Values) -> list[StoredResource]:
        rows = self._rows(f"SELECT {STORED} FROM resource_version r WHERE {where}", values)
        return [stored_resource(row, self._access.tenant) for row in rows]

    def _handoffs(self, where: str, values: Values) -> list[Handoff]:
        return [
            handoff_of(row) for row in self._rows(f"SELECT {', '.join(HANDOFF)} FROM handoff h WHERE {where}", values)
        ]


def _restricted(kind: str, patient: str, author: str) -> str:
    return orjson.dumps({"restrictions": [[kind, patient, author]]}).decode()


def request_record_of(driver: Driver, tenant: str, key: str) -> RequestRecord | None:
    rows = driver.rows(
        "SELECT body_hash, status, headers, body FROM request_record WHERE tenant = $1 AND key = $2", tenant, key
    )
    if not rows:
        return None
    body_hash, status, headers, body = rows[0]
    return RequestRecord(tenant, key, body_hash, Answer(status, headers, body))
