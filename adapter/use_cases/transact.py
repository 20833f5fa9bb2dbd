"""The one way in which anything is written: a list of interactions, decided together and committed whole.

https://hl7.org/fhir/R4/http.html#transaction. Decisions are taken on what the tenant can see now; when another writer
was faster, the commit fails and everything is decided anew. A request that was committed before gets its answer again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from adapter.domain.errors import (
    BusinessRule,
    Conflict,
    HandoffError,
    KeyReused,
    MethodNotAllowed,
    NotAllowed,
)
from adapter.domain.handoff import Handoff
from adapter.domain.origin import Origin
from adapter.use_cases.decision import Decision
from adapter.use_cases.guard_disclosure import guard_disclosure
from adapter.use_cases.joining import join_and_decide
from adapter.use_cases.linking import link
from adapter.use_cases.ports import (
    Answer,
    DuplicateRequest,
    NewVersion,
    Reader,
    RequestRecord,
    ResourceKey,
    Tree,
    WriteConflict,
    WriteSet,
    retrying_on_conflict,
)
from adapter.use_cases.take_subscription import take_subscriptions
from adapter.use_cases.targets import Action, Change, find_targets
from adapter.use_cases.world import World
from mappings import task as task_mapping
from mappings.bundle import PROCESSING_ORDER, without_resources
from mappings.interaction import Interaction, Outcome
from mappings.json_codec import decode, encode
from mappings.security_labels import NOTICE_HEADER
from mappings.times import format_time

_KEY_AT = {"request": "http.X-Request-ID", "bundle": "Bundle.identifier"}
"""Where a sender gave a request key, by the kind of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request asks for. `handoffs` are ids that everything written joins (an answer to an earlier message);
    `correlation` are the keys of a handoff that it begins."""

    interactions: Sequence[Interaction]
    handoffs: tuple[str, ...] = ()
    correlation: tuple[str, ...] = ()
    refuse_dangling: bool = True
    labels: frozenset[str] = frozenset()
    """What the labels of the Bundle restrict (mappings/security_labels.py)."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, and under which keys a repetition is recognised: (key, hash of the body)."""

    tenant: str
    keys: tuple[tuple[str, bytes], ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a plan led to: an outcome for each interaction, in request order, and the handoffs that it touched."""

    outcomes: Sequence[Outcome]
    handoffs: dict[str, Handoff] = field(default_factory=dict)
    restricted: Collection[str] = ()
    """Kinds of restriction that the answer comes under, if it shows anything."""
    written: Sequence[Handoff] = ()
    """Handoffs as they stand afterwards, those that only a Consent has moved among them."""


def fresh_content(first: Tree, raw: bytes) -> Callable[[], Tree]:
    """`first` at the first call, `raw` decoded anew at every other: deciding rewrites what it is given."""
    waiting = [first]
    return lambda: waiting.pop() if waiting else decode(raw)


def transact(
    world: World, request: Request, plan: Callable[[Reader], Plan], answer: Callable[[Done], Answer]
) -> Answer:
    """Decide, commit, answer. `plan` is called again, on fresh content, when the decision has to be taken anew.

    Reads are not answered here, where nothing is committed yet: their outcome is a bare 200.
    Raises HandoffError; then nothing was written."""

    def decide_and_commit() -> Answer:
        reader = world.store.reader(request.tenant)
        planned = plan(reader)
        decision, outcomes = _decide(world, request, reader, planned)
        given = answer(Done(outcomes, decision.handoffs, decision.restricted, decision.write_set.handoffs))
        if decision.restricted:
            given = replace(given, headers={**given.headers, **NOTICE_HEADER})
        write_set = decision.write_set
        # Also when there is nothing to write, as in a conditional create that found its resource: a repetition is owed
        # the same answer, and another body under the same key its refusal.
        if any(change.action is not Action.READ for change in decision.changes):
            write_set.requests = [RequestRecord(request.tenant, key, digest, given) for key, digest in request.keys]
            write_set.origin = request.origin
            write_set.shown = [c.before for c in decision.changes if c.action is Action.KEEP and c.before is not None]
        if write_set:
            world.store.commit(write_set)
        return given

    try:
        return retrying_on_conflict(decide_and_commit)
    except DuplicateRequest as duplicate:
        return _answer_again(world, request, duplicate.record)
    except WriteConflict:
        repeated = _answered_before(world, request)
        if repeated is not None:
            return repeated
        raise Conflict("other writers kept changing the same resources; nothing was written, send it again") from None
    except HandoffError:
        # A repetition may be refused for what its first sending changed: then that sending's answer is the answer.
        repeated = _answered_before(world, request)
        if repeated is not None:
            return repeated
        raise


def _decide(world: World, request: Request, reader: Reader, plan: Plan) -> tuple[Decision, list[Outcome]]:
    for interaction in plan.interactions:
        _refuse_what_is_made_here(request.tenant, interaction)
    ordered = sorted(plan.interactions, key=lambda i: PROCESSING_ORDER[i.method])
    changes = find_targets(reader, ordered, world.new_id)
    directory = world.register.directory()
    known = link(changes, reader, directory, world.base_url, refuse_dangling=plan.refuse_dangling)
    decision = Decision(
        world=world,
        tenant=request.tenant,
        reader=reader,
        now=world.clock.now(),
        directory=directory,
        changes=changes,
        known=known,
        write_set=WriteSet(request.tenant),
        correlation=plan.correlation,
        labels=plan.labels,
    )
    for change in changes:
        if change.writes:
            _check_author(decision, change)
            _check_patched(decision, change)
            _refuse_subset(change)
            if change.tree is not None:
                change.tree["id"] = change.key.id
    join_and_decide(decision, plan.handoffs)
    take_subscriptions(decision)
    versions = _write(decision)
    guard_disclosure(decision)
    if decision.write_set.disclosures:
        versions = {version.key: version for version in decision.write_set.resources}
    by_interaction = {id(change.interaction): _outcome(change, versions) for change in changes}
    return decision, [by_interaction[id(interaction)] for interaction in plan.interactions]


def _refuse_what_is_made_here(tenant: str, interaction: Interaction) -> None:
    if interaction.method in {"GET", "HEAD"}:
        return
    if interaction.type == "AuditEvent":
        raise MethodNotAllowed("AuditEvents are written by this server only", expression=interaction.at)
    if interaction.type == "Subscription" and interaction.id == tenant:
        raise MethodNotAllowed(
            "this is the standing Subscription, which follows the partner register (`handoff partners add`); create "
            "another one with POST",
            expression=interaction.at,
        )


def _check_author(decision: Decision, change: Change) -> None:
    """Only its author changes a resource; a Task of a handoff has two sides, and its lifecycle says who may do what."""
    before = change.before
    if before is None:
        return
    if decision.known.is_published(str(change.key)):
        # Written back as a partner's own, it would vanish for everybody else.
        raise NotAllowed(
            f"this {change.key.type} is published by the partner register; change it there (`handoff partners add`)",
            expression=change.at or change.interaction.request_at,
        )
    if change.action is Action.DELETE:
        open_handoffs = [h for id_ in before.handoffs if (h := decision.handoff(id_)) and _was_sent(decision, h)]
        if open_handoffs:
            raise BusinessRule(
                "a resource that belongs to a handoff cannot be deleted once that is requested; set its status to "
                "`entered-in-error` instead",
                expression=change.at or change.interaction.request_at,
            )
    if before.author != decision.tenant and not (change.key.type == "Task" and _may_answer(decision, change)):
        raise NotAllowed(
            f"expected the {change.key.type} to be changed by the organisation that sent it; this one may read it",
            expression=change.at or change.interaction.request_at,
        )


def _was_sent(decision: Decision, handoff: Handoff) -> bool:
    """Whether anybody but the initiator ever knew of it. The Task of a draft may be deleted, and no other one."""
    if handoff.status != "entered-in-error":
        return handoff.status != "draft"
    task = decision.reader.read(ResourceKey("Task", handoff.id))
    return task is None or not task.deleted


def _may_answer(decision: Decision, change: Change) -> bool:
    """A recipient answers on the Task: that of the handoff, or another one (an abort request) that it owns."""
    handoff = decision.handoff(change.key.id)
    if handoff is not None:
        return True
    assert change.before is not None
    task = decode(change.before.body)
    owner = decision.partner(task.get("owner"), task)
    return owner is not None and owner.id == decision.tenant


def _check_patched(decision: Decision, change: Change) -> None:
    """What came whole was checked on arrival; what a patch made was not."""
    if change.interaction.method == "PATCH" and change.tree is not None:
        try:
            decision.world.refuse_invalid(change.tree)
        except HandoffError as refusal:
            raise refusal.below(change.at) from refusal


def _refuse_subset(change: Change) -> None:
    """What was read with `_summary` or `_elements`, written back, would take away what was not shown."""
    tags = ((change.tree or {}).get("meta") or {}).get("tag") or ()
    if any(tag.get("code") == "SUBSETTED" for tag in tags):
        raise BusinessRule(
            f"expected a whole {change.key.type}, got a part of one (tagged SUBSETTED); read it without _summary and "
            "_elements, change that, and send it",
            expression=f"{change.at}.meta.tag",
        )


def _write(decision: Decision) -> dict[ResourceKey, NewVersion]:
    """The new versions: of everything that was sent, and of the Tasks whose handoff moved without being sent."""
    written = {change.key for change in decision.changes if change.writes}
    versions: dict[ResourceKey, NewVersion] = {}
    for change in decision.changes:
        if not change.writes:
            continue
        if change.key.type == "Task" and (handoff := decision.handoffs.get(change.key.id)) and change.tree:
            task_mapping.write_handoff(change.tree, handoff)
        version = change.before.version + 1 if change.before else 1
        author = change.before.author if change.before else decision.tenant
        versions[change.key] = _version(decision, change.key, version, author, change.tree, change.handoffs)
        if change.created_by_condition and change.action is Action.CREATE:
            decision.write_set.conditional_creates.append(
                (change.key.type, change.created_by_condition.lstrip("?"), change.key)
            )
    for handoff in decision.handoffs.values():
        key = ResourceKey("Task", handoff.id)
        if key in written or (before := decision.reader.read(key)) is None:
            continue
        task = decode(before.body)
        task_mapping.write_handoff(task, handoff)
        versions[key] = _version(decision, key, before.version + 1, before.author, task, set(before.handoffs))
    # Beside what is there already: escalations that an answer has closed.
    decision.write_set.resources += versions.values()
    decision.write_set.handoffs += decision.handoffs.values()
    return versions


def _version(
    decision: Decision, key: ResourceKey, version: int, author: str, tree: dict[str, object] | None, handoffs: set[str]
) -> NewVersion:
    if tree is not None:
        meta = tree.get("meta")
        tree["meta"] = {
            **(meta if isinstance(meta, dict) else {}),
            "versionId": str(version),
            "lastUpdated": format_time(decision.now),
        }
    return NewVersion(
        key=key,
        version=version,
        author=author,
        last_updated=decision.now,
        body=encode(tree) if tree is not None else b"",
        tree=tree,
        handoffs=tuple(sorted(handoffs)),
    )


def _outcome(change: Change, versions: dict[ResourceKey, NewVersion]) -> Outcome:
    key, before = change.key, change.before
    if change.action is Action.READ:
        return Outcome(200, key.type)
    if change.action is Action.DELETE or change.interaction.method == "DELETE":
        return Outcome(204, key.type)
    if change.action is Action.KEEP:
        assert before is not None
        return Outcome(200, key.type, key.id, before.version, before.last_updated, before.body)
    new = versions[key]
    status = 201 if before is None or before.deleted else 200
    return Outcome(status, key.type, key.id, new.version, new.last_updated, new.body)


def _answered_before(world: World, request: Request) -> Answer | None:
    reader = world.store.reader(request.tenant)
    for key, _ in request.keys:
        record = reader.answer_to(key)
        if record is not None:
            return _answer_again(world, request, record)
    return None


def _answer_again(world: World, request: Request, record: RequestRecord) -> Answer:
    sent = dict(request.keys).get(record.key)
    if sent != record.body_hash:
        raise KeyReused(
            "expected the same body as when this request key was first used, got another; a new request needs a new "
            "X-Request-ID or message identifier",
            expression=_KEY_AT.get(record.key.partition(":")[0]),
        )
    if request.origin is not None:
        named = _named_in(record.answer)
        again = world.store.reader(request.tenant).read_many(named)
        world.store.disclosed(request.tenant, request.origin.asking("repeat"), list(again.values()))
        if again.keys() != named and world.store.withholds_from(request.tenant):
            # It had this once; what a Consent has ended since is not told a second time.
            return replace(record.answer, body=without_resources(record.answer.body))
    return record.answer


def _named_in(answer: Answer) -> set[ResourceKey]:
    """The resources that an answer locates, in its header or in its entries, or is itself."""
    located = [answer.headers.get("Location", "")]
    if not located[0] and answer.body:
        body = decode(answer.body)
        # In plain JSON it is the handoff, which has the id of its Task.
        itself = f"{body.get('resourceType', 'Task')}/{body['id']}" if "id" in body else ""
        entries = [e.get("response", {}).get("location") or e.get("fullUrl", "") for e in body.get("entry", ())]
        located = entries or [itself]
    parts = [location.partition("/_history/")[0].replace("handoffs", "Task").split("/")[-2:] for location in located]
    return {ResourceKey(*part) for part in parts if len(part) == 2 and part[0] != "MessageHeader"}
