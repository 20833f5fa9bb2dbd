"""When something is due: elapsed time, local time of a day, business days, or a moment named by a fact.

Elapsed time is counted in UTC, so 24 hours stay 24 hours over a change to or from daylight saving time; a local time
("noon of the next day") is what the clock on the recipient's wall shows. A local time that a change skips falls due as
much later as the clock was put forward; one that occurs twice falls due the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from adapter.domain.facts import NO_FACTS, Facts


@dataclass(frozen=True, slots=True)
class Within:
    """So much elapsed time after the start."""

    duration: timedelta


@dataclass(frozen=True, slots=True)
class AtLocalTime:
    """At `at` of the recipient's day that is `days` calendar days after the day of the start."""

    at: time
    days: int


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """At the close of business of the `days`-th business day after the day of the start."""

    days: int


@dataclass(frozen=True, slots=True)
class Before:
    """At the moment that a timed fact names (as `discharge-time`); by `otherwise` when the fact is not there."""

    fact: str
    otherwise: Within | AtLocalTime | BusinessDays


Rule = Within | AtLocalTime | BusinessDays | Before


class ClockStep(NamedTuple):
    """A row of a handoff's clock as it stands: `step` fell or falls `due`; neither time is there while it is open."""

    step: str
    due: datetime
    fired_at: datetime | None = None
    cancelled_at: datetime | None = None


def _no_holidays(_: date) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When an organisation works: IANA zone, weekdays (Monday is 0), opening and close, holidays as a predicate."""

    zone: str = "UTC"
    business_days: Sequence[int] = (0, 1, 2, 3, 4)
    business_hours: tuple[time, time] = (time(9), time(17))
    is_holiday: Callable[[date], bool] = _no_holidays


def acceptance_deadline(
    rule: Rule | None, requested_at: datetime, stated: datetime | None, recipient: WorkingTime, facts: Facts = NO_FACTS
) -> datetime | None:
    """By when the recipient must have accepted, in UTC: what the request states, else what the pathway's rule gives.
    None when neither is there."""
    if stated is not None:
        return stated.astimezone(UTC)
    return None if rule is None else due(rule, requested_at, recipient, facts)


def due(rule: Rule, start: datetime, recipient: WorkingTime, facts: Facts = NO_FACTS) -> datetime:
    """When a rule that starts at `start` (aware) falls due, in UTC. Raises ValueError for a naive start."""
    if start.tzinfo is None:
        raise ValueError("expected an aware start, got a naive datetime")
    match rule:
        case Within(duration):
            return start.astimezone(UTC) + duration
        case AtLocalTime(at, days):
            return _moment(_local_day(start, recipient.zone) + timedelta(days=days), at, recipient.zone)
        case BusinessDays(days):
            return _moment(_business_day(start, days, recipient), recipient.business_hours[1], recipient.zone)
        case Before(fact, otherwise):
            return facts.time_of(fact) or due(otherwise, start, recipient, facts)


_LATE_IN_THE_DAY = timedelta(hours=4)


def same_day_until(moment: datetime, zone: str) -> datetime:
    """Until when something counts as done on the day of `moment`, in UTC: the end of its local day, yet at least four
    hours, so that nobody who accepts at 23:50 has to call within ten minutes or to write down a false time."""
    end_of_day = _moment(_local_day(moment, zone) + timedelta(days=1), time.min, zone)
    return max(end_of_day, moment.astimezone(UTC) + _LATE_IN_THE_DAY)


def _local_day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _moment(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


_A_YEAR = 366


def _business_day(start: datetime, count: int, recipient: WorkingTime) -> date:
    day = first = _local_day(start, recipient.zone)
    for _ in range(_A_YEAR):
        if count == 0:
            return day
        day += timedelta(days=1)
        if day.weekday() in recipient.business_days and not recipient.is_holiday(day):
            count -= 1
    # An organisation registered as never working must not make a deadline vanish: then every day counts.
    return first + timedelta(days=count)
