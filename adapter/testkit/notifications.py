"""Reads an R4 notification Bundle strictly, as a receiver with its own validator would.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-notification-r4.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """What one notification says: `focus` and `context` are `Type/id`, `number` counts the events of `subscription`."""

    focus: str
    number: int
    timestamp: str
    context: tuple[str, ...] = ()
    subscription: str = ""

    @property
    def all_references(self) -> tuple[str, ...]:
        return (self.focus, *self.context)


class Fault(NamedTuple):
    """Something a strict receiver would have refused."""

    text: str


_TYPES = ("handshake", "heartbeat", "event-notification", "query-status", "query-event")
_STATUSES = ("requested", "active", "error", "off")


def read_notification(bundle: dict[str, Any]) -> tuple[Event | None, list[Fault]]:
    """The event (None for handshake, heartbeat, or when unreadable) and everything wrong with the Bundle."""
    faults = [Fault(text) for text in _faults(bundle)]
    parameters = _parameters(bundle)
    event = next((p for p in parameters if p.get("name") == "notification-event"), None)
    if event is None:
        return None, faults
    parts = {part.get("name"): part for part in event.get("part", [])}
    focus = parts.get("focus", {}).get("valueReference", {}).get("reference", "")
    number = str(parts.get("event-number", {}).get("valueString", ""))
    if not focus or not number.isdigit():
        return None, [*faults, Fault("expected notification-event with event-number and focus, got neither or one")]
    context = tuple(
        local_reference(part.get("valueReference", {}).get("reference", ""))
        for part in event.get("part", [])
        if part.get("name") == "additional-context"
    )
    named = next((p for p in parameters if p.get("name") == "subscription"), {})
    subscription = local_reference(named.get("valueReference", {}).get("reference", ""))
    return Event(local_reference(focus), int(number), _stamp(parts), context, subscription), faults


def local_reference(reference: str) -> str:
    """`Task/1` of `https://server/fhir/Task/1/_history/3`."""
    return "/".join(reference.split("/_history/")[0].rsplit("/", 2)[-2:])


def _stamp(parts: dict[Any, Any]) -> str:
    return str(parts.get("timestamp", {}).get("valueInstant", ""))


def _parameters(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    entries = bundle.get("entry") or [{}]
    parameters = entries[0].get("resource", {}).get("parameter", [])
    return parameters if isinstance(parameters, list) else []


def _faults(bundle: dict[str, Any]) -> Iterator[str]:
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "history":
        yield "expected a Bundle of type history"
    if not bundle.get("timestamp"):
        yield "expected Bundle.timestamp, got none"
    entries = bundle.get("entry") or []
    if not entries or entries[0].get("resource", {}).get("resourceType") != "Parameters":
        yield "expected the subscription status as Parameters in Bundle.entry[0]"
        return
    for index, entry in enumerate(entries):
        if not entry.get("fullUrl"):
            yield f"expected Bundle.entry[{index}].fullUrl, got none"
        # bdl-3 and bdl-4: a history entry names the request and the response.
        if "request" not in entry or "response" not in entry:
            yield f"expected Bundle.entry[{index}].request and response (bdl-3, bdl-4)"
    named = {p.get("name"): p for p in _parameters(bundle)}
    for name in ("subscription", "status", "type"):
        if name not in named:
            yield f"expected parameter `{name}`, got none"
    if named.get("type", {}).get("valueCode") not in _TYPES:
        yield f"expected parameter `type` as one of {', '.join(_TYPES)}"
    if named.get("status", {}).get("valueCode") not in _STATUSES:
        yield f"expected parameter `status` as one of {', '.join(_STATUSES)}"
    if named.get("type", {}).get("valueCode") == "event-notification":
        if "events-since-subscription-start" not in named:
            yield "expected parameter `events-since-subscription-start`, got none"
        if "notification-event" not in named:
            yield "expected parameter `notification-event`, got none"
