"""A worker of the whole house in a process of its own, to be killed: `subscription_worker.py DATABASE_URL DATA_DIR`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from adapter.app import furnish
from adapter.config import Settings
from adapter.storage import open_store
from adapter.worker import DEMO, make_worker, run_worker


def main(database_url: str, data_dir: str) -> None:
    store = open_store(database_url)
    house = furnish(Settings(data_dir=Path(data_dir)), database_url, store)
    worker = make_worker(house.world, store, database_url, production=False, concurrency=3)
    policy = replace(worker.courier.policy, delays=(0.05, 0.1), error_after=1000)
    run_worker(
        replace(worker, courier=replace(worker.courier, policy=policy), pace=replace(DEMO, heartbeat=0.3, silent=1.5))
    )
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
