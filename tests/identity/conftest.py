"""The real register on a real database, and a door with a token endpoint in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from door import Door
from sqlalchemy import Engine, create_engine

from adapter.storage.embedded_postgres import EmbeddedPostgres
from adapter.storage.partner_register import PartnerRegister
from adapter.storage.tables import assertion_seen, metadata, partner
from adapter.storage.used_assertions import UsedAssertions


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    cluster = EmbeddedPostgres(tmp_path_factory.mktemp("identity"))
    engine = create_engine(cluster.url())
    metadata.create_all(engine, tables=[partner, assertion_seen])
    yield engine
    engine.dispose()
    cluster.release()


@pytest.fixture
def empty(engine: Engine) -> Engine:
    """The same database with an empty register."""
    with engine.begin() as connection:
        connection.execute(partner.delete())
        connection.execute(assertion_seen.delete())
    return engine


@pytest.fixture
def door(empty: Engine) -> Door:
    return Door(PartnerRegister(empty), UsedAssertions(empty))
