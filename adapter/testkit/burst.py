"""How many bundles per second the adapter takes over real HTTP, with everything on; `make bench` measures properly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from adapter.testkit.circumstances import CIRCUMSTANCES
from adapter.testkit.exchange import Exchange
from adapter.testkit.generator import generate_mix
from adapter.testkit.paths import find
from mappings.json_codec import encode

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
            f"{self.sent / self.seconds:.0f} bundles per second over HTTP ({self.sent} transactions of all pathways in "
            f"{self.seconds:.1f} s from {self.clients} clients with token, validation, ledger and jobs; "
            f"{self.refused} refused{self.why}, {self.lost} lost)"
        )


def play_burst(exchange: Exchange, seconds: float, clients: int) -> Burst:
    """Sends generated handoffs for about `seconds`, then reads some back as their recipient."""
    at = exchange.now()
    for requester in {who.requester for who in CIRCUMSTANCES.values()}:
        exchange.token(requester)  # obtaining it is not what is measured
    began = time.monotonic()
    with ThreadPoolExecutor(clients) as threads:
        done = list(
            threads.map(lambda client: list(_send_until(exchange, client, at, began + seconds)), range(clients))
        )
    took = time.monotonic() - began
    answers = [answer for client in done for answer in client]
    taken = [(text, owner) for status, text, owner in answers if status == 200]
    some = taken[:: max(1, len(taken) // _READ_BACK)]
    lost = sum(exchange.send("GET", task, owner).status != 200 for task, owner in some)
    refusals = Counter(f" ({status} {text})" for status, text, _ in answers if status != 200)
    why = next((text for text, _ in refusals.most_common(1)), "")
    return Burst(len(taken), len(answers) - len(taken), lost, took, clients, why)


def _send_until(exchange: Exchange, client: int, at: datetime, until: float) -> Iterator[tuple[int, str, str]]:
    """(status, `Task/…`, owner) of each bundle sent; of a refused one the issue code in place of the Task."""
    for _, requester, owner, bundle in generate_mix(client, 1_000_000, at=at):
        if time.monotonic() >= until:
            return
        answer = exchange.send("POST", "", requester, raw=encode(bundle))
        if answer.status == 200:
            position = [entry["resource"]["resourceType"] for entry in bundle["entry"]].index("Task")
            (location,) = find(answer.body, f"entry[{position}].response.location")
            yield answer.status, str(location).partition("/_history")[0], owner
        else:
            code = next(iter(find(answer.body, "OperationOutcome.issue.code")), "no OperationOutcome")
            yield answer.status, str(code), owner
