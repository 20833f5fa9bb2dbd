"""A handoff told in plain JSON → the FHIR resources that it means, and a fault in those → the member that caused it.

The resources are those that a FHIR sender would send, and take the same way. Placeholders are made of names, so that
the same plain JSON always means the same Bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from mappings.canonicals import (
    CARE_PLAN_CATEGORY_SYSTEM,
    EXT_ACCEPTANCE_DEADLINE,
    FACT_SYSTEM,
    FHIR_TASK_CODE_SYSTEM,
    PARTICIPATION_MODE_SYSTEM,
    PLAN_DEFINITION,
    RISK_TIER_SYSTEM,
)
from mappings.plain_members import member_at
from mappings.task import organization

Tree = dict[str, Any]
Plain = Mapping[str, Any]

GENDERS: Final = ("male", "female", "other", "unknown")
PRIORITIES: Final = ("routine", "urgent", "asap", "stat")
MEDIA: Final[Mapping[str, str]] = {
    "phone": "PHONE", "video": "VIDEOCONF", "in-person": "FACE", "text": "WRITTEN", "email": "EMAILWRIT",
}  # fmt: skip
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

_TEXTS: Final = frozenset(
    {"missed-appointment-barrier", "housing-risk-summary", "transportation-plan", "risk-concerns-transferred",
     "immediate-resource"}
)  # fmt: skip
_CODES: Final = frozenset({"handoff-method", "coverage"})
_PEOPLE: Final = frozenset({"alternate-contact", "escalation-owner", "delegate"})
_PHONES: Final = frozenset({"preferred-contact", "questions-contact"})


_WIDEST_ZONE: Final = timedelta(hours=14)


@dataclass(slots=True)
class Resources:
    """Resources of a transaction under the names by which they refer to each other."""

    entries: list[Tree] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    """Of each entry, the plain member that it was made from; "" is the whole."""

    def add(self, name: str, member: str, tree: Tree) -> Tree:
        """A resource to create; a Reference to it."""
        urn = uuid5(NAMESPACE_URL, f"plain-handoff/{name}").urn
        request = {"method": "POST", "url": tree["resourceType"]}
        self.entries.append({"fullUrl": urn, "resource": tree, "request": request})
        self.members.append(member)
        return {"reference": urn}

    def replace(self, member: str, tree: Tree, version: int) -> Tree:
        """A resource to update from that version."""
        key = f"{tree['resourceType']}/{tree['id']}"
        request = {"method": "PUT", "url": key, "ifMatch": f'W/"{version}"'}
        self.entries.append({"resource": tree, "request": request})
        self.members.append(member)
        return {"reference": key}

    def person(self, name: str, member: str, contact: Plain, own: str) -> Tree:
        """A named person of an organisation: the sender's own, unless another is named."""
        tree: Tree = {
            "resourceType": "PractitionerRole",
            "active": True,
            "practitioner": {"display": contact["name"]},
            "organization": organization(contact.get("organization") or own),
        }
        if contact.get("role"):
            tree["code"] = [{"text": contact["role"]}]
        if telecom := _telecom(contact, use="work"):
            tree["telecom"] = telecom
        return self.add(name, member, tree)

    @property
    def bundle(self) -> Tree:
        return {"resourceType": "Bundle", "type": "transaction", "entry": self.entries}

    def member_at(self, expression: str | None) -> str | None:
        """The plain member that a fault at `expression` is about: `facts.coverage`, `recipient`; None for the whole."""
        return member_at(expression, [entry["resource"] for entry in self.entries], self.members)


def request(plain: Plain, requester: str) -> Resources:
    """The transaction that begins a handoff; `plain` has passed the schema, `requester` is a partner id."""
    made = Resources()
    patient = made.add("patient", "person", _patient(plain["person"]))
    sender = made.person("sender", "sender", plain["sender"], requester) if "sender" in plain else None
    recipient = plain["recipient"]
    contact = plain.get("recipient_contact")
    reached = made.person("recipient", "recipient_contact", contact, recipient) if contact else None
    visit = made.add("visit", "visit", _visit(plain["visit"], patient, requester)) if "visit" in plain else None
    supporting = []
    if "risk" in plain:
        supporting.append(made.add("risk", "risk", _risk(plain["risk"], patient)))
    if "safety_plan" in plain:
        supporting.append(made.add("plan", "safety_plan", _safety_plan(plain["safety_plan"], patient)))
    order: Tree = {
        "resourceType": "ServiceRequest",
        **_identified(plain.get("order_number")),
        "status": "active",
        "intent": "order",
        **({"priority": plain["priority"]} if "priority" in plain else {}),
        "subject": patient,
        **({"encounter": visit} if visit else {}),
        "requester": sender or organization(requester),
        **({"performer": [reached]} if reached else {}),
        "reasonCode": [{"text": plain["reason"]}],
        **({"supportingInfo": supporting} if supporting else {}),
    }
    focus = made.add("request", "", order)
    if "person_informed" in plain:
        told = plain["person_informed"]
        tree = _communication(told["by"], told["at"], patient, sender or organization(requester), [patient], focus)
        tree["payload"] = [{"contentString": told["text"]}]
        made.add("informed", "person_informed", tree)
    made.add("task", "", _task(plain, made, requester, patient, focus, reached))
    return made


