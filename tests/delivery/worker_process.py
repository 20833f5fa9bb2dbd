"""A worker in a process of its own, to be killed: `python worker_process.py DATABASE_URL RECEIVER_URL`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from small_house import partner, world_of

from adapter.domain.partner import Channel
from adapter.storage import open_store
from adapter.worker import DEMO, make_worker, run_worker


def main(database_url: str, endpoint: str) -> None:
    store = open_store(database_url)
    world = world_of(store, partner("sender"), partner("receiver", Channel("rest-hook", endpoint)))
    worker = make_worker(world, store, database_url, production=False, concurrency=3)
    run_worker(replace(worker, pace=replace(DEMO, heartbeat=0.3, silent=1.5)))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
