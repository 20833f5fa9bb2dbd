"""What a server costs: processor time and memory of a process and all that it started, as the kernel counts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

_MIB = 1024 * 1024


class Costs:
    """Of the process tree of `pid`. Processes that have ended are counted too, when the first one started them."""

    def __init__(self, pid: int):
        self._root = psutil.Process(pid)

    def cpu(self) -> float:
        """Seconds of processor time since the start."""
        ended = self._root.cpu_times()
        total = float(ended.children_user + ended.children_system)
        for process in self._processes():
            times = process.cpu_times()
            total += times.user + times.system
        return total

    def peak_memory(self) -> float:
        """MiB that the processes have had in memory at most, each at its own time; shared pages count in each."""
        return sum(_high_water_mark(process.pid) for process in self._processes()) / _MIB

    def _processes(self) -> Iterator[psutil.Process]:
        yield self._root
        for child in self._root.children(recursive=True):
            if child.is_running():
                yield child


def postmaster(data_dir: Path) -> int:
    """The process id of the embedded PostgreSQL of a data directory."""
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def _high_water_mark(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
