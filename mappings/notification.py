"""Notifications of topic-based subscriptions, as R4 has them: a `history` Bundle that starts with a status Parameters.

https://hl7.org/fhir/uv/subscriptions-backport/notifications.html#r4 (the status is a Parameters resource in R4, not a
SubscriptionStatus) and StructureDefinition-backport-subscription-notification-r4.html. Built as plain JSON, because one
is sent for every event; a test holds them against the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from adapter.domain.partner import Channel
from mappings.canonicals import BASE, TOPIC_HANDOFF
from mappings.subscription import PAYLOAD_CONTENT, PROFILE
from mappings.times import format_time

Tree = dict[str, Any]
Content = Literal["empty", "id-only", "full-resource"]

BUNDLE_PROFILE: Final = f"{PROFILE}-notification-r4"
STATUS_PROFILE: Final = f"{PROFILE}-status-r4"
EVENT_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-event"


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells whom: `base_url` is the FHIR base of this server without a final slash, `id` that of the Subscription,
    which for the standing one is the partner's."""

    base_url: str
    id: str

    @property
    def subscription(self) -> str:
        return f"{self.base_url}/Subscription/{self.id}"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `number` counts per subscription from 1 without gaps, `focus` and `context` are `Type/id`.
    A past event whose focus the subscriber may not see any more has the focus ""."""

    number: int
    timestamp: datetime
    focus: str
    context: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource that travels with a full-resource notification, in the version that was current when it was sent."""

    key: str
    version: int
    tree: Tree


def event_notification(
    source: Source, event: Event, *, id: UUID, content: Content = "id-only", shown: Sequence[Shown] = ()
) -> Tree:
    """One event to one subscriber. `empty` says only that something happened; `id-only` points at it; `full-resource`
    brings `shown` along."""
    status = _status(source, "event-notification", "active", event.number, [_event(source, event, content)], id)
    entries = [_resource_entry(source, resource) for resource in shown] if content == "full-resource" else []
    return _bundle(source, status, entries, event.timestamp, id)


def handshake(source: Source, *, id: UUID, at: datetime, events: int = 0) -> Tree:
    """Asked before a subscription becomes active: is somebody there who wants this? `events` is the number of the last
    event, where it was active before."""
    return _bundle(source, _status(source, "handshake", "requested", events, [], id), [], at, id)


def heartbeat(source: Source, *, id: UUID, at: datetime, events: int) -> Tree:
    """Nothing new: `events` is the number of the last event, so that a subscriber can see whether it missed one."""
    return _bundle(source, _status(source, "heartbeat", "active", events, [], id), [], at, id)


def query_status(source: Source, *, id: UUID, status: str, events: int, error: str | None = None) -> Tree:
    """The Parameters that answer `Subscription/$status`; `status` is a subscription status code, `error` says why."""
    parts: list[Tree] = [{"name": "error", "valueCodeableConcept": {"text": error}}] if error else []
    return _status(source, "query-status", status, events, parts, id)


def query_event(
    source: Source,
    *,
    id: UUID,
    status: str,
    events: int,
    past: Sequence[Event],
    at: datetime,
    content: Content = "id-only",
    shown: Sequence[Shown] = (),
) -> Tree:
    """The Bundle that answers `Subscription/$events`: past events again, with as much `content` as may be."""
    parts = [_event(source, event, content if event.focus else "empty") for event in past]
    entries = [_resource_entry(source, resource) for resource in shown] if content == "full-resource" else []
    return _bundle(source, _status(source, "query-event", status, events, parts, id), entries, at, id)


def status_searchset(link: str, statuses: Sequence[Tree]) -> Tree:
    """`$status` answers with a searchset of statuses, also for one Subscription; `link` is what was asked."""
    entries = [{"fullUrl": f"urn:uuid:{s['id']}", "resource": s, "search": {"mode": "match"}} for s in statuses]
    tree: Tree = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "link": [{"relation": "self", "url": link}],
    }
    return {**tree, "entry": entries} if entries else tree


