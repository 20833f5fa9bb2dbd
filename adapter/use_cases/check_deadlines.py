"""The clock: fire what is due, each step once for good, none early, in the order in which the steps fell due.

Safe with any number of workers: whoever commits first has fired the step, the others find it gone. After downtime all
steps whose time has passed are fired one after the other, each dated with the time at which it fell due. A step whose
handoff was answered in the meantime is fired without effect. Task.status is nobody's to change here.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from adapter.domain import events
from adapter.domain.deadlines import due
from adapter.domain.handoff import Handoff
from adapter.domain.ladder import step_name
from adapter.domain.pathway import BASE_PATHWAY, ClockRule
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.climb_ladder import ANSWERABLE, RUNGS, Firing, first_version, new_version, with_graver_status
from adapter.use_cases.guard_disclosure import guard_escalation
from adapter.use_cases.ports import (
    Deadline,
    ResourceKey,
    Tree,
    WriteConflict,
    WriteSet,
    retrying_on_conflict,
)
from adapter.use_cases.renew_consent import RENEW, miss_renewal
from adapter.use_cases.world import World
from mappings import facts as fact_mapping
from mappings import follow_up_task
from mappings.json_codec import decode
from mappings.party import partner_named_by
from mappings.references import in_trees
from mappings.task import write_handoff
from mappings.times import format_time

log = logging.getLogger(__name__)

_ORDER: Final = {name: position for position, name in enumerate(RUNGS)}


def check_deadlines(world: World, limit: int = 500) -> int:
    """Fire every step that is due now; how many this call fired.

    A step that cannot be fired is logged and stays due: it must not keep others from firing."""
    fired = 0
    for deadline in sorted(world.store.due_deadlines(world.clock.now(), limit), key=_order):
        try:
            fired += retrying_on_conflict(lambda deadline=deadline: _fire(world, deadline))  # type: ignore[misc]
        except WriteConflict:
            continue  # somebody is busy with this very handoff; what is still due then fires at the next check
        except Exception as error:
            # The class alone: a message may quote what a partner wrote.
            log.error("deadline %s of handoff %s not fired: %s", deadline.step, deadline.handoff, type(error).__name__)
    return fired


def _order(deadline: Deadline) -> tuple[object, ...]:
    return deadline.due, deadline.handoff, _ORDER.get(step_name(deadline.step), len(_ORDER))


def _fire(world: World, deadline: Deadline) -> bool:
    """One step, decided and committed; False when it is not open any more."""
    if not any(d.step == deadline.step for d in world.store.open_deadlines(deadline.handoff)):
        return False
    reader = world.store.system_reader()
    handoff = reader.handoff(deadline.handoff)
    stored = reader.read(ResourceKey("Task", deadline.handoff))
    tenant = stored.author if stored else handoff.requester if handoff else deadline.handoff
    write_set = WriteSet(tenant, fired_deadlines=[(deadline.handoff, deadline.step)])
    if handoff is not None and stored is not None and not stored.deleted:
        firing = Firing(
            world=world,
            reader=reader,
            now=world.clock.now(),
            directory=world.register.directory(),
            step=deadline,
            handoff=handoff,
            stored=stored,
            write_set=write_set,
        )
        _apply(firing)
        guard_escalation(firing, handoff)
        _write_task(firing, handoff)
    world.store.commit(write_set)
    return True


def _apply(firing: Firing) -> None:
    name = step_name(firing.step.step)
    status = firing.handoff.status
    if rung := RUNGS.get(name):
        if status in ANSWERABLE:
            rung(firing)
        return
    if name == RENEW:
        miss_renewal(firing)
        return
    pathway = firing.world.pathways.get(firing.handoff.pathway) or firing.world.pathways[BASE_PATHWAY]
    clock = pathway.clock(name)
    if clock is None or _stopped(firing, clock):
        return
    if clock.task is not None:
        _open_follow_up(firing, clock, clock.task)
    else:
        overdue = f"{clock.name}-overdue"
        if clock.starts == "returned":  # another chapter: what was grave before the return is history
            firing.handoff = replace(firing.handoff, business_status=overdue)
        else:
            firing.handoff = with_graver_status(firing.handoff, overdue)
        firing.record(events.CLOCK_MISSED, clock=clock.name)
        firing.tell_both_sides(events.CLOCK_MISSED)


def _stopped(firing: Firing, clock: ClockRule) -> bool:
    """Whether what the clock waits for is there. A clock of the care that follows a return runs on a closed handoff."""
    if clock.starts != "returned" and firing.handoff.status in TERMINAL:
        return True
    if clock.until is None:
        return False
    trees = {str(r.key): decode(r.body) for r in firing.reader.resources_of(firing.handoff.id) if not r.deleted}
    resolve = in_trees(trees)

    def organisation_of(reference: str) -> str | None:
        partner = partner_named_by({"reference": reference}, resolve, firing.directory)
        return partner.id if partner else None

    facts = fact_mapping.extract_facts(
        decode(firing.stored.body),
        trees,
        organisation_of=organisation_of,
        requester=firing.handoff.requester,
        owner=firing.handoff.owner,
        wanted=[clock.until],
    )
    return clock.until in facts


def _open_follow_up(firing: Firing, clock: ClockRule, says: str) -> None:
    """A Task beside the handoff: the initiator has to look whether it came to anything; after a missed visit whoever
    holds the person has to reach out again."""
    key = ResourceKey("Task", firing.world.new_id())
    handoff = firing.handoff
    recipient = firing.world.working_time(firing.directory.get(handoff.owner))
    owner = handoff.responsible if clock.starts == "missed" else handoff.requester
    until = due(clock.due, handoff.authored_on if clock.starts == "requested" else firing.step.due, recipient)
    tree = follow_up_task.to_fhir(handoff, owner=owner, clock=clock.name, says=says, at=firing.now, until=until)
    firing.write_set.resources.append(first_version(key, tree, handoff.requester, handoff.id, firing.now))
    firing.record(events.FOLLOW_UP_OPENED, clock=clock.name, task=str(key))
    firing.tell(events.FOLLOW_UP_OPENED, handoff.requester, owner)


def _write_task(firing: Firing, before: Handoff) -> None:
    """A new version of the handoff's Task when the projection changed; its version number guards the decision."""
    if firing.handoff == before:
        return
    firing.handoff = replace(firing.handoff, updated_at=firing.now)
    tree: Tree = decode(firing.stored.body)
    tree["lastModified"] = format_time(firing.now)
    write_handoff(tree, firing.handoff)
    firing.write_set.resources.append(new_version(firing.stored, tree, firing.now))
    firing.write_set.handoffs.append(firing.handoff)
