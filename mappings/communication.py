"""Communication as a contact attempt (https://hl7.org/fhir/R4/communication.html): made live, failed, or only sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mappings.times import parse_time

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ContactAttempt:
    """`failed` is True for a documented attempt that reached nobody. `at` is when it was made, in UTC, if told."""

    failed: bool
    at: datetime | None


def from_fhir(communication: Tree) -> ContactAttempt:
    """Read a Communication that passed the structural check. `not-done` says that nobody was reached."""
    at = parse_time(communication.get("sent")) or parse_time(communication.get("received"))
    return ContactAttempt(failed=communication.get("status") == "not-done", at=at)
