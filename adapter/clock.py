"""The only place that asks what time it is. Everything else is given a clock.

Tokens and TLS always live in real time (`SystemClock`); a demo may let the handoffs' time run ahead (`DemoClock`).
"""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class DemoClock:
    """The time of this machine plus an offset kept in a small file, which all processes of a demo share.

    Lets a scenario of 48 hours play in a second. Only ever moves forward: time that ran back would reopen deadlines.
    """

    def __init__(self, path: Path):
        self._path = path

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset()

    def offset(self) -> timedelta:
        """How far this clock is ahead of the real one. Reads the file each time (10 µs), so that no process is late."""
        try:
            return timedelta(seconds=float(self._path.read_bytes()))
        except FileNotFoundError:
            return timedelta(0)

    def advance(self, by: timedelta) -> datetime:
        """Move the clock of every process forward; the new time."""
        if by < timedelta(0):
            raise ValueError("a clock moves forward only")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path.with_suffix(".lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            seconds = (self.offset() + by).total_seconds()
            written = self._path.with_suffix(".new")
            written.write_text(repr(seconds), encoding="ascii")
            os.replace(written, self._path)  # whole or not at all: a reader never sees half a number
        return self.now()
