"""What a failing database means to the rooms below: somebody was faster, or nothing can be kept now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapter.domain.errors import Unavailable
from adapter.use_cases.ports import WriteConflict

OVERTAKEN = (pg.UniqueViolation, pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)
DOWN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    pg.InsufficientResources,
    pg.OperatorIntervention,
    pg.SystemError,
)


def meaning_of(error: Exception) -> Exception:
    """WriteConflict, Unavailable, or the error itself when it is a fault of our own."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OVERTAKEN):
        return WriteConflict(type(cause).__name__)
    if isinstance(cause, (PoolTimeout, *DOWN)):
        # The driver's text may quote a statement with its values; its class says enough.
        return Unavailable(f"expected the database to answer, got {type(cause).__name__}: try again later")
    return error


@contextmanager
def unavailable_when_down() -> Iterator[None]:
    """Around whatever asks the database: that it is down, or that somebody was faster, is told in our own words."""
    try:
        yield
    except (psycopg.Error, SQLAlchemyError) as error:
        meaning = meaning_of(error)
        if meaning is error:
            raise
        raise meaning from error
