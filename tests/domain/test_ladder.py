"""The rungs of the ladder, the same for the same start, and the names that keep two ladders apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapter.domain.events import KINDS
from adapter.domain.ladder import ACCEPTANCE, EFFECTS, acceptance_deadlines, ladder_deadlines, step_name
from adapter.domain.pathway import LADDER_STEPS, LadderStep, Pathway

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATHWAY = Pathway(
    name="p",
    title="t",
    source="s",
    purpose="p",
    ladder=(
        LadderStep("alternate-contact", timedelta(0)),
        LadderStep("escalation-owner", timedelta(minutes=30)),
        LadderStep("governance-review", timedelta(hours=2)),
    ),
)


def test_a_failed_contact_starts_the_ladder_at_once() -> None:
    assert ladder_deadlines(PATHWAY, START) == [
        ("alternate-contact", START),
        ("escalation-owner", START + timedelta(minutes=30)),
        ("governance-review", START + timedelta(hours=2)),
    ]


def test_a_missed_deadline_comes_first_and_starts_the_same_ladder() -> None:
    assert acceptance_deadlines(PATHWAY, START) == [(ACCEPTANCE, START), *ladder_deadlines(PATHWAY, START)]
    assert acceptance_deadlines(PATHWAY, None) == []


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(2100, 1, 1)), st.integers(1, 50))  # noqa: DTZ001 - aware
def test_a_second_ladder_has_steps_of_its_own_that_name_the_same_rungs(start: datetime, run: int) -> None:
    steps = ladder_deadlines(PATHWAY, start, run)
    assert steps == ladder_deadlines(PATHWAY, start, run)
    assert [due for _, due in steps] == sorted(due for _, due in steps)
    assert [step_name(step) for step, _ in steps] == [rung.name for rung in PATHWAY.ladder]
    assert {step for step, _ in steps}.isdisjoint(step for step, _ in ladder_deadlines(PATHWAY, start, run + 1))


def test_every_rung_has_an_effect_that_the_ledger_knows() -> None:
    assert set(EFFECTS) == {ACCEPTANCE, *LADDER_STEPS}
    assert all(effect.event in KINDS for effect in EFFECTS.values())
