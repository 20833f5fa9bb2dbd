"""The adapter as a process of its own, the simulated partners that it tells, and senders that speak HTTP to it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from adapter.demo_partners import DEMO_PARTNERS
from adapter.testkit.checks import Answer
from adapter.testkit.exchange import Exchange
from adapter.testkit.replay import tokens_from
from adapter.testkit.server_process import ServerProcess, left_running
from adapter.testkit.simulators import SimulatedPartner
from mappings.json_codec import encode


@dataclass
class RunningHouse:
    """`send` works as any partner; `kill`, `stop` and `start` act on the server, whose data directory stays."""

    folder: Path
    server: ServerProcess
    partners: dict[str, SimulatedPartner]
    exchange: Exchange
    up: bool = field(default=False)

    def start(self) -> None:
        self.server.__enter__()
        self.up = True

    def stop(self) -> None:
        """SIGTERM, as an operator would."""
        self.server.stop()
        self.up = False

    def kill(self) -> None:
        """SIGKILL to everything that `handoff serve` started but the database, which is a service of its own."""
        os.killpg(self.server.pid, signal.SIGKILL)
        self.stop()
        until(lambda: all(_is_postgres(pid) for pid in left_running(self.folder)), 10, "the end of every process")

    def kill_the_database(self) -> None:
        """What an immediate stop or a crash of PostgreSQL is to the adapter."""
        os.kill(self.postmaster, signal.SIGQUIT)

    @property
    def postmaster(self) -> int:
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    def send(
        self, method: str, path: str, actor: str | None, tree: Any = None, raw: bytes | None = None, **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.exchange.send(method, path, actor, given, encode(tree) if tree is not None else raw)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database holds, asked past the adapter. The server must be up, and so the database."""
        with psycopg.connect(host=str(self.folder / "postgres"), user="postgres", dbname="handoff") as connection:
            return connection.execute(sql.encode(), values).fetchall()

    def run(self, sql: str) -> None:
        """Change the database past the adapter, as a fault of our own would: even what is append-only."""
        with psycopg.connect(host=str(self.folder / "postgres"), user="postgres", dbname="handoff") as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(sql.encode())

    @property
    def log(self) -> str:
        return (self.folder / ServerProcess.LOG).read_text(encoding="utf-8", errors="replace")


def _is_postgres(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).name() == "postgres"
    return True


@contextmanager
def running_house(*arguments: str) -> Iterator[RunningHouse]:
    """A fresh data directory, all partners up, the server started; everything is gone at the end."""
    # Not pytest's own temporary directory: it is closed to the account that PostgreSQL runs as when we are root.
    folder = Path(tempfile.mkdtemp(prefix="handoff-run-")).resolve()
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(_end_what_is_left, folder)
        partners = {id: stack.enter_context(SimulatedPartner(id)) for id in DEMO_PARTNERS}
        server = ServerProcess(folder, {partner.id: partner.port for partner in partners.values()}, arguments)
        exchange = Exchange(server.fhir_url, tokens_from(folder / "demo-keys", server.base_url))
        house = RunningHouse(folder, server, partners, exchange)
        stack.callback(house.stop)
        house.start()
        yield house


def _end_what_is_left(folder: Path) -> None:
    for pid in left_running(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT if _is_postgres(pid) else signal.SIGKILL)
    with suppress(AssertionError):
        until(lambda: not left_running(folder), 10)


def until(condition: Callable[[], object], seconds: float = 30.0, what: str = "what was waited for") -> None:
    """Wait until the condition holds; a server that is not there yet is waited for as well."""
    give_up = time.monotonic() + seconds
    while True:
        with suppress(requests.RequestException, psycopg.OperationalError):
            if condition():
                return
        assert time.monotonic() < give_up, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)
