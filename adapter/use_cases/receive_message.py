"""$process-message: a request begins a handoff (with its own Task, or one made here), a later message moves it.

https://hl7.org/fhir/R4/messaging.html. A message that speaks of an earlier one which nobody knows here begins a handoff
of its own: better a second look at a person than none.
"""

from __future__ import annotations

import hashlib
from typing import Any

from adapter.domain.errors import Invalid, NotAllowed, NotFound
from adapter.domain.handoff import Handoff
from adapter.domain.origin import INTERNAL, Origin
from adapter.domain.partner import Directory, Partner
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.decision import refuse
from adapter.use_cases.ports import Answer, Reader, ResourceKey
from adapter.use_cases.receive_bundle import Permit
from adapter.use_cases.transact import Done, Plan, Request, fresh_content, transact
from adapter.use_cases.world import World
from mappings import message as message_mapping
from mappings import task as task_mapping
from mappings.dialects import DIALECTS
from mappings.dialects.dialect import Dialect
from mappings.interaction import Interaction
from mappings.json_codec import decode
from mappings.message import Message
from mappings.party import partner_named_by
from mappings.references import Resolve, base_of
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
    _check_sender(message, tenant, directory)

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

    return transact(world, Request(tenant, _keys(message, request_key), origin), plan, answer)


def _keys(message: Message, request_key: str | None) -> tuple[tuple[str, bytes], ...]:
    """BaRS keeps Bundle.id across updates and leaves MessageHeader.id out; R4 names a message by both. So neither is a
    key alone: the pair is, beside the sender's request id; and the bytes are when there is neither."""
    digest = hashlib.sha256(message.digest.encode()).digest()
    keys = []
    if request_key:
        keys.append((f"request:{request_key}", digest))
    if identifier := message.bundle.get("identifier"):
        keys.append((f"bundle:{identifier.get('system', '')}|{identifier.get('value', '')}", digest))
    keys.append((f"body:{message.digest}", digest))
    return tuple(keys)


def _check_sender(message: Message, tenant: str, directory: Directory) -> None:
    """The client's organisation is the sender. A message may describe it in its own words, not as another partner."""
    named = partner_named_by(message.header.get("sender"), message_mapping.bundle_resolver(message.bundle), directory)
    if named is not None and named.id != tenant:
        raise NotAllowed(
            "expected MessageHeader.sender to belong to the organisation of the access token, got another partner",
            expression="Bundle.entry[0].resource.sender",
        )


def _plan(
    world: World,
    reader: Reader,
    message: Message,
    tenant: str,
    dialect: Dialect,
    destination: tuple[str, str] | None,
) -> Plan:
    resolve = message_mapping.bundle_resolver(message.bundle)
    earlier = _earlier(reader, message, tenant, dialect)
    if earlier is None:
        return _begin(world, message, tenant, resolve, destination)
    # An update reaches the resources of the message that it follows; an answer brings resources of its own.
    followed = None if message.answers else message_mapping.seed_in(earlier.correlation)
    seed = followed or _seed(tenant, message)
    interactions = message_mapping.interactions(message, seed)
    if message.answers:
        status = message_mapping.asked_status(message, dialect, resolve)
        interactions = [i for i in interactions if i.type != "Task" or "owner" not in (i.resource or {})]
    else:
        status = "cancelled" if message_mapping.withdraws(message, dialect) else None
    if status and status != earlier.status:
        interactions.append(_move(reader, earlier, status, message))
    labels = bundle_kinds(message.bundle)
    return Plan(interactions, handoffs=(earlier.id,), refuse_dangling=False, labels=labels)


def _earlier(reader: Reader, message: Message, tenant: str, dialect: Dialect) -> Handoff | None:
    """The handoff that this message is about: the newest open one that its keys name, else the newest."""
    if message.answers:
        keys = message_mapping.answered_keys(message.answers)
        mine = [h for h in reader.handoffs_by_correlation(keys) if h.owner == tenant]
    elif message.reason in dialect.update_reasons or message_mapping.withdraws(message, dialect):
        keys = message.earlier_keys()
        mine = [h for h in reader.handoffs_by_correlation(keys) if h.requester == tenant]
    else:
        return None
    return max(mine, key=lambda h: (h.status not in TERMINAL, h.authored_on, h.updated_at), default=None)


def _begin(world: World, message: Message, tenant: str, resolve: Resolve, destination: tuple[str, str] | None) -> Plan:
    directory = world.register.directory()
    seed = _seed(tenant, message)
    interactions = message_mapping.interactions(message, seed)
    if not any(_is_coordination_task(i) for i in interactions):
        owner = recipient(message, resolve, directory, destination)
        initiator = directory.get(tenant)
        if initiator is None:
            raise NotFound("the organisation of the access token is not registered")
        interactions.append(_made_task(world, message, resolve, seed, initiator, owner))
    labels = bundle_kinds(message.bundle)
    return Plan(interactions, correlation=message.correlation(seed), refuse_dangling=False, labels=labels)


