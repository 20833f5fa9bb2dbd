"""For whom care is weaker: a margin that matters, among scores that may be shown."""

from __future__ import annotations

import pytest
from small_world import many, scores

from adapter.domain import events
from adapter.domain.measured import Measured
from adapter.domain.measures import MEASURES
from adapter.domain.weaker_care import weaker_care


def found(measure: str, handoffs: list[Measured], stratifier: str = "language") -> list[tuple[str, str]]:
    weaker = weaker_care(MEASURES[measure], scores(measure, handoffs, stratifier))
    return [(each.stratifier, each.stratum) for each in weaker]


def people(language: str, taken: int, refused: int) -> list[Measured]:
    return many(taken, events.ACCEPTED, language=language) + many(refused, events.REJECTED, language=language)


def test_a_rate_that_is_ten_points_worse_than_that_of_everybody_is_named() -> None:
    # 30 of 40 together; 20 of 20 against 10 of 20.
    assert found("acceptance-rate", people("en", 20, 0) + people("es", 10, 10)) == [("language", "es")]


def test_where_less_is_better_the_higher_rate_is_the_worse_one() -> None:
    assert found("no-timely-intake", people("en", 20, 0) + people("es", 10, 10)) == [("language", "es")]


def test_a_difference_below_the_margin_is_no_news() -> None:
    # 85 of 100 together, 40 of 50 and 45 of 50: five points.
    assert found("acceptance-rate", people("en", 45, 5) + people("es", 40, 10)) == []


@pytest.mark.parametrize(("hours", "expected"), [(12.0, []), (13.0, [("language", "es")])])
def test_a_wait_that_is_a_quarter_longer_is_named(hours: float, expected: list[tuple[str, str]]) -> None:
    waited = many(20, (events.ACCEPTED, 10.0), language="en") + many(9, (events.ACCEPTED, hours), language="es")
    assert found("time-to-acceptance", waited) == expected


def test_what_is_withheld_is_compared_with_nothing() -> None:
    # Three who were refused are a small number, and so is what is left of the others.
    assert found("acceptance-rate", people("en", 20, 0) + people("es", 0, 3)) == []


def test_mere_numbers_are_not_compared() -> None:
    assert found("handoff-outcomes", people("en", 20, 0) + people("es", 10, 10)) == []
