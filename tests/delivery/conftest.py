"""A worker in a thread, on the store of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
from small_house import world_of

from adapter.domain.partner import Partner
from adapter.storage import PostgresStore
from adapter.storage.lanes import LaneStore
from adapter.use_cases.world import World
from adapter.worker import Worker, make_worker, run_worker

Run = Callable[..., World]


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(worker, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=40)
        assert not thread.is_alive(), "the worker did not stop"


@pytest.fixture
def lanes(store: PostgresStore) -> LaneStore:
    return LaneStore(store.engine)


@pytest.fixture
def run(store: PostgresStore, database_url: str) -> Iterator[Run]:
    """Starts a worker for these partners; it is stopped at the end of the test."""
    with ExitStack() as stack:

        def start(*partners: Partner, concurrency: int = 4, **courier: object) -> World:
            world = world_of(store, *partners)
            worker = make_worker(world, store, database_url, production=False, concurrency=concurrency)
            if courier:
                worker = replace(worker, courier=replace(worker.courier, **courier))
            stack.enter_context(working(worker))
            return world

        yield start
