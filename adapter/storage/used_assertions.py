"""Which client assertions were used: each (issuer, jti) once, over all processes and restarts of the server."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from adapter.storage.failures import unavailable_when_down
from adapter.storage.tables import assertion_seen as table

# Kept an hour beyond its end, in case the clocks of the database and the server differ; a few at a time, past locks.
_SWEEP = text(
    "DELETE FROM assertion_seen WHERE (issuer, jti) IN (SELECT issuer, jti FROM assertion_seen"
    " WHERE expires_at < now() - interval '1 hour' LIMIT 100 FOR UPDATE SKIP LOCKED)"
)


class UsedAssertions:
    """Implements `api.client_assertion.UsedAssertions`."""

    def __init__(self, engine: Engine):
        self._engine = engine

    def use_once(self, issuer: str, jti: str, expires_at: datetime) -> bool:
        """True for exactly one caller. Raises Unavailable: without the table no assertion is accepted."""
        statement = insert(table).values(issuer=issuer, jti=jti, expires_at=expires_at)
        with unavailable_when_down(), self._engine.begin() as connection:
            first = connection.execute(statement.on_conflict_do_nothing().returning(table.c.jti)).one_or_none()
            if first is not None:
                connection.execute(_SWEEP)
        return first is not None
