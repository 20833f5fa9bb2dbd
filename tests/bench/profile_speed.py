"""What holding a resource against its profile costs: `python -m tests.bench.profile_speed`.

Prints, for each example of the package, the median and the best of 2,000 runs in microseconds: the base check, the
profile check, and what is left of it for a resource that claims nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from adapter.validation.package import structures
from adapter.validation.profiles import compiled, profile_issues
from adapter.validation.walk import check as check_base
from mappings.json_codec import decode
from profiles.build_package import PACKAGE

RUNS = 2000


def _microseconds(step: Callable[[], object]) -> tuple[float, float]:
    durations = []
    for _ in range(RUNS):
        start = time.perf_counter()
        step()
        durations.append((time.perf_counter() - start) * 1e6)
    return median(durations), min(durations)


def main() -> None:
    start = time.perf_counter()
    for url in structures():
        compiled(url)
    print(
        f"{len(structures())} profiles and extensions read and compiled in {(time.perf_counter() - start) * 1e3:.0f} ms"
    )
    print(f"{'':50}{'base':>10}{'profile':>10}{'best':>10}  µs")
    for file in sorted(PACKAGE.glob("example/*.json")):
        tree = decode(file.read_bytes())
        base, _ = _microseconds(lambda tree=tree: check_base(tree))  # type: ignore[misc]
        typical, best = _microseconds(lambda tree=tree: profile_issues(tree))  # type: ignore[misc]
        print(f"{file.name:50}{base:10.1f}{typical:10.1f}{best:10.1f}")
    bare = decode(b'{"resourceType":"Patient","active":true}')
    print(f"{'a resource that claims nothing':50}{'':10}{_microseconds(lambda: profile_issues(bare))[0]:10.1f}")


if __name__ == "__main__":
    main()
