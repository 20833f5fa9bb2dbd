"""Where a fault in a Bundle made of plain JSON stands in that JSON; of a missing fact, where it belongs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Tree = dict[str, Any]

_ENTRY: Final = re.compile(r"^Bundle\.entry\[(\d+)\](?:\.resource(.*)|.*)$", re.DOTALL)
_FACT: Final = re.compile(r"code *= *'([a-z-]+)'")
_PARAMETER: Final = re.compile(r"^Task\.(input|output)\[(\d+)\]")
_MEMBER_OF_FACT: Final[Mapping[str, str]] = {
    "recipient-contact": "recipient_contact",
    "recipient-clinician": "clinician",
    "follow-up-owner": "follow_up_owner",
    "live-contact": "live_contact",
    "risk-acknowledged": "risk_acknowledged",
    "responsibilities-accepted": "responsibilities",
    "same-day-outreach": "same_day_outreach",
    "person-has-appointment": "person_has_appointment",
    "telehealth-instructions": "telehealth_instructions",
}
_MEMBERS: Final = tuple(
    (re.compile(pattern), member)
    for pattern, member in (
        (r"Task\.owner\.resolve", "recipient_contact"),
        (r"Task\.owner", "recipient"),
        (r"Task\.instantiatesCanonical", "pathway"),
        (r"Task\.extension", "acceptance_deadline"),
        (r"Task\.statusReason", "reason"),
        (r"Task\.status", "status"),
        (r"RiskAssessment", "risk.level"),
        (r"CarePlan\.activity", "safety_plan.next_steps"),
        (r"CarePlan", "safety_plan.summary"),
        (r"ServiceRequest\.reasonCode", "reason"),
        (r"ServiceRequest\.identifier", "order_number"),
        (r"ServiceRequest\.encounter", "visit"),
        (r"Encounter\.period", "visit.end"),
        (r"Appointment\.participant\.actor", "appointment.place"),
        (r"Appointment", "appointment"),
        (r"Communication\.(recipient|sent)", "person_informed"),
        (r"Patient\.identifier", "person.identifier"),
        (r"Patient\.birthDate", "person.birth_date"),
        (r"Patient\.telecom", "person.phone"),
    )
)
"""Where the elements that a fault or a missing fact is told of stand in plain JSON."""


_PARTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "Communication": (
        ("sent", "at"), ("medium", "by"), ("recipient", "whom"), ("statusReason", "reason"), ("payload", "text"),
    ),
    "Appointment": (("start", "start"), ("end", "end"), ("status", "status"), ("participant", "place")),
    "DocumentReference": (("date", "written"), ("content", "written"), ("description", "title")),
    "Binary": (("contentType", "content_type"), ("data", "content")),
    "Consent": (("dateTime", "signed"), ("provision.provision[0].period", "until"), ("provision", "recipients")),
}  # fmt: skip
"""Element of a resource that was made of one member → the member within that."""


def member_at(expression: str | None, resources: Sequence[Tree], members: Sequence[str]) -> str | None:
    """The plain member that a fault at `expression` is about: `facts.coverage`, `recipient`; None for the whole.

    `resources` are those of the Bundle, in order, and `members` what each was made from ("" is the whole)."""
    index, place = _place(expression)
    type_ = resources[index]["resourceType"] if index is not None and place else ""
    place = f"{type_}{place}" if type_ else expression or ""
    if (fact := _FACT.search(place)) is not None:
        return _MEMBER_OF_FACT.get(fact[1], f"facts.{fact[1]}")
    if index is not None and place.startswith(("Task.input", "Task.output")):
        return _member_of_parameter(resources[index], place)
    if index is not None and place.startswith("PractitionerRole.organization"):
        # A contact at the recipient stands where the handoff goes to, unless it says otherwise itself.
        member = members[index]
        return "recipient" if member == "recipient_contact" else f"{member}.organization"
    if index is not None and place.startswith(f"{type_}.meta.security"):
        return "confidentiality"
    if index is not None and (part := _part(type_, place)):
        return f"{members[index]}.{part}".removeprefix(".")
    for pattern, member in _MEMBERS:
        if pattern.match(place):
            return member
    return (members[index] or None) if index is not None and index < len(members) else None


def _part(type_: str, place: str) -> str | None:
    element = place.removeprefix(f"{type_}.")
    return next((part for start, part in _PARTS.get(type_, ()) if element.startswith(start)), None)


def _place(expression: str | None) -> tuple[int | None, str]:
    """The entry that an expression points into, and what follows its resource there."""
    found = _ENTRY.match(expression or "")
    return (int(found[1]), found[2] or "") if found else (None, "")


def _member_of_parameter(task: Tree, place: str) -> str | None:
    found = _PARAMETER.match(place)
    elements = task.get(found[1], []) if found else []
    if found is None or int(found[2]) >= len(elements):
        return None
    code = elements[int(found[2])]["type"].get("coding", [{}])[0].get("code", "")
    return _MEMBER_OF_FACT.get(code, f"facts.{code}")
