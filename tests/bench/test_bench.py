"""That `make bench` runs; what it measures depends on the machine and is nothing for a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CASES = (
    'search "my open tasks"',
    "10 entries",
    "delivery",
    "10 entries, worker on",
    "100 entries",
    "400 entries",
)


def test_a_quick_bench_measures_every_case_and_finds_every_answer_right() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for case in CASES:
        assert case in done.stdout
    assert "every answer was 200" in done.stdout
