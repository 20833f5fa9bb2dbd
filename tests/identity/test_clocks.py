"""Clocks: aware, in UTC, and in a demo one for all processes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapter.clock import DemoClock, SystemClock

MOMENT = timedelta(seconds=5)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC and abs(now - datetime.now(UTC)) < MOMENT


def test_a_demo_clock_that_was_never_advanced_shows_real_time(tmp_path: Path) -> None:
    assert abs(DemoClock(tmp_path / "clock").now() - datetime.now(UTC)) < MOMENT
    assert not (tmp_path / "clock").exists()


def test_an_advance_is_seen_by_other_processes_at_once(tmp_path: Path) -> None:
    clock = DemoClock(tmp_path / "clock")
    clock.advance(timedelta(hours=48))
    clock.advance(timedelta(minutes=1))
    program = (
        "import sys; from pathlib import Path; from adapter.clock import DemoClock;"
        "print(DemoClock(Path(sys.argv[1])).offset())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "clock")], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "2 days, 0:01:00"
    assert abs(clock.now() - datetime.now(UTC) - timedelta(hours=48, minutes=1)) < MOMENT


def test_advances_from_eight_threads_add_up(tmp_path: Path) -> None:
    clocks = [DemoClock(tmp_path / "clock") for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: clocks[n % 8].advance(timedelta(hours=1)), range(40)))
    assert clocks[0].offset() == timedelta(hours=40)


def test_a_clock_never_runs_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="forward"):
        DemoClock(tmp_path / "clock").advance(timedelta(seconds=-1))
