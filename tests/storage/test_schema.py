"""Migrations make exactly the tables that the code knows, once, however many start at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from kept import referral
from sqlalchemy import create_engine, text

from adapter.storage import PostgresStore, upgrade
from adapter.storage.embedded_postgres import OWNER
from adapter.storage.tables import metadata


@pytest.fixture
def empty_url(postgres: Any) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    postgres.run(f"CREATE DATABASE {name} OWNER {OWNER}")
    yield postgres.postgres.url(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_servers_that_start_together_migrate_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [empty_url] * 4))
    engine = create_engine(empty_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
    engine.dispose()


def test_the_tables_are_as_the_code_knows_them(store: PostgresStore) -> None:
    with store.engine.connect() as connection:
        # Tables that only SQL knows (procrastinate's, the audit trail's) and indexes are not declared in tables.py.
        options = {
            "compare_type": True,
            "include_object": lambda *args: args[2] == "column" or args[1] in metadata.tables,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_a_new_procrastinate_comes_with_a_migration() -> None:
    """Version 0002 applies the whole schema of this very version to a fresh database; see what a later one adds in its
    `sql/migrations`, write a version of ours with it, and change the number here."""
    assert version("procrastinate") == "3.10.0"


def test_putting_a_job_in_does_not_notify(store: PostgresStore) -> None:
    """NOTIFY would serialise all commits (see the migration)."""
    with store.engine.connect() as connection:
        connection.execute(text("LISTEN procrastinate_any_queue_v1"))
        connection.commit()
        store.commit(referral())
        connection.execute(text("SELECT 1"))
        driver: Any = connection.connection.driver_connection
        assert list(driver.notifies(timeout=0.1)) == []
