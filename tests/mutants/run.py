"""Sends mutants and tallies the answers; the same seed makes the same mutations."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from tests.mutants.kinds import mutants
from tests.mutants.laboratory import Laboratory
from tests.mutants.samples import Samples
from tests.mutants.tally import TAKEN, Tally

FROM_ONE_SAMPLE: Final = 12
"""So many mutants at most are made of one sample, before another is taken."""


def run(laboratory: Laboratory, count: int, seed: int, folder: Path | None = None) -> Tally:
    chance = random.Random(seed)
    samples, tally = Samples(laboratory, chance, folder), Tally()
    sent = 0
    while sent < count:
        sample = samples.next()
        for mutant, _ in zip(mutants(chance, sample), range(min(FROM_ONE_SAMPLE, count - sent)), strict=False):
            verdict = tally.count(mutant, laboratory.send(mutant.sent))
            sent += 1
            if verdict.outcome == TAKEN and not sample.lasts:
                break
    return tally