def answer(plain: Plain, task: Tree, version: int, related: list[tuple[Tree, int, str]], tenant: str) -> Resources:
    """The transaction that answers a handoff. `task` is its Task in `version`; `related` are its resources, each with
    version and author; `tenant` is who answers."""
    made = Resources()
    inputs: list[Tree] = []
    focus, patient = task.get("focus") or {}, task.get("for") or {}
    named = focus.get("reference")
    request_tree = next((t for t, _, _ in related if f"{t['resourceType']}/{t['id']}" == named), {})
    own = organization(tenant)
    if "clinician" in plain:
        own = made.person("clinician", "clinician", plain["clinician"], tenant)
        inputs.append(_fact("recipient-clinician", "Reference", own))
    if "follow_up_owner" in plain:
        who = made.person("follow-up", "follow_up_owner", plain["follow_up_owner"], tenant)
        inputs.append(_fact("follow-up-owner", "Reference", who))
    if "live_contact" in plain:
        told = plain["live_contact"]
        other = request_tree.get("requester") or task.get("requester") or {}
        recipients = [other, *([patient] if told.get("three_way") else [])]
        tree = _communication(told["by"], told["at"], patient, own, recipients, focus)
        if told.get("text"):
            tree["payload"] = [{"contentString": told["text"]}]
        inputs.append(_fact("live-contact", "Reference", made.add("contact", "live_contact", tree)))
    if "appointment" in plain:
        clinician = own if "clinician" in plain else None
        _appointment(plain["appointment"], made, related, tenant, focus, patient, clinician)
    for member, code, kind in _OUTPUTS:
        if member in plain:
            value = plain[member]
            inputs.append(_fact(code, kind, _time(value) if isinstance(value, datetime) else value))
    inputs += [_fact("responsibilities-accepted", "String", duty) for duty in plain.get("responsibilities", ())]
    changed = {**task, "status": plain["status"]}
    if "reason" in plain:
        changed["statusReason"] = {"text": plain["reason"]}
    if inputs:
        changed["output"] = [*task.get("output", ()), *inputs]
    made.replace("", changed, version)
    return made


_OUTPUTS: Final = (
    ("risk_acknowledged", "risk-acknowledged", "String"),
    ("same_day_outreach", "same-day-outreach", "DateTime"),
    ("telehealth_instructions", "telehealth-instructions", "String"),
    ("person_has_appointment", "person-has-appointment", "String"),
)


def _patient(person: Plain) -> Tree:
    tree: Tree = {
        "resourceType": "Patient",
        **_identified(person["identifier"]),
        "name": [{"family": person["family"], **({"given": person["given"]} if "given" in person else {})}],
    }
    if telecom := _telecom(person, use="mobile"):
        tree["telecom"] = telecom
    if "gender" in person:
        tree["gender"] = person["gender"]
    if "birth_date" in person:
        born: date = person["birth_date"]
        tree["birthDate"] = born.isoformat()
    if "language" in person:
        coding = {"system": "urn:ietf:bcp:47", "code": person["language"]}
        tree["communication"] = [{"language": {"coding": [coding]}, "preferred": True}]
    return tree


def _visit(visit: Plain, patient: Tree, requester: str) -> Tree:
    period = {name: _time(visit[name]) for name in ("start", "end") if name in visit}
    return {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"system": _ACT_CODE, "code": "AMB"},
        "subject": patient,
        **({"period": period} if period else {}),
        "serviceProvider": organization(requester),
    }


def _risk(risk: Plain, patient: Tree) -> Tree:
    level = {"coding": [{"system": RISK_TIER_SYSTEM, "code": risk["level"]}]}
    return {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": patient,
        **({"occurrenceDateTime": _time(risk["assessed_at"])} if "assessed_at" in risk else {}),
        "prediction": [{"qualitativeRisk": level}],
        **({"note": [{"text": risk["notes"]}]} if "notes" in risk else {}),
    }


def _safety_plan(plan: Plain, patient: Tree) -> Tree:
    steps = [{"detail": {"status": "scheduled", "description": step}} for step in plan.get("next_steps", ())]
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "category": [{"coding": [{"system": CARE_PLAN_CATEGORY_SYSTEM, "code": "safety-plan"}]}],
        "description": plan["summary"],
        "subject": patient,
        **({"activity": steps} if steps else {}),
    }


