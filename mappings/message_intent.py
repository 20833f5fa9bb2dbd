"""What a message asks for: about what and whom, and which step of an earlier handoff, as its resources say it.

https://hl7.org/fhir/R4/messageheader.html (focus, reason, response), https://hl7.org/fhir/R4/messaging.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mappings import task as task_mapping
from mappings.canonicals import EXT_REQUEST_STATUS_REASON
from mappings.dialects.dialect import Dialect
from mappings.message import HEADER_AT, Message, name_of, names_of
from mappings.references import Resolve, contained_or

Tree = dict[str, Any]

_WITHDRAWN = frozenset({"revoked", "entered-in-error", "cancelled"})
_PLANNED = ("ServiceRequest", "Appointment")
_WHO = frozenset({"Patient", "Practitioner", "PractitionerRole", "Organization", "RelatedPerson", "Location"})
_PERSONS = frozenset({"Patient", "RelatedPerson", "Device"})
_SUBJECTS = ("subject", "for", "patient")
_REASONS = ("statusReason", "cancelationReason", "cancellationReason", "reasonCode")
_ANSWER_ELEMENTS = ("businessStatus", "statusReason", "output", "note", "executionPeriod", "lastModified")


@dataclass(frozen=True, slots=True)
class Asked:
    """A Task.status that a message asks for; `by` is the resource that asks, `at` where it stands in the request."""

    status: str
    at: str
    by: Tree


def focus_of(message: Message, resolve: Resolve) -> str | None:
    """The reference (as sent) to what is asked for: of several in the header's focus a ServiceRequest first, then an
    Appointment, and who it is about last. Without a focus, the only ServiceRequest or Appointment of the message."""
    sent = list(message.focus)
    for reference in message.focus:
        task = resolve(reference)
        if task and task["resourceType"] == "Task" and (asked := (task.get("focus") or {}).get("reference")):
            sent.append(message.named_from(asked, task))
    known = [(_rank(tree["resourceType"]), reference) for reference in sent if (tree := resolve(reference))]
    if known:
        return min(known, key=lambda found: found[0])[1]
    if sent:
        return sent[0]
    for type_ in _PLANNED:
        named = [name for entry in message.entries_of(type_) if (name := name_of(entry))]
        if len(named) == 1:
            return named[0]
    return None


def _rank(type_: str) -> int:
    return _PLANNED.index(type_) if type_ in _PLANNED else 4 if type_ in _WHO else 3 if type_ == "Task" else 2


def patient_in(message: Message, resolve: Resolve) -> Tree | None:
    """The Reference element (as sent) to the person whom the message is about, maybe one with an identifier alone: of
    what is in focus, of all requests that are sent, or the only Patient."""
    asked = focus_of(message, resolve)
    for reference in [asked, *message.focus] if asked else message.focus:
        tree = resolve(reference) or {}
        if tree.get("resourceType") == "Patient":
            return {"reference": reference}
        actors = [participant["actor"] for participant in tree.get("participant", ()) if "actor" in participant]
        patients = [actor for actor in actors if _is_patient(actor, resolve)]
        for subject in [tree[element] for element in _SUBJECTS if isinstance(tree.get(element), dict)] + patients:
            found = _elsewhere(subject, tree, message)
            if found is not None:
                return found
    orders = [tree for tree in message.trees_of("ServiceRequest") if isinstance(tree.get("subject"), dict)]
    subjects = [found for tree in orders if (found := _elsewhere(tree["subject"], tree, message))]
    if subjects and all(subject == subjects[0] for subject in subjects):
        return subjects[0]
    names = [name for entry in message.entries_of("Patient") if (name := name_of(entry))]
    return {"reference": names[0]} if len(names) == 1 else None


def _elsewhere(subject: Tree, tree: Tree, message: Message) -> Tree | None:
    """A Reference element of `tree` as another resource may have it; None when it leads nowhere from there."""
    reference = subject.get("reference", "")
    if reference.startswith("#"):
        inner = contained_or(tree, lambda _: None)(reference) or {}
        identifiers = [identifier for identifier in inner.get("identifier", ()) if "value" in identifier]
        return {"type": inner["resourceType"], "identifier": identifiers[0]} if identifiers else None
    if reference:
        return {**subject, "reference": message.named_from(reference, tree)}
    return {**subject} if "identifier" in subject else None


def _is_patient(actor: Tree, resolve: Resolve) -> bool:
    tree = resolve(actor.get("reference", ""))
    return tree is not None and tree["resourceType"] == "Patient"


def answering_task(message: Message, dialect: Dialect, resolve: Resolve) -> Tree | None:
    """The Task by which a recipient answers: that in the focus, else one with an owner; else the only one, unless the
    community answers by other resources and sends Tasks as mere content."""
    tasks = [tree for tree in message.trees_of("Task") if of_organisations(tree, resolve)]
    focus = [resolve(reference) for reference in message.focus]
    for task in [t for t in tasks if any(t is f for f in focus)] + [t for t in tasks if "owner" in t]:
        return task
    return tasks[0] if len(tasks) == 1 and not dialect.answers else None


def answered(message: Message, dialect: Dialect, resolve: Resolve) -> Asked | None:
    """The step that an answer asks for: that of its Task, or what the dialect reads from what it sends."""
    task = answering_task(message, dialect, resolve)
    if task is not None:
        return Asked(str(task["status"]), message.place_of(task), task)
    trees = message.trees
    focus = [tree for reference in message.focus if (tree := resolve(reference))]
    # The focus speaks first: an update may carry another system's Encounter beside the one that it is about.
    for among in (focus, trees):
        for (type_, status), task_status in dialect.answers.items():
            for tree in among:
                if tree["resourceType"] == type_ and tree.get("status") == status:
                    return Asked(task_status, message.place_of(tree), tree)
    if (message.header.get("response") or {}).get("code") == "fatal-error":
        return Asked("rejected", HEADER_AT, message.header)
    return None


def answered_content(task: Tree) -> Tree:
    """What the Task of an answer tells beside its status, and what the handoff's Task takes over from it."""
    return {name: task[name] for name in _ANSWER_ELEMENTS if name in task}


