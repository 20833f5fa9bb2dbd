"""Workers that die anywhere, by kill -9, lose nothing; one that is asked to stop finishes what it began."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from small_house import Received, Reply, keep_handoff, receiving, tell, until

from adapter.storage import PostgresStore
from adapter.storage.lanes import LaneStore

SCRIPT = Path(__file__).with_name("worker_process.py")


@contextmanager
def worker(database_url: str, endpoint: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, str(SCRIPT), database_url, endpoint])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_workers_killed_while_they_send_lose_nothing_and_keep_the_order(
    store: PostgresStore, database_url: str, lanes: LaneStore
) -> None:
    dice = random.Random(3)
    handoffs = [f"h{n}" for n in range(10)]
    for handoff in handoffs:
        keep_handoff(store, handoff)
        tell(store, "receiver", handoff, *(f"event:{n}" for n in range(6)))

    def slow(request: Received) -> Reply:
        return Reply(delay=0.1)

    with receiving(slow) as receiver:
        for _ in range(4):
            before = len(receiver.received)
            with worker(database_url, receiver.url) as doomed:
                until(lambda before=before: len(receiver.received) >= before + 4, 60)  # type: ignore[misc]
                time.sleep(dice.uniform(0, 0.2))
                doomed.send_signal(signal.SIGKILL)
                doomed.wait()
        assert lanes.backlog().pending > 0, "the killed workers had done everything: the test proves nothing"
        with worker(database_url, receiver.url), worker(database_url, receiver.url):
            until(lambda: lanes.backlog().pending == 0, 60)
    assert len({r.request_id for r in receiver.processed}) == 60
    for handoff in handoffs:
        order = list(dict.fromkeys(r.event_number for r in receiver.processed if r.handoff == handoff))
        assert order == sorted(order)
        told = [e for e in store.system_reader().ledger_of(handoff) if e.kind == "delivery:delivered"]
        assert [e.detail["event"] for e in told] == [f"event:{n}" for n in range(6)]


def test_a_worker_that_is_asked_to_stop_finishes_what_it_began(
    store: PostgresStore, database_url: str, lanes: LaneStore
) -> None:
    keep_handoff(store, "h1")
    tell(store, "receiver", "h1", "one")
    with receiving(lambda request: Reply(delay=1.0)) as receiver, worker(database_url, receiver.url) as process:
        until(lambda: receiver.received, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert lanes.backlog().pending == 0
    assert len(receiver.received) == 1
