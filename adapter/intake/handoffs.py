"""GET /handoffs/{id}: where a handoff stands, who holds the person, what is awaited from whom and by when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema, fields

from adapter.domain.errors import NotFound
from adapter.domain.origin import Origin
from adapter.domain.scopes import Scopes
from adapter.use_cases.ports import ResourceKey, Store
from mappings.security_labels import NOTICE_HEADER


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


def handoff_routes(store: Store, authenticate: Authenticate, page: Page | None = None) -> Blueprint:
    """`page` answers whoever prefers HTML, as browsers do."""
    routes = Blueprint("handoffs", __name__)

    @routes.get("/handoffs/<id_>")
    def handoff(id_: str) -> Response:
        if page is not None and _prefers_html():
            return page(id_)
        client = authenticate(dict(request.headers))
        scopes: Scopes = client.scopes
        scopes.require("Task", "read")
        reader = store.reader(client.tenant)
        found = reader.handoff(id_)
        if found is None:
            raise NotFound("no such handoff")
        task = reader.read(ResourceKey("Task", id_))
        asked = Origin("read", request.url_root.rstrip("/"), request.remote_addr)
        store.disclosed(client.tenant, asked, [task] if task else [])
        shown = HandoffSchema().dump(found)
        shown["timeline"] = EventSchema(many=True).dump(reader.ledger_of(id_))
        shown["open_deadlines"] = [
            {"step": d.step, "due": d.due.isoformat()} for d in sorted(store.open_deadlines(id_), key=lambda d: d.due)
        ]
        response = jsonify(shown)
        response.vary.add("Accept")
        if task is not None and task.restricted_kinds:
            response.headers.update(NOTICE_HEADER)
        return response

    return routes


def _prefers_html() -> bool:
    accept = request.accept_mimetypes
    return accept.best_match(["application/json", "text/html"], "application/json") == "text/html"
