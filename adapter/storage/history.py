"""Versions of one resource or of all resources of a type, newest first, page by page.

https://hl7.org/fhir/R4/http.html#history. Each version carries its own readers, so that a history shows nobody a
version that a read of it would not.
"""

from __future__ import annotations

import base64
from datetime import datetime

import orjson

from adapter.domain.errors import Invalid
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.sql import Values, all_of
from adapter.storage.stored import STORED, stored_resource
from adapter.use_cases.ports import HistoryPage, StoredResource


def history_page(
    driver: Driver,
    access: Access,
    type: str,
    id: str | None,
    *,
    since: datetime | None,
    count: int,
    cursor: str | None,
) -> HistoryPage:
    """`since`: only what was changed at that time or later. Raises Invalid for what is no cursor of a history."""
    values = Values()
    conditions = [access.resources(values), f"r.type = {values.bind(type)}"]
    if id is not None:
        conditions.append(f"r.id = {values.bind(id)}")
    if since is not None:
        conditions.append(f"r.last_updated >= {values.bind(since)}")
    total = None
    if id is not None:
        sql = f"SELECT count(*) FROM resource_version r WHERE {all_of(conditions)}"
        total = driver.rows(sql, *values.bound)[0][0]
    if cursor is not None:
        moment, last_id, version = _place_of(cursor)
        place = f"({values.bind(moment)}, {values.bind(last_id)}, {values.bind(version)})"
        conditions.append(f"(r.last_updated, r.id, r.version) < {place}")
    order = "ORDER BY r.last_updated DESC, r.id DESC, r.version DESC"
    sql = f"SELECT {STORED} FROM resource_version r WHERE {all_of(conditions)} {order} LIMIT {count + 1}"
    rows = driver.rows(sql, *values.bound)
    versions = [stored_resource(row, access.tenant) for row in rows[:count]]
    more = len(rows) > count and count > 0
    return HistoryPage(versions, total, _cursor_at(versions[-1]) if more else None)


def _cursor_at(last: StoredResource) -> str:
    place = [last.last_updated.isoformat(), last.key.id, last.version]
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def _place_of(cursor: str) -> tuple[datetime, str, int]:
    try:
        moment, id, version = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        parsed = datetime.fromisoformat(moment)
        if parsed.tzinfo is None or "\0" in id or not 0 < int(version) < 2**31:
            raise ValueError
        return parsed, str(id), int(version)
    except (ValueError, TypeError):  # binascii.Error and JSONDecodeError are ValueErrors
        raise Invalid("expected the cursor of a page link of this server", expression="_cursor", code="value") from None
