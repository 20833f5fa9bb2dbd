"""Handoffs whose measures can be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from adapter.domain import events
from adapter.domain.handoff import LedgerEvent
from adapter.domain.measured import Measured, Observed
from adapter.domain.measures import MEASURES
from adapter.domain.measuring import GroupScore, evaluate

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = START + timedelta(days=90)
_NUMBERS = count(1)


def handoff(
    *happened: str | tuple[str, float], at: datetime = START, late: float = 0, **rest: Any
) -> Measured:  # fmt: skip
    """Requested at `at`; then each kind of event, or kind with hours after the request, recorded `late` hours later."""
    id = f"handoff-{next(_NUMBERS)}"
    ledger = []
    for each in ((events.REQUESTED, 0.0), *happened):
        kind, hours = (each, 1.0) if isinstance(each, str) else each
        moment = at + timedelta(hours=hours)
        ledger.append(LedgerEvent(id, kind, "x", moment, moment + timedelta(hours=late)))
    given = {"status": "accepted", "pathway": "referral", "initiator": "a", "recipient": "b", **rest}
    return Measured(id, events=ledger, requested_at=at, **given)


def many(number: int, *happened: str | tuple[str, float], **rest: Any) -> list[Measured]:
    return [handoff(*happened, **rest) for _ in range(number)]


def scores(
    measure: str, handoffs: list[Measured], *stratifiers: str, later: list[Measured] | None = None
) -> list[GroupScore]:
    observed = Observed([*handoffs, *(later or ())], NOW)
    return evaluate(MEASURES[measure], handoffs, observed, stratifiers)


def counted(measure: str, handoffs: list[Measured], later: list[Measured] | None = None) -> list[Mapping[str, int]]:
    return [score.total.counts for score in scores(measure, handoffs, later=later)]
