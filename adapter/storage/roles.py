"""Under which roles the database is asked: one that the adapter works under, one that organisations read under.

Neither logs in, owns a table, or escapes row-level security. Whoever logs in takes one of them as a connection opens
(`connections.open_engine`), so there is one password. https://www.postgresql.org/docs/current/role-membership.html
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import errors, sql

from adapter.config import InvalidSettings

READER: Final = "handoff_reader"
"""Sees the rows of the tenant that its connection was told, none before that, and changes nothing."""
WRITER: Final = "handoff_writer"
"""Sees every row, and may do to each table what the adapter does to it, which is never to alter the table."""

_TAKEABLE = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(%s, oid, %s)"


def ensure_roles(connection: psycopg.Connection[Any]) -> None:
    """See to it that who logs in can take the roles, in the transaction of `connection`.

    Raises InvalidSettings with the statements to run when it may not see to that itself."""
    login = connection.info.user
    takeable = _takeable(connection, login)
    if takeable == {READER, WRITER}:
        return
    try:
        with connection.transaction():
            make_roles(connection, login)
    except errors.InsufficientPrivilege as error:
        name = sql.Identifier(login).as_string(connection)
        made = [f"CREATE ROLE {role};" for role in (READER, WRITER) if not _exists(connection, role)]
        lacking = ", ".join(role for role in (READER, WRITER) if role not in takeable)
        expected = "expected the roles of row-level security; run once, as a role that may make and grant roles"
        raise InvalidSettings([f"database: {expected}: {' '.join([*made, f'GRANT {lacking} TO {name};'])}"]) from error


def make_roles(connection: psycopg.Connection[Any], login: str) -> None:
    """Make what is missing. Raises InsufficientPrivilege."""
    takeable = _takeable(connection, login)
    for role in (READER, WRITER):
        if not _exists(connection, role):
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        if role not in takeable:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))


def _exists(connection: psycopg.Connection[Any], role: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _takeable(connection: psycopg.Connection[Any], login: str) -> set[str]:
    # Since PostgreSQL 16 whoever makes a role is a member of it that may not yet take it.
    right = "SET" if connection.info.server_version >= 160000 else "MEMBER"
    return {name for (name,) in connection.execute(_TAKEABLE, [[READER, WRITER], login, right])}
