"""Two servers with a worker each on one database: they share the work, and one that is killed takes nothing with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from load import Load, audit, send_again_what_was_not_acknowledged, told_of, undelivered
from running_house import RunningHouse, until

from adapter.testkit.checks import Answer
from adapter.testkit.exchange import Exchange
from adapter.testkit.generator import OWNER, REQUESTER
from adapter.testkit.replay import tokens_from
from adapter.testkit.server_process import ServerProcess

RUNG_TWICE = """SELECT handoff, kind FROM ledger_event WHERE starts_with(kind, 'ladder:')
    GROUP BY handoff, kind HAVING count(*) > 1"""


@contextmanager
def beside(first: RunningHouse) -> Iterator[RunningHouse]:
    """Another server on the same database, with the same signing secret and partners, at an address of its own."""
    server = ServerProcess(first.folder, {partner.id: partner.port for partner in first.partners.values()})
    exchange = Exchange(server.fhir_url, tokens_from(first.folder / "demo-keys", server.base_url))
    second = replace(first, server=server, exchange=exchange, up=False)
    try:
        second.start()
        yield second
    finally:
        second.stop()


def test_one_of_two_servers_is_killed_under_load_and_nothing_is_lost_doubled_or_told_twice(
    running: RunningHouse,
) -> None:
    with beside(running) as second:
        here, there = Load(running), Load(second, seed=100)
        with here.running(clients=2), there.running(clients=2):
            until(lambda: min(len(here.acknowledged), len(there.acknowledged)) >= 15, 60, "load")
            os.killpg(second.server.pid, signal.SIGKILL)
            second.stop()
            kept = len(here.acknowledged)
            until(lambda: len(here.acknowledged) >= kept + 10, 30, "the other server to go on")
        assert any(one.task is None for one in there.sent), "the kill missed every request: the test proves nothing"
        # A sender whose server is gone goes to the other one, with the keys that it used.
        moved = replace(there, house=running)
        send_again_what_was_not_acknowledged(moved)
        send_again_what_was_not_acknowledged(here)
        second.start()
        both = replace(here, sent=[*here.sent, *there.sent], unexpected=[*here.unexpected, *there.unexpected])
        until(lambda: undelivered(running) == 0, 60, "the delivery of every notification")
        assert {one.task for one in both.acknowledged} <= told_of(running, OWNER)
        assert running.partners[OWNER].inbox.faults == []
        assert audit(running, both) == []

        # Nobody answers: two workers see every deadline, and each is acted upon once.
        assert second.exchange.advance_clock("PT72H") == 200
        until(lambda: rungs(running) >= len(both.acknowledged), 60, "the ladder of every handoff")
        until(lambda: undelivered(running) == 0, 60, "the delivery of every notification")
        assert running.rows(RUNG_TWICE) == []
        assert {answer.status for answer in readings(running, second, both)} == {200}


def rungs(house: RunningHouse) -> int:
    ((found,),) = house.rows("SELECT count(DISTINCT handoff) FROM ledger_event WHERE starts_with(kind, 'ladder:')")
    return int(found)


def readings(first: RunningHouse, second: RunningHouse, load: Load) -> Iterator[Answer]:
    """Each server shows what the other one took."""
    for one in load.acknowledged[:3] + load.acknowledged[-3:]:
        for house in (first, second):
            yield house.send("GET", str(one.task), REQUESTER)
