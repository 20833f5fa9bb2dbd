"""Everything that proves one handoff, read as one organisation, and judged by the rules of its pathway.

What the organisation may not read is not there and takes no part in a verdict; a resource belongs to a handoff for all
of its readers or for none, so that both sides get the same verdicts (counseling notes apart, docs/consent.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from adapter.domain import events
from adapter.domain.errors import NotFound
from adapter.domain.evidence import judge
from adapter.domain.facts import Facts
from adapter.domain.gate_verdicts import judge_gates
from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.domain.origin import Origin
from adapter.domain.partner import Directory
from adapter.domain.pathway import BASE_PATHWAY
from adapter.use_cases.ports import Reader, ResourceKey, StoredResource
from adapter.use_cases.read import read_one
from adapter.use_cases.world import World
from mappings.evidence import Escalation, Evidence, Kept, Tree
from mappings.facts import extract_facts
from mappings.json_codec import decode, encode
from mappings.organization import directory_entry
from mappings.party import partner_named_by
from mappings.references import RELATIVE, in_trees, links_in
from mappings.security_labels import restricted_kinds_of

_FARTHEST = 5
"""So many steps from the handoff a resource may be and still be shown beside it."""


def gather_evidence(world: World, tenant: str, task_id: str, permit: Callable[[str], None], origin: Origin) -> Evidence:
    """`permit` raises NotAllowed for a resource type that the asking client may not read: nobody reads here what it
    could not read by itself, and evidence with holes would prove nothing. `origin` is for the audit trail.

    Raises NotFound, the same for a handoff that is not there and for one of others; Deleted for a deleted draft;
    Unavailable when the audit trail cannot take the reading."""
    permit("Task")
    reader = world.store.reader(tenant)
    read_one(reader, ResourceKey("Task", task_id))
    handoff = reader.handoff(task_id)
    if handoff is None:
        raise NotFound("no such Task", expression="Task")
    directory = world.register.directory()
    now = world.clock.now()
    ledger = reader.ledger_of(handoff.id)
    belonging = {str(stored.key): stored for stored in reader.resources_of(handoff.id) if not stored.deleted}
    resources = _kept(belonging)
    pathway = world.pathways.get(handoff.pathway) or world.pathways[BASE_PATHWAY]
    facts = _facts(handoff, resources, directory)
    tier = facts.risk_tier or handoff.risk_tier
    zone = world.working_time(directory.get(handoff.owner)).zone
    escalations = list(_escalations(reader, ledger))
    actors = {handoff.requester, handoff.owner, *(event.actor for event in ledger), *(e.owner for e in escalations)}
    starting = [*(f"Organization/{actor}" for actor in sorted(actors)), *(e.task for e in escalations if e.handoff)]
    found, beside = _beside(reader, directory, resources, starting)
    for type_ in sorted({key.partition("/")[0] for key in (*resources, *beside)}):
        permit(type_)
    world.store.disclosed(tenant, origin, [*belonging.values(), *found])
    return Evidence(
        id=world.new_id(),
        at=now,
        handoff=handoff,
        pathway=pathway,
        names={partner.id: partner.name for partner in directory},
        resources=resources,
        beside=beside,
        ledger=ledger,
        clock=reader.clock_of(handoff.id),
        gates=judge_gates(pathway, ledger, facts, tier, now=now, zone=zone),
        findings=judge(pathway, ledger, facts, tier, zone),
        escalations=escalations,
        restricted=restricted_kinds_of([*belonging.values(), *found]),
    )


def _kept(stored: Mapping[str, StoredResource]) -> dict[str, Kept]:
    return {key: Kept(resource.body, decode(resource.body)) for key, resource in stored.items()}


def _facts(handoff: Handoff, resources: dict[str, Kept], directory: Directory) -> Facts:
    trees = {key: kept.tree for key, kept in resources.items()}
    for partner in (handoff.requester, handoff.owner):
        organization = directory_entry(f"Organization/{partner}", directory)
        if organization is not None:
            trees.setdefault(f"Organization/{partner}", organization)
    resolve = in_trees(trees)

    def organisation_of(reference: str) -> str | None:
        partner = partner_named_by({"reference": reference}, resolve, directory)
        return partner.id if partner else None

    return extract_facts(
        trees[f"Task/{handoff.id}"],
        trees,
        organisation_of=organisation_of,
        requester=handoff.requester,
        owner=handoff.owner,
    )


def _escalations(reader: Reader, ledger: Sequence[LedgerEvent]) -> Iterator[Escalation]:
    """The child Tasks that the ladder opened; whole for those who may read them, else the fact alone."""
    owners = {
        str(event.detail["task"]): str(event.detail.get("owner", ""))
        for event in ledger
        if event.kind == events.ESCALATED and "task" in event.detail
    }
    for task, owner in owners.items():
        child = reader.handoff(task.partition("/")[2])
        yield Escalation(task, owner, child, reader.ledger_of(child.id) if child else ())


def _beside(
    reader: Reader, directory: Directory, resources: dict[str, Kept], starting: Iterable[str]
) -> tuple[list[StoredResource], dict[str, Kept]]:
    """What the handoff's resources lead to, step by step, as far as it may be read; and the same as it is shown,
    together with what the register knows by itself."""
    read: list[StoredResource] = []
    found: dict[str, Kept] = {}
    wanted = dict.fromkeys(starting)
    for kept in resources.values():
        wanted |= _targets(kept.tree)
    for _ in range(_FARTHEST):
        keys = [key for key in wanted if key not in resources and key not in found]
        stored = {str(r.key): r for r in reader.read_many([_key(key) for key in keys]).values() if not r.deleted}
        read += stored.values()
        fresh = _kept(stored)
        for key in keys:
            organization = directory_entry(key, directory)
            if key not in fresh and organization is not None:
                fresh[key] = Kept(encode(organization), organization)
        if not fresh:
            break
        found |= fresh
        wanted = {}
        for kept in fresh.values():
            wanted |= _targets(kept.tree)
    return read, dict(sorted(found.items()))


def _targets(tree: Tree) -> dict[str, None]:
    references = (element["reference"].partition("/_history/")[0] for element in links_in(tree).references)
    return {reference: None for reference in references if RELATIVE.match(reference)}


def _key(reference: str) -> ResourceKey:
    type_, _, id_ = reference.partition("/")
    return ResourceKey(type_, id_)
