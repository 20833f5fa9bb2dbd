"""Whether the database answers, its schema is ours, the queue can take a job, and no row is shown to a stranger."""

from __future__ import annotations

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from adapter.storage.failures import meaning_of
from adapter.storage.row_security import faults


def readiness(engine: Engine) -> dict[str, bool]:
    """Raises domain.errors.Unavailable when the database does not answer."""
    try:
        with engine.connect() as connection:
            row = connection.execute(
                text("SELECT to_regclass('handoff') IS NOT NULL, to_regclass('procrastinate_jobs') IS NOT NULL")
            ).one()
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            secure = bool(row[1]) and not faults(driver)
    except (psycopg.Error, SQLAlchemyError) as error:
        raise meaning_of(error) from error
    return {"database": bool(row[0]), "queue": bool(row[1]), "row_security": secure}
