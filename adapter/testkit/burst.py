"""How many bundles per second the adapter takes over real HTTP, with everything on; `make bench` measures properly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from adapter.testkit.exchange import Exchange
from adapter.testkit.generator import OWNER, REQUESTER, generate
from adapter.testkit.paths import find
from mappings.json_codec import encode

_TASK_ENTRY = 7
_READ_BACK = 5


@dataclass(frozen=True, slots=True)
class Burst:
    """`refused` answers were not 200; `lost` tasks were acknowledged and then not there for their recipient."""

    sent: int
    refused: int
    lost: int
    seconds: float
    clients: int
    why: str = ""
    """The refusal that came most often."""

    @property
    def held(self) -> bool:
        return self.sent > 0 and self.refused == 0 and self.lost == 0

    def __str__(self) -> str:
        return (
            f"{self.sent / self.seconds:.0f} bundles per second over HTTP ({self.sent} transactions of 10 entries in "
            f"{self.seconds:.1f} s from {self.clients} clients with token, validation, ledger and jobs; "
            f"{self.refused} refused{self.why}, {self.lost} lost)"
        )


def play_burst(exchange: Exchange, seconds: float, clients: int) -> Burst:
    """Sends generated handoffs for about `seconds`, then reads some back as their recipient."""
    exchange.token(REQUESTER)
    at = exchange.now()
    began = time.monotonic()
    with ThreadPoolExecutor(clients) as threads:
        done = list(
            threads.map(lambda client: list(_send_until(exchange, client, at, began + seconds)), range(clients))
        )
    took = time.monotonic() - began
    answers = [answer for client in done for answer in client]
    tasks = [task for status, task in answers if status == 200]
    lost = sum(exchange.send("GET", task, OWNER).status != 200 for task in tasks[:: max(1, len(tasks) // _READ_BACK)])
    refusals = Counter(f" ({status} {text})" for status, text in answers if status != 200)
    why = next((text for text, _ in refusals.most_common(1)), "")
    return Burst(len(tasks), len(answers) - len(tasks), lost, took, clients, why)


def _send_until(exchange: Exchange, client: int, at: datetime, until: float) -> Iterator[tuple[int, str]]:
    """(status, `Task/…`) of each bundle sent; of a refused one, (status, issue code)."""
    for bundle in generate("mobile-crisis-to-outpatient", seed=client, n=1_000_000, at=at):
        if time.monotonic() >= until:
            return
        answer = exchange.send("POST", "", REQUESTER, raw=encode(bundle))
        if answer.status == 200:
            (location,) = find(answer.body, f"entry[{_TASK_ENTRY}].response.location")
            yield answer.status, str(location).partition("/_history")[0]
        else:
            code = next(iter(find(answer.body, "OperationOutcome.issue.code")), "no OperationOutcome")
            yield answer.status, str(code)
