"""When a partner works: its zone, days and hours, and its holidays from the `holidays` library's calendars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from threading import Lock

from adapter.domain.deadlines import WorkingTime
from adapter.domain.partner import Partner


def working_time(partner: Partner) -> WorkingTime:
    """The working time of a partner, for domain/deadlines. Raises ValueError for an unknown holiday calendar."""
    return WorkingTime(
        partner.time_zone, partner.business_days, partner.business_hours, holiday_calendar(partner.holidays)
    )


@cache
def holiday_calendar(name: str | None) -> Callable[[date], bool]:
    """Whether a day is a public holiday of the calendar `name`: a country or country-subdivision (`US`, `US-CA`), or
    None for no holidays at all. Raises ValueError for a calendar that does not exist."""
    if name is None:
        return _never
    import holidays  # slow to import, and most registers name one or two calendars

    country, _, subdivision = name.partition("-")
    try:
        calendar = holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise ValueError(f"expected a holiday calendar as `US` or `US-CA`, got `{name}`") from None
    # The library computes a year when it is first asked for; another thread must not look while it does.
    computing = Lock()

    def is_holiday(day: date) -> bool:
        with computing:
            return day in calendar

    return is_holiday


def _never(_: date) -> bool:
    return False
