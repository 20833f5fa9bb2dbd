"""Whether a connection keeps one session of the server to itself, as roles and tenants that it is told need.

A pooler that gives the sessions out by the transaction would tell one organisation's role and name to whoever comes
next. https://www.pgbouncer.org/features.html
"""

from __future__ import annotations

from typing import Final

import psycopg
from sqlalchemy import Engine, text

from adapter.config import InvalidSettings

_LOOKS: Final = 20
_SESSION: Final = text("SELECT pg_backend_pid()")


def refuse_shared_sessions(engine: Engine) -> None:
    """`engine` opens a new connection whenever it is asked. Raises InvalidSettings.

    PostgreSQL says as a connection opens which process serves it; a pooler, which may give it another, says a number of
    its own. Behind one a second connection, in a transaction, looks whether it gets the session that the first, out of
    one, would have to itself; or the first another one than before."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as first:
        session = first.execute(_SESSION).scalar_one()
        driver = first.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        if driver.info.backend_pid == session:
            return
        for _ in range(_LOOKS):
            with engine.connect() as other:
                if other.execute(_SESSION).scalar_one() == session or first.execute(_SESSION).scalar_one() != session:
                    raise InvalidSettings([
                        "database: expected a connection that keeps its session, got a pooler that shares sessions: let"
                        " HANDOFF_DATABASE_URL lead past it, or to a pool in session mode (docs/operations.md)"
                    ])  # fmt: skip
