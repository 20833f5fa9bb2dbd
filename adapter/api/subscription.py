"""Subscriptions beyond create, update, delete and search: the standing one of each partner, `$status` and `$events`.

https://hl7.org/fhir/uv/subscriptions-backport/operations.html (R4). A partner is subscribed to the handoffs that it may
see because it is registered: `Subscription/<partner id>`, whose channel is set in the register. Others it creates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, cast
from urllib.parse import urlencode
from uuid import uuid4

from flask import Blueprint, Response
from werkzeug.datastructures import MultiDict

from adapter.api.authentication import Client
from adapter.api.face import Face
from adapter.api.http_request import check_accept
from adapter.api.listing import Beside
from adapter.api.operation_outcome import FHIR_JSON
from adapter.api.operation_parameters import METHODS, operation_parameters, parameter_at
from adapter.domain.errors import Invalid
from adapter.domain.partner import Channel
from adapter.domain.subscription import CONTENTS
from adapter.use_cases.delivery_ports import Listed, Pending
from adapter.use_cases.ports import ResourceKey, SearchQuery, StoredResource
from adapter.use_cases.read import MAX_COUNT, read_one
from mappings import notification
from mappings.json_codec import decode, encode
from mappings.notification import Content, Event, Shown, Source
from mappings.security_labels import labelled_meta, restricted_kinds_of
from mappings.subscription import content_of

Asked = MultiDict[str, str]

MOST_EVENTS: Final = 1000
"""So many events in one answer of `$events`; who wants more asks on from there."""
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_TYPE: Final = "Subscription"
_ABOUT_THE_LIST: Final = frozenset({"_sort", "_total", "_summary", "_elements", "_contained", "_containedType"})
"""Parameters that say how a list is told, and not what is in it."""


class Told(Protocol):
    """What a subscriber has been told so far, as far as who asks may know (adapter.storage.lanes.Told)."""

    def last_event(self, subscriber: str) -> int: ...
    def past_events(self, subscriber: str, first: int, last: int) -> Sequence[Pending]: ...
    def waiting(self, subscriber: str, limit: int = 200) -> Sequence[Listed]: ...


ToldTo = Callable[[str], Told]
"""By the organisation that asks."""


class Shape(NamedTuple):
    """A Subscription of the asking partner, as far as its operations need it."""

    id: str
    status: str
    content: str
    error: str | None = None


def standing_read(face: Face, told_to: ToldTo) -> Callable[[str], Response | None]:
    """A read of the standing Subscription of who asks; None for any other id."""

    def read(id_: str) -> Response | None:
        client = face.client()
        if id_ != client.tenant:
            return None
        check_accept()
        client.scopes.require(_TYPE, "read")
        return Response(encode(_standing_tree(face, told_to(id_), id_)), content_type=FHIR_JSON)

    return read


def standing_beside(face: Face, told_to: ToldTo) -> Beside:
    """Of a search for Subscriptions: the standing one of who asks, when its criteria fit it."""

    def standing(client: Client, query: SearchQuery) -> Sequence[StoredResource]:
        if query.count == 1:
            return ()  # its place would be that of the one match, which no later page would show
        id_ = client.tenant
        tree = _standing_tree(face, told_to(id_), id_)
        found = StoredResource(ResourceKey(_TYPE, id_), 1, id_, face.world.clock.now(), encode(tree))
        return (found,) if _matches(tree, query.parameters) else ()

    return standing


def subscription_routes(face: Face, told_to: ToldTo) -> Blueprint:
    routes = Blueprint("subscription", __name__)

    @routes.route("/fhir/Subscription/$status", methods=METHODS)
    def status_of_all() -> Response:
        client = _asking(face)
        told = told_to(client.tenant)
        asked = operation_parameters(face, "id", "status")
        ids, statuses = _any_of("id", asked), _any_of("status", asked)
        found = [_standing(face, told, client.tenant), *_created(face, client)]
        wanted = [each for each in found if (not ids or each.id in ids) and (not statuses or each.status in statuses)]
        link = f"{face.base_url}/{_TYPE}/$status" + (f"?{urlencode(list(asked.items(multi=True)))}" if asked else "")
        return _statuses(face, told, link, wanted)

    @routes.route("/fhir/Subscription/<id_>/$status", methods=METHODS)
    def status(id_: str) -> Response:
        client = _asking(face)
        told = told_to(client.tenant)
        operation_parameters(face, "id", "status")  # of no meaning here, says the guide
        return _statuses(face, told, f"{face.base_url}/{_TYPE}/{id_}/$status", [_own(face, told, client, id_)])

    @routes.route("/fhir/Subscription/<id_>/$events", methods=METHODS)
    def events(id_: str) -> Response:
        client = _asking(face)
        told = told_to(client.tenant)
        own = _own(face, told, client, id_)
        asked = operation_parameters(face, "eventsSinceNumber", "eventsUntilNumber", "content")
        last = told.last_event(id_)
        first, until = _number(asked, "eventsSinceNumber", 1), _number(asked, "eventsUntilNumber", last)
        content = _content(asked, own)
        past = told.past_events(id_, first, min(until, last, first + MOST_EVENTS - 1))
        # Rights may have changed since: what is not to be seen any more happened, and no more is said of it.
        visible = face.world.store.reader(client.tenant).read_many({each.focus for each in past})
        face.disclose(client, "$events", list(visible.values()))
        shown = [r for r in visible.values() if not r.deleted] if content == "full-resource" else []
        bundle = notification.query_event(
            Source(face.base_url, id_),
            id=uuid4(),
            status=own.status,
            events=last,
            past=[_event(each, visible) for each in past],
            at=face.world.clock.now(),
            content=content,
            shown=[Shown(str(r.key), r.version, decode(r.body)) for r in shown],
        )
        bundle["meta"] = labelled_meta(bundle["meta"], restricted_kinds_of(shown))
        return Response(encode(bundle), content_type=FHIR_JSON)

    return routes


def _asking(face: Face) -> Client:
    client = face.client()
    check_accept()
    client.scopes.require(_TYPE, "read")
    return client


def _own(face: Face, told: Told, client: Client, id_: str) -> Shape:
    """A partner's Subscription is its own; that of another is as if it did not exist. Raises NotFound or Deleted."""
    if id_ == client.tenant:
        return _standing(face, told, id_)
    return _shape(read_one(face.world.store.reader(client.tenant), ResourceKey(_TYPE, id_)))