def standing_subscription(source: Source, status: str, channel: Channel | None) -> Tree:
    """What a partner is subscribed to by being registered. Headers and secrets of its channel are never shown."""
    shown: Tree = {"type": "rest-hook"}
    if channel is not None and channel.endpoint.startswith(("http://", "https://")):
        content = {"extension": [{"url": PAYLOAD_CONTENT, "valueCode": channel.payload}]}
        shown |= {"endpoint": channel.endpoint, "payload": "application/fhir+json", "_payload": content}
    return {
        "resourceType": "Subscription",
        "id": source.id,
        "meta": {"profile": [PROFILE]},
        "status": status,
        "reason": "Every registered partner is told of the handoffs that it may see",
        "criteria": TOPIC_HANDOFF,
        "channel": shown,
    }


def message(
    source: Source,
    *,
    id: UUID,
    event: tuple[str, str],
    focus: Sequence[str],
    shown: Sequence[Shown],
    destination: str,
    answers: str | None = None,
) -> Tree:
    """The same news for a partner that speaks messages only (https://hl7.org/fhir/R4/messaging.html): a message Bundle
    about `focus` (`Type/id`s). `event` is system and code; `destination` the endpoint that it is sent to; `answers` the
    id by which the partner knows the message that began the handoff, where it sent one."""
    header: Tree = {
        "resourceType": "MessageHeader",
        "id": str(id),
        "eventCoding": {"system": event[0], "code": event[1]},
        "destination": [{"endpoint": destination}],
        "source": {"endpoint": source.base_url},
        "focus": [{"reference": f"{source.base_url}/{key}"} for key in focus],
    }
    if answers is not None:
        header["response"] = {"identifier": answers, "code": "ok"}
    return {
        "resourceType": "Bundle",
        "id": str(bundle_id_of(id)),
        "type": "message",
        "entry": [
            {"fullUrl": id.urn, "resource": header},
            *({"fullUrl": f"{source.base_url}/{resource.key}", "resource": resource.tree} for resource in shown),
        ],
    }


def bundle_id_of(message_id: UUID) -> UUID:
    """The id of the Bundle that a message travels in."""
    return uuid5(message_id, "bundle")


def _status(source: Source, kind: str, status: str, events: int, parts: list[Tree], id: UUID) -> Tree:
    return {
        "resourceType": "Parameters",
        "id": str(uuid5(id, "status")),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": source.subscription}},
            {"name": "topic", "valueCanonical": TOPIC_HANDOFF},
            {"name": "status", "valueCode": status},
            {"name": "type", "valueCode": kind},
            # A string, because R4 has no integer64.
            {"name": "events-since-subscription-start", "valueString": str(events)},
            *parts,
        ],
    }


def _event(source: Source, event: Event, content: Content) -> Tree:
    parts: list[Tree] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": format_time(event.timestamp)},
    ]
    if content != "empty":
        parts.append({"name": "focus", "valueReference": {"reference": f"{source.base_url}/{event.focus}"}})
        parts += (
            {"name": "additional-context", "valueReference": {"reference": f"{source.base_url}/{context}"}}
            for context in event.context
        )
    return {"name": "notification-event", "part": parts}


def _bundle(source: Source, status: Tree, entries: list[Tree], timestamp: datetime, id: UUID) -> Tree:
    status_entry: Tree = {
        "fullUrl": f"urn:uuid:{status['id']}",
        "resource": status,
        # A history Bundle needs request and response in every entry (bdl-3, bdl-4).
        "request": {"method": "GET", "url": f"{source.subscription}/$status"},
        "response": {"status": "200"},
    }
    return {
        "resourceType": "Bundle",
        "id": str(id),
        "meta": {"profile": [BUNDLE_PROFILE]},
        "type": "history",
        "timestamp": format_time(timestamp),
        "entry": [status_entry, *entries],
    }


def _resource_entry(source: Source, shown: Shown) -> Tree:
    created = shown.version == 1
    return {
        "fullUrl": f"{source.base_url}/{shown.key}",
        "resource": shown.tree,
        "request": {"method": "POST", "url": shown.key.partition("/")[0]}
        if created
        else {"method": "PUT", "url": shown.key},
        "response": {"status": "201" if created else "200"},
    }