def _seed(tenant: str, message: Message) -> str:
    """What the ids of a message's resources grow from; two organisations that send the same bytes share none."""
    return hashlib.sha256(f"{tenant}\n{message.digest}".encode()).hexdigest()[:32]


def _is_coordination_task(interaction: Interaction) -> bool:
    """A Task that says whose it is. BaRS messages carry Tasks without owner: content, not coordination."""
    if interaction.type != "Task" or "owner" not in (interaction.resource or {}):
        return False
    view = task_mapping.from_fhir(interaction.resource or {})
    return not task_mapping.names_a_person_as_owner(view) and not task_mapping.is_abort(view)


def recipient(message: Message, resolve: Resolve, directory: Directory, destination: tuple[str, str] | None) -> Partner:
    """The registered partner that a message is for: by the transport, its destination, or what performs its focus.
    Raises BusinessRule naming the element when none of them is registered."""
    at = "Bundle.entry[0].resource.destination"
    candidates: list[Partner | None] = []
    if destination is not None:
        candidates.append(directory.by_identifier(*destination))
    for named in message.header.get("destination", ()):
        candidates.append(directory.by_endpoint(named.get("endpoint", "")))
        candidates.append(partner_named_by(named.get("receiver"), resolve, directory))
    for reference in message.focus:
        focus = resolve(reference) or {}
        for performer in [*focus.get("performer", ()), *(p.get("actor") for p in focus.get("participant", ()))]:
            candidates.append(partner_named_by(performer, resolve, directory))
    found = next((partner for partner in candidates if partner is not None), None)
    if found is None:
        raise refuse(
            "expected MessageHeader.destination to name a registered partner: an endpoint or system|value of the "
            "register, or a receiver whose Organization has an identifier of it; got none that is registered",
            at,
        )
    if not found.active:
        raise refuse("expected an active partner as the destination, got one that is disabled", at)
    return found


def _made_task(
    world: World, message: Message, resolve: Resolve, seed: str, initiator: Partner, owner: Partner
) -> Interaction:
    """The coordination Task that the sender did not send (mappings/task.py), its references as in the Bundle."""
    focus = message.focus[0] if message.focus else None
    if focus is not None and resolve(focus) is None:
        raise Invalid(
            "expected MessageHeader.focus to reference a resource of this message, got one that is not in it",
            expression="Bundle.entry[0].resource.focus[0].reference",
            code="not-found",
        )
    task = task_mapping.to_fhir(
        requester=initiator,
        owner=owner,
        focus=focus,
        patient=message_mapping.patient_in(message, resolve),
        authored_on=world.clock.now(),
        description="Made by the adapter from a message that carried no Task.",
    )
    header = message.bundle["entry"][0]
    return Interaction(
        method="POST",
        type="Task",
        at="Bundle.entry[0].resource",
        resource=task,
        full_url=_sibling_url(header.get("fullUrl"), seed),
        fixed_id=message_mapping.seeded_id(seed, "Task"),
    )


def _sibling_url(full_url: str | None, seed: str) -> str:
    """A fullUrl with the base of the sender's, so that the made Task's references resolve as the sender's do."""
    return f"{base_of(full_url) or 'urn:uuid:'}Task/{message_mapping.seeded_id(seed, 'Task')}"


def _move(reader: Reader, handoff: Handoff, status: str, message: Message) -> Interaction:
    """The Task update that a message asks for by what it says about other resources."""
    stored = reader.read(ResourceKey("Task", handoff.id))
    if stored is None:
        raise NotFound("no such Task", expression="Bundle.entry[0].resource.response.identifier")
    task = decode(stored.body)
    task["status"] = status
    if "statusReason" not in task and status in {"rejected", "cancelled", "failed", "on-hold"}:
        task["statusReason"] = _reason(message)
    return Interaction(
        method="PUT",
        type="Task",
        id=handoff.id,
        at="Bundle.entry[0].resource",
        resource=task,
        if_match=f'W/"{stored.version}"',
    )


def _reason(message: Message) -> Tree:
    """Why, as the message's resources say it; else that it was told by message."""
    for entry in message.bundle["entry"]:
        resource = entry["resource"]
        for element in ("statusReason", "cancelationReason", "cancellationReason", "reasonCode"):
            value = resource.get(element)
            concept = value[0] if isinstance(value, list) and value else value
            if resource["resourceType"] in {"Encounter", "Appointment", "Task"} and isinstance(concept, dict):
                return concept
    return {"text": "told by message, without a reason of its own"}


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
