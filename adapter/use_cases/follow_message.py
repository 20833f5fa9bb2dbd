"""A message about an earlier one: which handoffs it means, and which step it asks of each.

https://hl7.org/fhir/R4/messaging.html; what a message says is read in mappings/message_intent.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from adapter.domain.errors import NotFound
from adapter.domain.handoff import Handoff
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.ports import Reader, ResourceKey
from adapter.use_cases.world import World
from mappings import message as message_mapping
from mappings import message_intent as intent
from mappings import task as task_mapping
from mappings.dialects.dialect import Dialect
from mappings.interaction import Interaction
from mappings.json_codec import decode
from mappings.message import HEADER_AT, Message
from mappings.message_intent import Asked
from mappings.references import Resolve

Tree = dict[str, Any]
_Named = tuple[str, str, str]
"""Type, and system and value of an identifier."""

_NEEDS_REASON: Final = frozenset({"rejected", "cancelled", "failed", "on-hold"})
_UNDER_WAY: Final = frozenset({"in-progress", "on-hold"})


def earlier_handoffs(
    reader: Reader, message: Message, tenant: str, dialect: Dialect, taken_back: Asked | None
) -> Sequence[Handoff]:
    """The newest open handoff that the message's keys name, else the newest; with it, unless the message is an answer,
    those that the same message began."""
    if message.answers:
        keys = message_mapping.answered_keys(message.answers)
        mine = [h for h in reader.handoffs_by_correlation(keys) if h.owner == tenant]
    elif message.reason in dialect.update_reasons or taken_back:
        keys = message.earlier_keys()
        mine = [h for h in reader.handoffs_by_correlation(keys) if h.requester == tenant]
    else:
        return ()
    if not mine:
        return ()
    newest = max(mine, key=lambda h: (h.status not in TERMINAL, h.authored_on, h.updated_at))
    seed = message_mapping.seed_in(newest.correlation)
    with_it = [h for h in mine if seed and message_mapping.seed_in(h.correlation) == seed and h is not newest]
    return (newest,) if message.answers else (newest, *with_it)


def reach_by_identifier(
    reader: Reader, handoffs: Sequence[Handoff], tenant: str, interactions: Sequence[Interaction]
) -> None:
    """Let what a following message sends under new names reach what it sent before, where one business identifier says
    that they are the same: else a request that is revoked would stay active beside its copy."""
    stored = {r.key: r for handoff in handoffs for r in reader.resources_of(handoff.id)}
    before: dict[_Named, set[str]] = {}
    for resource in stored.values():
        if resource.author == tenant and not resource.deleted:
            for name in _names(resource.key.type, decode(resource.body)):
                before.setdefault(name, set()).add(resource.key.id)
    known = {i.fixed_id for i in interactions if i.fixed_id and ResourceKey(i.type, i.fixed_id) in stored}
    found: dict[str, list[Interaction]] = {}
    for interaction in interactions:
        names = _names(interaction.type, interaction.resource or {})
        same = set().union(*(before.get(name, ()) for name in names)) - known
        if interaction.fixed_id not in known and len(same) == 1:
            found.setdefault(same.pop(), []).append(interaction)
    for id_, meant in found.items():
        if len(meant) == 1:
            meant[0].fixed_id = id_


def _names(type_: str, tree: Tree) -> Iterator[_Named]:
    identifiers = tree.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else ():
        if "system" in identifier and "value" in identifier:
            yield type_, identifier["system"], identifier["value"]


def tasks_of(handoffs: Sequence[Handoff], asking: Sequence[Interaction]) -> Mapping[str, Interaction]:
    """Handoff id → the Task of a following message that stands for it. The only Task does for the only handoff,
    whatever it is called this time; of several, those that came before under the same name."""
    if len(handoffs) == len(asking) == 1:
        return {handoffs[0].id: asking[0]}
    known = {handoff.id for handoff in handoffs}
    return {i.fixed_id: i for i in asking if i.fixed_id in known}


def steps_followed(
    world: World,
    reader: Reader,
    handoffs: Sequence[Handoff],
    standing: Mapping[str, Interaction],
    message: Message,
    resolve: Resolve,
    taken_back: Asked | None,
) -> list[Interaction]:
    """What the initiator's message asks of each handoff, by its Task, by what that asks for, or as a whole. The Task of
    a draft is still its own to change: it goes in as it was sent."""
    steps: list[Interaction] = []
    for handoff in handoffs:
        task = standing.get(handoff.id)
        if task is not None and handoff.status == "draft":
            task.fixed_id, task.if_match = handoff.id, _version_of(reader, handoff)
            continue
        asked = intent.taken_back_by(message, task.resource or {}, resolve) if task is not None else None
        if asked is None and taken_back is not None and taken_back.by["resourceType"] != "Task":
            asked = taken_back
        if asked is None or asked.status == handoff.status:
            continue
        if asked.status == "cancelled" and handoff.status in _UNDER_WAY:
            steps.append(_abort_request(world, handoff))
        else:
            steps.append(_move(reader, handoff, asked, message))
    return steps


def step_answered(reader: Reader, handoff: Handoff, asked: Asked | None, message: Message) -> list[Interaction]:
    """What the recipient's answer asks for, with what its Task brings along."""
    if asked is None:
        return []
    told = intent.answered_content(asked.by) if asked.by["resourceType"] == "Task" else {}
    if asked.status == handoff.status and (handoff.status in TERMINAL or not told.keys() - {"lastModified"}):
        return []
    return [_move(reader, handoff, asked, message, told)]


def _move(
    reader: Reader, handoff: Handoff, asked: Asked, message: Message, told: Mapping[str, Any] | None = None
) -> Interaction:
    """The Task update that a message asks for by what it says about other resources."""
    stored = reader.read(ResourceKey("Task", handoff.id))
    if stored is None:
        raise NotFound("no such Task", expression=f"{HEADER_AT}.response.identifier")
    task = {**decode(stored.body), **(told or {}), "status": asked.status}
    if asked.status in _NEEDS_REASON and asked.status != handoff.status:
        task["statusReason"] = intent.reason_of(message, asked)
    return Interaction(
        method="PUT",
        type="Task",
        id=handoff.id,
        at=asked.at,
        resource=task,
        if_match=f'W/"{stored.version}"',
    )


def _version_of(reader: Reader, handoff: Handoff) -> str:
    stored = reader.read(ResourceKey("Task", handoff.id))
    return f'W/"{stored.version if stored else 0}"'


def _abort_request(world: World, handoff: Handoff) -> Interaction:
    """Work that is under way is stopped by whoever does it; the initiator's message asks for that."""
    directory = world.register.directory()
    requester, owner = directory.get(handoff.requester), directory.get(handoff.owner)
    if requester is None or owner is None:
        raise NotFound("no such partner", expression=f"{HEADER_AT}.destination")
    task = task_mapping.to_fhir(
        requester=requester,
        owner=owner,
        focus=f"Task/{handoff.id}",
        patient={"reference": handoff.patient} if handoff.patient else None,
        authored_on=world.clock.now(),
        base_url=world.base_url,
        description="Made by the adapter from a message that takes back what is under way.",
        code="abort",
    )
    return Interaction(method="POST", type="Task", at=HEADER_AT, resource=task)
