"""Whether a subscriber may be told of a handoff at the moment of telling it, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapter.domain.handoff import Handoff
from adapter.domain.partner import Channel, Partner
from adapter.domain.scopes import Scopes
from adapter.domain.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who is told, and through which `channel` (None: it asks by itself); `subscription` is one that it created."""

    partner: Partner
    channel: Channel | None
    subscription: Subscription | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Not to be told; `reason` is a code for the ledger."""

    reason: str


@dataclass(frozen=True, slots=True)
class Entitled:
    """To be told; by reference only where not a reader. `withheld` says why one that takes part is none."""

    subscriber: Subscriber
    reads: bool
    handoff: Handoff
    withheld: str | None = None


def standing_of(handoff: Handoff | None, subscriber: Subscriber | None, now: datetime) -> Withheld | Entitled:
    """By the rights of `now`; None for a handoff or a subscriber that is not there any more."""
    subscription = subscriber.subscription if subscriber else None
    if subscription is not None and (subscription.status == "off" or subscription.has_ended(now)):
        return Withheld("subscription-off")
    if subscriber is None or not subscriber.partner.active:
        return Withheld("subscriber-not-registered")
    if subscription is not None and not Scopes.parse(subscriber.partner.scopes).allow("Task", "read"):
        return Withheld("no-scope-to-read")
    if handoff is None:
        return Withheld("handoff-not-found")
    partner = subscriber.partner.id
    if handoff.may_be_read_by(partner, now):
        return Entitled(subscriber, reads=True, handoff=handoff)
    if partner in handoff.parties and subscription is None:
        # No Consent covers it. That there is something to ask the initiator about says nothing of the person.
        return Entitled(subscriber, reads=False, handoff=handoff, withheld="no-consent")
    if handoff.status == "entered-in-error" and partner == handoff.owner:
        # It worked on a handoff that should never have been: it must learn that, and nothing else.
        return Entitled(subscriber, reads=False, handoff=handoff)
    return Withheld("no-longer-a-reader")
