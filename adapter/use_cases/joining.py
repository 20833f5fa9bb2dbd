"""Which handoffs a change is about: those that it begins, those that it moves, those that it adds something to.

What belongs to a handoff can be read by its two sides. So a resource joins one only for a reason: it was sent with the
handoff's Task, the Task leads to it, or it speaks of the Task or of what that asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from adapter.domain.errors import Deleted, Invalid
from adapter.domain.task_status import TERMINAL
from adapter.use_cases.begin_handoff import begin_handoff, task_id_in
from adapter.use_cases.decision import Decision
from adapter.use_cases.follow_up import close_follow_up
from adapter.use_cases.linking import NEVER_SHARED, reach
from adapter.use_cases.ports import ResourceKey
from adapter.use_cases.record_contact import record_additions, record_appointment, record_contact, request_abort
from adapter.use_cases.take_along import take_along
from adapter.use_cases.targets import Change
from adapter.use_cases.update_task import update_task, withdraw_at_once, withdraw_draft
from mappings import task as task_mapping


def join_and_decide(decision: Decision, named: Collection[str]) -> None:
    """Find the handoffs that this change begins, moves or adds to, and decide on each. `named` are ids of handoffs that
    everything written joins."""
    begun: list[Change] = []
    for change in decision.changes:
        if not change.writes or change.key.type in NEVER_SHARED:
            continue
        if change.before is not None:
            change.handoffs.update(change.before.handoffs)
        change.handoffs.update(named)
        if change.key.type == "Task":
            _decide_on_task(decision, change, begun)
    reached = _join_what_was_sent(decision, begun)
    _join_what_is_referenced(decision, begun)
    take_along(decision, reached)


def _decide_on_task(decision: Decision, change: Change, begun: list[Change]) -> None:
    existing = decision.handoff(change.key.id) if change.before is not None else None
    if change.tree is None:
        if existing is not None:
            withdraw_draft(decision, existing)
        return
    if existing is not None:
        if change.before is not None and change.before.deleted:
            raise Deleted("this Task was deleted while it was a draft; send a new one", expression=change.at)
        update_task(decision, change, existing)
        if existing.status == "draft":
            begun.append(change)
        return
    if change.before is not None:
        close_follow_up(decision, change)
        return
    view = task_mapping.from_fhir(change.tree)
    if task_mapping.is_abort(view):
        focus = task_id_in(view.focus)
        handoff = decision.handoff(focus) if focus else None
        if handoff is None:
            raise Invalid(
                "expected an abort request to have the Task of a handoff as its focus",
                expression=f"{change.at}.focus",
                code="not-found",
            )
        change.handoffs.add(handoff.id)
        request_abort(decision, change, handoff)
    elif not change.interaction.is_content and not task_mapping.names_a_person_as_owner(view):
        if change.interaction.withdrawn:
            begin_handoff(decision, change, replace(view, status="requested"))
            withdraw_at_once(decision, change)
        else:
            begin_handoff(decision, change, view)
        change.handoffs.add(change.key.id)
        begun.append(change)


def _join_what_was_sent(decision: Decision, begun: Sequence[Change]) -> dict[str, set[str]]:
    """A new handoff holds what its Task leads to; when it is the only one in the request, all that was sent with it.

    Returns handoff id → what its Task leads to, as `Type/id`."""
    reached: dict[str, set[str]] = {}
    for task in begun:
        inside, outside = reach([str(task.key)], decision.known, decision.reader, decision.tenant)
        for change in decision.changes:
            if not change.writes or change is task or _is_other_task(change, begun):
                continue
            if change.key.type in NEVER_SHARED:
                continue
            if len(begun) == 1 or str(change.key) in inside or _speaks_of(change, task):
                change.handoffs.add(task.key.id)
        written = {change.key for change in decision.changes if change.writes}
        decision.write_set.joined += [(key, task.key.id) for key in sorted(outside - written)]
        reached[task.key.id] = inside
    return reached


def _is_other_task(change: Change, begun: Sequence[Change]) -> bool:
    return any(change is other for other in begun)


def _speaks_of(change: Change, task: Change) -> bool:
    assert task.tree is not None
    about = {str(task.key), (task.tree.get("focus") or {}).get("reference")}
    return any(element["reference"] in about for element in change.references)


def _join_what_is_referenced(decision: Decision, begun: Sequence[Change]) -> None:
    """What is sent later joins the open handoffs whose Task or focus it references, and is recorded there."""
    new = {task.key.id for task in begun}
    additions: dict[str, list[Change]] = {}
    for change in decision.changes:
        if not change.writes or change.tree is None or change.key.type == "Task" or change.key.type in NEVER_SHARED:
            continue
        change.handoffs.update(_handoffs_spoken_of(decision, change))
        for handoff_id in sorted(change.handoffs):
            handoff = decision.handoff(handoff_id)
            if handoff is None:
                change.handoffs.discard(handoff_id)
            elif change.key.type == "Communication":
                record_contact(decision, change, handoff, tell=handoff_id not in new)
            elif change.key.type == "Appointment":
                record_appointment(decision, change, handoff, tell=handoff_id not in new)
            elif handoff_id not in new:
                additions.setdefault(handoff_id, []).append(change)
    for handoff_id, added in additions.items():
        if (handoff := decision.handoff(handoff_id)) is not None:
            record_additions(decision, added, handoff)


def _handoffs_spoken_of(decision: Decision, change: Change) -> Iterable[str]:
    found: set[str] = set()
    for element in change.references:
        reference = element["reference"].partition("/_history/")[0]
        type_, _, id_ = reference.partition("/")
        if type_ not in {"Task", "ServiceRequest", "Appointment"}:
            continue
        stored = decision.known.stored.get(ResourceKey(type_, id_))
        if stored is not None:
            found.update(stored.handoffs)
    handoffs = [handoff for id_ in found if (handoff := decision.handoff(id_))]
    still_open = [handoff.id for handoff in handoffs if handoff.status not in TERMINAL]
    return still_open or [handoff.id for handoff in handoffs]
