"""The whole house with a worker, partners that listen and HTTP in front: a scenario is played as in `make demo`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from whole_house import WholeHouse, whole_house

from adapter.api.access_token import AccessTokens
from adapter.app import House, create_app
from adapter.config import signing_secret
from adapter.demo_partners import DEMO_PARTNERS, ensure_demo_partners
from adapter.domain.pathway import Pathway
from adapter.domain.scopes import Scopes
from adapter.testkit.exchange import Exchange
from adapter.testkit.player import FAILED, Player
from adapter.testkit.scenario import load
from adapter.testkit.simulators import SimulatedPartner
from adapter.worker import make_worker, run_worker

SAMPLES = Path(__file__).parent.parent / "sample_bundles"


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class PlayedHouse(WholeHouse):
    player: Player
    partners: Mapping[str, SimulatedPartner]
    address: str
    """Where it answers HTTP, for clients that know nothing of the inside."""

    def play(self, script: Path | str) -> str:
        """Plays a scenario (a folder of sample_bundles, or a path), which must hold; the id of the handoff's Task."""
        folder = SAMPLES / script if isinstance(script, str) else script
        scenario = load(folder / "script.yaml")
        results = self.player.play(scenario)
        broken = [f"{r.title}: expected {r.expected}, got {r.got}" for r in results if r.outcome == FAILED]
        assert not broken, broken
        sender = next(step.actor for step in scenario.steps if step.actor)
        caller = self.caller(str(sender))
        tasks = caller.search(f"Task?requester=Organization/{sender}&code=fulfill&_sort=-_lastUpdated&_count=1")
        return tasks[0].removeprefix("Task/")


@contextmanager
def played_house(
    database_url: str, folder: Path, pathways: Mapping[str, Pathway] | None = None
) -> Iterator[PlayedHouse]:
    """`pathways` in the place of those of the package."""
    with ExitStack() as stack:
        made = stack.enter_context(whole_house(database_url, folder))
        house = made.house
        if pathways is not None:
            house = replace(house, world=replace(house.world, pathways=pathways))
        app = create_app(house)
        partners = {id: stack.enter_context(SimulatedPartner(id)) for id in DEMO_PARTNERS}
        ports = {partner.id: partner.port for partner in partners.values()}
        ensure_demo_partners(house.store, house.register, house.settings.demo_keys, house.clock.now(), ports)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
        _in_background(stack, server.serve_forever, server.shutdown)
        stop = threading.Event()
        worker = make_worker(house.world, house.store, database_url, production=False, concurrency=2)
        _in_background(stack, lambda: run_worker(worker, stop), stop.set)
        address = f"http://127.0.0.1:{server.port}"
        exchange = Exchange(f"{address}/fhir", partial(_token, house))
        yield PlayedHouse(house, app, Player(exchange, partners, clock_can_be_advanced=True), partners, address)


def _token(house: House, partner: str) -> str:
    tokens = AccessTokens(signing_secret(house.settings), house.settings.fhir_url)
    return tokens.issue(partner, Scopes.parse("system/*.cruds"), int(time.time()), 300)


def _in_background(stack: ExitStack, run: Callable[[], object], stop: Callable[[], object]) -> None:
    thread = threading.Thread(target=run)
    thread.start()

    def end() -> None:
        stop()
        thread.join(timeout=40)
        assert not thread.is_alive()

    stack.callback(end)
