"""The real register on a real database, and a door with a token endpoint in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from door import Door
from sqlalchemy import Engine, text

from adapter.storage import open_store
from adapter.storage.partner_register import PartnerRegister
from adapter.storage.tables import assertion_seen, partner
from adapter.storage.used_assertions import UsedAssertions


@pytest.fixture(scope="session")
def engine(postgres: Any) -> Iterator[Engine]:
    """One database for this room: its tests empty two tables, which is quicker than a database each."""
    store = open_store(postgres.postgres.url(postgres.clone()), pool_size=16)
    yield store.engine
    store.close()


@pytest.fixture
def empty(engine: Engine) -> Engine:
    """The same database with an empty register."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE NONE"))  # as the owner: the adapter itself removes no partner
        connection.execute(partner.delete())
        connection.execute(assertion_seen.delete())
    return engine


@pytest.fixture
def door(empty: Engine) -> Door:
    return Door(PartnerRegister(empty), UsedAssertions(empty))