def withdrawn(message: Message, dialect: Dialect, resolve: Resolve) -> Asked | None:
    """What takes back what an earlier message asked for: the header's reason, a Task, or all that is asked for."""
    if message.reason in dialect.cancel_reasons:
        return Asked("cancelled", HEADER_AT, message.header)
    for task in message.trees_of("Task"):
        if task["status"] in _WITHDRAWN and "owner" in task and of_organisations(task, resolve):
            return Asked(str(task["status"]), message.place_of(task), task)
    named = {*message.focus}
    for reference in message.focus:
        named.add(((resolve(reference) or {}).get("focus") or {}).get("reference", ""))
    planned = [entry for type_ in _PLANNED for entry in message.entries_of(type_)]
    meant = [entry["resource"] for entry in planned if not message.focus or names_of(entry) & named]
    if meant and all(tree.get("status") in _WITHDRAWN for tree in meant):
        return Asked("cancelled", message.place_of(meant[0]), meant[0])
    return None


def taken_back_by(message: Message, task: Tree, resolve: Resolve) -> Asked | None:
    """What takes back one of the things that a message asks for: its Task, or what that asks for."""
    focus = resolve(message.named_from((task.get("focus") or {}).get("reference", ""), task))
    if task.get("status") in _WITHDRAWN:
        return Asked(task["status"], message.place_of(task), task)
    if focus is not None and focus["resourceType"] in _PLANNED and focus.get("status") in _WITHDRAWN:
        return Asked("cancelled", message.place_of(focus), focus)
    return None


def reason_of(message: Message, asked: Asked) -> Tree:
    """Why: as who asks says it, as another resource of the message does, else that it was told by message."""
    visits = [tree for type_ in ("Encounter", "Appointment", "Task") for tree in message.trees_of(type_)]
    for tree in (asked.by, *visits):
        concept = next(_reasons_in(tree), None)
        if concept is not None:
            return concept
    return {"text": "told by message, without a reason of its own"}


def _reasons_in(tree: Tree) -> Iterator[Tree]:
    if tree["resourceType"] == "MessageHeader":
        if concept := tree.get("reason"):
            yield concept
        return
    for extension in tree.get("extension", ()):
        if extension.get("url") == EXT_REQUEST_STATUS_REASON and "valueCodeableConcept" in extension:
            yield extension["valueCodeableConcept"]
    if tree["resourceType"] == "ServiceRequest":
        return  # its reasonCode says why it was asked for, and not why no longer
    for element in _REASONS:
        value = tree.get(element)
        concept = value[0] if isinstance(value, list) and value else value
        if isinstance(concept, dict):
            yield concept


def is_about_somebody(message: Message, resolve: Resolve) -> bool:
    return focus_of(message, resolve) is not None or patient_in(message, resolve) is not None


def of_organisations(task: Tree, resolve: Resolve) -> bool:
    """Whether a Task is (or may be) between organisations: no work for the person, no request to abort another."""
    return owner_type(task, resolve) not in _PERSONS and not task_mapping.is_abort(task_mapping.from_fhir(task))


def owner_type(task: Tree, resolve: Resolve) -> str | None:
    """The type of what Task.owner refers to, from the resource or else from the reference."""
    owner = task.get("owner") or {}
    reference = owner.get("reference", "").partition("/_history/")[0]
    tree = contained_or(task, resolve)(reference)
    if tree is not None:
        return str(tree["resourceType"])
    return owner.get("type") or reference.rpartition("/")[0].rpartition("/")[2] or None
