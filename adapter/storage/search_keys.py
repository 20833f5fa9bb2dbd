"""How a value to search by becomes a 64-bit key, a date an interval, a name a comparable text; for index and query.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

PREFIX_LENGTH = 3
"""So many first letters of a text are a key of their own, and narrow a starts-with search."""


@lru_cache(maxsize=1 << 15)
def digest(text: str) -> int:
    """Of a value, whatever parameter it is of: a reference that many parameters hold is digested once."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def salt(space: str) -> int:
    """What turns the digest of a value into a key within `space`."""
    return digest(f"\x1f{space}")


def key(space: str, value: str) -> int:
    """A signed 64-bit key of `value` within `space` (`Task.status`). Stable: it is stored."""
    return salt(space) ^ digest(value)


def handoff_key(handoff_id: str) -> int:
    """The key of every version of every resource that belongs to this handoff."""
    return key("handoff", handoff_id)


@lru_cache(maxsize=1 << 12)
def parameter_number(type: str, code: str) -> int:
    """A signed 32-bit number of a search parameter, for the column `date_params`."""
    number = crc32(f"{type}.{code}".encode())
    return number - (1 << 32) if number >= 1 << 31 else number


@lru_cache(maxsize=1 << 15)
def token_keys(space: str, system: str | None, code: str | None) -> tuple[int, ...]:
    """Every way in which `[parameter]=` may name this token: `code`, `system|code`, `|code`, `system|`."""
    if not code:
        forms: tuple[str, ...] = (f"{system}|",) if system else ()
    elif not system:
        forms = (code, f"|{code}")
    else:
        forms = (code, f"{system}|{code}", f"{system}|")
    return tuple(key(space, form) for form in forms)


def comparable(text: str) -> str:
    """Case, accents and repeated spaces taken away; on this, starts-with and contains are decided."""
    if text.isascii():
        return " ".join(text.lower().split())
    # Folded between two decompositions: a letter hidden in a sign (℠ is S and M) shows its case only when it is apart,
    # and folding may leave an accent that can be taken off again.
    return " ".join(_without_accents(_without_accents(text).casefold()).split())


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


@lru_cache(maxsize=1 << 12)
def interval(text: str) -> tuple[datetime, datetime]:
    """`[low, high)` in UTC of a FHIR date, dateTime or instant of any precision; without a zone it is UTC.

    Raises ValueError when it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("expected a date such as 2026-11-21 or 2026-11-21T16:04:10Z")
    part = found.groupdict()
    low = datetime(
        int(part["year"]),
        int(part["month"] or 1),
        int(part["day"] or 1),
        int(part["hour"] or 0),
        int(part["minute"] or 0),
        min(int(part["second"] or 0), 59),  # a leap second
        int((part["fraction"] or "0")[:6].ljust(6, "0")),
        tzinfo=UTC,
    )
    zone = part["zone"]
    try:
        if zone and zone != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
            low = low + offset if zone[0] == "-" else low - offset
        return low, _next(low, part)
    except OverflowError:
        return (LATEST, LATEST) if low.year == 9999 else (EARLIEST, EARLIEST)


def _next(low: datetime, part: dict[str, str | None]) -> datetime:
    if part["fraction"]:
        return low + timedelta(microseconds=10 ** max(0, 6 - len(part["fraction"])))
    if part["second"]:
        return low + timedelta(seconds=1)
    if part["hour"]:
        return low + timedelta(minutes=1)
    if part["day"]:
        return low + timedelta(days=1)
    months = low.year * 12 + low.month - 1 + (1 if part["month"] else 12)
    return low.replace(year=months // 12, month=months % 12 + 1) if months < 120_000 else LATEST


def month(moment: datetime) -> str:
    return f"{moment.year:04}-{moment.month:02}"
