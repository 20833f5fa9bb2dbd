"""`make bench`: what a handoff costs on this machine, beside a floor that is measured in the same minutes.

Everything is what a user runs: `handoff serve --demo` with the embedded PostgreSQL and `handoff worker`, real tokens,
real HTTP, a partner that really receives. The floor (floor.py) is the same kind of server on the same database and does
nothing but decode JSON and commit the bytes. Both are sent the same bundles in turn, in short bursts, so that whatever
else the machine does meets both; read the ratios, not the absolutes. docs/performance.md says more.

Right answers are checked and make it fail: each is 200, and the database holds what was acknowledged, no less and no
more. Times are only printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from adapter.config import Settings
from adapter.demo_partners import DEMO_PARTNERS
from adapter.storage import EmbeddedPostgres, open_store
from adapter.testkit.server_process import ServerProcess
from tests.bench.bench import Bench, Plan
from tests.bench.floor import FloorProcess
from tests.bench.receiver import Receiver

WHOLE = Plan(seconds=1.5, rounds=4, stored=(1_000, 100_000))
QUICK = Plan(seconds=0.3, rounds=1, stored=(100, 1_000))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="only see that everything runs, in some 40 s")
    parser.add_argument("--clients", type=int, default=8, help="connections that send at the same time")
    parser.add_argument(
        "--workers", type=int, default=Settings().server_processes, help="server processes of floor and adapter"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="handoff-bench-")).resolve()
    folder.chmod(0o711)  # PostgreSQL, as an account of its own, passes through
    began = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; {options.clients} clients; "
        f"{options.workers} server processes of {Settings().threads} threads\n"
    )
    try:
        _run(QUICK if options.quick else WHOLE, folder, options.clients, options.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"\nevery answer was 200, and what was acknowledged is stored and delivered; {time.monotonic() - began:.0f} s"
    )


def _run(plan: Plan, folder: Path, clients: int, workers: int) -> None:
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        ports = dict.fromkeys(DEMO_PARTNERS, receiver.port)
        # Started first and by spawn: it shares nothing with the rest but the machine.
        sender = stack.enter_context(ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")))
        server = stack.enter_context(ServerProcess(folder, ports, ("--no-worker", "--workers", str(workers))))
        postgres = stack.enter_context(EmbeddedPostgres(folder))
        store = open_store(postgres.url(), pool_size=2)
        stack.callback(store.close)
        floor = stack.enter_context(FloorProcess(postgres.url(), workers, Settings().threads))
        Bench(plan, folder, clients, server=server, floor=floor, receiver=receiver, store=store, sender=sender).run()


if __name__ == "__main__":
    main()
