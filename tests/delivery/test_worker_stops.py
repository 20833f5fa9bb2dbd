"""A worker hears that it is to stop at every moment, also while it is still connecting."""

from __future__ import annotations

import random
import threading
import time

from small_house import partner, world_of

from adapter.storage import PostgresStore
from adapter.worker import make_worker, run_worker


def test_a_worker_that_is_told_to_stop_while_it_starts_stops(store: PostgresStore, database_url: str) -> None:
    dice = random.Random(5)
    made = make_worker(world_of(store, partner("sender")), store, database_url, production=False)
    for _ in range(60):
        stop = threading.Event()
        thread = threading.Thread(target=run_worker, args=(made, stop), daemon=True)
        thread.start()
        time.sleep(after := dice.uniform(0, 0.02))
        stop.set()
        thread.join(20)
        assert not thread.is_alive(), f"told to stop after {after * 1000:.1f} ms, it works on"


def test_a_worker_without_a_database_stops(store: PostgresStore) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    made = make_worker(world_of(store, partner("sender")), store, nowhere, production=False)
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(made, stop), daemon=True)
    thread.start()
    time.sleep(0.5)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
