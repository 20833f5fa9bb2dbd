"""A database that goes away in the middle of everything delays notifications and loses none."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_house import Reply, keep_handoff, partner, receiving, tell, until, world_of

from adapter.storage import EmbeddedPostgres, open_store, upgrade
from adapter.storage.lanes import LaneStore
from adapter.worker import DEMO, make_worker, run_worker


@pytest.fixture
def postgres_of_its_own() -> Iterator[EmbeddedPostgres]:
    directory = Path(tempfile.mkdtemp(prefix="handoff-outage-"))
    directory.chmod(0o711)
    with EmbeddedPostgres(directory) as postgres:
        upgrade(postgres.url())
        yield postgres
    shutil.rmtree(directory, ignore_errors=True)


def test_a_worker_outlives_its_database_and_tells_everything_once_that_is_back(
    postgres_of_its_own: EmbeddedPostgres,
) -> None:
    postgres = postgres_of_its_own
    store = open_store(postgres.url())
    handoffs = [f"h{n}" for n in range(12)]
    for handoff in handoffs:
        keep_handoff(store, handoff)
        tell(store, "receiver", handoff, *(f"event:{n}" for n in range(4)))
    stop = threading.Event()
    with receiving(lambda request: Reply(delay=0.05)) as receiver:
        world = world_of(store, partner("sender"), partner("receiver", receiver.channel()))
        made = make_worker(world, store, postgres.url(), production=False)
        made = replace(made, pace=replace(DEMO, silent=2.0, heartbeat=0.5, longest=5.0))
        thread = threading.Thread(target=run_worker, args=(made, stop))
        thread.start()
        try:
            until(lambda: len(receiver.processed) > 4)
            postgres._run("pg_ctl", "-D", str(postgres._cluster), "-m", "immediate", "-w", "stop")
            time.sleep(1)
            postgres._bring_up()
            until(lambda: _pending(store) == 0, 60)
        finally:
            stop.set()
            thread.join(40)
    assert not thread.is_alive()
    assert len({request.request_id for request in receiver.processed}) == 48
    for handoff in handoffs:
        order = list(dict.fromkeys(r.event_number for r in receiver.processed if r.handoff == handoff))
        assert order == sorted(order)
    store.close()


def _pending(store: object) -> int | None:
    try:
        return LaneStore(store.engine).backlog().pending  # type: ignore[attr-defined]
    except Exception:
        return None
