"""The predicate in the SQL keeps organisations apart by itself: here no policy stands behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_house import keep_handoff

from adapter.storage import PostgresStore
from adapter.storage.connections import open_engine
from adapter.storage.roles import WRITER
from adapter.use_cases.ports import ResourceKey, SearchQuery

TASK = ResourceKey("Task", "h1")


@pytest.fixture
def unguarded(database_url: str) -> Iterator[PostgresStore]:
    """Organisations read under the role that sees every row."""
    store = PostgresStore(open_engine(database_url, 2, WRITER), open_engine(database_url, 2, WRITER))
    keep_handoff(store, "h1", requester="sender", owner="receiver")
    yield store
    store.close()


@pytest.mark.parametrize(("tenant", "sees"), [("sender", True), ("receiver", True), ("third", False)])
def test_who_takes_no_part_reads_nothing(unguarded: PostgresStore, tenant: str, sees: bool) -> None:
    reader = unguarded.reader(tenant)
    assert (reader.read(TASK) is not None) is sees
    assert bool(reader.read_many([TASK])) is sees
    assert (reader.read_version(TASK, 1) is not None) is sees
    assert (reader.handoff("h1") is not None) is sees
    assert bool(reader.resources_of("h1")) is sees
    assert bool(reader.search(SearchQuery("Task", ())).matches) is sees
