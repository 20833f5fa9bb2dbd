"""Drain a lane: tell one subscriber about one handoff, in the order in which things happened, nothing left out.

A lane is subscriber × handoff. One job drains one lane; the queue never runs two jobs of a lane at a time. What fails
stays at the head and keeps its number, so a handoff's story is never told out of order; other lanes do not wait for it.

Rights are checked when it is sent, not when it was queued: a recipient that handed the person back in the meantime is
told nothing more. What it may still get is told by reference only where its reading has ended by a withdrawal that it
must know about (`entered-in-error`).

A subscriber is a partner, by its standing Subscription, or a Subscription that a partner created: that one is held
while it is not active, gets into `error` when its endpoint keeps failing, and leaves no line in the ledger of the
handoff, where the other side would read of it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final
from uuid import UUID, uuid5

from adapter.domain import events
from adapter.domain.errors import Unavailable
from adapter.domain.handoff import LedgerEvent
from adapter.domain.origin import Origin
from adapter.domain.partner import Channel, Partner
from adapter.domain.subscription import Subscription
from adapter.use_cases.delivery_ports import (
    Channels,
    Delivery,
    Lanes,
    Outcome,
    Pending,
    Result,
    Subscriptions,
    Turn,
)
from adapter.use_cases.entitlement import Entitled, Subscriber, Withheld, standing_of
from adapter.use_cases.ports import Clock, Reader, Register, Store
from adapter.use_cases.subscription_status import change_status
from mappings.dialects import DIALECTS
from mappings.message import answered_identifier_of, forwarded_id

log = logging.getLogger(__name__)

_NAMESPACE: Final = UUID("6d1f5b0e-6a0f-5f0b-9f6e-2c1d6c7f3a52")
ACTOR: Final = "handoff-adapter"
BATCH: Final = 50
TURN_SECONDS: Final = 20.0
"""Notifications told in one go, and how long that may last, before the lane queues up again behind others."""
_BY_HAND: Final = "parked by hand"
PROBE_AFTER: Final = 3
"""So many failures in a row pause a subscriber; from then on one lane at a time tries whether it is back."""
HELD: Final = timedelta(minutes=10)
"""Its lanes are held while a created Subscription is not active; one that was woken all the same waits so long."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds to wait after the 1st, 2nd, … failed attempt (the last one repeats), and when a person has to look.

    A jitter of a tenth either way keeps subscribers that failed together from being tried together."""

    delays: tuple[float, ...]
    give_up_after: timedelta
    """Elapsed by waiting alone: time in which the subscriber was paused and this lane not tried does not count."""
    refused_attempts: int
    """A partner that says no to the content will hardly change its mind: park sooner, so that somebody looks."""
    longest_retry_after: timedelta = timedelta(hours=6)
    error_after: int = 12
    """So many failures in a row put a created Subscription in `error`: four to six hours, as production waits."""

    def delay(self, attempt: int, retry_after: timedelta | None = None) -> timedelta:
        """How long to wait after failed attempt number `attempt` (from 1)."""
        seconds = self.delays[min(attempt, len(self.delays)) - 1] * random.uniform(0.9, 1.1)
        wanted = min(retry_after, self.longest_retry_after) if retry_after else timedelta(0)
        return max(timedelta(seconds=seconds), wanted)

    @property
    def attempts(self) -> int:
        """After so many failed attempts the waiting has lasted `give_up_after`."""
        limit = self.give_up_after.total_seconds()
        ramp = list(accumulate(self.delays))
        within = sum(1 for total in ramp if total < limit)
        if within < len(ramp):
            return within + 1
        return len(ramp) + 1 + int((limit - ramp[-1]) // self.delays[-1])


PRODUCTION: Final = RetryPolicy((5, 15, 60, 300, 900, 1800, 3600), timedelta(days=3), refused_attempts=6)
DEMO: Final = RetryPolicy((0.2, 0.5, 1, 2, 5), timedelta(minutes=30), refused_attempts=4, error_after=6)


class Crowd:
    """How many sends to each subscriber are under way in this process, so that one slow partner cannot occupy every
    worker: it gets half of them at most, and two once one of its sends has lasted more than a second."""

    def __init__(self, concurrency: int, seconds: Callable[[], float]):
        self._limit = max(1, concurrency // 2)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._since: dict[str, list[float]] = {}

    @contextmanager
    def place(self, subscriber: str) -> Iterator[bool]:
        """True when there is room; the place is given back at the end."""
        start = self._seconds()
        with self._lock:
            others = self._since.setdefault(subscriber, [])
            slow = bool(others) and start - others[0] > 1.0
            room = len(others) < (min(2, self._limit) if slow else self._limit)
            if room:
                others.append(start)
        try:
            yield room
        finally:
            if room:
                with self._lock:
                    others.remove(start)
                    if not others:
                        self._since.pop(subscriber, None)


@dataclass(frozen=True, slots=True)
class Courier:
    """What draining needs. `clock` dates the ledger; what paces the retries is the clock of the lanes."""

    store: Store
    register: Register
    lanes: Lanes
    subscriptions: Subscriptions
    channels: Channels
    clock: Clock
    policy: RetryPolicy
    crowd: Crowd
    seconds: Callable[[], float] = time.monotonic
    base_url: str | None = None
    """The FHIR base under which partners know us, for the audit trail."""
    probe_lease: timedelta = timedelta(seconds=20)
    """Longer than a send can last, so that a paused subscriber is not tried twice at once."""


def request_id(notification: int, subscriber: str) -> UUID:
    """The same for every attempt at a notification, on every worker."""
    return uuid5(_NAMESPACE, f"{subscriber}/{notification}")


def drain_lane(courier: Courier, lane: str) -> None:
    """Tell what waits in `lane` until it is empty, something fails, or its turn is over. Never sleeps.

    Raises domain.errors.Unavailable when the database is down; any other fault of our own counts as an attempt."""
    start = courier.seconds()
    for _ in range(BATCH):
        head = courier.lanes.head(lane)
        if head is None or not head.due or not _tell_or_note(courier, head):
            return
        if courier.seconds() - start > TURN_SECONDS:
            break
    courier.lanes.wake([lane])


def park_lane(lanes: Lanes, lane: str, now: datetime) -> bool:
    """Stop a lane by hand, as long as nobody retries it; False when nothing is waiting in it."""
    head = lanes.head(lane)
    if head is None:
        return False
    detail: dict[str, object] = {"subscriber": head.subscriber, "event": head.event, "error": _BY_HAND}
    event = LedgerEvent(head.handoff, events.DELIVERY_PARKED, ACTOR, now, now, detail=detail)
    lanes.parked(head, _BY_HAND, None if head.is_of_created else event)
    return True


def _tell_or_note(courier: Courier, head: Pending) -> bool:
    try:
        return _tell(courier, head)
    except Unavailable:
        raise
    except Exception as error:
        # Ours to mend, and visible where the partner's faults are; unnoted, the lane would be tried again at once.
        # The class alone: a message may quote what a partner wrote.
        log.error("notification %d could not be told: %s", head.id, type(error).__name__)
        return _conclude(courier, head, Turn(head.event_number or 0, 0), Outcome(Result.REFUSED, _fault(error)))


def _fault(error: Exception) -> str:
    return f"fault of this server: {type(error).__name__}"


def _tell(courier: Courier, head: Pending) -> bool:
    """Whether the head is settled and the next one may be told."""
    handoff = courier.store.system_reader().handoff(head.handoff)
    subscriber = _subscriber(courier, head)
    subscription = subscriber.subscription if subscriber else None
    if subscription is not None and subscription.status in {"requested", "error"}:
        courier.lanes.postpone(head, HELD)
        return False
    standing = standing_of(handoff, subscriber, courier.clock.now())
    if isinstance(standing, Withheld):
        event = _event(courier, head, events.DELIVERY_WITHHELD, {"reason": standing.reason})
        courier.lanes.settled(head, "withheld", standing.reason, event)
        return True
    with courier.crowd.place(standing.subscriber.partner.id) as room:
        if not room:
            courier.lanes.postpone(head, timedelta(seconds=1))
            return False
        turn = courier.lanes.begin(head, courier.probe_lease)
        if turn is None:
            return False
        delivery = _delivery(courier, head, turn.event_number, standing)
        _write_down(courier, delivery, standing.subscriber.channel)
        outcome = courier.channels.send(standing.subscriber.channel, delivery)
    return _conclude(courier, head, turn, outcome, subscription, standing.withheld)


def _subscriber(courier: Courier, head: Pending) -> Subscriber | None:
    directory = courier.register.directory()
    if not head.is_of_created:
        partner = directory.get(head.subscriber)
        return Subscriber(partner, _channel_for(partner, head)) if partner else None
    subscription = courier.subscriptions.get(head.subscriber)
    owner = directory.get(subscription.owner) if subscription else None
    return Subscriber(owner, subscription.channel, subscription) if owner and subscription else None


def _conclude(
    courier: Courier,
    head: Pending,
    turn: Turn,
    outcome: Outcome,
    subscription: Subscription | None = None,
    withheld: str | None = None,
) -> bool:
    attempt = head.attempts + 1
    if outcome.settled:
        kind = events.DELIVERED if outcome.result is Result.DELIVERED else events.DELIVERY_AVAILABLE
        detail = {"attempts": attempt, "event-number": turn.event_number, "receipt": outcome.detail}
        detail |= {"withheld": withheld} if withheld else {}
        courier.lanes.settled(head, "delivered", outcome.detail, _event(courier, head, kind, detail))
        return True
    refused = outcome.result is Result.REFUSED
    in_a_row = turn.failures + 1
    given_up = attempt >= (courier.policy.refused_attempts if refused else courier.policy.attempts)
    if subscription is not None and (given_up or (not refused and in_a_row >= courier.policy.error_after)):
        # First the Subscription: a lane that is parked while that is active would wait for nobody.
        given_up = change_status(courier.store, courier.clock, subscription, "error", outcome.detail)
    if given_up:
        detail = {"attempts": attempt, "error": outcome.detail}
        courier.lanes.parked(head, outcome.detail, _event(courier, head, events.DELIVERY_PARKED, detail))
        return False
    wait = courier.policy.delay(attempt, outcome.retry_after)
    if refused:
        courier.lanes.refused(head, outcome.detail, wait)
        return False
    pause = courier.policy.delay(in_a_row - PROBE_AFTER + 1, outcome.retry_after) if in_a_row >= PROBE_AFTER else None
    courier.lanes.unreachable(head, outcome.detail, wait, pause)
    return False


def _channel_for(partner: Partner, head: Pending) -> Channel | None:
    """A message written for the partner goes to its message channel, everything else to the channel it named first."""
    if head.payload is not None:
        for channel in partner.channels:
            if channel.type == "message":
                return channel
    return partner.channels[0] if partner.channels else None


def _delivery(courier: Courier, head: Pending, number: int, standing: Entitled) -> Delivery:
    partner, channel = standing.subscriber.partner, standing.subscriber.channel
    content = channel.payload if channel else "empty"
    if not standing.reads:
        content = "id-only" if content != "empty" else content
    delivery = Delivery(
        request_id=request_id(head.id, head.subscriber),
        subscriber=partner.id,
        handoff=head.handoff,
        event=head.event,
        event_number=number,
        focus=head.focus,
        content=content,
        created_at=head.created_at,
        # What was composed before anybody looked at Consents may lack the notice that has to accompany it.
        payload=head.payload if standing.reads and standing.handoff.disclosure is None else None,
        subscription=head.subscriber if head.is_of_created else None,
        # Who asked to be told nothing but that something happened is not told of what in a header either.
        correlation_id=head.subscriber if head.is_of_created and content == "empty" else "",
    )
    # Read as the subscriber: what it may not see cannot be sent to it by mistake.
    reader = courier.store.reader(partner.id)
    if channel and channel.type == "message" and delivery.payload is None:
        return _as_message(delivery, standing, reader)
    if content == "full-resource":
        shown = reader.read(head.focus)
        return replace(delivery, shown=(shown,) if shown is not None and not shown.deleted else ())
    return delivery


def _as_message(delivery: Delivery, standing: Entitled, reader: Reader) -> Delivery:
    """A messaging partner cannot come and read: a request brings all that belongs to the handoff, later news the Task
    and what it asks for. To its initiator it is the answer to the message that began the handoff."""
    handoff, dialect = standing.handoff, DIALECTS[standing.subscriber.partner.dialect]
    asked = handoff.focus or ""
    is_request = delivery.event == events.REQUESTED and delivery.subscriber == handoff.owner
    belonging = [r for r in reader.resources_of(handoff.id) if not r.deleted] if standing.reads else []
    first = [str(delivery.focus), asked]
    shown = sorted(
        (r for r in belonging if is_request or str(r.key) in first),
        key=lambda r: first.index(str(r.key)) if str(r.key) in first else len(first),
    )
    named = [str(r.key) for r in shown if str(r.key) in first]
    return replace(
        delivery,
        content="full-resource" if shown else "id-only",
        shown=tuple(shown),
        message_event=dialect.request_event if is_request else dialect.answer_event,
        message_focus=tuple(named),
        message_id=forwarded_id(handoff.id) if is_request else None,
        answers=answered_identifier_of(handoff.correlation, dialect)
        if delivery.subscriber == handoff.requester
        else None,
    )


def _write_down(courier: Courier, delivery: Delivery, channel: Channel | None) -> None:
    """What leaves the house with content is a disclosure, each time that it is tried: written down before, or not sent.

    Raises Unavailable."""
    if delivery.shown or delivery.payload:
        address = channel.endpoint if channel else None
        origin = Origin("notify", courier.base_url, address or None, str(delivery.request_id))
        courier.store.disclosed(delivery.subscriber, origin, delivery.shown)


def _event(courier: Courier, head: Pending, kind: str, detail: dict[str, object]) -> LedgerEvent | None:
    """The line of the ledger; None for a created Subscription."""
    if head.is_of_created:
        return None
    now: datetime = courier.clock.now()
    return LedgerEvent(
        handoff=head.handoff,
        kind=kind,
        actor=ACTOR,
        event_time=now,
        recorded_time=now,
        detail={"subscriber": head.subscriber, "event": head.event, "focus": str(head.focus), **detail},
    )
