"""What delivery needs from the rooms above it: lanes that keep what is to be told, and channels that tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from adapter.domain.handoff import LedgerEvent
from adapter.domain.partner import Channel
from adapter.domain.subscription import Subscription
from adapter.use_cases.ports import ResourceKey, StoredResource

CREATED: Final = "Subscription/"
"""What the lanes of created Subscriptions begin with; those of standing ones begin with the partner's id."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The notification at the head of a lane. `attempts` counts sends that failed; `event_number` is None until the
    first send. `due` is False while it waits to be tried again, and when it is parked for a person to look at."""

    id: int
    lane: str
    subscriber: str
    handoff: str
    event: str
    focus: ResourceKey
    payload: bytes | None
    created_at: datetime
    event_number: int | None
    attempts: int
    due: bool

    @property
    def is_of_created(self) -> bool:
        """Whether `subscriber` is a Subscription that a partner created; else it is a partner, by its standing one."""
        return self.lane.startswith(CREATED)


@dataclass(frozen=True, slots=True)
class Listed:
    """A lane as `handoff deliveries list` shows it; `waiting` notifications, the oldest of `oldest`."""

    lane: str
    subscriber: str
    handoff: str
    state: str
    waiting: int
    oldest: datetime
    attempts: int
    next_attempt: datetime | None
    last_error: str | None


class Result(Enum):
    """How a send ended. Only DELIVERED and AVAILABLE settle a notification; the others are tried again."""

    DELIVERED = "delivered"
    AVAILABLE = "available"
    """There is no channel to push to; the partner reads the handoff when it asks."""
    UNREACHABLE = "unreachable"
    """No answer, or one that says later: likely to pass by itself."""
    REFUSED = "refused"
    """An answer that says no to this content: a person should look soon."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`detail` is for the ledger and the operator: a status or an error class, never what a partner wrote."""

    result: Result
    detail: str
    retry_after: timedelta | None = None

    @property
    def settled(self) -> bool:
        return self.result in {Result.DELIVERED, Result.AVAILABLE}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification, ready for a channel. `request_id` is the same in every attempt, so that a partner which already
    has it recognises the retry; `content` is what this subscriber may get; `shown` is empty unless full-resource."""

    request_id: UUID
    subscriber: str
    """The partner, however it comes to be told."""
    handoff: str
    event: str
    event_number: int
    focus: ResourceKey
    content: str
    created_at: datetime
    subscription: str | None = None
    """The id of the Subscription that the partner created; None for its standing one."""
    payload: bytes | None = None
    shown: Sequence[StoredResource] = ()
    correlation_id: str = ""
    message_event: tuple[str, str] | None = None
    """System and code of the event, as the subscriber's dialect names it; for messaging partners."""
    message_focus: Sequence[str] = ()
    answers: str | None = None
    """The id by which the subscriber knows its own message that began the handoff."""
    message_id: UUID | None = None
    """The id of the message where it is not `request_id`: that of a request, which the answer to it will name."""


class Channels(Protocol):
    def send(self, channel: Channel | None, delivery: Delivery) -> Outcome:
        """Tell it once. Never raises for what a partner does or fails to do."""
        ...

    def call(self, channel: Channel, body: bytes, request_id: UUID) -> Outcome:
        """Send what is about no handoff, a handshake or a heartbeat, once. Never raises either."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to send: the event number to send under, and how many sends to this subscriber failed in a row before."""

    event_number: int
    failures: int


class Lanes(Protocol):
    """The notifications, in lanes of subscriber × handoff. Every method is one short transaction; none is held while
    a partner is being talked to. Waits are durations, measured by the database's clock: it is the one clock that all
    workers share, and a demo's clock that runs ahead does not touch it."""

    def head(self, lane: str) -> Pending | None:
        """The oldest unsettled notification; None when the lane is empty."""
        ...

    def begin(self, head: Pending, lease: timedelta) -> Turn | None:
        """Leave to send, or None while the subscriber is paused. The event number is assigned once and kept in retries.

        A subscriber that was paused is probed by one lane at a time: who gets leave has it alone for `lease`."""
        ...

    def settled(self, head: Pending, state: str, receipt: str, event: LedgerEvent | None) -> bool:
        """To `delivered` or `withheld`, together with its ledger event, if any; False when it was settled already."""
        ...

    def unreachable(self, head: Pending, error: str, wait: timedelta, pause: timedelta | None) -> None:
        """One more failure in a row; with `pause` all lanes of the subscriber wait so long."""
        ...

    def refused(self, head: Pending, error: str, wait: timedelta) -> None:
        """One more attempt; the subscriber answered, so its other lanes have nothing to wait for."""
        ...

    def parked(self, head: Pending, error: str, event: LedgerEvent | None) -> None:
        """The lane stops here until a person retries it; other lanes of the subscriber go on."""
        ...

    def postpone(self, head: Pending, wait: timedelta) -> None:
        """Not tried now for our own reasons; does not count as an attempt."""
        ...

    def wake(self, lanes: Sequence[str]) -> None:
        """Queue a job for each lane."""
        ...


class HandoffEvent(NamedTuple):
    """A line of the ledger with the handoff as it stands now; `txid` is the transaction that wrote it."""

    txid: int
    handoff: str
    kind: str
    recorded_time: datetime
    requester: str
    owner: str
    pathway: str
    status: str
    readers: Sequence[str]


class Counting(NamedTuple):
    """A Subscription whose events count: those of transactions after `since`."""

    subscription: Subscription
    since: int


class News(NamedTuple):
    """The `events` of transactions from `position` on and below `horizon`, in the order in which they happened to each
    handoff, as far as they concern an owner of `counting`."""

    position: int
    horizon: int
    events: Sequence[HandoffEvent]
    counting: Sequence[Counting]


class Subscriptions(Protocol):
    """The Subscriptions that partners created (adapter.storage.subscriptions); times as in `Lanes`."""

    def get(self, id: str) -> Subscription | None:
        """As it is now; None when it was deleted."""
        ...

    def last_event(self, id: str) -> int:
        """The number of its last event; 0 before the first."""
        ...

    def news(self) -> News | None:
        """What happened since the last look; None when there is nobody to tell."""
        ...

    def tasks_at(self, moments: Sequence[tuple[str, datetime]]) -> Sequence[bytes | None]:
        """The Task of each handoff as it stood at each time."""
        ...

    def queue(self, news: News, told: Sequence[tuple[str, HandoffEvent]]) -> bool:
        """Write a numbered notification for each (Subscription, event), and that all `news` were gone through; False
        when that was done by another worker, or need not be."""
        ...

    def claim(self, id: str, lease: timedelta) -> int | None:
        """How many handshakes or heartbeats failed before, when one is due; nobody else gets it within `lease`."""
        ...

    def again(self, subscription: Subscription, failures: int, wait: timedelta) -> None:
        """Due again after `wait`, as long as it has the same status; `failures` in a row by now."""
        ...

    def ended(self, now: datetime) -> Sequence[str]:
        """Ids of those whose end has passed and that are not off."""
        ...
