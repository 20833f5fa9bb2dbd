"""A transaction that brings an order and no Task: the Task that asks the performer is made here, as for a message.

Who sends an order to somebody means that it be carried out. Stored without a word, it would be handed over to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapter.domain.errors import Issue
from adapter.domain.partner import Partner
from adapter.use_cases.decision import the_only_one
from adapter.use_cases.ports import Reader, ResourceKey
from adapter.use_cases.targets import match_at
from adapter.use_cases.world import World
from mappings import task as task_mapping
from mappings.interaction import Interaction, Outcome
from mappings.json_codec import decode
from mappings.message import bundle_resolver
from mappings.party import partner_named_by
from mappings.references import RELATIVE, Resolve, base_of, contained_or, here

Tree = dict[str, Any]

_ORDERED: Final = frozenset({"order", "original-order", "instance-order"})
"""Intents by which the sender itself asks; a `filler-order` is the performer's own record of it."""
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(slots=True)
class HandedOver:
    """What was made of the orders of a transaction: Tasks, which follow its own interactions, and what to say of each
    order, by the index of its entry."""

    tasks: list[Interaction] = field(default_factory=list)
    owners: list[tuple[int, Partner]] = field(default_factory=list)
    to_nobody: list[int] = field(default_factory=list)

    def remarks(self, made: Sequence[Outcome]) -> Iterator[tuple[int, Issue]]:
        """`made`: what came of the Tasks, in their order."""
        for (index, owner), outcome in zip(self.owners, made, strict=True):
            text = f"handed over by Task/{outcome.id}, made here as none was sent: it asks Organization/{owner.id}"
            yield index, Issue("informational", text, _at(index), "information")
        for index in self.to_nobody:
            text = (
                "expected a Task that asks somebody, or a registered partner as performer, got neither: stored, and "
                "handed over to nobody"
            )
            yield index, Issue("incomplete", text, f"{_at(index)}.performer", "warning")


def hand_over_orders(
    world: World, reader: Reader, tenant: str, bundle: Tree, interactions: Sequence[Interaction]
) -> HandedOver:
    """Raises BusinessRule when an order names several registered partners, or one that is disabled."""
    found = HandedOver()
    if any(each.type == "Task" and each.method in _WRITES for each in interactions):
        return found
    orders = [(index, each) for index, each in enumerate(interactions) if _is_order(each, reader)]
    if not orders:
        return found
    initiator = world.register.directory().get(tenant)
    named = _naming(world, reader, bundle)
    for index, order in orders:
        assert order.resource is not None
        performers = {p.id: p for element in order.resource.get("performer", ()) if (p := named(element, order))}
        if not performers:
            found.to_nobody.append(index)
        elif initiator is not None and tenant not in performers:
            instead = "send a Task that asks one of them"
            owner = the_only_one(performers, f"{order.at}.performer", "performer", instead=instead)
            found.tasks.append(_task(world, order, initiator, owner))
            found.owners.append((index, owner))
    return found


def _is_order(interaction: Interaction, reader: Reader) -> bool:
    """A new order that is to be carried out; not one that is here already by its condition."""
    order = interaction.resource or {}
    if interaction.type != "ServiceRequest" or interaction.method != "POST" or order.get("doNotPerform"):
        return False
    if order.get("status") != "active" or order.get("intent") not in _ORDERED:
        return False
    criteria = interaction.if_none_exist
    return not criteria or not match_at(interaction.condition_at("ifNoneExist"), reader, interaction.type, criteria)


def _naming(world: World, reader: Reader, bundle: Tree) -> Callable[[Tree, Interaction], Partner | None]:
    """Which partner an element of an order names, by what is sent with it or stands here."""
    sent, directory = bundle_resolver(bundle), world.register.directory()
    roles = [each["resource"] for each in bundle["entry"] if _type(each) == "PractitionerRole"]

    def stored(reference: str) -> Tree | None:
        match = RELATIVE.match(reference)
        found = reader.read(ResourceKey(match.group(1), match.group(2))) if match else None
        return decode(found.body) if found is not None and not found.deleted else None

    resolve: Resolve = lambda reference: sent(reference) or stored(reference)  # noqa: E731 - a line says it

    def named(element: Tree, order: Interaction) -> Partner | None:
        return partner_named_by(
            here(element, world.base_url), contained_or(order.resource or {}, resolve), directory, roles
        )

    return named


def _type(entry: Tree) -> str | None:
    return (entry.get("resource") or {}).get("resourceType")


def _task(world: World, order: Interaction, initiator: Partner, owner: Partner) -> Interaction:
    """Its references stand as those of the order do, and are resolved with them."""
    order.full_url = order.full_url or f"urn:uuid:{world.new_id()}"
    subject = (order.resource or {}).get("subject") or {}
    base = base_of(order.full_url)
    task = task_mapping.to_fhir(
        requester=initiator,
        owner=owner,
        focus=order.full_url,
        patient={**subject} if subject and not subject.get("reference", "").startswith("#") else None,
        authored_on=world.clock.now(),
        base_url=world.base_url,
        description="Made by the adapter from a transaction that carried no Task.",
    )
    full_url = f"{base}Task/{world.new_id()}" if base else None
    return Interaction(method="POST", type="Task", at=order.at, resource=task, full_url=full_url)


def _at(index: int) -> str:
    return f"Bundle.entry[{index}].resource"
