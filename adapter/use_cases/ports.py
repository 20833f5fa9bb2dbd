"""What the use cases need from the rooms above them, and the one form in which they hand over a change.

Every change is a `WriteSet`, committed whole or not at all: resources, search index, projection, ledger, deadlines,
notifications and jobs. Decisions are taken on what a `Reader` showed; the write set's guards make the commit fail with
`WriteConflict` when that is no longer true, and the use case decides anew (`retrying_on_conflict`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from adapter.domain.deadlines import ClockStep
from adapter.domain.disclosure import PART2, Basis, DisclosureChange, Restriction
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.origin import Origin
from adapter.domain.partner import Directory
from adapter.domain.subscription import Subscription

Tree = dict[str, Any]
"""A decoded FHIR resource or element: dict, list, str, int, Decimal, bool (see mappings/json_codec.py)."""

EVERYONE = "*"
"""The reader of directory resources (registered Organizations and their services): any authenticated partner."""


class ResourceKey(NamedTuple):
    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class StoredResource:
    """One version as it was kept. `body` is JSON with id, meta.versionId and meta.lastUpdated; empty when deleted."""

    key: ResourceKey
    version: int
    author: str
    last_updated: datetime
    body: bytes
    deleted: bool = False
    handoffs: tuple[str, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    """Its own, by its security labels."""
    basis: Basis | None = None
    """By which Consents its reader gets it; None where it needs none, and for the adapter's own work."""

    @property
    def restricted_kinds(self) -> frozenset[str]:
        """What must be told to its reader: the kinds of restriction that it comes under, none for nearly everything."""
        kinds = frozenset(restriction.kind for restriction in self.restrictions)
        return kinds | {PART2} if self.basis is not None else kinds


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be written. `tree` is the same content as `body`, for the search index; None when it is a deletion.

    `version` 1 is a create (fails with WriteConflict if the id exists); n > 1 replaces exactly version n-1."""

    key: ResourceKey
    version: int
    author: str
    last_updated: datetime
    body: bytes
    tree: Tree | None
    handoffs: tuple[str, ...] = ()
    """Ids of the handoffs that this resource belongs to: it is readable by whoever may read one of those."""
    public: bool = False
    """Readable by EVERYONE: directory resources of the partner register only."""
    restrictions: frozenset[Restriction] = frozenset()
    """What its security labels restrict; its handoffs are then in `WriteSet.disclosures`."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A row of the clock: `step` (`acceptance`, `alternate-contact`, `escalation-owner`, `governance-review`, …) falls
    `due`. (handoff, step) is unique, so a step fires once for good; a re-run ladder uses a new step suffix."""

    handoff: str
    step: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that `subscriber` (partner id) must be told about `handoff`, in the order in which it was written.

    `event` is the ledger kind; `focus` the resource the notification points at; `payload` is only for channels that
    push content of their own (a message Bundle). Rights are checked again when it is sent."""

    subscriber: str
    handoff: str
    event: str
    focus: ResourceKey
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a write, kept so that a repeated request gets it again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Idempotency: (`tenant`, `key`) is unique; `body_hash` tells a retry from a reuse."""

    tenant: str
    key: str
    body_hash: bytes
    answer: Answer


@dataclass(slots=True)
class WriteSet:
    """One atomic change. Empty lists are fine; the order of events and notifications is kept."""

    tenant: str
    resources: list[NewVersion] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    """Projections to insert or replace; readers of all resources of a changed handoff are recomputed."""
    joined: list[tuple[ResourceKey, str]] = field(default_factory=list)
    """(existing resource, handoff id): every version of the resource becomes part of that handoff too, and its readers
    are recomputed. For resources sent before the Task, and for an escalation child that sees what its parent holds."""
    events: list[LedgerEvent] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    cancelled_deadlines: list[tuple[str, str]] = field(default_factory=list)
    """(handoff, step prefix): open deadlines of that handoff whose step starts with the prefix ('' = all)."""
    fired_deadlines: list[tuple[str, str]] = field(default_factory=list)
    """(handoff, step) that this very change fires: the commit fails with WriteConflict unless each was open."""
    notifications: list[Notification] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    """What created Subscriptions ask for from now on; each stands beside a version of its resource. A deleted one is
    off."""
    requests: list[RequestRecord] = field(default_factory=list)
    disclosures: list[DisclosureChange] = field(default_factory=list)
    """What is restricted in a handoff from now on, and to whom Consents open it."""
    opening: list[ResourceKey] = field(default_factory=list)
    """Of what is written, what may open or close something restricted: Consents, and statements of an emergency."""
    relied_on: list[tuple[ResourceKey, int]] = field(default_factory=list)
    """Versions that must still be current, of what was decided on without being written: Consents."""
    conditional_creates: list[tuple[str, str, ResourceKey]] = field(default_factory=list)
    """(type, normalised criteria, created key): unique per tenant, so that parallel conditional creates give one."""
    origin: Origin | None = None
    """The request that asks for it, for its row of the audit trail; None for what the adapter does by itself."""
    shown: list[StoredResource] = field(default_factory=list)
    """What the answer shows without changing it, as a conditional create does that found its resource."""

    def __bool__(self) -> bool:
        return bool(
            self.resources or self.handoffs or self.events or self.fired_deadlines or self.requests or self.shown
        )


class WriteConflict(Exception):
    """Somebody else changed what the decision was based on. Nothing was written; decide anew."""


class DuplicateRequest(Exception):
    """The request key was committed before, perhaps a moment ago by another thread; `record` is what was kept then."""

    def __init__(self, record: RequestRecord):
        super().__init__(record.key)
        self.record = record


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search as it was asked: raw parameters in order, names with modifiers and chains still attached."""

    type: str
    parameters: tuple[tuple[str, str], ...]
    count: int = 50
    cursor: str | None = None
    lenient: bool = False
    """Leave out parameters that this type does not have, instead of refusing them. Never in a conditional write."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`matches` in order, `included` beside them; `next_cursor` carries a position and no right."""

    matches: Sequence[StoredResource]
    included: Sequence[StoredResource]
    total: int | None
    next_cursor: str | None
    ignored: tuple[str, ...] = ()
    """Names of parameters that were left out of a lenient search."""
    suppressed: bool = False
    """Whether handoffs in which the reader takes part are withheld from it for want of a Consent."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions, newest first; `total` counts those of all pages and is None where counting would cost too much."""

    versions: Sequence[StoredResource]
    total: int | None
    next_cursor: str | None


