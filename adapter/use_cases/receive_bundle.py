"""POST of a Bundle to the base: a transaction is one decision, a batch one for each entry.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from adapter.domain.errors import HandoffError, NotSupported
from adapter.use_cases.ports import Answer
from adapter.use_cases.read import read
from adapter.use_cases.transact import Done, Plan, Request, fresh_content, transact
from adapter.use_cases.world import World
from mappings import bundle as bundle_mapping
from mappings.interaction import Interaction, Outcome
from mappings.json_codec import encode

Tree = dict[str, Any]
Permit = Callable[[Interaction], None]
"""Raises NotAllowed when the client's scopes do not cover an interaction."""


def receive_bundle(
    world: World,
    tenant: str,
    bundle: Tree,
    raw: bytes,
    *,
    permit: Permit,
    request_key: str | None = None,
    with_bodies: bool = False,
    describe: Callable[[HandoffError], tuple[int, bytes]],
) -> Answer:
    """Carry out a transaction or batch. `bundle` is `raw`, decoded and structurally checked; `describe` turns the
    refusal of a batch entry into its status and OperationOutcome. Raises HandoffError: nothing was written."""
    kind = bundle["type"]
    if kind == "batch":
        return _batch(world, tenant, bundle, permit, with_bodies, describe)
    if kind != "transaction":
        raise NotSupported(
            f"expected a Bundle of type transaction or batch here, got {kind}; a message goes to $process-message",
            expression="Bundle.type",
        )
    content = fresh_content(bundle, raw)

    def plan(_reader: object) -> Plan:
        interactions = bundle_mapping.from_fhir(content())
        for interaction in interactions:
            permit(interaction)
        return Plan(interactions)

    def answer(done: Done) -> Answer:
        body = bundle_mapping.response_bundle("transaction-response", world.new_id(), list(done.outcomes), with_bodies)
        return Answer(200, {}, body)

    return transact(world, Request(tenant, _keys(bundle, raw, request_key)), plan, answer)


def _keys(bundle: Tree, raw: bytes, request_key: str | None) -> tuple[tuple[str, bytes], ...]:
    """What makes this request the same as an earlier one. Without a key from the sender, the bytes are the key when
    something would be created: a sender that repeats a Bundle after a timeout means the same handoff."""
    digest = hashlib.sha256(raw).digest()
    keys = []
    if request_key:
        keys.append((f"request:{request_key}", digest))
    if identifier := bundle.get("identifier"):
        keys.append((f"bundle:{identifier.get('system', '')}|{identifier.get('value', '')}", digest))
    if not keys and any(entry["request"]["method"] == "POST" for entry in bundle.get("entry", ())):
        keys.append((f"body:{digest.hex()}", digest))
    return tuple(keys)


def _batch(
    world: World,
    tenant: str,
    bundle: Tree,
    permit: Permit,
    with_bodies: bool,
    describe: Callable[[HandoffError], tuple[int, bytes]],
) -> Answer:
    outcomes: list[Outcome] = []
    for index, entry in enumerate(bundle.get("entry", ())):
        try:
            outcomes.append(_batch_entry(world, tenant, entry, index, permit))
        except HandoffError as refusal:
            status, body = describe(refusal)
            outcomes.append(Outcome(status, "OperationOutcome", body=body))
    body = bundle_mapping.response_bundle("batch-response", world.new_id(), outcomes, with_bodies)
    return Answer(200, {}, body)


def _batch_entry(world: World, tenant: str, entry: Tree, index: int, permit: Permit) -> Outcome:
    (interaction,) = bundle_mapping.from_fhir({"entry": [entry]}, first=index)
    permit(interaction)
    if interaction.method in {"GET", "HEAD"}:
        return read(world.store.reader(tenant), interaction)
    outcomes: list[Outcome] = []

    def answer(done: Done) -> Answer:
        outcomes[:] = done.outcomes
        return Answer(200, {}, b"")

    content = fresh_content(entry, encode(entry))

    def plan(_reader: object) -> Plan:
        return Plan(bundle_mapping.from_fhir({"entry": [content()]}, first=index))

    transact(world, Request(tenant), plan, answer)
    return outcomes[0]
