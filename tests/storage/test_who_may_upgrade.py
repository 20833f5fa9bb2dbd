"""Whoever starts the adapter on a database that does not suit it is told what has to be run, and that this suffices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from kept import TASK, referral
from sqlalchemy import make_url

from adapter.cli import main
from adapter.config import InvalidSettings
from adapter.domain.errors import Unavailable
from adapter.storage import open_store, upgrade
from adapter.storage.embedded_postgres import OWNER, SUPERUSER
from adapter.storage.migrations import refuse_old
from adapter.storage.roles import READER, WRITER


@pytest.fixture
def stranger(postgres: Any) -> Iterator[str]:
    """The address of an empty database of somebody else, as a login that has the two roles and no other right."""
    name = f"x{uuid4().hex[:12]}"
    postgres.run(f'CREATE ROLE "{name}" LOGIN')
    postgres.run(f'GRANT {READER}, {WRITER} TO "{name}"')
    postgres.run(f'CREATE DATABASE "{name}" OWNER {OWNER}')
    yield postgres.postgres.url(name, name)
    postgres.run(f'DROP DATABASE "{name}" WITH (FORCE)')
    postgres.run(f'DROP ROLE "{name}"')


def refusal_of(url: str) -> str:
    with pytest.raises(InvalidSettings) as refused:
        upgrade(url)
    (problem,) = refused.value.problems
    return problem


def test_what_a_login_without_rights_is_told_to_have_run_is_all_that_is_needed(postgres: Any, stranger: str) -> None:
    name = stranger.rpartition("/")[2].partition("?")[0]
    statements = refusal_of(stranger).partition("as its owner: ")[2]
    assert statements.startswith(f'GRANT CREATE ON DATABASE "{name}" TO "{name}";')
    superuser = postgres.postgres.url(name, SUPERUSER).replace("+psycopg", "")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(statements.encode())
    upgrade(stranger)
    store = open_store(stranger)
    store.commit(referral())
    assert store.reader("b").read(TASK) is not None and store.reader("c").read(TASK) is None
    store.close()
    assert "as the owner of the tables" in refusal_of(older(postgres, stranger))


def older(postgres: Any, url: str) -> str:
    """The same database, as it was a version ago, asked by a login that does not own its tables."""
    name = url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres.postgres.url(name, SUPERUSER).replace("+psycopg", "")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0006'")
    return str(postgres.postgres.url(name, OWNER))


def test_a_schema_in_which_only_the_login_would_look_is_refused_and_one_for_all_is_not(
    postgres: Any, stranger: str
) -> None:
    name = make_url(stranger).database or ""
    superuser = postgres.postgres.url(name, SUPERUSER).replace("+psycopg", "")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f'GRANT CREATE ON DATABASE "{name}" TO "{name}"'.encode())
        connection.execute(f'CREATE SCHEMA "{name}" AUTHORIZATION "{name}"'.encode())
        assert "expected no schema named as who logs in" in refusal_of(stranger)
        connection.execute(f'ALTER SCHEMA "{name}" RENAME TO house'.encode())
    in_house = make_url(stranger).update_query_dict({"options": '-c search_path="$user",house'}).render_as_string()
    upgrade(in_house)
    store = open_store(in_house)
    store.commit(referral())
    assert store.reader("b").read(TASK) is not None and store.reader("c").read(TASK) is None
    store.close()


def test_roles_that_are_there_are_not_made_again(postgres: Any, database_url: str) -> None:
    """What is to be run holds what lacks, and no statement that would fail."""
    login = f"x{uuid4().hex[:12]}"
    postgres.run(f'CREATE ROLE "{login}" LOGIN')
    postgres.run(f'GRANT {READER} TO "{login}"')
    try:
        told = refusal_of(database_url.replace(f"//{OWNER}@", f"//{login}@"))
        assert told.endswith(f'make and grant roles: GRANT {WRITER} TO "{login}";')
    finally:
        postgres.run(f'DROP ROLE "{login}"')


def test_an_older_postgresql_is_refused() -> None:
    for version, name in ((140020, "14.20"), (130000, "13.0")):
        with pytest.raises(InvalidSettings, match=f"expected PostgreSQL 15 or newer, got {name}"):
            refuse_old(version)
    for version in (150000, 180001):
        refuse_old(version)


def test_a_schema_of_a_newer_version_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "got that of a newer version of the adapter" in refusal_of(database_url)


def test_a_database_that_cannot_hold_every_name_is_refused(postgres: Any) -> None:
    name = f"x{uuid4().hex[:12]}"
    made = f"TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' OWNER {OWNER}"
    postgres.run(f'CREATE DATABASE "{name}" {made}')
    try:
        assert refusal_of(postgres.postgres.url(name)).endswith("ENCODING 'UTF8', got LATIN1")
    finally:
        postgres.run(f'DROP DATABASE "{name}"')


def test_why_the_database_does_not_let_us_in_is_told_without_the_password(database_url: str) -> None:
    url = make_url(database_url).set(database="nowhere", password="s3cret/of@ours")
    with pytest.raises(Unavailable) as refused:
        upgrade(url.render_as_string(hide_password=False))
    text = refused.value.issues[0].text
    assert '"nowhere" does not exist' in text and "s3cret" not in text


def test_a_refusal_is_printed_in_one_line_to_be_copied(stranger: str) -> None:
    told = CliRunner().invoke(main, ["db", "upgrade"], env={"HANDOFF_DATABASE_URL": stranger})
    assert told.exit_code == 1
    assert f"- {refusal_of(stranger)}\n" in told.output
