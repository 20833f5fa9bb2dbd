"""What a dialect may differ in: one partner community, one file, one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Dialect:
    """`source` is where the habits are published.

    steps: (current Task.status, status that the partner asks for) → the statuses that the handoff goes through instead,
        each with its own gate and ledger line. What is not listed is asked for as it is.
    answers: (resource type, its status) in an answer message → Task.status, in order of precedence. A community that
        sends Tasks needs none.
    update_reasons, cancel_reasons: MessageHeader.reason codes of a message about an earlier one.
    answers_name_bundle: MessageHeader.response.identifier is the request's Bundle.id (R4 says MessageHeader.id).
    request_event, answer_event: MessageHeader.eventCoding of what we send; None = the ledger's event, in our own code
        system."""

    name: str
    source: str
    steps: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    answers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    update_reasons: frozenset[str] = frozenset({"update"})
    cancel_reasons: frozenset[str] = frozenset({"delete"})
    answers_name_bundle: bool = False
    request_event: tuple[str, str] | None = None
    answer_event: tuple[str, str] | None = None

    def steps_to(self, current: str, asked: str) -> tuple[str, ...]:
        return self.steps.get((current, asked), (asked,))


# A recipient that reports the outcome at once still accepted and began before it ended: each step is checked and kept.
STRAIGHT_TO_THE_OUTCOME: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("requested", "in-progress"): ("accepted", "in-progress"),
    ("requested", "completed"): ("accepted", "in-progress", "completed"),
    ("received", "in-progress"): ("accepted", "in-progress"),
    ("received", "completed"): ("accepted", "in-progress", "completed"),
    ("accepted", "completed"): ("in-progress", "completed"),
    ("on-hold", "completed"): ("in-progress", "completed"),
}
