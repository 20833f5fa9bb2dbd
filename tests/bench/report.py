"""The one table of a run, printed row by row as it is measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_COLUMNS = (
    f"{'what':<38}{'server':<9}{'per s':>8} {'(min–max)':>13}{'p50 ms':>9}{'p99 ms':>9}"
    f"{'app CPU':>9}{'db CPU':>8}{'load CPU':>9}{'peak MiB':>9}{'of floor':>18}{'by CPU':>8}"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One burst. `latencies` in seconds; `app`, `database` and `load` are the seconds of processor time it took."""

    seconds: float
    latencies: Sequence[float]
    app: float
    database: float
    load: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def heading() -> None:
    print("CPU in ms for each bundle, search or notification: of the server's processes, of PostgreSQL, of the load.")
    print("of floor: bundles per second against those of the floor's burst just before; median (min–max) of all pairs;")
    print("by CPU: the floor's app and db CPU against the adapter's, which other work on the machine moves least.\n")
    print(_COLUMNS)
    print("-" * len(_COLUMNS), flush=True)


def row(
    what: str, server: str, bursts: Sequence[Measured], memory: float, floor: Sequence[Measured] | None = None
) -> None:
    """Median of the bursts' rates with their range, latencies of all requests together, costs for each request; and
    all that against the `floor`, burst by burst."""
    rates = [burst.rate for burst in bursts]
    latencies = sorted(latency for burst in bursts for latency in burst.latencies)
    count = len(latencies)
    cpu = [1e3 * sum(getattr(burst, part) for burst in bursts) / count for part in ("app", "database", "load")]
    print(
        f"{what:<38}{server:<9}{statistics.median(rates):>8.0f} {f'({min(rates):.0f}–{max(rates):.0f})':>13}"
        f"{1e3 * latencies[count // 2]:>9.2f}{1e3 * latencies[count * 99 // 100]:>9.1f}"
        f"{cpu[0]:>9.2f}{cpu[1]:>8.2f}{cpu[2]:>9.3f}{memory:>9.0f}{_of_floor(bursts, floor)}",
        flush=True,
    )


def delivery_row(what: str, count: int, rate: float | None, app: float, database: float, memory: float) -> None:
    """Notifications that reached a receiver, all of them: no latencies, for they waited to be sent."""
    per_second = f"{rate:.0f}" if rate else "–"
    print(
        f"{what:<38}{'worker':<9}{per_second:>8} {'':>13}{'–':>9}{'–':>9}"
        f"{1e3 * app / count:>9.2f}{1e3 * database / count:>8.2f}{'–':>9}{memory:>9.0f}{_of_floor((), None)}",
        flush=True,
    )


def _of_floor(bursts: Sequence[Measured], floor: Sequence[Measured] | None) -> str:
    if floor is None:
        return f"{'–':>18}{'–':>8}"
    ratios = [burst.rate / below.rate for burst, below in zip(bursts, floor, strict=True)]
    rates = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    return f"{rates:>18}{_cpu(floor) / _cpu(bursts):>8.2f}"


def _cpu(bursts: Sequence[Measured]) -> float:
    """Of one request, load apart."""
    return sum(b.app + b.database for b in bursts) / sum(len(b.latencies) for b in bursts)
