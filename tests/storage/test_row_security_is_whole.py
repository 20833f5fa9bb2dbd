"""A start asks whether row-level security is whole, and names every table, role and view that is not as it must be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from kept import TASK, found, referral
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text

from adapter.config import InvalidSettings
from adapter.storage import EmbeddedPostgres, PostgresStore, migrations, open_store, upgrade
from adapter.storage.connections import driver_of
from adapter.storage.embedded_postgres import OWNER, SETTINGS, SUPERUSER
from adapter.storage.readiness import readiness
from adapter.storage.roles import READER, WRITER, ensure_roles
from adapter.storage.row_security import faults

FAST = {**SETTINGS, "fsync": "off", "shared_buffers": "16MB"}


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


@pytest.fixture(scope="module")
def name(postgres: Any) -> str:
    """Of a database for those who leave it as it is."""
    return str(postgres.clone())


@pytest.fixture
def superuser(postgres: Any, name: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(plain(postgres.postgres.url(name, SUPERUSER))) as connection:
        yield connection
        connection.rollback()


def test_what_the_migrations_make_is_whole(store: PostgresStore) -> None:
    assert readiness(store.engine) == {"database": True, "queue": True, "row_security": True}


def test_every_table_that_the_migrations_make_has_row_level_security(superuser: psycopg.Connection[Any]) -> None:
    """A table without is of no use to the adapter, which has no right on it; so that this comes up here, not later."""
    rows = superuser.execute(
        "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
    ).fetchall()
    without = [name for name, forced in rows if not forced]
    assert [name for name in without if not name.startswith("procrastinate_")] == ["alembic_version"]
    assert len(rows) - len(without) >= 15


BREAKS = {
    "ALTER TABLE deadline DISABLE ROW LEVEL SECURITY": ["deadline", "enabled and forced"],
    "ALTER TABLE partner NO FORCE ROW LEVEL SECURITY": ["partner", "enabled and forced"],
    "DROP POLICY adapter ON handoff": ["handoff", f"a policy for {WRITER}"],
    "CREATE ROLE another; ALTER TABLE handoff OWNER TO another": ["handoff", "after a change of owner"],
    "ALTER POLICY tenant ON ledger_event USING (true)": ["ledger_event", "handoff_tenant() may"],
    f"CREATE POLICY also ON request_record FOR SELECT TO {READER} USING (key <> '')": ["request_record", "got more"],
    "CREATE POLICY also ON notification USING (true)": ["notification", "got more"],
    f"CREATE TABLE waiting_list (who text); GRANT INSERT ON waiting_list TO {WRITER}": [
        "waiting_list",
        "`protect(table, …)` in its migration",
    ],
    f"CREATE TABLE open (who text); GRANT SELECT ON open TO {READER}": ["open", "tenant=…"],
    "GRANT SELECT (lane) ON notification TO PUBLIC; ALTER TABLE notification DISABLE ROW LEVEL SECURITY": [
        "notification",
        "got more",
    ],
    f"GRANT INSERT ON handoff TO {READER}": ["handoff", "only reads"],
    f"GRANT UPDATE ON {READER}.handoff TO {READER}": [f"{READER}.handoff", "only reads"],
    f"CREATE OR REPLACE VIEW {READER}.handoff AS SELECT * FROM handoff": [f"{READER}.handoff", "got more"],
    f"CREATE VIEW every AS SELECT * FROM handoff; GRANT SELECT ON every TO {READER}": ["every", "got more"],
    f"CREATE MATERIALIZED VIEW copied AS SELECT * FROM handoff; GRANT SELECT ON copied TO {READER}": [
        "copied",
        "got more",
    ],
    "ALTER TABLE handoff ADD COLUMN later text": ["handoff", "`show(table, …)`"],
    "GRANT CREATE ON SCHEMA public TO PUBLIC": ["public", "make nothing"],  # as it was before PostgreSQL 15
    f"GRANT CREATE ON SCHEMA {READER} TO {READER}": [READER, "make nothing"],
    "SET LOCAL search_path = public": ["search_path public", 'begins with "$user"'],
    "CREATE FUNCTION all_of_them() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM handoff'": [
        "all_of_them()",
        "no function",
    ],
    f"ALTER ROLE {READER} BYPASSRLS": [READER, "BYPASSRLS"],
    f"ALTER ROLE {WRITER} SUPERUSER": [WRITER, "superuser"],
    f"GRANT {WRITER} TO {READER}": [READER, "a member of another"],
}


@pytest.mark.parametrize("change", BREAKS)
def test_whatever_is_not_as_it_must_be_is_named(superuser: psycopg.Connection[Any], change: str) -> None:
    name, words = BREAKS[change]
    superuser.execute(change.encode())
    assert any(f"database: {name}: expected" in each and words in each for each in faults(superuser))


def test_a_start_is_refused_and_readiness_says_so(store: PostgresStore, database_url: str) -> None:
    with psycopg.connect(plain(database_url)) as owner:
        owner.execute("DROP POLICY adapter ON deadline")
        owner.execute(f"CREATE TABLE waiting_list (who text); GRANT SELECT ON waiting_list TO {READER}")
        owner.execute("CREATE TABLE of_somebody_else (who text)")
    with pytest.raises(InvalidSettings) as refused:
        upgrade(database_url)
    assert {problem.split(": ")[1] for problem in refused.value.problems} == {"deadline", "waiting_list"}
    assert readiness(store.engine)["row_security"] is False


# Whoever logs in


@pytest.fixture
def login(postgres: Any, store: PostgresStore) -> Iterator[str]:
    """Somebody who may log in and nothing else."""
    name = f"login_{uuid4().hex[:8]}"
    postgres.run(f"CREATE ROLE {name} LOGIN")
    yield name
    store.close()
    postgres.run(f"DROP ROLE {name}")


def test_who_logs_in_need_not_own_the_tables(postgres: Any, database_url: str, login: str) -> None:
    """The web server and the worker may log in as somebody who can alter nothing, whatever he runs."""
    postgres.run(f"GRANT {READER}, {WRITER} TO {login}")
    url = database_url.replace(f"//{OWNER}@", f"//{login}@")
    upgrade(url)
    store = open_store(url)
    store.commit(referral())
    assert store.reader("b").read(TASK) is not None and store.reader("c").read(TASK) is None
    for role in ("NONE", READER, WRITER):
        with pytest.raises(InsufficientPrivilege), driver_of(store.engine) as driver:
            driver.run(f"SET ROLE {role}")
            driver.run("ALTER TABLE handoff DISABLE ROW LEVEL SECURITY")
    store.close()


def test_who_does_not_own_the_tables_is_told_who_has_to_upgrade(postgres: Any, login: str) -> None:
    postgres.run(f"GRANT {READER}, {WRITER} TO {login}")
    name = f"test_{uuid4().hex}"
    postgres.run(f"CREATE DATABASE {name} OWNER {OWNER}")
    try:
        with pytest.raises(InvalidSettings, match="handoff db upgrade"):
            upgrade(postgres.postgres.url(name, login))
    finally:
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_who_cannot_take_the_roles_is_told_what_to_run(postgres: Any, database_url: str, login: str) -> None:
    with pytest.raises(InvalidSettings, match=f'GRANT {READER}, {WRITER} TO "{login}";'):
        upgrade(database_url.replace(f"//{OWNER}@", f"//{login}@"))
    with psycopg.connect(plain(postgres.postgres.url("postgres", SUPERUSER))) as connection:
        ensure_roles(connection)  # who may do everything needs nobody


def test_who_may_make_roles_makes_and_takes_them() -> None:
    directory = Path(tempfile.mkdtemp(prefix="handoff-test-"))
    directory.chmod(0o711)
    try:
        with EmbeddedPostgres(directory, FAST) as server:
            with psycopg.connect(plain(server.url("postgres", SUPERUSER)), autocommit=True) as superuser:
                superuser.execute(f"DROP ROLE {READER}, {WRITER}")  # a server of its own makes them as it starts
                with pytest.raises(InvalidSettings, match=f"CREATE ROLE {READER}; CREATE ROLE {WRITER};"):
                    upgrade(server.url())
                superuser.execute(f"ALTER ROLE {OWNER} CREATEROLE")
            upgrade(server.url())
            store = open_store(server.url())
            store.commit(referral())
            assert store.reader("b").read(TASK) is not None and store.reader("c").read(TASK) is None
            store.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("revision", ["0001", "0005", "0007"])
def test_a_database_of_an_earlier_version_is_upgraded_with_what_it_holds(postgres: Any, revision: str) -> None:
    name = f"test_{uuid4().hex}"
    postgres.run(f"CREATE DATABASE {name} OWNER {OWNER}")
    url = postgres.postgres.url(name)
    try:
        engine = create_engine(url)
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", next(iter(migrations.__path__)))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.execute(
                text(
                    "INSERT INTO resource_version (type, id, version, last_updated, is_current, deleted, author,"
                    " handoffs, readers, search_keys, body) VALUES ('Patient', 'p1', 1, now(), true, false, 'a', '{}',"
                    " '{a,b}', '{}', '{}')"
                )
            )
        engine.dispose()
        upgrade(url)
        store = open_store(url)
        assert [found(store, "", "Patient", tenant) for tenant in "abc"] == [["p1"], ["p1"], []]
        store.commit(referral(resources=referral().resources[:1]))
        assert store.reader("b").read(TASK) is not None
        store.close()
    finally:
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")
