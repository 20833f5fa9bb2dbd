"""Whether the database answers, its schema is ours, and the queue can take a job."""

from __future__ import annotations

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from adapter.storage.failures import meaning_of


def readiness(engine: Engine) -> dict[str, bool]:
    """Raises domain.errors.Unavailable when the database does not answer."""
    try:
        with engine.connect() as connection:
            row = connection.execute(
                text("SELECT to_regclass('handoff') IS NOT NULL, to_regclass('procrastinate_jobs') IS NOT NULL")
            ).one()
    except SQLAlchemyError as error:
        raise meaning_of(error) from error
    return {"database": bool(row[0]), "queue": bool(row[1])}
