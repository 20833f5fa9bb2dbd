"""The partner register in the table `partner`; every process sees a change within two seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from adapter.domain.errors import NotFound
from adapter.domain.partner import Directory, Partner
from adapter.partners import from_file, refuse_ambiguous, to_file
from adapter.storage.failures import unavailable_when_down
from adapter.storage.tables import partner as table

FRESH_SECONDS: Final = 1.0
"""Age from which a snapshot is compared with the table; a slow database may add another second."""
_CHANGES: Final = 0x68616E64
"""Advisory lock: changes of the register wait for one another, so that two cannot take one identifier."""

# xmin is the transaction that wrote a row: unlike a timestamp it is another one after each change, in whatever order
# changes commit.
_STATE: Final = text("SELECT coalesce(md5(string_agg(id || ':' || xmin::text, ',' ORDER BY id)), '') FROM partner")


class PartnerRegister:
    """Implements `use_cases.register_partner.EditableRegister`; thread-safe. `elapsed`: monotonic, in seconds."""

    def __init__(self, engine: Engine, elapsed: Callable[[], float] = time.monotonic):
        # A change is several statements; the pool may be one that commits each by itself.
        self._engine = engine.execution_options(isolation_level="READ COMMITTED")
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._directory: Directory | None = None
        self._state = ""
        self._checked_at = 0.0

    def directory(self) -> Directory:
        """A snapshot, at most FRESH_SECONDS old. Raises Unavailable when it cannot be renewed: whoever was disabled
        in the meantime must not get in because the database is down."""
        directory = self._directory
        if directory is not None and self._elapsed() - self._checked_at < FRESH_SECONDS:
            return directory
        with self._lock:
            if self._directory is None or self._elapsed() - self._checked_at >= FRESH_SECONDS:
                self._renew()
            assert self._directory is not None
            return self._directory

    def put(self, *partners: Partner) -> None:
        """Add or replace, all or none. Raises Invalid when the register would become ambiguous."""
        with unavailable_when_down(), self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_CHANGES)))
            whole = {partner.id: partner for partner in _read(connection)}
            changed = [partner for partner in partners if whole.get(partner.id) != partner]
            whole.update({partner.id: partner for partner in partners})
            refuse_ambiguous(whole.values())
            for partner in changed:
                row = {"active": partner.active, "definition": to_file(partner), "updated_at": func.now()}
                statement = insert(table).values(id=partner.id, **row)
                connection.execute(statement.on_conflict_do_update(index_elements=[table.c.id], set_=row))
        self._forget()

    def disable(self, partner_id: str) -> Partner:
        """Its tokens stop working and nothing more is sent to it, within two seconds. Raises NotFound."""
        with unavailable_when_down(), self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_CHANGES)))
            changed = connection.execute(
                update(table)
                .where(table.c.id == partner_id)
                .values(active=False, updated_at=func.now())
                .returning(*_ROW)
            ).one_or_none()
        if changed is None:
            raise NotFound(f"expected the id of a registered partner, got `{partner_id}`")
        self._forget()
        return _partner(changed)

    def _renew(self) -> None:
        # The age counts from before the question: a change that commits while it is answered is seen the next time.
        asked_at = self._elapsed()
        with unavailable_when_down(), self._engine.connect() as connection:
            state = connection.execute(_STATE).scalar_one()
            if self._directory is None or state != self._state:
                # Rows may be newer than the state that was just read; then the next look reads them once more.
                self._directory = Directory(_read(connection))
                self._state = state
        self._checked_at = asked_at

    def _forget(self) -> None:
        with self._lock:
            self._checked_at = float("-inf")


_ROW: Final = (table.c.definition, table.c.active)


def _read(connection: Connection) -> Sequence[Partner]:
    return [_partner(row) for row in connection.execute(select(*_ROW).order_by(table.c.id))]


def _partner(row: Any) -> Partner:
    """The column `active` decides, so that disabling needs no rewriting of a definition."""
    return from_file({**row.definition, "active": row.active})
