"""Order of partial dates and of quantities: only what is certain counts (https://hl7.org/fhir/R4/datatypes.html#dateTime).

`2026-03` against `2026-03-05` is not in a wrong order; nor are two quantities of different units.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

_DAY = len("2026-01-31")


def definitely_after(first: str, second: str) -> bool:
    """Whether `first` is after `second` on the precision that both have. Both are valid R4 dates or dateTimes."""
    if len(first) > _DAY and len(second) > _DAY:
        if first[-6:] == second[-6:] and len(first) == len(second):
            return first > second
        return _moment(first) > _moment(second)
    shared = min(len(first), len(second), _DAY)
    return first[:shared] > second[:shared]


def _moment(text: str) -> tuple[datetime, str]:
    """An instant to the second, then its fraction: a leap second and a tenth digit are legal, Python knows neither."""
    whole, fraction = text[:19], ""
    rest = text[19:]
    if rest.startswith("."):
        digits = len(rest) - len(rest[1:].lstrip("0123456789"))
        fraction, rest = rest[1:digits].rstrip("0"), rest[digits:]
    whole = whole[:17] + "59" if whole.endswith(":60") else whole
    return datetime.fromisoformat(whole + rest.replace("Z", "+00:00")), fraction


def greater(low: Any, high: Any) -> bool:
    """Whether one Quantity is above another of the same unit; False when that cannot be said."""
    if not low or not high or "value" not in low or "value" not in high:
        return False
    same_unit = all(low.get(k) == high.get(k) for k in ("system", "code")) and (
        "code" in low or low.get("unit") == high.get("unit")
    )
    return bool(same_unit and low["value"] > high["value"])
