"""What each measure counts, in small worlds counted by hand; and what is withheld."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from small_world import NOW, START, counted, handoff, many, scores

from adapter.domain.events import (
    ACCEPTANCE_MISSED,
    ACCEPTED,
    APPOINTMENT_ATTENDED,
    APPOINTMENT_BOOKED,
    APPOINTMENT_MISSED,
    CLOCK_MISSED,
    CONTACT_FAILED,
    CONTACT_MADE,
    ESCALATED,
    FAILED,
    REJECTED,
    REPLACED,
)
from adapter.domain.measures import MEASURES, STRATIFIERS

CRISIS = "mobile-crisis-to-outpatient"


def test_outcomes_count_what_was_required_completed_and_fell_through() -> None:
    world = [
        *many(6, ACCEPTED, status="completed"),
        *many(2, REJECTED, status="rejected"),
        *many(3, ACCEPTED, FAILED, status="failed"),
        handoff(ACCEPTANCE_MISSED, (ACCEPTED, 5), status="completed"),
    ]
    assert [c["initial-population"] for c in counted("handoff-outcomes", world)] == [12, 7, 6]


def test_a_corrective_action_counts_only_after_the_handoff_fell_through() -> None:
    world = [
        handoff((REJECTED, 2), (REPLACED, 3)),
        handoff((ACCEPTANCE_MISSED, 2), (ESCALATED, 4)),
        handoff((ESCALATED, 1), (REJECTED, 2)),
        handoff(ACCEPTED),
    ]
    (counts,) = counted("corrective-action", world)
    assert (counts["initial-population"], counts["numerator"]) == (3, 2)


def test_who_took_the_person_back_takes_no_part_in_the_rates() -> None:
    world = [
        *many(6, ACCEPTED, status="completed"),
        *many(6, status="requested"),
        *many(5, ACCEPTED, status="cancelled"),
        *many(5, status="cancelled"),
    ]
    (completion,) = scores("completion-rate", world)
    assert (completion.total.counts["denominator-exclusion"], completion.total.value) == (10, Decimal("0.5"))
    (acceptance,) = scores("acceptance-rate", world)
    # 11 of 17: what was accepted and taken back later was accepted.
    assert (acceptance.total.counts["denominator-exclusion"], acceptance.total.value) == (5, Decimal("0.647"))


def test_the_time_to_acceptance_is_the_median_by_event_time_and_not_by_when_it_was_recorded() -> None:
    world = [handoff((ACCEPTED, hours), late=48) for hours in (1, 2, 3, 50, 100)] + [handoff()]
    (score,) = scores("time-to-acceptance", world)
    assert score.total.counts == {"initial-population": 6, "measure-population": 5, "measure-observation": 5}
    assert score.total.value == 3
    assert score.late_records == 5


def test_the_first_visit_counts_from_the_end_of_the_crisis_and_not_before() -> None:
    closed = START + timedelta(hours=10)
    world = [handoff((APPOINTMENT_ATTENDED, 10 + h), crisis_closed=closed) for h in (4, 6, 8)]
    world += [handoff((APPOINTMENT_ATTENDED, 2), crisis_closed=closed), handoff(APPOINTMENT_ATTENDED), handoff()]
    (score,) = scores("time-to-first-contact", world)
    assert (score.total.counts["measure-population"], score.total.value) == (3, 6)


def test_a_first_appointment_is_missed_when_the_first_outcome_is_that_nobody_came() -> None:
    world = [
        handoff((APPOINTMENT_MISSED, 5), (APPOINTMENT_ATTENDED, 9)),
        handoff((APPOINTMENT_ATTENDED, 5), (APPOINTMENT_MISSED, 9)),
        handoff((APPOINTMENT_MISSED, 5)),
        handoff(APPOINTMENT_BOOKED),
    ]
    (counts,) = counted("missed-first-appointments", world[:1] + world[2:])
    assert (counts["initial-population"], counts["numerator"]) == (2, 2)
    (counts,) = counted("missed-first-appointments", world)
    assert (counts["initial-population"], counts["numerator"]) == (3, 2)


def crisis(day: float, patient: str = "Patient/1", **rest: object) -> object:
    return handoff(at=START + timedelta(days=day), pathway=CRISIS, patient=patient, **rest)


@pytest.mark.parametrize(("day", "within"), [(6.9, (1, 1)), (7.1, (0, 1)), (29.9, (0, 1)), (30.1, (0, 0))])
def test_an_episode_repeats_within_7_or_30_days(day: float, within: tuple[int, int]) -> None:
    counts = counted("repeat-crisis", [crisis(0)], later=[crisis(day)])  # type: ignore[list-item]
    assert tuple(c["numerator"] for c in counts) == within


def test_no_repeat_is_another_person_another_pathway_or_the_same_episode() -> None:
    first = crisis(0, encounter="Encounter/1")
    others = [
        crisis(3, patient="Patient/2"),
        crisis(3, encounter="Encounter/1"),
        handoff(at=START + timedelta(days=3), patient="Patient/1"),
    ]
    assert [c["numerator"] for c in counted("repeat-crisis", [first], later=others)] == [0, 0]  # type: ignore[list-item]


def test_an_episode_that_closed_too_recently_is_not_yet_counted_as_the_only_one() -> None:
    recent = handoff(at=NOW - timedelta(days=20), pathway=CRISIS, patient="Patient/1")
    assert [c["denominator-exclusion"] for c in counted("repeat-crisis", [recent])] == [0, 1]


def test_a_failed_contact_wants_an_escalation_unless_the_recipient_answered() -> None:
    world = [
        handoff((CONTACT_FAILED, 1), (ESCALATED, 3)),
        handoff((CONTACT_FAILED, 1), (CONTACT_MADE, 2)),
        handoff((CONTACT_FAILED, 2), status="cancelled"),
        handoff((ESCALATED, 1), (CONTACT_FAILED, 2)),
        handoff(),
    ]
    (counts,) = counted("escalation-after-failed-contact", world)
    assert list(counts.values()) == [4, 4, 1, 1]


def test_the_gaps_count_late_intake_and_referrals_that_nobody_followed_up() -> None:
    world = [
        handoff((ACCEPTED, 5), APPOINTMENT_BOOKED, acceptance_deadline=START + timedelta(hours=4)),
        handoff((ACCEPTED, 3), acceptance_deadline=START + timedelta(hours=4)),
        handoff(CLOCK_MISSED, ACCEPTED),
        handoff(REJECTED, status="rejected"),
        handoff(at=NOW - timedelta(days=2)),
    ]
    (intake,) = counted("no-timely-intake", world)
    assert (intake["denominator"], intake["numerator"]) == (5, 3)
    (step,) = counted("no-follow-up-step", world)
    assert (step["denominator"], step["denominator-exclusion"], step["numerator"]) == (5, 2, 2)


def test_live_contact_is_told_by_risk_tier() -> None:
    world = [
        *many(6, ACCEPTED, CONTACT_MADE, risk_tier="high"),
        *many(7, ACCEPTED, risk_tier="low"),
        *many(5, ACCEPTED, CONTACT_MADE, risk_tier="low"),
    ]
    (score,) = scores("live-contact-rate", world, "risk-tier")
    assert {name: s.value for name, s in score.strata["risk-tier"].items()} == {"high": 1, "low": Decimal("0.417")}
    assert not score.total.withheld


def test_one_with_several_access_needs_is_in_several_strata_and_one_without_is_not_lost() -> None:
    world = many(5, ACCEPTED, access_needs=frozenset({"unstable-housing", "language-need"})) + many(5, ACCEPTED)
    (score,) = scores("acceptance-rate", world, "access-need")
    strata = score.strata["access-need"]
    assert {name: s.counts["numerator"] for name, s in strata.items()} == {
        "unstable-housing": 5, "language-need": 5, "not-stated": 5,
    }  # fmt: skip


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_can_be_stratified_by_everything_and_counts_nothing_in_an_empty_world(measure: str) -> None:
    for score in scores(measure, [], *STRATIFIERS):
        assert set(score.total.counts.values()) == {0}
        assert (score.total.value, score.total.withheld) == (None, False)
    assert scores(measure, many(30, ACCEPTED), *STRATIFIERS)


@pytest.mark.parametrize(("accepted", "not_accepted", "withheld"), [
    (0, 10, False), (5, 5, False), (10, 0, False), (4, 10, True), (10, 4, True), (1, 0, True), (0, 3, True),
])  # fmt: skip
def test_a_small_number_or_what_is_left_of_one_is_withheld(accepted: int, not_accepted: int, withheld: bool) -> None:
    (score,) = scores("acceptance-rate", [*many(accepted, ACCEPTED), *many(not_accepted, status="requested")])
    assert score.total.withheld is withheld


def test_nobody_learns_from_completed_that_few_were_not() -> None:
    required, completed, _ = scores("handoff-outcomes", [*many(20, status="completed"), *many(2)])
    assert not required.total.withheld
    assert completed.total.withheld


def test_nobody_learns_by_subtraction_who_came_back_between_7_and_30_days() -> None:
    persons = [(f"Patient/{n}", 3 if n < 6 else 20 if n < 8 else None) for n in range(20)]
    world = [crisis(0, patient=patient) for patient, _ in persons]
    later = [crisis(day, patient=patient) for patient, day in persons if day]
    within_7, within_30 = scores("repeat-crisis", world, later=later)  # type: ignore[arg-type]
    assert (within_7.total.counts["numerator"], within_7.total.withheld) == (6, False)
    assert (within_30.total.counts["numerator"], within_30.total.withheld) == (8, True)


def test_a_stratum_beside_a_small_one_is_withheld_too_so_that_no_difference_gives_it_away() -> None:
    world = [h for name, size in (("a", 3), ("b", 6), ("c", 9)) for h in many(size, ACCEPTED, recipient=name)]
    (score,) = scores("acceptance-rate", world, "recipient")
    assert {name: s.withheld for name, s in score.strata["recipient"].items()} == {"a": True, "b": True, "c": False}


def test_what_is_withheld_together_is_never_a_small_number() -> None:
    """Over every mix of sizes: total less what is shown leaves no small count of people or of successes."""
    shapes = [(0, 3), (1, 6), (2, 9), (6, 0), (7, 7), (9, 2), (4, 4), (8, 5)]
    for chosen in combinations(shapes, 4):
        world = []
        for name, (yes, no) in zip("abcd", chosen, strict=True):
            world += many(yes, ACCEPTED, recipient=name) + many(no, status="requested", recipient=name)
        (score,) = scores("acceptance-rate", world, "recipient")
        strata = score.strata["recipient"].values()
        hidden = [s for s in strata if s.withheld]
        if hidden and not score.total.withheld:
            for role in ("initial-population", "numerator"):
                left = score.total.counts[role] - sum(s.counts[role] for s in strata if not s.withheld)
                assert not 0 < left < 5, chosen
        assert not any(s.is_small for s in strata if not s.withheld)
