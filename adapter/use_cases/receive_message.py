"""$process-message: a request begins a handoff (with its own Task, or one made here), a later message moves it.

https://hl7.org/fhir/R4/messaging.html. A message that speaks of an earlier one which nobody knows here begins a handoff
of its own: better a second look at a person than none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from adapter.domain.errors import Invalid, NotAllowed, NotFound
from adapter.domain.origin import INTERNAL, Origin
from adapter.domain.partner import Directory, Partner
from adapter.use_cases.decision import refuse, the_only_one
from adapter.use_cases.follow_message import (
    earlier_handoffs,
    reach_by_identifier,
    step_answered,
    steps_followed,
    tasks_of,
)
from adapter.use_cases.ports import Answer, Reader
from adapter.use_cases.receive_bundle import Permit
from adapter.use_cases.transact import Done, Plan, Request, fresh_content, transact
from adapter.use_cases.world import World
from mappings import message as message_mapping
from mappings import message_intent as intent
from mappings import task as task_mapping
from mappings.dialects import DIALECTS
from mappings.dialects.dialect import Dialect
from mappings.interaction import Interaction
from mappings.json_codec import encode
from mappings.message import HEADER_AT, Message
from mappings.message_intent import Asked
from mappings.party import partner_named_by
from mappings.references import Resolve, base_of, contained_or, here
from mappings.security_labels import bundle_kinds

Tree = dict[str, Any]


def receive_message(
    world: World,
    tenant: str,
    bundle: Tree,
    raw: bytes,
    *,
    permit: Permit,
    request_key: str | None = None,
    destination: tuple[str, str] | None = None,
    origin: Origin = INTERNAL,
) -> Answer:
    """Carry out a message and answer it synchronously. `bundle` is `raw`, decoded and structurally checked;
    `destination` is the recipient's (system, value) where the transport names it (NHSD-Target-Identifier).

    Raises HandoffError: nothing was written."""
    directory = world.register.directory()
    sender = directory.get(tenant)
    dialect = DIALECTS[sender.dialect if sender else "base"]
    message = message_mapping.from_fhir(bundle, raw)
    _check_sender(message, tenant, directory, world.base_url)

    def plan(reader: Reader) -> Plan:
        message = message_mapping.from_fhir(content(), raw)
        for interaction in message_mapping.interactions(message, ""):
            permit(interaction)
        return _plan(world, reader, message, tenant, dialect, destination)

    content = fresh_content(bundle, raw)
    # Deciding gives the entries ids of ours; the answer names the message as its sender did.
    identifier = message_mapping.answered_identifier(message, dialect)

    def answer(done: Done) -> Answer:
        return _answer(world, message, identifier, done)

    return transact(world, Request(tenant, _keys(message, dialect, request_key, destination), origin), plan, answer)


def _keys(
    message: Message, dialect: Dialect, request_key: str | None, destination: tuple[str, str] | None
) -> tuple[tuple[str, bytes], ...]:
    """BaRS keeps Bundle.id across updates and leaves MessageHeader.id out; R4 names a message by both. So no id is a
    key: the sender's request id is, and the bytes are. A first message that has both ids and is sent again may have
    another timestamp (https://hl7.org/fhir/R4/messaging.html#reliable): then what is left of it is the key. The same
    message to another recipient is another one."""
    to = _to(destination)
    digest = hashlib.sha256(f"{message.digest}{to}".encode()).digest()
    keys = []
    if request_key:
        keys.append((f"request:{request_key}", digest))
    if identifier := message.bundle.get("identifier"):
        keys.append((f"bundle:{identifier.get('system', '')}|{identifier.get('value', '')}", digest))
    keys.append((f"body:{message.digest}{to}", digest))
    follows = message.answers or message.reason in dialect.update_reasons | dialect.cancel_reasons
    if not follows and "id" in message.bundle and "id" in message.header:
        lasting = hashlib.sha256(encode({k: v for k, v in message.bundle.items() if k not in {"timestamp", "meta"}}))
        keys.append((f"message:{lasting.hexdigest()}{to}", lasting.digest()))
    return tuple(keys)


def _check_sender(message: Message, tenant: str, directory: Directory, base_url: str) -> None:
    """The client's organisation is the sender. A message may describe it in its own words, not as another partner."""
    resolve = contained_or(message.header, message_mapping.bundle_resolver(message.bundle))
    named = partner_named_by(here(message.header.get("sender"), base_url), resolve, directory)
    if named is not None and named.id != tenant:
        raise NotAllowed(
            "expected MessageHeader.sender to belong to the organisation of the access token, got another partner",
            expression=f"{HEADER_AT}.sender",
        )


def _plan(
    world: World,
    reader: Reader,
    message: Message,
    tenant: str,
    dialect: Dialect,
    destination: tuple[str, str] | None,
) -> Plan:
    directory = world.register.directory()
    resolve = message_mapping.bundle_resolver(message.bundle)
    taken_back = None if message.answers else intent.withdrawn(message, dialect, resolve)
    earlier = earlier_handoffs(reader, message, tenant, dialect, taken_back)
    if not earlier:
        return _begin(world, message, tenant, dialect, resolve, destination, taken_back)
    if message.answers:
        # An answer brings resources of its own; an update reaches those of the message that it follows.
        interactions = message_mapping.interactions(message, _seed(tenant, message, destination))
        task = intent.answering_task(message, dialect, resolve)
        interactions = [i for i in interactions if i.resource is not task]
        asking: Sequence[Interaction] = ()
        steps = step_answered(reader, earlier[0], intent.answered(message, dialect, resolve), message)
    else:
        seed = message_mapping.seed_in(earlier[0].correlation) or _seed(tenant, message, destination)
        interactions = message_mapping.interactions(message, seed)
        reach_by_identifier(reader, earlier, tenant, [i for i in interactions if i.type != "Task"])
        asking = [i for i in interactions if _asks_an_organisation(i, message, resolve, directory)]
        standing = tasks_of(earlier, asking)
        steps = steps_followed(world, reader, earlier, standing, message, resolve, taken_back)
        drafts = {handoff.id for handoff in earlier if handoff.status == "draft"}
        told = [task for id_, task in standing.items() if id_ not in drafts]
        interactions = [i for i in interactions if not any(i is task for task in told)]
    for interaction in interactions:
        interaction.is_content = not any(interaction is task for task in asking)
    # Of several handoffs that one message began, each keeps to itself what was its own.
    joined = (earlier[0].id,) if len(earlier) == 1 else ()
    labels = bundle_kinds(message.bundle)
    return Plan([*interactions, *steps], handoffs=joined, refuse_dangling=False, labels=labels)


def _begin(
    world: World,
    message: Message,
    tenant: str,
    dialect: Dialect,
    resolve: Resolve,
    destination: tuple[str, str] | None,
    taken_back: Asked | None,
) -> Plan:
    if message.answers:
        _refuse_bare_answer(message, dialect, resolve)
    seed = _seed(tenant, message, destination)
    interactions = message_mapping.interactions(message, seed)
    directory = world.register.directory()
    tasks = [i for i in interactions if _asks_an_organisation(i, message, resolve, directory)]
    for interaction in interactions:
        interaction.is_content = not any(interaction is task for task in tasks)
    if not tasks and not any(_asks_to_abort(interaction) for interaction in interactions):
        owner = recipient(message, resolve, directory, destination, tenant, world.base_url)
        tasks = [_made_task(world, message, resolve, seed, tenant, owner)]
        interactions += tasks
    for task in tasks:
        by_task = taken_back is not None and taken_back.by["resourceType"] == "Task"
        by = intent.taken_back_by(message, task.resource or {}, resolve) if by_task else taken_back
        if by is not None:
            task.withdrawn = True
            (task.resource or {}).setdefault("statusReason", intent.reason_of(message, by))
    labels = bundle_kinds(message.bundle)
    return Plan(interactions, correlation=message.correlation(seed), refuse_dangling=False, labels=labels)


def _refuse_bare_answer(message: Message, dialect: Dialect, resolve: Resolve) -> None:
    """An answer to what nobody knows here may hand over somebody nevertheless, but not if it is about nobody, or says
    what became of something."""
    task = intent.answering_task(message, dialect, resolve)
    if intent.is_about_somebody(message, resolve) and (task is None or task["status"] in {"draft", "requested"}):
        return
    raise Invalid(
        "expected MessageHeader.response to name a message that this organisation was sent through here, got another",
        expression=f"{HEADER_AT}.response.identifier",
        code="not-found",
    )


def _seed(tenant: str, message: Message, destination: tuple[str, str] | None) -> str:
    """What the ids of a message's resources grow from; two organisations that send the same bytes share none, nor do
    two messages of the same bytes to two of them."""
    return hashlib.sha256(f"{tenant}\n{message.digest}{_to(destination)}".encode()).hexdigest()[:32]


def _to(destination: tuple[str, str] | None) -> str:
    return "".join(f"|{part}" for part in destination or ())


def _asks_an_organisation(interaction: Interaction, message: Message, resolve: Resolve, directory: Directory) -> bool:
    """A Task that says which organisation is asked. Others are content: BaRS messages carry Tasks without owner, and a
    Practitioner without a role does not tell for whom he works, which the destination does."""
    task = interaction.resource or {}
    if interaction.type != "Task" or "owner" not in task or not intent.of_organisations(task, resolve):
        return False
    if intent.owner_type(task, resolve) != "Practitioner":
        return True
    roles = message.trees_of("PractitionerRole")
    return partner_named_by(task["owner"], contained_or(task, resolve), directory, roles) is not None


def _asks_to_abort(interaction: Interaction) -> bool:
    return interaction.type == "Task" and task_mapping.is_abort(task_mapping.from_fhir(interaction.resource or {}))


def recipient(
    message: Message,
    resolve: Resolve,
    directory: Directory,
    destination: tuple[str, str] | None,
    tenant: str,
    base_url: str,
) -> Partner:
    """The registered partner that a message is for: by the transport, its destination, or what performs its focus.
    Raises BusinessRule naming the element when none of them is registered, or when several are."""
    at = f"{HEADER_AT}.destination"
    roles = message.trees_of("PractitionerRole")

    def named(element: Tree | None, holder: Tree) -> Partner | None:
        return partner_named_by(here(element, base_url), contained_or(holder, resolve), directory, roles)

    found = [directory.by_identifier(*destination)] if destination is not None else []
    if not any(found):
        # The receiver is a particular one of those behind the endpoint (https://hl7.org/fhir/R4/messageheader.html).
        found = [
            named(to.get("receiver"), message.header) or named({"reference": to.get("endpoint", "")}, message.header)
            for to in message.header.get("destination", ())
        ]
    focus = resolve(intent.focus_of(message, resolve) or "")
    if not any(found) and focus is not None:
        performers = focus.get("performer", ())
        actors = [participant.get("actor") for participant in focus.get("participant", ())]
        asked = [named(element, focus) for element in (performers if isinstance(performers, list) else ())]
        found = asked + [partner for actor in actors if (partner := named(actor, focus)) and partner.id != tenant]
        at = f"{message.place_of(focus)}.performer" if any(asked) else at
    partners = {partner.id: partner for partner in found if partner is not None}
    if not partners:
        raise refuse(
            "expected MessageHeader.destination to name a registered partner: an endpoint or system|value of the "
            "register, or a receiver whose Organization has an identifier of it; got none that is registered",
            at,
        )
    return the_only_one(partners, at, "destination", instead="send each a message of its own")


def _made_task(world: World, message: Message, resolve: Resolve, seed: str, tenant: str, owner: Partner) -> Interaction:
    """The coordination Task that the sender did not send (mappings/task.py), its references as in the Bundle."""
    initiator = world.register.directory().get(tenant)
    if initiator is None:
        raise NotFound("the organisation of the access token is not registered")
    focus = intent.focus_of(message, resolve)
    if focus is not None and resolve(focus) is None:
        raise Invalid(
            "expected MessageHeader.focus to reference a resource of this message, got one that is not in it",
            expression=f"{HEADER_AT}.focus[0].reference",
            code="not-found",
        )
    what = "an answer to a message that is not known here" if message.answers else "a message that carried no Task"
    task = task_mapping.to_fhir(
        requester=initiator,
        owner=owner,
        focus=focus,
        patient=intent.patient_in(message, resolve),
        authored_on=world.clock.now(),
        base_url=world.base_url,
        description=f"Made by the adapter from {what}.",
    )
    header = message.bundle["entry"][0]
    return Interaction(
        method="POST",
        type="Task",
        at=HEADER_AT,
        resource=task,
        full_url=_sibling_url(header.get("fullUrl"), seed),
        fixed_id=message_mapping.seeded_id(seed, "Task"),
    )


def _sibling_url(full_url: str | None, seed: str) -> str:
    """A fullUrl with the base of the sender's, so that the made Task's references resolve as the sender's do."""
    return f"{base_of(full_url) or 'urn:uuid:'}Task/{message_mapping.seeded_id(seed, 'Task')}"


def _answer(world: World, message: Message, identifier: str, done: Done) -> Answer:
    """The response message: the Task first, then what it asks for, as they now stand."""
    bodies = {f"{o.type}/{o.id}": o.body for o in done.outcomes if o.body and o.id}
    tasks = [f"Task/{id_}" for id_ in done.handoffs]
    focus = [f"{o.type}/{o.id}" for o in done.outcomes if o.type in {"ServiceRequest", "Appointment"} and o.id]
    resources = {key: bodies[key] for key in [*tasks, *focus] if key in bodies}
    body = message_mapping.response(
        message,
        identifier=identifier,
        header_id=world.new_id(),
        base_url=world.base_url,
        now=world.clock.now(),
        resources=resources,
        restricted=done.restricted,
    )
    return Answer(200, {}, body)
