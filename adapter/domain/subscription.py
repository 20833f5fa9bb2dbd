"""A Subscription: which events of handoffs an organisation asked to be told of, and how.

Of the R4 Subscriptions backport (https://hl7.org/fhir/uv/subscriptions-backport/). The standing one of each partner is
not among them: that one follows the register and cannot be changed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from adapter.domain.events import KINDS
from adapter.domain.partner import Channel

Status = Literal["requested", "active", "error", "off"]

CONTENTS: Final = ("empty", "id-only", "full-resource")
"""How much a notification holds, from the least on."""

TOLD: Final = frozenset(kind for kind in KINDS if not kind.startswith(("delivery:", "gate:")))
"""The kinds of ledger event that the topic is about: what happens to a handoff, and not who was told of it."""

FILTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "owner": "The recipient: Task.owner, or the organisation that it belongs to.",
        "requester": "The initiator: Task.requester, or the organisation that it belongs to.",
        "patient": "The person: Task.for.",
        "status": "Task.status as the event left it.",
        "business-status": "Task.businessStatus as the event left it.",
        "code": "Task.code: fulfill for a handoff, escalate for an escalation.",
        "pathway": "The pathway, by its name or canonical address.",
        "event": "What happened, as a code of the handoff-event code system.",
    }
)
"""What a Subscription on the topic can be narrowed by, with what each means, as the published topic says it too."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: any of `values`, or with `negated` none of them. Several filters hold together or not at all."""

    parameter: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """`owner` is the partner id of who created it; `channel.payload` is one of CONTENTS; `heartbeat` is in seconds."""

    id: str
    owner: str
    status: Status
    channel: Channel
    filters: tuple[Filter, ...] = ()
    heartbeat: int | None = None
    ends: datetime | None = None
    error: str | None = None
    version: int = 0
    """Of the resource that it was read from."""

    def has_ended(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now


def next_status(asked: str, before: Status | None, channel_changed: bool) -> Status | None:
    """The status that an owner's write leads to; None when it may not ask for that.

    Nothing is sent to an endpoint that has not answered a handshake, so `active` is the server's to give: whoever asks
    for it gets `requested`, unless it is active on the same channel already. `error` is only ever kept."""
    if asked == "off":
        return "off"
    if asked == "requested":
        return "requested"
    if asked == "active":
        return "active" if before == "active" and not channel_changed else "requested"
    return "error" if asked == before == "error" else None
