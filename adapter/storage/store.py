"""The store: every change is one write set, committed whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import psycopg
from psycopg.errors import UniqueViolation
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from adapter.domain.errors import Unavailable
from adapter.domain.origin import Origin
from adapter.storage import audit_trail
from adapter.storage.access import EVERYTHING, Access
from adapter.storage.changes import commit_change, is_all_new
from adapter.storage.connections import Driver, Reading, driver_as, driver_of, open_engine
from adapter.storage.failures import meaning_of, unavailable_when_down
from adapter.storage.kept_disclosure import WITHHELD, withheld_from
from adapter.storage.reads import PostgresReader, request_record_of
from adapter.storage.roles import READER, WRITER
from adapter.storage.write_set_sql import Written, disclosure, statement_for
from adapter.use_cases.ports import (
    EVERYONE,
    Deadline,
    DuplicateRequest,
    NewVersion,
    StoredResource,
    WriteConflict,
    WriteSet,
)


class PostgresStore:
    """`ports.Store` on PostgreSQL. Thread-safe; a thread that finds the pool empty waits 5 s, then Unavailable."""

    def __init__(self, engine: Engine, readers: Engine, now: Callable[[], datetime] | None = None):
        """`engine` works under the role `roles.WRITER`, `readers` under `roles.READER`."""
        self._engine = engine
        self._readers = readers
        self._now = now

    @property
    def engine(self) -> Engine:
        """The same pool with ordinary transactions, for the other files of this room."""
        return self._engine.execution_options(isolation_level="READ COMMITTED")

    def close(self) -> None:
        self._engine.dispose()
        self._readers.dispose()

    def at(self, now: Callable[[], datetime]) -> PostgresStore:
        """The same store, for which it is `now()`; by itself it goes by the database's time. A Consent may end any
        moment, and with it what somebody may read."""
        return PostgresStore(self._engine, self._readers, now)

    def reader(self, tenant: str) -> PostgresReader:
        """Reads as this organisation. Raises ValueError for "" and "*", which are none."""
        access = Access.of(tenant, self._now)
        return PostgresReader(self.reading_as(tenant), access)

    def system_reader(self) -> PostgresReader:
        return PostgresReader(partial(driver_of, self._engine), EVERYTHING)

    def reading_as(self, tenant: str) -> Reading:
        """Connections on which PostgreSQL shows what this organisation may see, whatever is asked."""
        return partial(driver_as, self._readers, tenant)

    def commit(self, write_set: WriteSet) -> None:
        """Atomic. Raises WriteConflict, DuplicateRequest, or domain.errors.Unavailable when the database is down."""
        try:
            self._commit(write_set)
        except UniqueViolation as error:
            self._raise_if_answered_before(write_set)
            if error.diag.constraint_name != "conditional_create_pkey" or not self._forget_stale_criteria(write_set):
                raise WriteConflict(error.diag.constraint_name) from error
            self._commit_again(write_set)
        except (psycopg.Error, SQLAlchemyError) as error:
            raise meaning_of(error) from error

    def disclosed(self, tenant: str, origin: Origin, resources: Sequence[StoredResource]) -> None:
        """Write down that `tenant` gets these, before it does. Raises Unavailable: then it must not get them."""
        sql, values = disclosure(audit_trail.shown(tenant, origin, resources))
        try:
            with driver_of(self._engine) as driver:
                driver.run(sql, *values)
        except (psycopg.Error, SQLAlchemyError) as error:
            # Whatever the reason: what cannot be written down is not shown.
            raise Unavailable("expected the audit trail to take this reading, it did not: try again later") from error

    def withholds_from(self, tenant: str) -> bool:
        """Whether `tenant` takes part in a handoff that it may not read for want of a Consent."""
        with unavailable_when_down(), driver_of(self._engine) as driver:
            return bool(driver.rows(WITHHELD, withheld_from(tenant)))

    def due_deadlines(self, now: datetime, limit: int) -> Sequence[Deadline]:
        """Open deadlines that are due, oldest first."""
        return self._deadlines("due <= $1 ORDER BY due, handoff, step LIMIT $2", now, limit)

    def open_deadlines(self, handoff_id: str) -> Sequence[Deadline]:
        return self._deadlines("handoff = $1 ORDER BY due, step", handoff_id)

    def _deadlines(self, condition: str, *values: object) -> Sequence[Deadline]:
        sql = f"SELECT handoff, step, due FROM deadline WHERE fired_at IS NULL AND cancelled_at IS NULL AND {condition}"
        with unavailable_when_down(), driver_of(self._engine) as driver:
            return [Deadline(*row) for row in driver.rows(sql, *values)]

    def _commit(self, write_set: WriteSet) -> None:
        with driver_of(self._engine) as driver:
            if is_all_new(write_set):
                _insert_all_new(driver, write_set)
            else:
                with driver.transaction():
                    commit_change(driver, write_set)

    def _commit_again(self, write_set: WriteSet) -> None:
        try:
            self._commit(write_set)
        except (psycopg.Error, SQLAlchemyError) as error:
            raise meaning_of(error) from error

    def _raise_if_answered_before(self, write_set: WriteSet) -> None:
        """PostgreSQL let the loser wait until the winner had committed, so its record can be read now."""
        for request in write_set.requests:
            with unavailable_when_down(), driver_of(self._engine) as driver:
                record = request_record_of(driver, request.tenant, request.key)
            if record is not None:
                raise DuplicateRequest(record)

    def _forget_stale_criteria(self, write_set: WriteSet) -> bool:
        """A conditional create whose criteria were used before: is that resource still what they match?

        False when something matches, so the use case will find it; True when nothing does (it was deleted or changed
        since) and the memory of it is gone."""
        reader = self.reader(write_set.tenant)
        for type, criteria, _ in write_set.conditional_creates:
            with unavailable_when_down(), driver_of(self._engine) as driver:
                # Read before matching: whoever replaces it in between makes the deletion miss, and us lose again.
                place = "tenant = $1 AND type = $2 AND criteria = $3"
                found = driver.rows(
                    f"SELECT id FROM conditional_create WHERE {place}", write_set.tenant, type, criteria
                )
                if reader.match(type, criteria):
                    return False
                for (id,) in found:
                    stale = f"DELETE FROM conditional_create WHERE {place} AND id = $4"
                    driver.run(stale, write_set.tenant, type, criteria, id)
        return True


def open_store(url: str, pool_size: int = 8) -> PostgresStore:
    """A store on the database at `url` (already upgraded): `pool_size` connections to write with, as many on which
    organisations read. Connects lazily; close it with `close()`."""
    return PostgresStore(open_engine(url, pool_size, WRITER), open_engine(url, pool_size, READER))


def _insert_all_new(driver: Driver, write_set: WriteSet) -> None:
    readers = {handoff.id: handoff.readers for handoff in write_set.handoffs}
    statement = statement_for(write_set, [_written(version, readers) for version in write_set.resources])
    if statement is not None:
        driver.run(statement[0], *statement[1])


def _written(version: NewVersion, readers: dict[str, frozenset[str]]) -> Written:
    may_read = {version.author}.union(*[readers[handoff] for handoff in version.handoffs])
    if version.public:
        may_read.add(EVERYONE)
    return Written(version, version.handoffs, sorted(may_read))
