"""Task, the coordination resource of a handoff (https://hl7.org/fhir/R4/task.html) ⇄ what the domain asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapter.domain.handoff import Handoff, NextAction
from adapter.domain.partner import Partner
from mappings.canonicals import (
    ACTION_SYSTEM,
    EXT_ACCEPTANCE_DEADLINE,
    EXT_NEXT_ACTION,
    EXT_RESPONSIBLE,
    FHIR_TASK_CODE_SYSTEM,
    PLAN_DEFINITION,
    STATUS_SYSTEM,
    TASK_CODE_SYSTEM,
)
from mappings.times import format_time, parse_time

Tree = dict[str, Any]

# Once requested, these say what was asked of whom for whom; changing them would be another handoff.
FIXED_ELEMENTS = (
    "requester", "owner", "for", "focus", "input", "code", "intent", "instantiatesCanonical",
    "authoredOn", "partOf", "basedOn", "encounter", "groupIdentifier", "restriction",
)  # fmt: skip
_OURS = frozenset({EXT_RESPONSIBLE, EXT_NEXT_ACTION})


@dataclass(frozen=True, slots=True)
class TaskView:
    """What the lifecycle reads from a Task. References are the raw Reference elements."""

    status: str
    requester: Tree | None
    owner: Tree | None
    patient: str | None
    focus: str | None
    part_of: str | None
    codes: frozenset[tuple[str, str]]
    instantiates: str | None
    has_status_reason: bool
    authored_on: datetime | None
    stated_deadline: datetime | None


def from_fhir(task: Tree) -> TaskView:
    """Read a Task that passed the structural check."""
    part_of = task.get("partOf") or [{}]
    return TaskView(
        status=task["status"],
        requester=task.get("requester"),
        owner=task.get("owner"),
        patient=(task.get("for") or {}).get("reference"),
        focus=(task.get("focus") or {}).get("reference"),
        part_of=part_of[0].get("reference"),
        codes=frozenset(_codings(task.get("code"))),
        instantiates=task.get("instantiatesCanonical"),
        has_status_reason=_says_something(task.get("statusReason")),
        authored_on=parse_time(task.get("authoredOn")),
        stated_deadline=parse_time(_extension(task, EXT_ACCEPTANCE_DEADLINE).get("valueDateTime")),
    )


def is_abort(view: TaskView) -> bool:
    """A request to stop the focus Task (https://hl7.org/fhir/R4/codesystem-task-code.html, `abort`)."""
    return (FHIR_TASK_CODE_SYSTEM, "abort") in view.codes


def is_escalation(view: TaskView) -> bool:
    return (TASK_CODE_SYSTEM, "escalate") in view.codes


def names_a_person_as_owner(view: TaskView) -> bool:
    """Work for the person themself (fill in a form, come to a visit): a Task, but no handoff between organisations."""
    reference = str((view.owner or {}).get("reference", ""))
    return reference.rpartition("/")[0].endswith(("Patient", "RelatedPerson", "Device"))


def pathway_of(*canonicals: object) -> str | None:
    """The pathway named by the first canonical under our base; None when none is named."""
    for canonical in canonicals:
        for url in canonical if isinstance(canonical, list) else [canonical]:
            if isinstance(url, str) and url.startswith(PLAN_DEFINITION):
                return url[len(PLAN_DEFINITION) :].partition("|")[0]
    return None


def changed_fixed_elements(before: Tree, after: Tree) -> list[str]:
    """Names of the elements fixed since `requested` that differ between two versions."""
    changed = [name for name in FIXED_ELEMENTS if before.get(name) != after.get(name)]
    if _extension(before, EXT_ACCEPTANCE_DEADLINE) != _extension(after, EXT_ACCEPTANCE_DEADLINE):
        changed.append(f"extension.where(url='{EXT_ACCEPTANCE_DEADLINE}')")
    return changed


def write_handoff(task: Tree, handoff: Handoff) -> None:
    """Put the projection on the Task, in place: responsible, next action, deadline and our businessStatus.

    What the partner wrote stays: other extensions, other codings of businessStatus and its text."""
    extensions = [e for e in task.get("extension", ()) if e.get("url") not in _OURS]
    if handoff.acceptance_deadline and not any(e.get("url") == EXT_ACCEPTANCE_DEADLINE for e in extensions):
        extensions.append({"url": EXT_ACCEPTANCE_DEADLINE, "valueDateTime": format_time(handoff.acceptance_deadline)})
    extensions.append({"url": EXT_RESPONSIBLE, "valueReference": organization(handoff.responsible)})
    if handoff.next_action:
        extensions.append({"url": EXT_NEXT_ACTION, "extension": list(_next_action(handoff.next_action))})
    task["extension"] = extensions
    concept = dict(task.pop("businessStatus", {}))
    codings = [coding for coding in concept.pop("coding", ()) if coding.get("system") != STATUS_SYSTEM]
    if handoff.business_status:
        codings.insert(0, {"system": STATUS_SYSTEM, "code": handoff.business_status})
    if codings:
        concept["coding"] = codings
    if concept:
        task["businessStatus"] = concept


def business_status_of(task: Tree) -> str | None:
    """Our own code in Task.businessStatus, if a partner set one."""
    return next((code for system, code in _codings(task.get("businessStatus")) if system == STATUS_SYSTEM), None)


def organization(partner_id: str) -> Tree:
    return {"reference": f"Organization/{partner_id}"}


def to_fhir(
    *,
    requester: Partner,
    owner: Partner,
    focus: str | None,
    patient: Tree | None,
    authored_on: datetime,
    description: str,
    identifiers: list[Tree] | None = None,
    code: str = "fulfill",
    base_url: str,
) -> Tree:
    """A new Task in status requested, for a sender that sends none (NHS BaRS never does). `patient` is a Reference
    element, `code` one of http://hl7.org/fhir/CodeSystem/task-code: `fulfill`, or `abort`. The partners stand in it
    below our `base_url`, so that they are not taken for what else the sender calls `Organization/<id>`."""
    from fhir.resources.R4B.task import Task  # the models take half a second to import; only this path needs them

    task = Task(
        status="requested",
        intent="order",
        code={"coding": [{"system": FHIR_TASK_CODE_SYSTEM, "code": code}]},
        focus={"reference": focus} if focus else None,
        for_fhir=patient,
        authoredOn=authored_on,
        lastModified=authored_on,
        requester={"reference": f"{base_url}/Organization/{requester.id}", "display": requester.name},
        owner={"reference": f"{base_url}/Organization/{owner.id}", "display": owner.name},
        identifier=identifiers or None,
        description=description,
    )
    tree: Tree = task.model_dump(mode="json", exclude_none=True, by_alias=True)
    for element in ("authoredOn", "lastModified"):
        tree[element] = format_time(authored_on)
    if patient:
        tree["for"] = patient
    return tree


def _next_action(action: NextAction) -> Iterator[Tree]:
    yield {"url": "code", "valueCodeableConcept": {"coding": [{"system": ACTION_SYSTEM, "code": action.code}]}}
    yield {"url": "who", "valueReference": organization(action.who)}
    if action.by:
        yield {"url": "by", "valueDateTime": format_time(action.by.astimezone(UTC))}


def _codings(concept: Tree | None) -> Iterator[tuple[str, str]]:
    for coding in (concept or {}).get("coding", ()):
        yield coding.get("system", ""), coding.get("code", "")


def _says_something(concept: Tree | None) -> bool:
    return bool(concept and (concept.get("text") or any(code for _, code in _codings(concept))))


def _extension(tree: Tree, url: str) -> Tree:
    return next((e for e in tree.get("extension", ()) if e.get("url") == url), {})
