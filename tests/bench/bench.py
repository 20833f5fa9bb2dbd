"""The cases of `make bench`, and what has to be right in each."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapter.demo_partners import demo_key
from adapter.smart_client import TokenSource
from adapter.storage import PostgresStore
from adapter.storage.connections import Driver, driver_of
from adapter.testkit.generator import OWNER, REQUESTER
from adapter.testkit.server_process import ServerProcess
from mappings.json_codec import decode
from tests.bench import load, report, stored
from tests.bench.costs import Costs, postmaster
from tests.bench.floor import TABLE, FloorProcess
from tests.bench.receiver import Receiver
from tests.bench.report import Measured

PAGE = 20
OPEN_TASKS = f"/fhir/Task?owner=Organization/{OWNER}&status=requested,received&_count={PAGE}"
_STUCK_SECONDS = 30.0
_FEWEST = 24
"""Requests of a burst, however long each takes."""


class WrongAnswer(Exception):
    """A bench that measures wrong answers measures nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: `seconds` a burst, `rounds` a case, with first few and then many handoffs `stored`."""

    seconds: float
    rounds: int
    stored: tuple[int, int]
    entries: tuple[int, ...] = (10, 100, 400)


class Bench:
    """One run on one server and one floor, which share the database below `folder`."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        clients: int,
        *,
        server: ServerProcess,
        floor: FloorProcess,
        receiver: Receiver,
        store: PostgresStore,
        sender: ProcessPoolExecutor,
    ):
        self._plan, self._folder, self._clients = plan, folder, clients
        self._server, self._floor, self._receiver, self._store, self._sender = server, floor, receiver, store, sender
        keys = folder / "demo-keys"
        self._tokens = {p: TokenSource(server.base_url, p, demo_key(keys, p)) for p in (REQUESTER, OWNER)}
        self._costs = {"adapter": Costs(server.pid), "floor": Costs(floor.pid)}
        self._database = Costs(postmaster(folder))
        self._seeds = itertools.count(1)
        self._rates: dict[tuple[str, int], float] = {}
        # The register has published the demo partners.
        self._handoffs, self._resources, *_ = self._counts()
        self._acknowledged = self._on_the_floor = 0

    def run(self) -> None:
        small, large = self._plan.stored
        report.heading()
        self._fill(small)
        self._warm_up()
        self._search()
        first, *longer = self._plan.entries
        self._intake(f"{first} entries", first)
        self._deliver()
        with self._worker():
            self._intake(f"{first} entries, worker on", first, deliver=True)
        for entries in longer:
            self._intake(f"{entries} entries", entries)
        self._fill(large)
        self._search()
        self._intake(f"{first} entries", first)
        self._deliver()

    def _warm_up(self) -> None:
        """Connections, caches, plans; and a first idea of how many requests make a burst."""
        for server in ("floor", "adapter"):
            self._burst(server, self._plan.entries[0], 200)
            self._burst(server, self._plan.entries[0])

    def _intake(self, what: str, entries: int, deliver: bool = False) -> None:
        """Floor and adapter in turn, each pair one ratio; with `deliver` the worker runs, and has to come to its end
        before the floor is measured again."""
        what = f"{what}, {_short(self._handoffs)} stored"
        bursts: dict[str, list[Measured]] = {"floor": [], "adapter": []}
        for _ in range(self._plan.rounds):
            for server, measured in bursts.items():
                measured.append(self._burst(server, entries))
            if deliver:
                self._receiver.wait_for(self._acknowledged, _STUCK_SECONDS)
        self._check_counts()
        report.row(what, "floor", bursts["floor"], self._costs["floor"].peak_memory())
        report.row(what, "adapter", bursts["adapter"], self._costs["adapter"].peak_memory(), bursts["floor"])

    def _burst(self, server: str, entries: int, count: int | None = None) -> Measured:
        guess = self._rates.get((server, entries), 1000.0 / entries)
        count = count or max(_FEWEST, int(self._plan.seconds * guess))
        port = self._floor.port if server == "floor" else self._port
        seed = next(self._seeds)
        path = "/" if server == "floor" else "/fhir"
        measured = self._measure(
            server,
            lambda: self._sender.submit(
                *(load.send_bundles, self._target(port, REQUESTER), path),
                count=count,
                entries=entries,
                seed=seed,
                clients=self._clients,
            ).result(),
        )
        self._rates[server, entries] = measured.rate
        if server == "floor":
            self._on_the_floor += count
        else:
            self._handoffs += count
            self._acknowledged += count
            self._resources += count * entries
        return measured

    def _search(self) -> None:
        """A recipient's first question, from one client, so that what is seen is the search and no queue."""
        target = self._target(self._port, OWNER)
        bursts = []
        count = 100
        for _ in range(self._plan.rounds + 1):
            sent = self._measure(
                "adapter",
                lambda count=count: self._sender.submit(load.ask, target, OPEN_TASKS, count=count, clients=1).result(),
                check=_is_page_of_open_tasks,
            )
            count = max(_FEWEST, int(self._plan.seconds * sent.rate))
            bursts.append(sent)
        what = f'search "my open tasks", {_short(self._handoffs)} stored'
        report.row(what, "adapter", bursts[1:], self._costs["adapter"].peak_memory())

    def _measure(
        self, server: str, send: Callable[[], load.Burst], check: Callable[[bytes], None] | None = None
    ) -> Measured:
        app, database = self._costs[server].cpu(), self._database.cpu()
        sent = send()
        app, database = self._costs[server].cpu() - app, self._database.cpu() - database
        if set(sent.statuses) != {200}:
            raise WrongAnswer(f"expected {server} to answer 200 to everything, got {dict(sent.statuses)}")
        if check:
            check(sent.sample)
        return Measured(sent.seconds, sent.latencies, app, database, sent.cpu)

    def _deliver(self) -> None:
        """What waited while no worker ran: every notification has to reach the partner."""
        what = f"delivery, {_short(self._handoffs)} stored"
        waiting = self._acknowledged - self._receiver.received
        database = self._database.cpu()
        with self._worker() as pid:
            worker = Costs(pid)
            rate = self._receiver.wait_for(self._acknowledged, _STUCK_SECONDS)
            app, database = worker.cpu(), self._database.cpu() - database
            report.delivery_row(what, waiting, rate, app, database, worker.peak_memory())

    @contextmanager
    def _worker(self) -> Iterator[int]:
        """`handoff worker` as `handoff serve` starts it; yields its process id."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDOFF_")}
        environment |= {"HANDOFF_DATA_DIR": str(self._folder), "HANDOFF_BASE_URL": self._server.base_url}
        handoff = str(Path(sys.executable).with_name("handoff"))
        with open(self._folder / "worker.log", "ab") as log:
            process = subprocess.Popen(
                [handoff, "worker", "--started-by-serve"], env=environment, stdout=log, stderr=log
            )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(_STUCK_SECONDS)

    def _fill(self, size: int) -> None:
        missing = size - self._handoffs
        if missing > 0:
            stored.fill(self._store, missing, seed=next(self._seeds))
            self._handoffs += missing
            self._resources += missing * stored.RESOURCES
        with self._owner() as driver:
            # What autovacuum would do within minutes; it must not choose the middle of a burst.
            driver.run("VACUUM (ANALYZE) resource_version, handoff")

    @contextmanager
    def _owner(self) -> Iterator[Driver]:
        """The adapter's own role looks at no floor and vacuums no table."""
        with driver_of(self._store.engine) as driver:
            driver.run("SET ROLE NONE")
            try:
                yield driver
            finally:
                driver.run("RESET ROLE")

    def _counts(self) -> tuple[int, ...]:
        """Handoffs, resources, answers kept, notifications, rows of the floor."""
        tables = ("handoff", "resource_version", "request_record", "notification", TABLE)
        with self._owner() as driver:
            return tuple(driver.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables)

    def _check_counts(self) -> None:
        expected = (self._handoffs, self._resources, self._acknowledged, self._acknowledged, self._on_the_floor)
        got = self._counts()
        if got != expected:
            raise WrongAnswer(f"expected what was acknowledged to be stored once: {expected}, got {got}")

    @property
    def _port(self) -> int:
        return int(self._server.base_url.rpartition(":")[2])

    def _target(self, port: int, partner: str) -> load.Target:
        return load.Target("127.0.0.1", port, self._tokens[partner].token())


def _is_page_of_open_tasks(body: bytes) -> None:
    tasks = [e["resource"] for e in decode(body).get("entry", ()) if e["search"]["mode"] == "match"]
    owners = {task["owner"]["reference"] for task in tasks}
    if not tasks or len(tasks) > PAGE or owners != {f"Organization/{OWNER}"}:
        raise WrongAnswer(f"expected a page of Tasks of {OWNER}, got {len(tasks)} resources")
    if not {task["status"] for task in tasks} <= {"requested", "received"}:
        raise WrongAnswer("expected open Tasks only, got others")


def _short(count: int) -> str:
    return f"{count / 1000:.0f}k" if count >= 1000 else str(count)