class RequestedHandoff(NamedTuple):
    handoff: Handoff
    at: datetime
    """When it was requested first."""
    ledger: Sequence[LedgerEvent]


class Reader(Protocol):
    """Reads as one organisation: what it may not see does not exist. There is no reader without an organisation."""

    def read(self, key: ResourceKey) -> StoredResource | None: ...
    def read_version(self, key: ResourceKey, version: int) -> StoredResource | None: ...
    def read_many(self, keys: Collection[ResourceKey]) -> dict[ResourceKey, StoredResource]: ...
    def history(self, key: ResourceKey) -> Sequence[StoredResource]: ...
    def history_page(
        self, type: str, id: str | None, *, since: datetime | None, count: int, cursor: str | None
    ) -> HistoryPage:
        """Of one resource, or of all of a type. Raises Invalid for a cursor that is none of ours."""
        ...

    def search(self, query: SearchQuery) -> SearchPage: ...
    def match(self, type: str, criteria: str) -> Sequence[StoredResource]:
        """At most two current resources matching a conditional query string (`identifier=system|value`)."""
        ...

    def handoff(self, id: str) -> Handoff | None: ...
    def restricted_handoffs(self, patients: Collection[str], author: str) -> Sequence[Handoff]:
        """Handoffs with restricted records of one of these patients that `author` discloses."""
        ...

    def handoffs_by_correlation(self, keys: Collection[str]) -> Sequence[Handoff]: ...
    def resources_of(self, handoff_id: str) -> Sequence[StoredResource]: ...
    def ledger_of(self, handoff_id: str) -> Sequence[LedgerEvent]: ...
    def clock_of(self, handoff_id: str) -> Sequence[ClockStep]:
        """Every step of a handoff's clock in the order of its time: open, fired and cancelled."""
        ...

    def open_handoffs(self, partner: str, returned_since: datetime, limit: int) -> Sequence[Handoff]:
        """Handoffs with `partner` on one of the two sides that are not closed, and those given back to it (rejected or
        failed) since that time; the most urgent first."""
        ...

    def requested_between(self, since: datetime, until: datetime, limit: int) -> Sequence[RequestedHandoff]:
        """Handoffs that were requested in [since, until), by event time, and of which the reading organisation is a
        side; no escalation children, and nothing entered in error. Oldest first."""
        ...

    def answer_to(self, request_key: str) -> RequestRecord | None: ...


class Store(Protocol):
    def reader(self, tenant: str) -> Reader: ...
    def system_reader(self) -> Reader:
        """Reads everything: for the clock, delivery and the register; never reachable from a request."""
        ...

    def commit(self, write_set: WriteSet) -> None:
        """Atomic. Raises WriteConflict, DuplicateRequest, or domain.errors.Unavailable when the database is down."""
        ...

    def disclosed(self, tenant: str, origin: Origin, resources: Sequence[StoredResource]) -> None:
        """Write down that `tenant` gets these, before it does. Raises Unavailable: then it must not get them."""
        ...

    def withholds_from(self, tenant: str) -> bool:
        """Whether `tenant` takes part in a handoff that it may not read for want of a Consent."""
        ...

    def due_deadlines(self, now: datetime, limit: int) -> Sequence[Deadline]: ...
    def open_deadlines(self, handoff_id: str) -> Sequence[Deadline]: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...


class NewIds(Protocol):
    def __call__(self) -> str: ...


class Register(Protocol):
    """The partner register; `directory()` is cheap (a snapshot, at most a few seconds old)."""

    def directory(self) -> Directory: ...


T = TypeVar("T")


def retrying_on_conflict(decide_and_commit: Callable[[], T], attempts: int = 5) -> T:
    """Run a use case again when another writer overtook it; the last conflict is the caller's to report."""
    for _ in range(attempts - 1):
        try:
            return decide_and_commit()
        except WriteConflict:
            continue
    return decide_and_commit()
