"""`make mutants`: ten thousand good requests with something broken in each, and what the adapter said of them."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.mutants.laboratory import laboratory_of_its_own
from tests.mutants.run import run
from tests.mutants.tally import FAILED, REFUSED

ENOUGH = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", nargs="?", type=Path, help="bundles and resources to make mutants of as well")
    parser.add_argument("--count", type=int, default=10_000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same mutations")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N examples of what asks for a look")
    asked = parser.parse_args()
    print(f"{asked.count:,} mutants, seed {asked.seed}", flush=True)
    began = time.monotonic()
    with laboratory_of_its_own() as laboratory:
        tally = run(laboratory, asked.count, asked.seed, asked.folder)
    print("\n".join(tally.table()))
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items()))
    print(f"\nstatuses {statuses}; {time.monotonic() - began:.0f} s")
    print(
        f"of {tally.total(REFUSED):,} refusals, {tally.share:.1%} say where; {tally.total(FAILED)} answers of 500 or "
        f"more; {len(tally.holes)} taken that R4 forbids; {len(tally.faults)} faults"
    )
    for title, found in (("fault", tally.faults), ("hole", tally.holes), ("elsewhere", tally.misplaced)):
        for each in found[: asked.show]:
            *fault, mutant, got = each
            asked_for = f"{mutant.sent.method} {mutant.sent.path[:120]}"
            print(f"\n{title} {''.join(fault)} {mutant.kind}: {asked_for} {mutant.change.touched}\n  {got.status}")
            for issue in (got.tree or {}).get("issue", [])[:3]:
                print(f"  {issue.get('expression', ['-'])[0]}: {issue['details']['text'][:150]}")
    return 0 if tally.share >= ENOUGH and not tally.faults and not tally.holes else 1


if __name__ == "__main__":
    sys.exit(main())
