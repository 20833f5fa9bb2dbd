"""The handoffs of a period with their ledgers, as measures need them: two statements, however many they are.

The first looks at every handoff of the organisation that was authored before the end of the period: what it costs grows
with their number and not with the length of the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapter.domain import events
from adapter.domain.handoff import LedgerEvent
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.sql import Values


def requested_between(
    driver: Driver, access: Access, columns: Sequence[str], since: datetime, until: datetime, limit: int
) -> list[tuple[Sequence[Any], datetime]]:
    """These columns of each handoff, and when it was requested first."""
    values = Values(since, until)
    own = "true"
    if access.tenant is not None:
        own = f"{values.bind(access.tenant)} IN (h.requester, h.owner)"
    first = "SELECT min(e.event_time) AS requested_at FROM ledger_event e"
    first += f" WHERE e.handoff = h.id AND e.kind = {values.bind(events.REQUESTED)}"
    where = f"h.part_of IS NULL AND h.status <> 'entered-in-error' AND {own} AND {access.handoffs(values)}"
    rows = driver.rows(
        f"SELECT {', '.join(f'h.{column}' for column in columns)}, r.requested_at FROM handoff h, LATERAL ({first}) r"
        f" WHERE {where} AND r.requested_at >= $1 AND r.requested_at < $2"
        f" ORDER BY r.requested_at, h.id LIMIT {values.bind(limit)}",
        *values.bound,
    )
    return [(row[:-1], row[-1]) for row in rows]


def ledgers_of(driver: Driver, columns: str, handoffs: Sequence[str]) -> dict[str, list[LedgerEvent]]:
    """Handoff → its events in the order in which they were recorded; of handoffs that may be seen, as said above."""
    values = Values()
    ledgers: dict[str, list[LedgerEvent]] = {}
    sql = f"SELECT {columns} FROM ledger_event e WHERE e.handoff = ANY({values.texts(handoffs)}) ORDER BY e.id"
    for row in driver.rows(sql, *values.bound) if handoffs else ():
        event = LedgerEvent(*row)
        ledgers.setdefault(event.handoff, []).append(event)
    return ledgers
