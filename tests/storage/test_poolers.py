"""Roles and tenants hold behind a pooler that gives each client a session of its own; another one is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from foreign_postgres import ADDRESS
from kept import TASK, referral
from pooler import pooler_before
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from adapter.config import InvalidSettings
from adapter.storage import open_store, upgrade
from adapter.storage.connections import driver_of
from adapter.storage.embedded_postgres import OWNER
from adapter.storage.poolers import refuse_shared_sessions
from adapter.storage.roles import READER, WRITER

pytestmark = pytest.mark.skipif(ADDRESS is not None, reason="the pooler of these tests reaches a server by its socket")


def behind(port: int, database_url: str) -> str:
    url = make_url(database_url).set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
    return url.render_as_string(hide_password=False)


@pytest.fixture
def socket_path(database_url: str) -> str:
    return f"{make_url(database_url).query['host']}/.s.PGSQL.5432"


@pytest.fixture
def by_session(socket_path: str, database_url: str) -> Iterator[str]:
    with pooler_before(socket_path, by_transaction=False) as port:
        yield behind(port, database_url)


@pytest.fixture
def by_transaction(socket_path: str, database_url: str) -> Iterator[str]:
    with pooler_before(socket_path, by_transaction=True) as port:
        yield behind(port, database_url)


def test_a_pooler_that_gives_sessions_out_by_the_transaction_is_refused(by_transaction: str) -> None:
    with pytest.raises(InvalidSettings, match="got a pooler that shares sessions"):
        upgrade(by_transaction)


def test_a_session_of_ones_own_is_as_good_as_no_pooler(by_session: str, database_url: str) -> None:
    for url in (by_session, database_url):
        engine = create_engine(url, poolclass=NullPool)
        refuse_shared_sessions(engine)
    upgrade(by_session)
    store = open_store(by_session, pool_size=2)
    store.commit(referral())
    assert store.reader("b").read(TASK) is not None and store.reader("c").read(TASK) is None
    store.close()


@pytest.mark.parametrize("way", ["by_session", "database_url"])
def test_the_roles_are_taken_although_a_pooler_drops_what_a_connection_asks_for(
    way: str, request: pytest.FixtureRequest
) -> None:
    store: Any = open_store(request.getfixturevalue(way), pool_size=1)
    for engine, role in ((store._engine, WRITER), (store._readers, READER)):
        with driver_of(engine) as driver:
            asked = "SELECT current_user, session_user, current_setting('enable_seqscan'), current_setting('timezone')"
            assert driver.rows(asked) == [(role, OWNER, "off", "UTC")]
    store.close()
