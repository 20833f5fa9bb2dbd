"""Load on a running house, a record of what was acknowledged, and the audit that no fault may break."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from running_house import RunningHouse

from adapter.testkit.generator import OWNER, REQUESTER, generate
from mappings.json_codec import encode

ENTRIES = 10
TASK = 7
"""Position of the Task in a generated bundle."""


@dataclass
class Sent:
    """One bundle and what came of it. `number` is the business identifier of its Patient: who it is about."""

    number: str
    key: str
    raw: bytes
    answers: list[bytes] = field(default_factory=list)
    task: str | None = None
    """`Task/…` once it was acknowledged."""


@dataclass
class Load:
    """Threads that send bundles until they are stopped; what gets no answer is sent again under the same key."""

    house: RunningHouse
    seed: int = 0
    sent: list[Sent] = field(default_factory=list)
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self, clients: int = 4) -> Iterator[None]:
        """Sends while the block runs. Only 200, 503 and a broken connection are expected."""
        stop = threading.Event()
        with ThreadPoolExecutor(clients) as threads:
            for _ in range(clients):
                self.seed += 1
                threads.submit(self._client, self.seed, stop)
            try:
                yield
            finally:
                stop.set()

    def _client(self, seed: int, stop: threading.Event) -> None:
        for number, bundle in enumerate(generate("mobile-crisis-to-outpatient", seed=seed, n=1_000_000)):
            if stop.is_set():
                return
            value = bundle["entry"][0]["resource"]["identifier"][0]["value"]
            one = Sent(value, f"load-{seed}-{number}", encode(bundle))
            with self._lock:
                self.sent.append(one)
            if not self.send(one):
                stop.wait(0.05)
            elif one.task is not None and number % 3 == 0:
                self._add_to(one.task, one.key)

    def send(self, one: Sent) -> bool:
        """One attempt; True when it was acknowledged."""
        try:
            answer = self.house.send("POST", "", REQUESTER, raw=one.raw, X_Request_ID=one.key)
        except requests.RequestException:
            return False
        if answer.status == 200:
            one.task = answer.body["entry"][TASK]["response"]["location"].partition("/_history")[0]
            one.answers.append(answer.raw)
            return True
        code = answer.body["issue"][0]["code"] if answer.body else "no OperationOutcome"
        with self._lock:
            self.refusals[answer.status, code] += 1
            if (answer.status, code) != (503, "no-store"):
                self.unexpected.append(f"{answer.status} {answer.raw[:300]!r}")
        return False

    def _add_to(self, task: str, key: str) -> None:
        """A second event of the same handoff, so that there is an order to keep."""
        tree = {"resourceType": "Communication", "status": "completed", "about": [{"reference": task}]}
        with suppress(requests.RequestException):
            self.house.send("POST", "Communication", REQUESTER, tree, X_Request_ID=f"{key}-told")

    @property
    def acknowledged(self) -> list[Sent]:
        return [one for one in self.sent if one.task is not None]


def audit(house: RunningHouse, load: Load) -> list[str]:
    """Everything that is wrong with what the database holds, given what was acknowledged; empty when nothing is."""
    wrong = [f"unexpected answer {text}" for text in load.unexpected]
    patients = Counter(
        number
        for (number,) in house.rows(
            "SELECT convert_from(body, 'UTF8')::json -> 'identifier' -> 0 ->> 'value' FROM resource_version"
            " WHERE type = 'Patient' AND version = 1"
        )
    )
    for one in load.sent:
        times = patients.pop(one.number, 0)
        if times > 1:
            wrong.append(f"doubled {times} times: {one.key}")
        if one.task is not None and times == 0:
            wrong.append(f"acknowledged and lost: {one.key}")
        if len(set(one.answers)) > 1:
            wrong.append(f"answered in two ways: {one.key}")
    wrong += [f"a person whom nobody sent, {times} times" for times in patients.values()]

    handoffs = dict(house.rows("SELECT id, status FROM handoff"))
    wrong += [f"no projection of {one.key}" for one in load.acknowledged if _id(one) not in handoffs]
    wrong += _halves(house, set(handoffs))
    return wrong


def _id(one: Sent) -> str:
    return (one.task or "").partition("/")[2]


def _halves(house: RunningHouse, handoffs: set[str]) -> Iterator[str]:
    """Handoffs that lack a part, and parts that lack a handoff."""
    parts = {
        "resources": ("SELECT h, count(*) FROM resource_version, unnest(handoffs) h"
                      " WHERE version = 1 AND type <> 'Communication' GROUP BY h", ENTRIES - 1),
        "projections of a Task": ("SELECT id, count(*) FROM resource_version"
                                  " WHERE type = 'Task' AND version = 1 GROUP BY id", 1),
        "lines of the ledger": ("SELECT handoff, count(*) FROM ledger_event"
                                " WHERE kind = 'handoff:requested' GROUP BY handoff", 1),
        "notifications": ("SELECT handoff, count(*) FROM notification"
                          f" WHERE event = 'handoff:requested' AND subscriber = '{OWNER}' GROUP BY handoff", 1),
        "clocks": ("SELECT handoff, count(*) FROM deadline WHERE step = 'acceptance' GROUP BY handoff", 1),
    }  # fmt: skip
    for what, (sql, expected) in parts.items():
        found: dict[Any, int] = dict(house.rows(sql))
        for handoff in handoffs | set(found):
            if found.get(handoff, 0) != expected or handoff not in handoffs:
                yield f"half applied: {found.get(handoff, 0)} of {expected} {what}, projection: {handoff in handoffs}"
    for type_, times in house.rows(
        f"SELECT type, count(*) FROM resource_version WHERE author = '{REQUESTER}' AND handoffs = '{{}}'"
        " AND NOT '*' = ANY(readers) GROUP BY type"
    ):
        yield f"half applied: {times} {type_} of no handoff"


def send_again_what_was_not_acknowledged(load: Load) -> None:
    """As a sender does after an outage: the same bytes under the same key."""
    for one in load.sent:
        if one.task is None:
            assert load.send(one), "a bundle was refused after the outage"


def told_of(house: RunningHouse, partner: str) -> set[str]:
    """`Task/…` of every handoff that the partner was told about."""
    return {receipt.about for receipt in list(house.partners[partner].inbox.receipts)}


def undelivered(house: RunningHouse) -> int:
    ((pending,),) = house.rows("SELECT count(*) FROM notification WHERE state <> 'delivered'")
    return int(pending)
