"""POST /demo/clock {"advance": "PT48H"}: lets a demo's two days pass at once. In demo mode only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify, request

from adapter.domain.errors import Invalid

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
# A clock that has left the calendar could not be set back: it only moves forward.
_LONGEST = timedelta(days=3660)


def demo_clock_routes(advance: Callable[[timedelta], datetime]) -> Blueprint:
    routes = Blueprint("demo_clock", __name__)

    @routes.post("/demo/clock")
    def move() -> Response:
        wanted = (request.get_json(silent=True) or {}).get("advance", "")
        match = _DURATION.match(wanted) if isinstance(wanted, str) else None
        if match is None or not any(match.groups()):
            raise Invalid('expected {"advance": "PT48H"}, an ISO 8601 duration of days, hours, minutes or seconds')
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        try:
            by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            by = timedelta.max
        if by > _LONGEST:
            raise Invalid(f"expected a duration of at most {_LONGEST.days} days, got a longer one")
        now = advance(by)
        return jsonify(now=now.isoformat())

    return routes
