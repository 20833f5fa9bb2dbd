"""Holidays come from a real calendar; a calendar that does not exist is refused."""

from __future__ import annotations

from datetime import date

import pytest

from adapter.calendars import holiday_calendar, working_time
from adapter.domain.partner import Partner


def test_a_public_holiday_is_one_in_its_country_and_state_only() -> None:
    assert holiday_calendar("US")(date(2026, 9, 7))  # Labor Day
    assert not holiday_calendar("US")(date(2026, 9, 8))
    cesar_chavez_day = date(2026, 3, 31)
    assert holiday_calendar("US-CA")(cesar_chavez_day) and not holiday_calendar("US")(cesar_chavez_day)
    assert not holiday_calendar(None)(date(2026, 12, 25))


@pytest.mark.parametrize("name", ["Atlantis", "US-Atlantis"])
def test_an_unknown_calendar_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"got `{name}`"):
        holiday_calendar(name)


def test_the_working_time_of_a_partner_is_what_the_register_says() -> None:
    partner = Partner("p", "P", time_zone="America/New_York", business_days=(0, 1), holidays="US")
    times = working_time(partner)
    assert (times.zone, times.business_days) == ("America/New_York", (0, 1))
    assert times.is_holiday(date(2026, 12, 25))