def _created(face: Face, client: Client) -> list[Shape]:
    query = SearchQuery(_TYPE, (("_sort", "_id"),), count=MAX_COUNT)
    return [_shape(stored) for stored in face.world.store.reader(client.tenant).search(query).matches]


def _shape(stored: StoredResource) -> Shape:
    tree = decode(stored.body)
    return Shape(stored.key.id, tree["status"], content_of(tree), tree.get("error"))


def _standing(face: Face, told: Told, id_: str) -> Shape:
    """`error` while something cannot be delivered; `off` where there is no channel to deliver by."""
    if _channel(face, id_) is None:
        return Shape(id_, "off", "id-only")
    waiting = told.waiting(id_)
    failing = any(each.state in {"paused", "parked"} for each in waiting)
    return Shape(id_, "error" if failing else "active", "id-only")


def _standing_tree(face: Face, told: Told, id_: str) -> dict[str, Any]:
    status = _standing(face, told, id_).status
    return notification.standing_subscription(Source(face.base_url, id_), status, _channel(face, id_))


def _matches(standing: dict[str, Any], parameters: Iterable[tuple[str, str]]) -> bool:
    """Whether a search finds the standing Subscription, which is made when it is asked for and is in no index. By what
    it does not have, by a modifier or by a chain it is not found."""
    values = {
        "_id": standing["id"],
        "status": standing["status"],
        "criteria": standing["criteria"],
        "type": standing["channel"]["type"],
        "url": standing["channel"].get("endpoint"),
        "payload": standing["channel"].get("payload"),
    }
    for name, asked in parameters:
        if name in _ABOUT_THE_LIST or name.startswith(("_include", "_revinclude")):
            continue
        if name not in values or values[name] not in {value.rpartition("|")[2] for value in asked.split(",")}:
            return False
    return True


def _channel(face: Face, id_: str) -> Channel | None:
    partner = face.world.register.directory().get(id_)
    return partner.channels[0] if partner and partner.channels else None


def _statuses(face: Face, told: Told, link: str, wanted: Sequence[Shape]) -> Response:
    shown = [
        notification.query_status(
            Source(face.base_url, each.id),
            id=uuid4(),
            status=each.status,
            events=told.last_event(each.id),
            error=each.error,
        )
        for each in wanted
    ]
    return Response(encode(notification.status_searchset(link, shown)), content_type=FHIR_JSON)


def _event(past: Pending, visible: dict[ResourceKey, StoredResource]) -> Event:
    return Event(past.event_number or 0, past.created_at, str(past.focus) if past.focus in visible else "")


def _any_of(name: str, asked: Asked) -> set[str]:
    return {value for given in asked.getlist(name) for value in given.split(",") if value}


def _content(asked: Asked, own: Shape) -> Content:
    """What is asked for, as far as the Subscription itself goes: `$events` tells again, and never more."""
    wanted = asked.get("content", "id-only")
    if wanted not in CONTENTS:
        expected = f"expected content as one of {', '.join(CONTENTS)}, got something else"
        raise Invalid(expected, expression=parameter_at("content"), code="value")
    return cast(Content, min(wanted, own.content, key=CONTENTS.index))


def _number(asked: Asked, name: str, default: int) -> int:
    given = asked.get(name)
    if given is None:
        return default
    if not _NUMBER.fullmatch(given):
        raise Invalid(f"expected {name} as the number of an event", expression=parameter_at(name), code="value")
    return int(given)
