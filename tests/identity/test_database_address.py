"""The address of the database is read once, by libpq; a password is whatever it is, and is told to nobody."""

from __future__ import annotations

from pathlib import Path
from traceback import format_exception

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from adapter.cli import main
from adapter.config import InvalidSettings, Settings, refuse_insecure
from adapter.database_address import one_spelling, parameters
from adapter.storage.connections import connect_args

PASSWORD = "p@ss:w/r?d%# é+&=,"
ESCAPED = "p%40ss%3Aw%2Fr%3Fd%25%23%20%C3%A9%2B%26%3D%2C"

ADDRESSES = {
    f"postgresql://me:{ESCAPED}@db.example:6432/x?sslmode=verify-full&sslrootcert=/etc/ca%20of/db.pem": {
        "user": "me",
        "password": PASSWORD,
        "host": "db.example",
        "port": "6432",
        "dbname": "x",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ca of/db.pem",
    },
    "postgres://me@one:5432,two:5433/x?target_session_attrs=read-write": {
        "user": "me",
        "host": "one,two",
        "port": "5432,5433",
        "dbname": "x",
        "target_session_attrs": "read-write",
    },
    "postgresql://me@[2001:db8::1]:5432/x": {"user": "me", "host": "2001:db8::1", "port": "5432", "dbname": "x"},
    "postgresql://me@/x?host=/cloudsql/project:region:name": {
        "user": "me",
        "host": "/cloudsql/project:region:name",
        "dbname": "x",
    },
    "postgresql+psycopg://%2Fvar%2Frun/x": {"host": "/var/run", "dbname": "x"},
    "postgresql://me@db.example/x?options=-c%20search_path%3Dhandoff&connect_timeout=9": {
        "user": "me",
        "host": "db.example",
        "dbname": "x",
        "options": "-c search_path=handoff",
        "connect_timeout": "9",
    },
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_pools_and_queue_read_an_address_alike(address: str) -> None:
    spelled = one_spelling(address)
    assert one_spelling(spelled) == spelled
    assert conninfo_to_dict(spelled.replace("+psycopg", "")) == ADDRESSES[address]
    _, read = PGDialect_psycopg().create_connect_args(make_url(spelled))
    assert {name: str(value) for name, value in read.items()} == ADDRESSES[address]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_every_password_can_be_written(password: str) -> None:
    url = make_url("postgresql://me@db.example/x")
    escaped = "".join(f"%{byte:02X}" for byte in password.encode())
    spelled = one_spelling(f"postgresql://me:{escaped}@db.example/x")
    assert make_url(spelled) == url.set(drivername="postgresql+psycopg", password=password)
    assert conninfo_to_dict(spelled.replace("+psycopg", ""))["password"] == password


UNREADABLE = (
    "postgresql://me:se@cret@db.example/x",
    "postgresql://me:se/cret@db.example/x",
    "postgresql://me:se cret@db.example/x",
    "postgresql://me:se%cret@db.example/x",
    "postgresql://me:secret@db.example/x?sslmod=verify-full",
    "jdbc:postgresql://me:secret@db.example/x",
    "host=db.example password=secret",
)


@pytest.mark.parametrize("address", UNREADABLE)
def test_an_address_that_cannot_be_read_is_refused_without_being_quoted(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as refused:
        parameters(address)
    assert "cret" not in "".join(format_exception(refused.value))
    environment = {"HANDOFF_DATABASE_URL": address, "HANDOFF_DATA_DIR": str(tmp_path)}
    told = CliRunner().invoke(main, ["db", "upgrade"], env=environment)
    assert told.exit_code == 1 and "HANDOFF_DATABASE_URL: expected an address as" in told.output
    assert "cret" not in told.output


def problems(address: str) -> list[str]:
    with pytest.raises(InvalidSettings) as refused:
        refuse_insecure(Settings(mode="production", database_url=address))
    return [problem for problem in refused.value.problems if problem.startswith("HANDOFF_DATABASE_URL")]


VERIFIED = "HANDOFF_DATABASE_URL: expected `sslmode=verify-full` for a database on another host"


def test_production_wants_a_certificate_of_every_database_on_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (
        "postgresql://db.example/x?sslmode=verify-ca",
        "postgresql://127.0.0.1,db.example/x",
        "postgresql://localhost/x?hostaddr=10.0.0.7",
        "postgresql:///x?host=10.0.0.7",
        "postgresql:///x?service=main",
    ):
        assert problems(address) == [VERIFIED], address
    for address in (
        "postgresql://db.example,two.example/x?sslmode=verify-full",
        "postgresql://127.0.0.1/x",
        "postgresql:///x?host=/var/run/postgresql",
        "postgresql:///x",
    ):
        assert problems(address) == [], address
    monkeypatch.setenv("PGHOST", "db.example")
    assert problems("postgresql:///x") == [VERIFIED], "libpq goes where its environment sends it"
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert problems("postgresql:///x") == []


def test_what_an_address_asks_of_a_connection_stays_beside_what_we_ask() -> None:
    asked = connect_args(one_spelling(list(ADDRESSES)[-1]), {"role": "handoff_reader"})
    assert asked["options"] == "-c search_path=handoff -c role=handoff_reader", "the last one counts"
    assert "connect_timeout" not in asked and asked["tcp_user_timeout"] == "25000"
