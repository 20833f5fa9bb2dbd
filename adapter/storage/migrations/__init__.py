"""Schema versions and `upgrade`, which brings a database to the newest one."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from adapter.config import InvalidSettings
from adapter.storage.failures import unavailable_when_down
from adapter.storage.roles import ensure_roles
from adapter.storage.row_security import refuse_without_row_security

ONE_AT_A_TIME = 0x68616E646F6666
"""The advisory lock under which migrations run: servers that start together must not all migrate."""


def upgrade(url: str) -> None:
    """Bring the database to the newest schema. Safe to call from many processes at once; does nothing when up to date.

    All or nothing: a migration that fails leaves the schema as it was. Raises Unavailable when the database is down,
    InvalidSettings when we may not migrate it and when row-level security is not whole, in a demo as well: what is
    tested is what runs."""
    engine = create_engine(url, poolclass=NullPool)
    with unavailable_when_down(), engine.begin() as connection:
        # Released with the transaction, so also when this process is killed.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ONE_AT_A_TIME})
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        ensure_roles(driver)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege):
                raise
            who = "run `handoff db upgrade` as the owner of the tables"
            raise InvalidSettings([f"database: expected the newest schema, got an older one: {who}"]) from error
        refuse_without_row_security(driver)
