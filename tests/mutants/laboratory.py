"""The whole adapter in this process, and requests that it would take, held back just before they are sent.

The requests are those of the scenarios of sample_bundles/: each is played up to a step, so that whatever the step
stands on is there, and the request of that step is what mutants are made of.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

from adapter.storage import EmbeddedPostgres, upgrade
from adapter.testkit.checks import Answer
from adapter.testkit.exchange import Exchange
from adapter.testkit.player import Player
from adapter.testkit.scenario import HTTP_VERBS, Scenario, Step, load, scripts_in
from tests.fast_postgres import FAST
from tests.mutants.mutation import Sent
from tests.whole_house import Caller, Got, WholeHouse, whole_house

SAMPLES = Path(__file__).parents[2] / "sample_bundles"


class HeldBack(Exception):
    """Not an error: the request that was waited for has come, and has not been sent."""

    def __init__(self, sent: Sent):
        super().__init__()
        self.sent = sent


class _InProcess(Exchange):
    """The wire of the scenario player without a wire; holds back the request number `last`, from 0."""

    def __init__(self, laboratory: Laboratory):
        super().__init__("http://127.0.0.1:8080/fhir", lambda _: None)
        self._laboratory = laboratory
        self._left = 0

    def hold_back(self, last: int) -> None:
        self._left = last

    def send(
        self, method: str, path: str, actor: str | None, headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> Answer:
        is_patch = method == "PATCH" and raw is not None and raw.lstrip()[:1] == b"["
        kind = {} if raw is None else {"Content-Type": f"application/{'json-patch' if is_patch else 'fhir'}+json"}
        sent = Sent(method, path, actor or "", {**kind, **(headers or {})}, raw)
        if not self._left:
            raise HeldBack(sent)
        self._left -= 1
        got = self._laboratory.send(sent)
        return Answer(got.status, got.headers, got.tree, got.raw)

    def now(self) -> datetime:
        return self._laboratory.now()


class Laboratory:
    """Sends requests, and holds back those of scenarios."""

    def __init__(self, house: WholeHouse):
        self._house = house
        self._callers: dict[str, Caller] = {}
        self._exchange = _InProcess(self)
        self._player = Player(self._exchange)
        self.scenarios = [_without_waiting(load(s)) for s in scripts_in([SAMPLES]) if s.parent.name != "refused"]

    def now(self) -> datetime:
        # To the second, and a little ago: nothing that a scenario tells may lie in the future.
        return self._house.house.clock.now() - timedelta(seconds=5)

    def send(self, sent: Sent) -> Got:
        if sent.actor not in self._callers:
            made = self._house.caller(sent.actor) if sent.actor else self._house.nobody
            self._callers[sent.actor] = made
        return self._callers[sent.actor].send(sent.method, sent.path, headers=sent.headers, raw=sent.raw)

    def held_back(self, scenario: Scenario, last: int) -> Sent | None:
        """The request number `last` of a scenario, when all before it have been sent; None when it has fewer."""
        self._exchange.hold_back(last)
        try:
            self._player.play(scenario)
        except HeldBack as held:
            return held.sent
        return None


def _without_waiting(scenario: Scenario) -> Scenario:
    """As far as it can be played at once, by requests that are taken: nobody is told, and no time passes."""
    asked = [step for step in scenario.steps if step.action != "wait-for-notification" and not _is_refused(step)]
    steps = takewhile(lambda s: s.action in HTTP_VERBS and s.at_once == 1 and not s.within, asked)
    return replace(scenario, steps=list(steps))


def _is_refused(step: Step) -> bool:
    return any(status >= 300 for status in step.expect.status)


@contextmanager
def laboratory(database_url: str, folder: Path, **settings: Any) -> Iterator[Laboratory]:
    with whole_house(database_url, folder, max_body_bytes=2_000_000, **settings) as house:
        yield Laboratory(house)


@contextmanager
def laboratory_of_its_own() -> Iterator[Laboratory]:
    """With a database that lives as long."""
    folder = Path(tempfile.mkdtemp(prefix="handoff-mutants-"))
    folder.chmod(0o711)  # PostgreSQL, as an account of its own, passes through
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = stack.enter_context(EmbeddedPostgres(folder, FAST))
        upgrade(postgres.url())
        yield stack.enter_context(laboratory(postgres.url(), folder))
