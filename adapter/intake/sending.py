"""POST /handoffs and what follows below /handoffs/{id}: a handoff begun, answered and added to in plain JSON.

What is sent becomes the resources of a transaction and takes the one write path, so the same gates, rights and
notifications hold as for a FHIR sender. A refusal is told with the member of the plain JSON that it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError

from adapter.domain.errors import HandoffError, Invalid, Issue, NotFound, VersionConflict
from adapter.domain.handoff import Handoff
from adapter.domain.origin import Origin
from adapter.domain.scopes import Scopes
from adapter.intake.handoffs import Authenticate
from adapter.intake.refusals import REQUIRED, in_our_words
from adapter.intake.schema import (
    AnswerSchema,
    AttemptSchema,
    BookingSchema,
    ConsentSchema,
    DocumentSchema,
    EmergencySchema,
    NewHandoffSchema,
)
from adapter.use_cases.ports import Answer, Reader, ResourceKey
from adapter.use_cases.transact import Done, Plan, Request, transact
from adapter.use_cases.world import World
from mappings import bundle as bundle_mapping
from mappings import plain_additions, plain_handoff
from mappings.interaction import INTERACTION_CODES, version_in_etag
from mappings.json_codec import decode, encode
from mappings.plain_resources import Existing, Plain, Resources

Tree = dict[str, Any]
IF_MATCH: Final = "http.If-Match"


@dataclass(frozen=True, slots=True)
class Sending:
    """What the roof gives this door: `body` reads the request within its bounds, `request_key` its X-Request-ID, and
    `refuse_invalid` checks a Bundle as if a FHIR sender had sent it."""

    world: World
    authenticate: Authenticate
    body: Callable[[], bytes]
    request_key: Callable[[], str | None]
    refuse_invalid: Callable[[Tree], object]

    def send(
        self,
        raw: bytes,
        scopes: Scopes,
        tenant: str,
        build: Callable[[Reader], Resources],
        answer: Callable[[Done], Answer],
        *,
        once: bool,
    ) -> Response:
        """Carry out what `build` makes of the request. `once`: sent again with the same body it means the same, also
        without a key of its own. Raises HandoffError, located in the plain JSON."""
        made = Resources()

        def plan(reader: Reader) -> Plan:
            nonlocal made
            made = build(reader)
            if not made.entries:
                return Plan([])
            self.refuse_invalid(made.bundle)
            # Deciding rewrites references in place; what was built stays, to find the member of a fault.
            interactions = bundle_mapping.from_fhir(decode(encode(made.bundle)))
            for interaction in interactions:
                scopes.require(interaction.type, INTERACTION_CODES[interaction.method])
            return Plan(interactions)

        key = self.request_key()
        digest = hashlib.sha256(f"{request.path}\n".encode() + raw).digest()
        keys = ((f"request:{key}", digest),) if key else ()
        if not keys and once:
            keys = ((f"body:{digest.hex()}", digest),)
        origin = Origin("transaction", self.world.base_url, request.remote_addr, key)
        try:
            given = transact(self.world, Request(tenant, keys, origin), plan, answer)
        except HandoffError as refusal:
            raise type(refusal)([_in_plain(issue, made) for issue in refusal.issues]) from None
        response = Response(given.body, given.status, content_type="application/json")
        response.headers.update(given.headers)
        return response


def sending_routes(sending: Sending) -> Blueprint:
    routes = Blueprint("sending", __name__)

    @routes.post("/handoffs")
    def send() -> Response:
        client = sending.authenticate(dict(request.headers))
        raw = sending.body()
        plain = _loaded(NewHandoffSchema(), raw)

        def answer(done: Done) -> Answer:
            (task,) = (outcome for outcome in done.outcomes if outcome.type == "Task")
            return Answer(201, {"Location": f"/handoffs/{task.id}"}, _standing(done.handoffs[str(task.id)]))

        build = lambda _reader: plain_handoff.request(plain, client.tenant)  # noqa: E731 - names what is done with it
        return sending.send(raw, client.scopes, client.tenant, build, answer, once=True)

    @routes.post("/handoffs/<id_>/status")
    def status(id_: str) -> Response:
        return _add(sending, id_, AnswerSchema(), plain_handoff.answer, 200)

    @routes.post("/handoffs/<id_>/contacts")
    def contacts(id_: str) -> Response:
        return _add(sending, id_, AttemptSchema(), plain_additions.contact, 201, once=True)

    @routes.post("/handoffs/<id_>/appointment")
    def appointment(id_: str) -> Response:
        return _add(sending, id_, BookingSchema(), plain_additions.booking, 200)

    @routes.post("/handoffs/<id_>/documents")
    def documents(id_: str) -> Response:
        return _add(sending, id_, DocumentSchema(), plain_additions.attachment, 201, once=True)

    @routes.post("/handoffs/<id_>/consents")
    def consents(id_: str) -> Response:
        return _add(sending, id_, ConsentSchema(), plain_additions.consented, 201)

    @routes.post("/handoffs/<id_>/emergency")
    def emergency(id_: str) -> Response:
        return _add(sending, id_, EmergencySchema(), plain_additions.emergency_at, 201, once=True)

    @routes.delete("/handoffs/<id_>/consents")
    def withdraw(id_: str) -> Response:
        return _add(sending, id_, None, lambda _, existing: plain_additions.withdrawal(existing), 200)

    return routes


def _add(
    sending: Sending,
    id_: str,
    schema: Schema | None,
    make: Callable[[Plain, Existing], Resources],
    status: int,
    *,
    once: bool = False,
) -> Response:
    """Add to a handoff, or answer it, what `make` makes of the body."""
    client = sending.authenticate(dict(request.headers))
    client.scopes.require("Task", "read")
    raw = sending.body() if schema else b""
    plain = _loaded(schema, raw) if schema else {}
    held: Handoff | None = None

    def build(reader: Reader) -> Resources:
        nonlocal held
        task, held = reader.read(ResourceKey("Task", id_)), reader.handoff(id_)
        if task is None or task.deleted or held is None:
            raise NotFound("no such handoff")
        _check_match(task.version)
        related = [(decode(r.body), r.version, r.author) for r in reader.resources_of(id_) if not r.deleted]
        is_initiator = held.requester == client.tenant
        return make(plain, Existing(decode(task.body), task.version, related, client.tenant, is_initiator))

    def answer(done: Done) -> Answer:
        handoff = next((each for each in done.written if each.id == id_), held)
        assert handoff is not None
        return Answer(status, {}, _standing(handoff))

    return sending.send(raw, client.scopes, client.tenant, build, answer, once=once)


def _check_match(version: int) -> None:
    """Raises VersionConflict when the sender decided on another version than the one that stands."""
    stated = request.headers.get("If-Match")
    if stated is not None and version_in_etag(stated, IF_MATCH) != version:
        text = f'expected If-Match W/"{version}", the current version, got another; read the handoff again'
        raise VersionConflict(text, expression=IF_MATCH)


def _standing(handoff: Handoff) -> bytes:
    """Where the handoff stands now, in short; `GET /handoffs/{id}` says all."""
    action = handoff.next_action
    return encode(
        {
            "id": handoff.id,
            "status": handoff.status,
            "responsible": handoff.responsible,
            "next_action": {"code": action.code, "who": action.who, "by": action.by} if action else None,
            "acceptance_deadline": handoff.acceptance_deadline,
        }
    )


def _loaded(schema: Schema, raw: bytes) -> Mapping[str, Any]:
    """Raises Malformed or Invalid; a fault of the content is located at its member."""
    content = decode(raw)
    if not isinstance(content, dict):
        raise Invalid("expected a JSON object at line 1 column 1, got something else", code="structure")
    try:
        loaded: Mapping[str, Any] = schema.load(content)
    except ValidationError as error:
        raise Invalid(list(_issues(error.messages, ""))) from None
    return loaded


def _issues(messages: Any, at: str) -> list[Issue]:
    if isinstance(messages, dict):
        found = []
        for name, inner in messages.items():
            step = f"[{name}]" if isinstance(name, int) else "" if name == "_schema" else f".{_member(str(name))}"
            found += _issues(inner, f"{at}{step}")
        return found
    texts = [in_our_words(str(message)) for message in messages]
    return [Issue("required" if REQUIRED in texts else "invalid", "; ".join(texts), at.removeprefix(".") or None)]


def _member(name: str) -> str:
    """An unknown member may be called anything, a name of a person too: only what looks like one of ours is told."""
    return name if len(name) <= 40 and name.replace("_", "").replace("-", "").isascii() and name.islower() else "…"


def _in_plain(issue: Issue, made: Resources) -> Issue:
    if issue.expression == IF_MATCH:
        return issue
    return replace(issue, expression=made.member_at(issue.expression))
