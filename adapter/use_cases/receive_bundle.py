"""POST of a Bundle to the base: a transaction is one decision, a batch one for each entry.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from adapter.domain.disclosure import PART2
from adapter.domain.errors import HandoffError, Issue, NotSupported
from adapter.domain.origin import INTERNAL, Origin
from adapter.use_cases.order_without_task import HandedOver, hand_over_orders
from adapter.use_cases.ports import Answer, Reader, StoredResource
from adapter.use_cases.read import Disclose, read, show_nobody
from adapter.use_cases.transact import Done, Plan, Request, fresh_content, transact
from adapter.use_cases.world import World
from mappings import bundle as bundle_mapping
from mappings.interaction import INTERACTION_CODES, Interaction, Outcome
from mappings.json_codec import encode
from mappings.security_labels import NOTICE_HEADER, bundle_kinds, restricted_kinds_of

Tree = dict[str, Any]
Permit = Callable[[Interaction], None]
"""Raises NotAllowed when the client's scopes do not cover an interaction."""
Describe = Callable[[HandoffError], tuple[int, bytes]]
"""A refusal → its status and OperationOutcome."""

Remarks = Mapping[int, Sequence[Issue]]
"""Index of an entry → what was noticed about it without being refused."""
Outcomes = Callable[[Sequence[Issue]], bytes]
"""Issues → their OperationOutcome."""
NO_REMARKS: Remarks = MappingProxyType({})

_READS = frozenset({"GET", "HEAD"})


def receive_bundle(
    world: World,
    tenant: str,
    bundle: Tree,
    raw: bytes,
    *,
    permit: Permit,
    request_key: str | None = None,
    with_bodies: bool = False,
    describe: Describe,
    origin: Origin = INTERNAL,
    remarks: Remarks = NO_REMARKS,
    outcome: Outcomes,
) -> Answer:
    """Carry out a transaction or batch. `bundle` is `raw`, decoded and structurally checked; `describe` turns the
    refusal of a batch entry into its status and OperationOutcome. Raises HandoffError: nothing was written."""
    told = {index: outcome(issues) for index, issues in remarks.items()}
    kind = bundle["type"]
    if kind == "batch":
        return _batch(world, tenant, bundle, raw, permit, request_key, with_bodies, describe, origin, told)
    if kind != "transaction":
        raise NotSupported(
            f"expected a Bundle of type transaction or batch here, got {kind}; a message goes to $process-message",
            expression="Bundle.type",
        )
    content = fresh_content(bundle, raw)
    labels = bundle_kinds(bundle)
    asked: dict[int, Interaction] = {}
    handed_over = HandedOver()

    def plan(reader: Reader) -> Plan:
        nonlocal handed_over
        tree = content()
        interactions = bundle_mapping.from_fhir(tree)
        for index, interaction in enumerate(interactions):
            permit(interaction)
            if interaction.method in _READS:
                asked[index] = interaction
                # A read that must fail refuses the whole before anything is written.
                read(reader, interaction, show_nobody)
        handed_over = hand_over_orders(world, reader, tenant, tree, interactions)
        for task in handed_over.tasks:
            permit(task)
        return Plan([*interactions, *handed_over.tasks], labels=labels)

    def answer(done: Done) -> Answer:
        sent = len(done.outcomes) - len(handed_over.tasks)
        for index, issue in handed_over.remarks(done.outcomes[sent:]):
            told[index] = outcome([*remarks.get(index, ()), issue])
        entries = [
            bundle_mapping.response_entry(each, with_bodies, told.get(index))
            for index, each in enumerate(done.outcomes[:sent])
        ]
        kinds = done.restricted if with_bodies else ()
        return Answer(200, {}, bundle_mapping.response_bundle("transaction-response", world.new_id(), entries, kinds))

    given = transact(world, Request(tenant, _keys(bundle, raw, request_key), origin), plan, answer)
    if not asked:
        return given
    # Reads see what the writes left (https://hl7.org/fhir/R4/http.html#trules), so they are answered after them.
    reader = world.store.reader(tenant)
    disclose = _Disclosing(world, tenant, origin)
    found = {index: _found(reader, interaction, describe, disclose) for index, interaction in asked.items()}
    headers = {**given.headers, **NOTICE_HEADER} if disclose.restricted else given.headers
    return replace(given, headers=headers, body=bundle_mapping.with_entries(given.body, found, disclose.restricted))


