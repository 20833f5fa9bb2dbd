"""Transactions are numbered on after a restore: what is sealed and told goes by numbers that only grow.

A server counts its transactions by itself. One into which a dump was restored may be behind the numbers that the rows
bear. What happens there would look older than what was sealed and told long ago, and would never be. A physical copy,
or an upgrade of the server, keeps its count.
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege

from adapter.config import InvalidSettings
from adapter.storage.roles import WRITER

_log = logging.getLogger(__name__)

_REACHED = """SELECT handoff_horizon(), greatest((SELECT max(sealed_below) FROM audit_horizon),
    (SELECT position FROM subscription_cursor))"""
_NEWEST = """SELECT greatest(%s, (SELECT max(since) FROM subscription), (SELECT max(txid) FROM audit_event),
    (SELECT max(txid) FROM ledger_event)) + 1 - txid_snapshot_xmin(txid_current_snapshot())"""


def count_on(connection: psycopg.Connection[Any]) -> None:
    """See to it that no transaction to come is older than what was sealed and told, in that of `connection`.

    Raises InvalidSettings when the numbers have to be moved and we do not own the function that says by how much."""
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {WRITER}")
        horizon, reached = _row(connection, _REACHED)
        if horizon >= reached:
            connection.execute("SET LOCAL ROLE NONE")
            return
        (before,) = _row(connection, _NEWEST, reached)
        connection.execute("SET LOCAL ROLE NONE")
        try:
            connection.execute(
                "CREATE OR REPLACE FUNCTION handoff_counted_before() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE"
                f" RETURN {int(before)}::bigint"
            )
        except InsufficientPrivilege as error:
            who = "run `handoff db upgrade` as the owner of the tables first"
            expected = "expected the server that wrote it, got a restored dump"
            raise InvalidSettings([f"database: {expected}; {who}"]) from error
    _log.warning("the database was restored from a dump: its transactions are numbered on from %s", reached)


def _row(connection: psycopg.Connection[Any], sql: str, *values: object) -> tuple[Any, ...]:
    found = connection.execute(sql.encode(), values or None).fetchone()
    assert found is not None
    return tuple(found)