def _task(plain: Plain, made: Resources, requester: str, patient: Tree, focus: Tree, reached: Tree | None) -> Tree:
    inputs = [_fact("recipient-contact", "Reference", reached)] if reached else []
    for code, value in plain.get("facts", {}).items():
        inputs += _inputs(code, value, made, requester)
    extension = []
    if "acceptance_deadline" in plain:
        extension = [{"url": EXT_ACCEPTANCE_DEADLINE, "valueDateTime": _time(plain["acceptance_deadline"])}]
    return {
        "resourceType": "Task",
        **({"extension": extension} if extension else {}),
        **({"instantiatesCanonical": PLAN_DEFINITION + plain["pathway"]} if "pathway" in plain else {}),
        "status": "requested",
        "intent": "order",
        **({"priority": plain["priority"]} if "priority" in plain else {}),
        "code": {"coding": [{"system": FHIR_TASK_CODE_SYSTEM, "code": "fulfill"}]},
        "focus": focus,
        "for": patient,
        "requester": organization(requester),
        "owner": organization(plain["recipient"]),
        **({"input": inputs} if inputs else {}),
    }


def _inputs(code: str, value: Any, made: Resources, requester: str) -> list[Tree]:
    if code in _TEXTS:
        return [_fact(code, "String", value)]
    if code in _CODES:
        return [_fact(code, "Code", value)]
    if code in _PHONES:
        system = "email" if "@" in value else "phone"
        return [_fact(code, "ContactPoint", {"system": system, "value": value})]
    if code in _PEOPLE:
        return [_fact(code, "Reference", made.person(code, f"facts.{code}", value, requester))]
    return _SPECIAL[code](code, value)


_SPECIAL: Final[Mapping[str, Callable[[str, Any], list[Tree]]]] = {
    "medication-access": lambda code, value: [_fact(code, "CodeableConcept", {"text": value})],
    "submitted-in-presence": lambda code, value: [_fact(code, "Boolean", value)],
    "access-needs": lambda code, value: [_fact(code, "Code", each) for each in value],
    "bridge-contact": lambda code, value: [
        _fact(code, "DateTime", _time(value["at"])),
        _fact(code, "String", value["who"]),
    ],
}


def _appointment(
    plain: Plain,
    made: Resources,
    related: list[tuple[Tree, int, str]],
    tenant: str,
    focus: Tree,
    patient: Tree,
    clinician: Tree | None,
) -> None:
    """The answering side's Appointment of this handoff, made anew or brought to its new status."""
    mine = [(t, v) for t, v, author in related if t["resourceType"] == "Appointment" and author == tenant]
    # R4 has no booked appointment with a start and no end (app-2, app-3).
    told = {"status": plain["status"], "start": _time(plain["start"]), "end": _time(plain["end"])}
    if mine:
        tree, version = mine[-1]
        made.replace("appointment", {**tree, **told}, version)
        return
    participants = [{"actor": patient, "status": "accepted"}]
    if clinician is not None:  # an Organization cannot take part
        participants.append({"actor": clinician, "status": "accepted"})
    if "place" in plain:
        place = made.add("place", "appointment.place", {"resourceType": "Location", "name": plain["place"]})
        participants.append({"actor": place, "status": "accepted"})
    tree = {
        "resourceType": "Appointment",
        **told,
        "basedOn": [focus],
        "participant": participants,
    }
    made.add("appointment", "appointment", tree)


def _communication(by: str, at: datetime, subject: Tree, sender: Tree, recipients: list[Tree], focus: Tree) -> Tree:
    return {
        "resourceType": "Communication",
        "basedOn": [focus],
        "status": "completed",
        "medium": [{"coding": [{"system": PARTICIPATION_MODE_SYSTEM, "code": MEDIA[by]}]}],
        "subject": subject,
        "sent": _time(at),
        "recipient": recipients,
        "sender": sender,
    }


def _identified(identifier: Plain | None) -> Tree:
    if identifier is None:
        return {}
    return {"identifier": [{name: identifier[name] for name in ("system", "value") if name in identifier}]}


def _telecom(contact: Plain, use: str) -> list[Tree]:
    return [
        {"system": system, "value": contact[system], "use": use, "rank": rank}
        for rank, system in enumerate(("phone", "email"), 1)
        if system in contact
    ]


def _fact(code: str, kind: str, value: Any) -> Tree:
    return {"type": {"coding": [{"system": FACT_SYSTEM, "code": code}]}, f"value{kind}": value}


def _time(moment: datetime) -> str:
    """With the zone in which it was said, where FHIR has such a zone: up to 14 hours, in whole minutes."""
    offset = moment.utcoffset() or timedelta(0)
    if abs(offset) <= _WIDEST_ZONE and not offset % timedelta(minutes=1):
        return moment.isoformat()
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:  # at the very ends of the calendar; refused as what it is, no date
        return moment.isoformat()