class _Disclosing:
    """The `Disclose` of a request; it remembers which restrictions what it showed comes under."""

    def __init__(self, world: World, tenant: str, origin: Origin):
        self._world, self._tenant, self._origin = world, tenant, origin
        self.restricted: frozenset[str] = frozenset()

    def __call__(self, interaction: str, resources: Sequence[StoredResource], query: str | None) -> None:
        self._world.store.disclosed(self._tenant, self._origin.asking(interaction, query), resources)
        self.restricted |= restricted_kinds_of(resources)


def _found(reader: Reader, interaction: Interaction, describe: Describe, disclose: Disclose) -> bytes:
    try:
        outcome = read(reader, interaction, disclose)
    except HandoffError as refusal:  # what this very transaction deleted
        outcome = _refused(refusal, describe)
    return bundle_mapping.response_entry(outcome, with_bodies=True)


def _refused(refusal: HandoffError, describe: Describe) -> Outcome:
    status, body = describe(refusal)
    return Outcome(status, "OperationOutcome", body=body)


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
    raw: bytes,
    permit: Permit,
    request_key: str | None,
    with_bodies: bool,
    describe: Describe,
    origin: Origin,
    told: Mapping[int, bytes],
) -> Answer:
    """Each entry by itself, and so each with a key of its own: a repeated batch repeats what failed, nothing else."""
    digest = hashlib.sha256(raw).digest()
    labels = bundle_kinds(bundle)
    entries: list[bytes] = []
    headers: dict[str, str] = {}
    for index, entry in enumerate(bundle.get("entry", ())):
        keys = ((f"request:{request_key}#{index}", digest),) if request_key else ()
        try:
            request = Request(tenant, keys, origin)
            given = _batch_entry(world, request, entry, index, permit, with_bodies, told.get(index), labels)
            entries.append(given.body)
            headers |= given.headers
        except HandoffError as refusal:
            entries.append(bundle_mapping.response_entry(_refused(refusal, describe), with_bodies))
    restricted = {PART2} if headers else ()
    return Answer(200, headers, bundle_mapping.response_bundle("batch-response", world.new_id(), entries, restricted))


def _batch_entry(
    world: World,
    request: Request,
    entry: Tree,
    index: int,
    permit: Permit,
    with_bodies: bool,
    remark: bytes | None,
    labels: frozenset[str],
) -> Answer:
    """The entry of the response, with the notice where it must be accompanied by it."""
    (interaction,) = bundle_mapping.from_fhir({"entry": [entry]}, first=index)
    permit(interaction)
    origin = request.origin or INTERNAL
    if interaction.method in _READS:
        disclose = _Disclosing(world, request.tenant, origin)
        outcome = read(world.store.reader(request.tenant), interaction, disclose)
        headers = NOTICE_HEADER if disclose.restricted else {}
        return Answer(200, headers, bundle_mapping.response_entry(outcome, with_bodies))
    request = replace(request, origin=origin.asking(INTERACTION_CODES[interaction.method]))
    content = fresh_content(entry, encode(entry))

    def plan(_reader: object) -> Plan:
        return Plan(bundle_mapping.from_fhir({"entry": [content()]}, first=index), labels=labels)

    def answer(done: Done) -> Answer:
        return Answer(200, {}, bundle_mapping.response_entry(done.outcomes[0], with_bodies, remark))

    return transact(world, request, plan, answer)
