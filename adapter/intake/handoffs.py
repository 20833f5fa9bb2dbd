"""GET /handoffs and GET /handoffs/{id}: the open handoffs of an organisation; what one says, where it stands, who holds
the person, what is awaited from whom and by when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, request
from marshmallow import Schema, fields

from adapter.domain.errors import Invalid, NotFound
from adapter.domain.handoff import Handoff
from adapter.domain.origin import Origin
from adapter.domain.scopes import Scopes
from adapter.use_cases.ports import Reader, ResourceKey, StoredResource
from adapter.use_cases.world import World
from mappings import plain_view
from mappings.json_codec import decode, encode
from mappings.references import RELATIVE
from mappings.security_labels import NOTICE_HEADER, restricted_kinds_of

MOST_LISTED: Final = 1000
RETURNED_FOR: Final = timedelta(days=14)
"""So long a handoff that was rejected or failed stays on the initiator's list: nobody else holds the person."""
SIDES: Final = ("initiator", "recipient")


class NextActionSchema(Schema):
    code = fields.String(required=True)
    who = fields.String(required=True)
    by = fields.AwareDateTime(allow_none=True)


class EventSchema(Schema):
    kind = fields.String(required=True)
    actor = fields.String(required=True)
    event_time = fields.AwareDateTime(required=True)
    recorded_time = fields.AwareDateTime(required=True)
    status_from = fields.String(allow_none=True)
    status_to = fields.String(allow_none=True)
    detail = fields.Dict()


class HandoffSchema(Schema):
    """Organisations are partner ids; `patient` and `focus` are FHIR references; times carry an offset."""

    id = fields.String(required=True)
    task = fields.Function(lambda handoff: f"Task/{handoff.id}")
    status = fields.String(required=True)
    business_status = fields.String(allow_none=True)
    requester = fields.String(required=True)
    owner = fields.String(required=True)
    responsible = fields.String(required=True)
    next_action = fields.Nested(NextActionSchema, allow_none=True)
    pathway = fields.String(required=True)
    risk_tier = fields.String(allow_none=True)
    acceptance_deadline = fields.AwareDateTime(allow_none=True)
    patient = fields.String(allow_none=True)
    focus = fields.String(allow_none=True)
    part_of = fields.String(allow_none=True)
    flagged_for_review = fields.Boolean(required=True)
    authored_on = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


Authenticate = Callable[[Mapping[str, str]], Any]
"""Headers → a client with `tenant` and `scopes`."""


Page = Callable[[str], Response]
"""The id of a handoff → the web page about it."""


def handoff_routes(world: World, authenticate: Authenticate, page: Page | None = None) -> Blueprint:
    """`page` answers whoever prefers HTML, as browsers do."""
    routes, store = Blueprint("handoffs", __name__), world.store

    @routes.get("/handoffs")
    def handoffs() -> Response:
        client = authenticate(dict(request.headers))
        client.scopes.require("Task", "search-type")
        client.scopes.require("Patient", "read")
        side = _side()
        reader = store.reader(client.tenant)
        found = reader.open_handoffs(client.tenant, world.clock.now() - RETURNED_FOR, MOST_LISTED + 1)
        listed = [h for h in found[:MOST_LISTED] if side is None or _is_on(client.tenant, side, h)]
        tasks = reader.read_many({ResourceKey("Task", handoff.id) for handoff in listed})
        people = _people(reader, listed)
        shown = [*tasks.values(), *people.values()]
        store.disclosed(client.tenant, _origin("search-type"), shown)
        lines = [
            {**HandoffSchema().dump(handoff), "person": plain_view.person(_tree(people.get(handoff.patient or "")))}
            for handoff in listed
        ]
        return _answered(
            {
                "handoffs": lines,
                "truncated": len(found) > MOST_LISTED,
                "withheld": store.withholds_from(client.tenant),
            },
            shown,
        )

    @routes.get("/handoffs/<id_>")
    def handoff(id_: str) -> Response:
        if page is not None and _prefers_html():
            return page(id_)
        client = authenticate(dict(request.headers))
        scopes: Scopes = client.scopes
        scopes.require("Task", "read")
        reader = store.reader(client.tenant)
        task = reader.read(ResourceKey("Task", id_))
        found = reader.handoff(id_)
        if found is None or task is None:
            raise NotFound("no such handoff")
        # What the client may not read by itself is not read to it here.
        belonging = [r for r in reader.resources_of(id_) if not r.deleted and scopes.allow(r.key.type, "read")]
        store.disclosed(client.tenant, _origin("read"), [task, *(r for r in belonging if r.key != task.key)])
        shown = HandoffSchema().dump(found)
        if not task.deleted:
            shown |= plain_view.content(decode(task.body), {str(r.key): decode(r.body) for r in belonging})
        shown["timeline"] = EventSchema(many=True).dump(reader.ledger_of(id_))
        shown["open_deadlines"] = [
            {"step": d.step, "due": d.due.isoformat()} for d in sorted(store.open_deadlines(id_), key=lambda d: d.due)
        ]
        response = _answered(shown, [task, *belonging])
        response.set_etag(str(task.version), weak=True)
        return response

    return routes


def _answered(shown: Mapping[str, Any], resources: Sequence[StoredResource]) -> Response:
    response = Response(encode(shown), content_type="application/json")
    response.vary.add("Accept")
    if restricted_kinds_of(resources):
        response.headers.update(NOTICE_HEADER)
    return response


def _origin(interaction: str) -> Origin:
    return Origin(interaction, request.url_root.rstrip("/"), request.remote_addr)


def _side() -> str | None:
    if request.args.keys() - {"side"}:
        raise Invalid("expected `side` and no other parameter, got another", code="not-supported")
    side = request.args.get("side")
    if side is not None and side not in SIDES:
        raise Invalid("expected `side` as initiator or recipient, got another", expression="side", code="code-invalid")
    return side


def _is_on(tenant: str, side: str, handoff: Handoff) -> bool:
    return tenant == (handoff.requester if side == "initiator" else handoff.owner)


def _people(reader: Reader, handoffs: Sequence[Handoff]) -> dict[str, StoredResource]:
    """Whom the handoffs are about, by reference."""
    keys = {ResourceKey(m[1], m[2]) for h in handoffs if h.patient and (m := RELATIVE.match(h.patient))}
    return {str(stored.key): stored for stored in reader.read_many(keys).values() if not stored.deleted}


def _tree(stored: StoredResource | None) -> dict[str, Any]:
    return decode(stored.body) if stored else {}


def _prefers_html() -> bool:
    accept = request.accept_mimetypes
    return accept.best_match(["application/json", "text/html"], "application/json") == "text/html"
