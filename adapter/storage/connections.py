"""One pool of connections, seen in two ways: SQLAlchemy for what is composed, the driver for what is fixed and hot."""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

CONNECT_SECONDS = 5
OPTIONS = {
    "timezone": "UTC",
    # Every question that is asked often has an index. PostgreSQL must use it on the first day as well, when it knows
    # nothing yet of what the tables hold, and it must not take an index for slow because discs once were.
    "enable_seqscan": "off",
    "random_page_cost": "1.1",
}
POOL_WAIT_SECONDS = 5.0


def open_engine(url: str, pool_size: int) -> Engine:
    """An engine whose connections commit each statement by itself unless a transaction is begun in so many words:
    a read, and a write that is one statement, then cost one round trip."""
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_use_lifo=True,
        # A refused statement must not carry its values, which are patient data, into a log or a traceback.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "handoff",
            "options": " ".join(f"-c {name}={value}" for name, value in OPTIONS.items()),
        },
    )
    event.listen(engine, "checkout", _still_open)
    return engine


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

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield


@contextmanager
def driver_of(engine: Engine) -> Iterator[Driver]:
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, psycopg.Connection)
    try:
        yield Driver(connection)
    except BaseException as error:
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            pooled.invalidate(error)
        raise
    finally:
        pooled.close()
