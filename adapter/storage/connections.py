"""Pools of connections, seen in two ways: SQLAlchemy for what is composed, the driver for what is fixed and hot.

Each pool works under one role (`roles.py`): the adapter's own work under one that may write, what organisations read
under one that sees, by row-level security, the rows of the tenant that the connection has been told and no others.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError

from adapter.storage.roles import WRITER

CONNECT = {
    "connect_timeout": "5",
    "application_name": "handoff",
    # A host that is gone closes no socket. Without these a request would wait a quarter of an hour for it.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
"""What the address of the database may say otherwise."""
OPTIONS = {
    "timezone": "UTC",
    # Every question that is asked often has an index. PostgreSQL must use it on the first day as well, when it knows
    # nothing yet of what the tables hold, and it must not take an index for slow because discs once were.
    "enable_seqscan": "off",
    "random_page_cost": "1.1",
}
POOL_WAIT_SECONDS = 5.0
_OF_THE_QUEUE: Final = {"role": WRITER}

_TENANT = "tenant"
"""Where a pooled connection remembers which tenant its server process was told last."""
_TELL = b"SELECT set_config('handoff.tenant', $1, false)"


def open_engine(url: str, pool_size: int, role: str | None = None) -> Engine:
    """An engine whose connections commit each statement by itself unless a transaction is begun in so many words:
    a read, and a write that is one statement, then cost one round trip. `role`: instead of the one that logs in."""
    asked = {**OPTIONS, **({"role": role} if role else {})}
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_use_lifo=True,
        # A refused statement must not carry its values, which are patient data, into a log or a traceback.
        hide_parameters=True,
        connect_args=connect_args(url, asked),
    )
    event.listen(engine, "connect", lambda connection, record: _settle(connection, asked))
    event.listen(engine, "checkout", _still_open)
    return engine


def queue_pool(url: str) -> AsyncConnectionPool:
    """What the queue of jobs works on, not opened yet. Without a connection for 5 s its user gets a PoolTimeout."""
    return AsyncConnectionPool(
        url.replace("postgresql+psycopg://", "postgresql://", 1),
        kwargs=connect_args(url, _OF_THE_QUEUE),
        configure=_settle_queue,
        min_size=1,
        max_size=4,
        timeout=POOL_WAIT_SECONDS,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )


def connect_args(url: str, asked: Mapping[str, str]) -> dict[str, str]:
    """What is asked for as a connection opens comes back when it is reset: RESET ROLE does not undo a role."""
    given = make_url(url).query
    options = [str(given["options"])] if "options" in given else []
    options += [f"-c {name}={value}" for name, value in asked.items()]
    return {**{name: value for name, value in CONNECT.items() if name not in given}, "options": " ".join(options)}


_SETTLE: Final = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS asked (name, value)"


def _settle(connection: psycopg.Connection[Any], asked: Mapping[str, str]) -> None:
    """Ask once more now that it is open: a pooler may have dropped it, and who logs in, without a role, sees every row.

    One round trip for each new connection."""
    try:
        before, connection.autocommit = connection.autocommit, True
        connection.execute(_SETTLE, [list(asked), list(asked.values())])
        connection.autocommit = before
    except BaseException:
        connection.close()
        raise


async def _settle_queue(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(_SETTLE, [list(_OF_THE_QUEUE), list(_OF_THE_QUEUE.values())])
    await connection.commit()


def _still_open(dbapi_connection: Any, record: Any, proxy: Any) -> None:
    """A server that went away has closed the socket, and a closed socket is readable: no round trip to find out."""
    connection: psycopg.Connection[Any] = (
        dbapi_connection.driver_connection if hasattr(dbapi_connection, "driver_connection") else dbapi_connection
    )
    if connection.closed:
        raise DisconnectionError
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP)
    if poll.poll(0):
        raise DisconnectionError


class Driver:
    """The driver's connection, for SQL with `$1` placeholders; it neither parses nor rewrites a statement."""

    def __init__(self, connection: psycopg.Connection[Any]):
        self._connection = connection
        self._cursor = psycopg.RawCursor(connection)

    def run(self, sql: str | bytes, *values: Any) -> int:
        """Run a statement; the number of rows it touched."""
        return self._execute(sql, values).rowcount

    def rows(self, sql: str | bytes, *values: Any) -> Sequence[tuple[Any, ...]]:
        return self._execute(sql, values).fetchall()

    def _execute(self, sql: str | bytes, values: Sequence[Any]) -> psycopg.RawCursor[Any]:
        return self._cursor.execute(sql.encode() if isinstance(sql, str) else sql, values)

    def transaction(self) -> AbstractContextManager[object]:
        return self._connection.transaction()


class TenantDriver(Driver):
    """Reads as one tenant. The connection is told who reads in the round trip of its first statement, unless it was
    told the same before; `told` is what it remembers, for as long as it lives."""

    def __init__(self, connection: psycopg.Connection[Any], told: MutableMapping[Any, Any], tenant: str):
        super().__init__(connection)
        self._told = told
        self._tenant = tenant

    def _execute(self, sql: str | bytes, values: Sequence[Any]) -> psycopg.RawCursor[Any]:
        if self._told.get(_TENANT) == self._tenant:
            return super()._execute(sql, values)
        # Forgotten first: when either statement fails the server undoes both, and is told anew the next time.
        self._told.pop(_TENANT, None)
        with self._connection.pipeline():
            psycopg.RawCursor(self._connection).execute(_TELL, (self._tenant,))
            cursor = super()._execute(sql, values)
        self._told[_TENANT] = self._tenant
        return cursor

    def transaction(self) -> AbstractContextManager[object]:
        """None here: undoing one would bring back the tenant before, which nobody would know of."""
        raise TypeError("expected a tenant to read statement by statement")


Reading = Callable[[], AbstractContextManager[Driver]]
"""A connection of the right pool, for as long as somebody reads."""


@contextmanager
def driver_of(engine: Engine) -> Iterator[Driver]:
    with _checked_out(engine) as (connection, _):
        yield Driver(connection)


@contextmanager
def driver_as(engine: Engine, tenant: str) -> Iterator[Driver]:
    """`engine` is one of the role `roles.READER`: all that is seen is what `tenant` may see."""
    with _checked_out(engine) as (connection, told):
        yield TenantDriver(connection, told, tenant)


@contextmanager
def _checked_out(engine: Engine) -> Iterator[tuple[psycopg.Connection[Any], MutableMapping[Any, Any]]]:
    """A connection and what is remembered with it, which is gone when another takes its place in the pool."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, psycopg.Connection)
    try:
        yield connection, pooled.info
    except BaseException as error:
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            pooled.invalidate(error)
        raise
    finally:
        pooled.close()
