"""A PostgreSQL that somebody else runs, for the tests: `POSTGRES=postgresql://postgres@host:5432 make test`.

A server for tests alone, whose superuser is named and who lets every role in without a password; databases and roles
are made on it and databases dropped again. What needs a server to kill or to fill starts the embedded one as ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import psycopg

from adapter.storage.embedded_postgres import DATABASE, OWNER, SUPERUSER
from adapter.storage.roles import make_roles

ADDRESS: Final = os.environ.get("POSTGRES")


@dataclass(frozen=True)
class ForeignPostgres:
    """As an EmbeddedPostgres is to the tests."""

    address: str

    def url(self, database: str = DATABASE, user: str = OWNER) -> str:
        parts = urlsplit(self.address)
        user = parts.username or SUPERUSER if user == SUPERUSER else user
        return parts._replace(
            scheme="postgresql+psycopg", netloc=f"{user}@{parts.netloc.rpartition('@')[2]}", path=f"/{database}"
        ).geturl()


@contextmanager
def foreign_postgres(address: str) -> Iterator[ForeignPostgres]:
    """With the role that the embedded server's tables belong to; of several processes that start one makes it."""
    postgres = ForeignPostgres(address)
    with psycopg.connect(postgres.url("postgres", SUPERUSER).replace("+psycopg", "")) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone() is None:
            connection.execute(f"CREATE ROLE {OWNER} LOGIN")
        make_roles(connection, OWNER)
    yield postgres
