"""The ladder: what happens, rung by rung, when a recipient does not answer.

A failed contact, or an acceptance deadline that passes, starts it: the alternate contact is told, a child Task goes to
the escalation owner, the handoff is flagged for governance review. Each rung is a row of the clock, written when the
ladder is planned and fired once for good; this module only says which rows there are. No rung changes Task.status.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from adapter.domain import events
from adapter.domain.pathway import Pathway

ACCEPTANCE: Final = "acceptance"
"""The step of the acceptance deadline itself."""


class Effect(NamedTuple):
    """What firing a step leaves behind: a ledger event, and Task.businessStatus (None = unchanged)."""

    event: str
    business_status: str | None


EFFECTS: Final = {
    ACCEPTANCE: Effect(events.ACCEPTANCE_MISSED, "acceptance-overdue"),
    "alternate-contact": Effect(events.ALTERNATE_TOLD, None),
    "escalation-owner": Effect(events.ESCALATED, "escalated"),
    "governance-review": Effect(events.FLAGGED_FOR_REVIEW, "under-review"),
}

_RUN = "#"


def ladder_deadlines(pathway: Pathway, start: datetime, run: int = 1) -> list[tuple[str, datetime]]:
    """(step, due) of every rung for a ladder that starts at `start`, in order. `run` counts the ladders of one handoff:
    a step fires once for good, so that a second ladder needs steps of its own (`alternate-contact#2`)."""
    return [(run_of(step.name, run), start + step.after) for step in pathway.ladder]


def acceptance_deadlines(pathway: Pathway, deadline: datetime | None) -> list[tuple[str, datetime]]:
    """(step, due) to be written when a handoff is requested: the acceptance deadline, and the ladder that it starts."""
    if deadline is None:
        return []
    return [(ACCEPTANCE, deadline), *ladder_deadlines(pathway, deadline)]


def run_of(name: str, run: int) -> str:
    """The step of a rung or a clock that starts for the `run`-th time."""
    return name if run == 1 else f"{name}{_RUN}{run}"


def step_name(step: str) -> str:
    """The rung of a step, without its run: a key of EFFECTS or the name of a clock."""
    return step.partition(_RUN)[0]
