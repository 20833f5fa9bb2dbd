"""Killed, stopped and cut off from its database under load: nothing acknowledged is lost, doubled or halved."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest
from load import Load, audit, send_again_what_was_not_acknowledged, told_of, undelivered
from running_house import RunningHouse, running_house, until

from adapter.testkit.generator import OWNER, REQUESTER
from adapter.testkit.server_process import left_running


def everything_arrived(house: RunningHouse, load: Load) -> None:
    """Each handoff was told to its recipient, in order, and nothing waits any more."""
    until(lambda: undelivered(house) == 0, 60, "the delivery of every notification")
    assert {one.task for one in load.acknowledged} <= told_of(house, OWNER)
    assert house.partners[OWNER].inbox.faults == []


def killed_and_started_again(house: RunningHouse, times: int, seed: int) -> None:
    chance = random.Random(seed)
    load = Load(house)
    house.exchange.token(REQUESTER)
    for _ in range(times):
        before = len(load.acknowledged)
        with load.running():
            until(lambda before=before: len(load.acknowledged) >= before + 10, 30, "load")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.3))
            house.kill()
        house.start()
        assert audit(house, load) == []
    in_doubt = [one for one in load.sent if one.task is None]
    assert in_doubt, "every kill missed every request: the test proves nothing"
    send_again_what_was_not_acknowledged(load)
    assert audit(house, load) == []
    everything_arrived(house, load)


def test_a_server_killed_under_load_loses_doubles_and_halves_nothing(running: RunningHouse) -> None:
    killed_and_started_again(running, times=3, seed=1)


@pytest.mark.faults
@pytest.mark.parametrize("seed", [11, 12])
def test_a_server_killed_many_times_loses_doubles_and_halves_nothing(running: RunningHouse, seed: int) -> None:
    killed_and_started_again(running, times=20, seed=seed)


def database_stopped(house: RunningHouse, times: int) -> None:
    load = Load(house)
    house.exchange.token(REQUESTER)
    for _ in range(times):
        before = len(load.acknowledged)
        with load.running(clients=3):
            until(lambda before=before: len(load.acknowledged) >= before + 10, 30, "load")  # type: ignore[misc]
            refused = sum(load.refusals.values())
            house.kill_the_database()
            until(lambda refused=refused: sum(load.refusals.values()) > refused, 20, "refusals")  # type: ignore[misc]
            assert house.exchange.send("GET", "../healthz", None).status == 200
            # `serve` starts its embedded database again, and whoever lost a connection finds it by themselves.
            kept = len(load.acknowledged)
            until(lambda kept=kept: len(load.acknowledged) >= kept + 20, 30, "recovery")  # type: ignore[misc]
        assert house.exchange.send("GET", "../readyz", None).status == 200
    assert set(load.refusals) == {(503, "no-store")}
    send_again_what_was_not_acknowledged(load)
    assert audit(house, load) == []
    everything_arrived(house, load)


def test_a_database_that_stops_under_load_costs_refusals_and_no_handoff(running: RunningHouse) -> None:
    database_stopped(running, times=1)


@pytest.mark.faults
def test_a_database_that_stops_many_times_costs_refusals_and_no_handoff(running: RunningHouse) -> None:
    database_stopped(running, times=8)


def test_a_server_that_is_told_to_stop_answers_what_it_took_and_leaves_no_process() -> None:
    with running_house() as house:
        load = Load(house)
        house.exchange.token(REQUESTER)
        with load.running():
            until(lambda: len(load.acknowledged) >= 10, 30, "load")
            began = time.monotonic()
            house.stop()
            took = time.monotonic() - began
        assert took < 15, "an orderly stop took as long as a kill would have"
        assert left_running(house.folder) == []
        house.start()
        send_again_what_was_not_acknowledged(load)
        assert audit(house, load) == []
        everything_arrived(house, load)


def test_a_worker_that_is_killed_is_started_again_and_tells_what_waited(running: RunningHouse) -> None:
    load = Load(running)
    for _ in range(2):
        os.kill(worker_of(running), signal.SIGKILL)
        with load.running(clients=1):
            until(lambda: len(load.acknowledged) % 5 == 4, 30, "load")
        everything_arrived(running, load)
    assert audit(running, load) == []


def worker_of(house: RunningHouse) -> int:
    """The process id of `handoff worker`, waited for."""
    found: list[int] = []

    def look() -> bool:
        children = psutil.Process(house.server.pid).children(recursive=True)
        found[:] = [child.pid for child in children if "worker" in child.cmdline()]
        return bool(found)

    until(look, 20, "a worker")
    return found[0]


# The harness itself


def test_a_store_that_says_committed_too_early_is_caught_by_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded bug: Python imports `sitecustomize` from its path, so only the processes of this test have it."""
    path = [str(Path(__file__).with_name("ack_before_commit")), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    with running_house() as house:
        load = Load(house)
        with load.running():
            until(lambda: len(load.acknowledged) >= 20, 30, "load")
            house.kill()
        house.start()
        assert any("acknowledged and lost" in line for line in audit(house, load))


def test_the_audit_sees_what_is_lost_doubled_halved_or_answered_in_two_ways(running: RunningHouse) -> None:
    load = Load(running)
    with load.running(clients=1):
        until(lambda: len(load.acknowledged) >= 4, 30, "load")
    assert audit(running, load) == []
    first, second, third = load.acknowledged[:3]
    for wound, sign in (
        (f"DELETE FROM deadline WHERE handoff = '{first.task[5:]}'", "half applied: 0 of 1 clocks"),  # type: ignore[index]
        (f"DELETE FROM handoff WHERE id = '{second.task[5:]}'", "no projection of"),  # type: ignore[index]
        ("UPDATE resource_version SET handoffs = '{}', search_keys = '{}' WHERE type = 'Consent'", "of no handoff"),
        (f"DELETE FROM resource_version WHERE type = 'Patient' AND convert_from(body, 'UTF8') LIKE '%{third.number}%'",
         "acknowledged and lost"),
    ):  # fmt: skip
        running.run(wound)
        assert any(sign in line for line in audit(running, load)), sign
    third.answers.append(b"another")
    assert any("answered in two ways" in line for line in audit(running, load))
