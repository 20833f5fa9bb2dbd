"""Schema versions and `upgrade`, which brings a database to the newest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from adapter.config import InvalidSettings
from adapter.domain.errors import Unavailable
from adapter.storage.connections import connect_args
from adapter.storage.failures import unavailable_when_down
from adapter.storage.poolers import refuse_shared_sessions
from adapter.storage.roles import READER, WRITER, ensure_roles
from adapter.storage.row_security import refuse_without_row_security
from adapter.storage.transactions import count_on

ONE_AT_A_TIME = 0x68616E646F6666
"""The advisory lock under which migrations run: servers that start together must not all migrate."""

OLDEST_POSTGRESQL = 15
"""The oldest that the PostgreSQL project still mends, and the first in which not everybody may make functions and
tables beside ours. https://www.postgresql.org/support/versioning/"""


def upgrade(url: str) -> None:
    """Bring the database to the newest schema. Safe to call from many processes at once; does nothing when up to date.

    All or nothing: a migration that fails leaves the schema as it was. Raises Unavailable when the database is down or
    does not let us in, InvalidSettings when it is too old, when we may not migrate it and when row-level security is
    not whole, in a demo as well: what is tested is what runs."""
    engine = create_engine(url, poolclass=NullPool, connect_args=connect_args(url, {"timezone": "UTC"}))
    _refuse_unfit(engine)
    with unavailable_when_down(), engine.begin() as connection:
        # Released with the transaction, so also when this process is killed.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ONE_AT_A_TIME})
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        ensure_roles(driver)
        _refuse_own_schema(driver)
        rights = _rights_that_lack(driver)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:  # it knows no such version
            newer = "that of a newer version of the adapter, which has to run on every host"
            raise InvalidSettings([f"database: expected the schema of this version, got {newer}"]) from error
        except ProgrammingError as error:
            if not isinstance(error.orig, (InsufficientPrivilege, InvalidSchemaName)):
                raise
            raise InvalidSettings(
                [f"database: expected the newest schema, got an older one or none; {rights}"]
            ) from error
        refuse_without_row_security(driver)
        count_on(driver)


def refuse_old(server_version: int) -> None:
    """`server_version` as libpq has it: 150004 is 15.4. Raises InvalidSettings."""
    if server_version < OLDEST_POSTGRESQL * 10_000:
        found = f"{server_version // 10_000}.{server_version % 10_000}"
        raise InvalidSettings([f"database: expected PostgreSQL {OLDEST_POSTGRESQL} or newer, got {found}"])


def _refuse_unfit(engine: Engine) -> None:
    """Whoever starts the adapter is told why the database does not let it in; those whom it serves are not."""
    try:
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            refuse_old(driver.info.server_version)
            if (encoding := driver.info.parameter_status("server_encoding")) != "UTF8":
                raise InvalidSettings([f"database: expected one made with ENCODING 'UTF8', got {encoding}"])
        refuse_shared_sessions(engine)
    except OperationalError as error:
        # What libpq says of a connection names host, database and role, and never a password.
        raise Unavailable(f"expected the database of HANDOFF_DATABASE_URL to let us in, got: {error.orig}") from error


def _refuse_own_schema(driver: psycopg.Connection[Any]) -> None:
    """Tables in a schema that is named as who logs in are found by nobody else: each role looks in its own."""
    if driver.execute("SELECT current_schema() = session_user").fetchone() == (True,):
        got = f"`{driver.info.user}`, in which {READER} and {WRITER} do not look: drop it"
        raise InvalidSettings([f"database: expected no schema named as who logs in, got {got}"])


def _rights_that_lack(driver: psycopg.Connection[Any]) -> str:
    """What has to be done when we find that we may not migrate."""
    owns = driver.execute(
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('alembic_version')"
    ).fetchone()
    if owns == (False,):
        return "run `handoff db upgrade` as the owner of the tables"
    (schema,) = driver.execute("SELECT coalesce(current_schema(), 'public')").fetchone() or ("public",)
    database, schema, login = (
        sql.Identifier(name).as_string(driver) for name in (driver.info.dbname, schema, driver.info.user)
    )
    run = f"GRANT CREATE ON DATABASE {database} TO {login}; GRANT USAGE, CREATE ON SCHEMA {schema} TO {login};"
    who = "run `handoff db upgrade` as who is to own the tables"
    return f"{who}, or for this login to own them run once, in this database, as its owner: {run}"
