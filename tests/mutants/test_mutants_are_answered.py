"""Good requests with something broken in them: none makes the server fail, and what it refuses it says where.

`make mutants` is the long form.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import islice

import pytest

from tests.mutants.kinds import BUNDLES, ELEMENTS, SEVERAL, mutants
from tests.mutants.laboratory import Laboratory
from tests.mutants.run import run
from tests.mutants.samples import Samples, each_kind, is_taken
from tests.mutants.tally import FAILED, TAKEN, Tally

ENOUGH = 0.95
TODAY = datetime.now(UTC).date().toordinal()


def examples(tally: Tally, seed: int) -> str:
    shown: list[object] = [f"python -m tests.mutants --seed {seed}"]
    shown += [(fault, mutant.kind, got.status, mutant.sent) for fault, mutant, got in tally.faults[:5]]
    shown += [("taken", mutant.kind, got.status, mutant.sent) for mutant, got in tally.holes[:5]]
    return "\n".join([*tally.table(), *map(str, shown)])


@pytest.mark.parametrize(("seed", "count"), [(1, 1000), (TODAY, 500)], ids=["the-same-ones", "others-every-day"])
def test_a_mutant_is_taken_where_r4_allows_it_and_else_refused_where_it_is_broken(
    lab: Laboratory, seed: int, count: int
) -> None:
    tally = run(lab, count, seed)
    assert tally.total(FAILED) == 0, examples(tally, seed)
    assert not tally.faults, examples(tally, seed)
    assert not tally.holes, examples(tally, seed)
    assert tally.share >= ENOUGH, examples(tally, seed)
    assert tally.total(TAKEN) < count / 2, f"the mutations break too little to prove anything\n{examples(tally, seed)}"
    if count >= 1000:
        missing = {*ELEMENTS, *BUNDLES, SEVERAL} - tally.verdicts.keys()
        assert not missing, f"never made: {missing}"


def test_what_mutants_are_made_of_is_taken_as_it_is(lab: Laboratory) -> None:
    """Else a refusal of a mutant would prove nothing."""
    samples = Samples(lab, random.Random(1))
    for sample in each_kind(samples):
        assert is_taken(samples, sample), (sample.kind, sample.sent)


def test_the_same_seed_makes_the_same_mutants(lab: Laboratory) -> None:
    """Of the same samples; what a scenario sends differs in its ids from run to run."""
    for sample in each_kind(Samples(lab, random.Random(1))):
        first, again = ([*islice(mutants(random.Random(7), sample), 40)] for _ in range(2))
        assert [(m.kind, m.sent.path, m.sent.raw) for m in first] == [(m.kind, m.sent.path, m.sent.raw) for m in again]
