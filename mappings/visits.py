"""Appointments and Encounters as facts: when and where the first visit is, whether it took place, when a visit ends.

https://hl7.org/fhir/R4/appointment.html, https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from adapter.domain.facts import FactEvidence
from mappings.handoff_context import HandoffContext, key_of
from mappings.references import Tree
from mappings.times import parse_time

_NO_TIME: Final = frozenset({"noshow", "waitlist"})
_HELD: Final = frozenset({"booked", "arrived", "checked-in", "fulfilled"})


def appointment_time(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in context.belonging("Appointment"):
        if tree.get("status") not in _NO_TIME and (start := parse_time(tree.get("start"))):
            yield FactEvidence("Appointment.start", key_of(tree), at=start)


def appointment_confirmed(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in context.belonging("Appointment"):
        if tree.get("status") not in _HELD:
            continue
        for index, participant in enumerate(tree.get("participant") or ()):
            if participant.get("status") != "accepted" or context.owner is None:
                continue
            if context.side(participant.get("actor"), tree) == context.owner:
                at = parse_time(tree.get("start"))
                yield FactEvidence(f"Appointment.participant[{index}].status", key_of(tree), at=at)


def appointment_location(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in context.belonging("Appointment"):
        for index, participant in enumerate(tree.get("participant") or ()):
            if context.resource_type(participant.get("actor"), tree) == "Location":
                yield FactEvidence(f"Appointment.participant[{index}].actor", key_of(tree), "location")


def first_contact_attended(context: HandoffContext) -> Iterator[FactEvidence]:
    appointments = context.belonging("Appointment")
    for tree in appointments:
        if tree.get("status") == "fulfilled":
            yield FactEvidence("Appointment.status", key_of(tree), at=parse_time(tree.get("start")))
    for tree in context.of_type("Encounter"):
        # The visit in which the handoff was made is the initiator's and proves nothing about the recipient's.
        if tree.get("status") != "finished" or any(tree is visit for visit in context.visits):
            continue
        kept = context.resolve_all(tree.get("appointment"), tree)
        ours = context.is_about_this(tree) or any(kept_one is own for kept_one in kept for own in appointments)
        people = [participant.get("individual") for participant in tree.get("participant") or ()]
        sides = {context.side(element, tree) for element in (tree.get("serviceProvider"), *people)}
        if ours and context.owner is not None and context.owner in sides:
            at = parse_time((tree.get("period") or {}).get("start"))
            yield FactEvidence("Encounter.status", key_of(tree), at=at)


def time_in(element: Tree) -> datetime | None:
    period = element.get("valuePeriod") or {}
    return parse_time(element.get("valueDateTime") or element.get("valueInstant") or period.get("start"))


def visit_end(code: str) -> Callable[[HandoffContext], Iterator[FactEvidence]]:
    def find(context: HandoffContext) -> Iterator[FactEvidence]:
        for tree, end in context.visit_ends:
            yield FactEvidence("Encounter.period.end", key_of(tree), at=end)
        for expression, element in context.inputs.get(code, ()):
            if moment := time_in(element):
                yield FactEvidence(expression, at=moment)

    return find


def visit_context(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in context.visits:
        own = context.is_patient(tree.get("subject"), tree)
        yield FactEvidence("ServiceRequest.encounter", key_of(tree), "own-visit" if own else "visit-of-another")
