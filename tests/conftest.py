"""A real PostgreSQL for every test: one server and one migrated template per run, a copy of the template per test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from fast_postgres import FAST
from foreign_postgres import ADDRESS, ForeignPostgres, foreign_postgres
from whole_house import RECEIVER, SENDER, THIRD, Caller, WholeHouse

from adapter.storage import EmbeddedPostgres, PostgresStore, open_store, upgrade
from adapter.storage.connections import driver_of
from adapter.storage.embedded_postgres import OWNER, SUPERUSER

TEMPLATE = f"handoff_template_{os.getpid()}"


@dataclass(frozen=True)
class TestServer:
    """A PostgreSQL that lives as long as this worker's tests."""

    __test__ = False
    postgres: EmbeddedPostgres | ForeignPostgres
    copies: list[str] = field(default_factory=list)

    def run(self, statement: str) -> int:
        """The server's version, as 180001."""
        address = self.postgres.url("postgres", SUPERUSER).replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())
            return connection.info.server_version

    @contextmanager
    def template(self) -> Iterator[None]:
        """The database that is copied; with all its copies dropped at the end, for the server may live on."""
        self.run(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
        try:
            upgrade(self.postgres.url(TEMPLATE))
            yield
        finally:
            for name in (*self.copies, TEMPLATE):
                self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def clone(self) -> str:
        """The name of a fresh migrated database."""
        name = f"test_{uuid4().hex}"
        # A third of the time of the default strategy, which writes the copy to the log as well.
        strategy = "STRATEGY FILE_COPY" if self.run("SELECT") >= 150000 else ""
        self.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} {strategy} OWNER {OWNER}")
        self.copies.append(name)
        return name

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The address of a fresh migrated database, dropped afterwards."""
        name = self.clone()
        try:
            yield self.postgres.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """One server per test process, so workers of pytest-xdist do not meet."""
    with foreign_postgres(ADDRESS) if ADDRESS else _embedded() as running:
        server = TestServer(running)
        with server.template():
            yield server


@contextmanager
def _embedded() -> Iterator[EmbeddedPostgres]:
    # Not pytest's own temporary directory: it is closed to the account that PostgreSQL runs as when we are root.
    directory = Path(tempfile.mkdtemp(prefix="handoff-test-"))
    directory.chmod(0o711)
    try:
        with EmbeddedPostgres(directory, FAST) as running:
            yield running
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def database_url(postgres: TestServer) -> Iterator[str]:
    """The address of a fresh migrated database, as HANDOFF_DATABASE_URL would give it."""
    with postgres.fresh_database() as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    """A store on a fresh database."""
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sender(house: WholeHouse) -> Caller:
    """Who hands over, in the house of a room."""
    return house.caller(SENDER)


@pytest.fixture
def receiver(house: WholeHouse) -> Caller:
    return house.caller(RECEIVER)


@pytest.fixture
def third(house: WholeHouse) -> Caller:
    """Who has no part in it."""
    return house.caller(THIRD)


@pytest.fixture
def without_row_security(monkeypatch: pytest.MonkeyPatch) -> None:
    """Organisations read under the role that sees every row: behind the predicate is nothing."""
    monkeypatch.setattr(PostgresStore, "reading_as", lambda store, tenant: partial(driver_of, store.engine))
