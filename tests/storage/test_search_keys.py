"""Dates as intervals and texts as they are compared (https://hl7.org/fhir/R4/search.html#date and #string)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.storage.search_index import index_of
from adapter.storage.search_keys import EARLIEST, LATEST, comparable, interval, key


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", "2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("2026-12", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("2028-02-29", "2028-02-29T00:00:00+00:00", "2028-03-01T00:00:00+00:00"),
        ("2026-11-21T12:30Z", "2026-11-21T12:30:00+00:00", "2026-11-21T12:31:00+00:00"),
        ("2026-11-21T12:30:15", "2026-11-21T12:30:15+00:00", "2026-11-21T12:30:16+00:00"),
        ("2026-11-21T12:30:15+05:30", "2026-11-21T07:00:15+00:00", "2026-11-21T07:00:16+00:00"),
        ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00+00:00", "2027-01-01T00:30:01+00:00"),
        ("2026-11-21T12:30:15.1Z", "2026-11-21T12:30:15.100000+00:00", "2026-11-21T12:30:15.200000+00:00"),
        ("2026-11-21T12:30:15.1234567Z", "2026-11-21T12:30:15.123456+00:00", "2026-11-21T12:30:15.123457+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00", "2017-01-01T00:00:00+00:00"),
        ("9999", "9999-01-01T00:00:00+00:00", LATEST.isoformat()),
        ("9999-12", "9999-12-01T00:00:00+00:00", LATEST.isoformat()),
        ("9999-12-31", LATEST.isoformat(), LATEST.isoformat()),
        ("9999-12-31T23:59:59-10:00", LATEST.isoformat(), LATEST.isoformat()),
        ("0001-01-01T00:00:00+10:00", EARLIEST.isoformat(), EARLIEST.isoformat()),
    ],
)
def test_a_date_is_the_interval_of_its_precision(text: str, low: str, high: str) -> None:
    assert interval(text) == (datetime.fromisoformat(low), datetime.fromisoformat(high))


@pytest.mark.parametrize(
    "text", ["", "26", "2026-13", "2026-02-30", "2026-11-21T25:00Z", "2026-11-21T12", "now", "²026"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        interval(text)


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_lies_in_its_own_interval(moment: datetime) -> None:
    if not timedelta(hours=-14) < (moment.utcoffset() or timedelta()) < timedelta(hours=14):
        return
    text = moment.isoformat(timespec="microseconds")
    if len(text) != len("2026-11-21T12:30:15.123456+05:30"):
        return  # an offset with seconds, of before there were time zones
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        return
    low, high = interval(text)
    assert low <= in_utc < high or {low, high} <= {EARLIEST, LATEST}


def test_texts_are_compared_without_case_accents_and_repeated_spaces() -> None:
    assert comparable("  Ångström   STRASSE ") == comparable("angstrom strasse") == "angstrom strasse"
    assert comparable("Straße") == comparable("STRASSE")


def test_a_letter_inside_a_sign_is_compared_without_its_case() -> None:
    assert comparable("℠") == comparable("sm") == "sm"


@given(st.text())
def test_comparing_twice_changes_nothing(text: str) -> None:
    assert comparable(comparable(text)) == comparable(text)


def test_keys_are_stable_because_they_are_stored() -> None:
    """A changed number here means that every stored resource must be indexed again."""
    assert key("Task.status", "requested") == STABLE


STABLE = 5021553606272446199


def test_no_two_parameters_of_a_type_share_a_number() -> None:
    for type in ("Task", "Patient", "ServiceRequest", "Observation", "Encounter", "Appointment"):
        numbers = [parameter.number for parameter in index_of(type).parameters.values()]
        assert len(set(numbers)) == len(numbers)
