"""`handoff demo`: adapter and partners from nothing, every scenario over real HTTP, and nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path

from adapter.config import Settings
from adapter.demo_partners import DEMO_PARTNERS
from adapter.testkit.burst import Burst, play_burst
from adapter.testkit.exchange import Exchange
from adapter.testkit.player import Player, StepResult
from adapter.testkit.replay import EXIT_BROKEN, EXIT_HELD, EXIT_UNPLAYABLE, tokens_from
from adapter.testkit.report import Printer, held, summary
from adapter.testkit.scenario import Scenario, ScenarioError, scripts_in
from adapter.testkit.script_check import load_checked
from adapter.testkit.server_process import NotReady, ServerProcess, left_running
from adapter.testkit.simulators import SimulatedPartner

BURST_CLIENTS = 4


def play_demo(settings: Settings, paths: Sequence[Path] = (), burst_seconds: float = 4.0) -> int:
    """Plays every scenario of `sample_bundles/` (or of `paths`) and prints each step and a summary.

    The adapter runs as a process of its own on a free port, its database in a fresh folder below
    `settings.data_dir`/demo, removed afterwards (the server's log stays). Returns 0 when every expectation held and
    nothing was left running, 1 when not, 2 when a script cannot be played or the adapter does not start.
    """
    with ExitStack() as stack:
        stack.enter_context(_stopped_by_sigterm())
        samples = stack.enter_context(as_file(files("sample_bundles")))
        try:
            scenarios = [load_checked(script) for script in scripts_in(paths or [samples])]
        except ScenarioError as error:
            print(error)
            return EXIT_UNPLAYABLE
        folder = _fresh_folder(settings.data_dir / "demo")
        try:
            results, burst = _play(scenarios, folder, burst_seconds)
        except NotReady as error:
            print(error)
            return EXIT_UNPLAYABLE
        finally:
            left = _stop_what_is_left(folder)
            log = _keep_log(folder)
    print("\n" + summary(results))
    print(burst)
    print(f"left running: {', '.join(map(str, left))}" if left else "nothing was left running")
    if held(results) and burst.held and not left:
        return EXIT_HELD
    print(f"the server's log is {log}")
    return EXIT_BROKEN


def _play(scenarios: Sequence[Scenario], folder: Path, burst_seconds: float) -> tuple[list[StepResult], Burst]:
    began = time.monotonic()
    with ExitStack() as stack:
        partners = {id: stack.enter_context(SimulatedPartner(id)) for id in DEMO_PARTNERS}
        ports = {partner.id: partner.port for partner in partners.values()}
        server = stack.enter_context(ServerProcess(folder, ports))
        print(f"The adapter is ready at {server.base_url} after {time.monotonic() - began:.1f} s", flush=True)
        exchange = Exchange(server.fhir_url, tokens_from(folder / "demo-keys", server.base_url))
        player = Player(exchange, partners, Printer(), clock_can_be_advanced=exchange.has_demo_clock())
        results = [result for scenario in scenarios for result in player.play(scenario)]
        burst = play_burst(exchange, burst_seconds, BURST_CLIENTS)
    return results, burst


def _fresh_folder(parent: Path) -> Path:
    """Named by chance, so that two demos never share a database."""
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=parent, prefix="")).resolve()


def _stop_what_is_left(folder: Path) -> list[int]:
    """Whatever still uses the folder after the adapter was told to stop: that is a fault, and it must not stay."""
    left = left_running(folder)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
    return left


def _keep_log(folder: Path) -> Path:
    """Of the folder only the server's log stays, that of the last demo; the database was for this one play."""
    kept = folder.parent / ServerProcess.LOG
    with suppress(FileNotFoundError):
        shutil.copyfile(folder / ServerProcess.LOG, kept)
    shutil.rmtree(folder, ignore_errors=True)
    return kept


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: through every `with`, so that server and database stop too."""

    def stop(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
