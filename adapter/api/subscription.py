"""The standing Subscription of each partner: `Subscription/<partner id>`, its `$status` and its `$events`.

https://hl7.org/fhir/uv/subscriptions-backport/operations.html (R4). A partner is subscribed to the handoffs that it may
see because it is registered, and its channel is set in the register; so it needs no other Subscription, and none is
taken that nobody would serve.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol
from uuid import uuid4

from flask import Blueprint, Response, request

from adapter.api.authentication import Client
from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.instance import read_resource
from adapter.api.operation_outcome import FHIR_JSON
from adapter.domain.errors import Invalid, NotFound
from adapter.use_cases.delivery_ports import Listed, Pending
from mappings import notification
from mappings.json_codec import encode
from mappings.notification import Event, Source

MOST_EVENTS: Final = 1000
"""So many events in one answer of `$events`; who wants more asks on from there."""
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_TYPE: Final = "Subscription"


class Told(Protocol):
    """What a subscriber has been told so far, as far as who asks may know (adapter.storage.lanes.Told)."""

    def last_event(self, subscriber: str) -> int: ...
    def past_events(self, subscriber: str, first: int, last: int) -> Sequence[Pending]: ...
    def waiting(self, subscriber: str, limit: int = 200) -> Sequence[Listed]: ...


ToldTo = Callable[[str], Told]
"""By the organisation that asks."""


def subscription_routes(face: Face, told_to: ToldTo) -> Blueprint:
    routes = Blueprint("subscription", __name__)

    @routes.get("/fhir/Subscription/<id_>")
    def read(id_: str) -> Response:
        client = face.client()
        if id_ != client.tenant:
            return read_resource(face, _TYPE, id_, None, "read")
        check_accept()
        client.scopes.require(_TYPE, "read")
        partner = face.world.register.directory().get(id_)
        channel = partner.channels[0] if partner and partner.channels else None
        tree = notification.standing_subscription(
            Source(face.base_url, id_), _state(told_to, client, channel is not None), channel
        )
        return Response(encode(tree), content_type=FHIR_JSON)

    @routes.get("/fhir/Subscription/<id_>/$status")
    def status(id_: str) -> Response:
        client = _own(face, id_)
        state = _state(told_to, client, _has_channel(face, id_))
        source = Source(face.base_url, id_)
        events = told_to(client.tenant).last_event(id_)
        shown = notification.query_status(source, id=uuid4(), status=state, events=events)
        return Response(encode(notification.status_searchset(source, shown)), content_type=FHIR_JSON)

    @routes.get("/fhir/Subscription/<id_>/$events")
    def events(id_: str) -> Response:
        client = _own(face, id_)
        told = told_to(client.tenant)
        last = told.last_event(id_)
        first, until = _number("eventsSinceNumber", 1), _number("eventsUntilNumber", last)
        past = told.past_events(id_, first, min(until, last, first + MOST_EVENTS - 1))
        # Rights may have changed since: what is not to be seen any more happened, and no more is said of it.
        visible = face.world.store.reader(client.tenant).read_many({each.focus for each in past})
        face.disclose(client, "$events", list(visible.values()))
        again = [
            Event(each.event_number or 0, each.created_at, str(each.focus) if each.focus in visible else "")
            for each in past
        ]
        now = face.world.clock.now()
        bundle = notification.query_event(
            Source(face.base_url, id_), id=uuid4(), events=last, past=again, at=now
        )  # fmt: skip
        return Response(encode(bundle), content_type=FHIR_JSON)

    return routes


def _own(face: Face, id_: str) -> Client:
    """A partner's Subscription is its own; that of another is as if it did not exist."""
    client = face.client()
    check_accept()
    client.scopes.require(_TYPE, "read")
    if id_ != client.tenant:
        raise NotFound(f"no such {_TYPE}", expression=_TYPE)
    return client


def _has_channel(face: Face, id_: str) -> bool:
    partner = face.world.register.directory().get(id_)
    return bool(partner and partner.channels)


def _state(told_to: ToldTo, client: Client, has_channel: bool) -> str:
    """`error` while something cannot be delivered; `off` where there is no channel to deliver by."""
    if not has_channel:
        return "off"
    waiting = told_to(client.tenant).waiting(client.tenant)
    return "error" if any(each.state in {"paused", "parked"} for each in waiting) else "active"


def _number(name: str, default: int) -> int:
    given = request.args.get(name)
    if given is None:
        return default
    if not _NUMBER.fullmatch(given):
        raise Invalid(f"expected {name} as the number of an event", expression=f"http.{name}", code="value")
    return int(given)
