"""FHIR dateTime and instant ⇄ aware datetimes (https://hl7.org/fhir/R4/datatypes.html#dateTime).

Partners send offsets and up to nine fraction digits; the string they sent stays in the resource, and only the value
computed from it is used here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DATE_TIME = re.compile(r"^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d))?)?)?$")


def parse_time(text: str | None) -> datetime | None:
    """The start of the period that `text` names, in UTC. A date without a time is taken as midnight UTC; a leap
    second as the second after it. None for None or for text that is no FHIR dateTime."""
    match = _DATE_TIME.match(text) if text else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    offset = "+00:00" if zone in (None, "Z") else zone
    whole = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:00{offset}"
    rest = timedelta(seconds=int(second or 0), microseconds=int((fraction or "0")[:6].ljust(6, "0")))
    try:
        return datetime.fromisoformat(whole).astimezone(UTC) + rest
    except (ValueError, OverflowError):
        return None


def format_time(moment: datetime) -> str:
    """An instant in UTC with milliseconds: `2026-03-01T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
