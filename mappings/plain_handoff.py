"""A handoff told in plain JSON → the FHIR resources that it means, and a fault in those → the member that caused it.

The resources are those that a FHIR sender would send, and take the same way. Placeholders are made of names, so that
the same plain JSON always means the same Bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from mappings.canonicals import (
    CARE_PLAN_CATEGORY_SYSTEM,
    EXT_ACCEPTANCE_DEADLINE,
    FHIR_TASK_CODE_SYSTEM,
    PLAN_DEFINITION,
    REASON_SYSTEM,
    RISK_TIER_SYSTEM,
)
from mappings.plain_additions import DOCUMENT_FACTS, appointment, consent, document, emergency, label
from mappings.plain_resources import (
    Existing,
    Plain,
    Resources,
    Tree,
    communication,
    fact,
    identified,
    telecom,
    time,
)
from mappings.task import organization

GENDERS: Final = ("male", "female", "other", "unknown")
PRIORITIES: Final = ("routine", "urgent", "asap", "stat")
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

_TEXTS: Final = frozenset(
    {"missed-appointment-barrier", "housing-risk-summary", "transportation-plan", "risk-concerns-transferred",
     "immediate-resource"}
)  # fmt: skip
_CODES: Final = frozenset({"handoff-method", "coverage"})
_PEOPLE: Final = frozenset({"alternate-contact", "escalation-owner", "delegate"})
_PHONES: Final = frozenset({"preferred-contact", "questions-contact"})


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
        **identified(plain.get("order_number")),
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
        tree = communication(told["by"], told["at"], patient, sender or organization(requester), [patient], focus)
        tree["payload"] = [{"contentString": told["text"]}]
        made.add("informed", "person_informed", tree)
    documents = plain.get("documents", ())
    sent = [document(each, made, f"documents[{n}]", patient, None) for n, each in enumerate(documents)]
    for n, each in enumerate(plain.get("consents", ())):
        consent(each, made, f"consents[{n}]", patient, requester)
    if "emergency" in plain:
        emergency(plain["emergency"], made, "emergency", patient, focus, requester)
    task = _task(plain, made, requester, patient, focus, reached)
    # One that proves no fact is part of the handoff all the same: it came with it.
    for each, reference in zip(documents, sent, strict=True):
        if each["kind"] in DOCUMENT_FACTS:
            task["input"] = [*task.get("input", ()), fact(each["kind"], "Reference", reference)]
    made.add("task", "", task)
    label(made, plain.get("confidentiality", ()))
    return made


def answer(plain: Plain, existing: Existing) -> Resources:
    """The transaction that answers a handoff, or takes it back."""
    made, task, tenant = Resources(), existing.task, existing.tenant
    inputs: list[Tree] = []
    own = organization(tenant)
    if "clinician" in plain:
        own = made.person("clinician", "clinician", plain["clinician"], tenant)
        inputs.append(fact("recipient-clinician", "Reference", own))
    if "follow_up_owner" in plain:
        who = made.person("follow-up", "follow_up_owner", plain["follow_up_owner"], tenant)
        inputs.append(fact("follow-up-owner", "Reference", who))
    if "live_contact" in plain:
        told = plain["live_contact"]
        recipients = [existing.other_side, *([existing.patient] if told.get("three_way") else [])]
        tree = communication(told["by"], told["at"], existing.patient, own, recipients, existing.about)
        if told.get("text"):
            tree["payload"] = [{"contentString": told["text"]}]
        inputs.append(fact("live-contact", "Reference", made.add("contact", "live_contact", tree)))
    if "appointment" in plain:
        appointment(plain["appointment"], made, existing, own if "clinician" in plain else None, "appointment")
    for member, code, kind in _OUTPUTS:
        if member in plain:
            value = plain[member]
            inputs.append(fact(code, kind, time(value) if isinstance(value, datetime) else value))
    inputs += [fact("responsibilities-accepted", "String", duty) for duty in plain.get("responsibilities", ())]
    changed = {**task, "status": plain["status"]}
    if reason := _reason(plain):
        changed["statusReason"] = reason
    if inputs:
        changed["output"] = [*task.get("output", ()), *inputs]
    made.replace("", changed, existing.version)
    return made


def _reason(plain: Plain) -> Tree:
    code = {"coding": [{"system": REASON_SYSTEM, "code": plain["reason_code"]}]} if "reason_code" in plain else {}
    return {**code, **({"text": plain["reason"]} if "reason" in plain else {})}


_OUTPUTS: Final = (
    ("risk_acknowledged", "risk-acknowledged", "String"),
    ("same_day_outreach", "same-day-outreach", "DateTime"),
    ("telehealth_instructions", "telehealth-instructions", "String"),
    ("person_has_appointment", "person-has-appointment", "String"),
)


def _patient(person: Plain) -> Tree:
    tree: Tree = {
        "resourceType": "Patient",
        **identified(person["identifier"]),
        "name": [{"family": person["family"], **({"given": person["given"]} if "given" in person else {})}],
    }
    if reached := telecom(person, use="mobile"):
        tree["telecom"] = reached
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
    period = {name: time(visit[name]) for name in ("start", "end") if name in visit}
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
        **({"occurrenceDateTime": time(risk["assessed_at"])} if "assessed_at" in risk else {}),
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
    inputs = [fact("recipient-contact", "Reference", reached)] if reached else []
    for code, value in plain.get("facts", {}).items():
        inputs += _inputs(code, value, made, requester)
    extension = []
    if "acceptance_deadline" in plain:
        extension = [{"url": EXT_ACCEPTANCE_DEADLINE, "valueDateTime": time(plain["acceptance_deadline"])}]
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
        return [fact(code, "String", value)]
    if code in _CODES:
        return [fact(code, "Code", value)]
    if code in _PHONES:
        system = "email" if "@" in value else "phone"
        return [fact(code, "ContactPoint", {"system": system, "value": value})]
    if code in _PEOPLE:
        return [fact(code, "Reference", made.person(code, f"facts.{code}", value, requester))]
    return _SPECIAL[code](code, value)


_SPECIAL: Final[Mapping[str, Callable[[str, Any], list[Tree]]]] = {
    "medication-access": lambda code, value: [fact(code, "CodeableConcept", {"text": value})],
    "submitted-in-presence": lambda code, value: [fact(code, "Boolean", value)],
    "access-needs": lambda code, value: [fact(code, "Code", each) for each in value],
    "bridge-contact": lambda code, value: [
        fact(code, "DateTime", time(value["at"])),
        fact(code, "String", value["who"]),
    ],
}
