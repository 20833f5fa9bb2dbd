"""Which client assertions were used: each (issuer, jti) once, over all processes and restarts of the server."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from adapter.storage.failures import unavailable_when_down
from adapter.storage.tables import assertion_seen as table

# "An hour before the end of the assertion at hand" is past for certain, since none lives longer than minutes; so that
# neither the database's clock nor its differing from ours can forget one too early. A few at a time, past locks.
_SWEEP = text(
    "DELETE FROM assertion_seen WHERE (issuer, jti) IN (SELECT issuer, jti FROM assertion_seen"
    " WHERE expires_at < :before LIMIT 100 FOR UPDATE SKIP LOCKED)"
)


_KEPT_BEYOND = timedelta(hours=1)


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
                connection.execute(_SWEEP, {"before": expires_at - _KEPT_BEYOND})
        return first is not None
