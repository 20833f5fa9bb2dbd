"""Deadlines hold across time zones, daylight saving time, weekends and holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.domain.deadlines import (
    AtLocalTime,
    Before,
    BusinessDays,
    Within,
    WorkingTime,
    acceptance_deadline,
    due,
    same_day_until,
)
from adapter.domain.facts import FactEvidence, Facts

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
ZONES = [NEW_YORK, BERLIN, "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia", "UTC"]
NOON_NEXT_DAY = AtLocalTime(time(12), 1)
starts = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
zones = st.sampled_from(ZONES)


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type, misc]


def test_a_day_of_elapsed_time_is_24_hours_also_when_the_clocks_change() -> None:
    start = at(NEW_YORK, 2026, 3, 7, 20)  # the night in which New York springs forward
    end = due(Within(timedelta(hours=24)), start, WorkingTime(NEW_YORK))
    assert end.astimezone(ZoneInfo(NEW_YORK)) == at(NEW_YORK, 2026, 3, 8, 21)
    assert end - start.astimezone(UTC) == timedelta(hours=24)


@pytest.mark.parametrize(
    ("start", "noon_in_utc"),
    [
        (at(NEW_YORK, 2026, 3, 6, 15), datetime(2026, 3, 7, 17, tzinfo=UTC)),
        (at(NEW_YORK, 2026, 3, 7, 15), datetime(2026, 3, 8, 16, tzinfo=UTC)),  # summer time begins
        (at(NEW_YORK, 2026, 10, 31, 15), datetime(2026, 11, 1, 17, tzinfo=UTC)),  # and ends
        (at(NEW_YORK, 2026, 3, 7, 0), datetime(2026, 3, 8, 16, tzinfo=UTC)),
        (at(NEW_YORK, 2026, 3, 6, 23, 59), datetime(2026, 3, 7, 17, tzinfo=UTC)),
    ],
)
def test_noon_of_the_next_day_is_noon_where_the_recipient_is(start: datetime, noon_in_utc: datetime) -> None:
    assert due(NOON_NEXT_DAY, start, WorkingTime(NEW_YORK)) == noon_in_utc


def test_the_next_day_is_the_recipients_not_the_senders() -> None:
    start = datetime(2026, 6, 2, 2, 30, tzinfo=UTC)  # still the evening of June 1 in New York
    assert due(NOON_NEXT_DAY, start, WorkingTime(NEW_YORK)) == at(NEW_YORK, 2026, 6, 2, 12)
    assert due(NOON_NEXT_DAY, start, WorkingTime(BERLIN)) == at(BERLIN, 2026, 6, 3, 12)


def test_a_local_time_that_is_skipped_falls_due_as_much_later() -> None:
    skipped = due(AtLocalTime(time(2, 30), 1), at(NEW_YORK, 2026, 3, 7, 9), WorkingTime(NEW_YORK))
    assert skipped == at(NEW_YORK, 2026, 3, 8, 3, 30)


def test_a_local_time_that_occurs_twice_falls_due_the_first_time() -> None:
    doubled = due(AtLocalTime(time(1, 30), 1), at(NEW_YORK, 2026, 10, 31, 9), WorkingTime(NEW_YORK))
    assert doubled == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@given(starts, zones, st.times().map(lambda t: t.replace(second=0, microsecond=0)), st.integers(1, 10))
def test_a_local_time_on_a_later_day_is_on_that_day_and_after_the_start(
    start: datetime, zone: str, wall: time, days: int
) -> None:
    end = due(AtLocalTime(wall, days), start, WorkingTime(zone))
    assert end.tzinfo is UTC
    assert end > start
    local = end.astimezone(ZoneInfo(zone))
    told = datetime.combine(start.astimezone(ZoneInfo(zone)).date() + timedelta(days=days), wall)
    # Exactly as told, or later by what the clocks skipped (Samoa skipped a whole day, before these years).
    assert timedelta(0) <= local.replace(tzinfo=None) - told <= timedelta(hours=1)


@given(starts, zones, st.integers(1, 6))
def test_business_days_end_at_the_close_of_a_day_on_which_the_recipient_works(
    start: datetime, zone: str, count: int
) -> None:
    holidays = {date(year, 12, 25) for year in range(2020, 2037)}
    recipient = WorkingTime(zone, (0, 1, 2, 3, 4), (time(8), time(16, 30)), holidays.__contains__)
    end = due(BusinessDays(count), start, recipient).astimezone(ZoneInfo(zone))
    assert (end.hour, end.minute) == (16, 30)
    assert end.weekday() < 5 and end.date() not in holidays
    first = start.astimezone(ZoneInfo(zone)).date()
    between = [first + timedelta(days=n) for n in range(1, (end.date() - first).days + 1)]
    assert sum(day.weekday() < 5 and day not in holidays for day in between) == count


def test_one_business_day_from_friday_ends_on_monday_or_after_the_holiday() -> None:
    friday = at(NEW_YORK, 2026, 9, 4, 15)
    monday, tuesday = at(NEW_YORK, 2026, 9, 7, 17), at(NEW_YORK, 2026, 9, 8, 17)
    assert due(BusinessDays(1), friday, WorkingTime(NEW_YORK)) == monday
    labor_day = WorkingTime(NEW_YORK, is_holiday={date(2026, 9, 7)}.__contains__)
    assert due(BusinessDays(1), friday, labor_day) == tuesday


def test_an_organisation_that_never_works_makes_no_deadline_vanish() -> None:
    start = at(NEW_YORK, 2026, 9, 4, 15)
    assert due(BusinessDays(2), start, WorkingTime(NEW_YORK, ())) == at(NEW_YORK, 2026, 9, 6, 17)


def test_what_the_request_states_goes_before_the_rule() -> None:
    start, stated = at(BERLIN, 2026, 5, 1, 9), at(BERLIN, 2026, 5, 1, 11)
    assert acceptance_deadline(NOON_NEXT_DAY, start, stated, WorkingTime(BERLIN)) == stated
    assert acceptance_deadline(NOON_NEXT_DAY, start, None, WorkingTime(BERLIN)) == at(BERLIN, 2026, 5, 2, 12)
    assert acceptance_deadline(None, start, None, WorkingTime(BERLIN)) is None


def test_before_a_moment_takes_the_fact_or_else_the_rule_for_its_absence() -> None:
    start, discharge = at(BERLIN, 2026, 5, 1, 9), at(BERLIN, 2026, 5, 1, 15)
    rule = Before("discharge-time", Within(timedelta(hours=24)))
    known = Facts({"discharge-time": (FactEvidence("Encounter.period.end", at=discharge.astimezone(UTC)),)})
    assert due(rule, start, WorkingTime(BERLIN), known) == discharge
    assert due(rule, start, WorkingTime(BERLIN)) == at(BERLIN, 2026, 5, 2, 9)


def test_the_same_day_ends_at_midnight_where_the_recipient_is_yet_lasts_four_hours() -> None:
    assert same_day_until(at(NEW_YORK, 2026, 5, 1, 9), NEW_YORK) == at(NEW_YORK, 2026, 5, 2, 0)
    assert same_day_until(at(NEW_YORK, 2026, 5, 1, 23, 50), NEW_YORK) == at(NEW_YORK, 2026, 5, 2, 3, 50)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        due(Within(timedelta(hours=1)), datetime(2026, 1, 1), WorkingTime())  # noqa: DTZ001 - that is the point
