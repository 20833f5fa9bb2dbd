"""FHIR resources → the facts of a handoff: a finder for each row of the catalogue (domain/facts.py), in one table.

Each fact is looked for where FHIR puts it, in native code on the decoded tree: a gate is asked in the path of every
request, and FHIRPath would take a hundred times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Final

from adapter.domain.facts import (
    ACCESS_NEEDS,
    COVERAGES,
    HANDOFF_METHODS,
    RISK_TIERS,
    FactEvidence,
    Facts,
)
from mappings.canonicals import (
    ACCESS_NEED_SYSTEM,
    CARE_PLAN_CATEGORY_SYSTEM,
    EXT_ACCEPTANCE_DEADLINE,
    FACT_SYSTEM,
    RISK_TIER_SYSTEM,
)
from mappings.contacts import failed_contacts, live_contacts, outreach, phone_confirmations, told_to_person
from mappings.handoff_context import HandoffContext, OrganisationOf, key_of
from mappings.references import Tree
from mappings.times import parse_time
from mappings.visits import (
    appointment_confirmed,
    appointment_location,
    appointment_time,
    first_contact_attended,
    time_in,
    visit_context,
    visit_end,
)

Finder = Callable[[HandoffContext], Iterator[FactEvidence]]

RISK_PROBABILITY_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/risk-probability"
_TIER_OF_PROBABILITY: Final = {
    "negligible": "low",
    "low": "low",
    "moderate": "moderate",
    "high": "high",
    "certain": "high",
}


def extract_facts(
    task: Tree,
    related: Mapping[str, Tree],
    *,
    organisation_of: OrganisationOf,
    requester: str | None = None,
    owner: str | None = None,
    wanted: Collection[str] | None = None,
) -> Facts:
    """The facts that a Task and the resources at hand prove.

    `related`: reference as it stands in the resources (`Type/id`, a fullUrl) → tree; more than this handoff's resources
    may be in it. `organisation_of`: see OrganisationOf. `requester` and `owner`: the partner ids of the two sides,
    where they are known better than the Task says (the projection knows). `wanted`: only these codes; None for all."""
    context = HandoffContext(task, related, organisation_of, requester, owner)
    finders = FINDERS.items() if wanted is None else ((code, FINDERS[code]) for code in wanted)
    return Facts({code: tuple(find(context)) for code, find in finders})


def risk_tier(task: Tree, related: Mapping[str, Tree]) -> str | None:
    """The highest risk that a RiskAssessment named by the handoff states: `low`, `moderate`, `high`; None for none."""
    context = HandoffContext(task, related, lambda _: None)
    return Facts({"current-risk-level": tuple(_risk_levels(context))}).risk_tier


def stated_acceptance_deadline(task: Tree) -> datetime | None:
    """The acceptance deadline that the request states, in UTC."""
    for extension in task.get("extension") or ():
        if extension.get("url") == EXT_ACCEPTANCE_DEADLINE:
            return parse_time(extension.get("valueDateTime"))
    return None


def access_needs(task: Tree, related: Mapping[str, Tree]) -> frozenset[str]:
    """The access needs that the handoff names, by code."""
    context = HandoffContext(task, related, lambda _: None)
    return frozenset(evidence.value for evidence in _access_needs(context) if evidence.value)


# What a Task.input or Task.output may carry, by kind of fact.
_TEXT = ("valueString", "valueMarkdown", "valueCodeableConcept", "valueAnnotation")
_TEXT_OR_REFERENCE = (*_TEXT, "valueReference")
_CONTACT = ("valueContactPoint", "valueContactDetail", "valueReference", "valueString")
_TIME = ("valueDateTime", "valueInstant", "valuePeriod")
_REFERENCE = ("valueReference",)
_PEOPLE = frozenset({"Practitioner", "PractitionerRole"})


def _says(value: object) -> bool:
    """Whether an element says anything: blank strings, empty concepts and references to nothing do not."""
    if type(value) is str:
        return bool(value.strip())
    if type(value) is dict:
        if "coding" in value:
            return bool(value.get("text")) or any(coding.get("code") for coding in value["coding"])
        return bool(
            value.get("text")
            or value.get("value")
            or value.get("reference")
            or value.get("identifier")
            or value.get("telecom")
        )
    return value is not None


def _parameter(elements: list[tuple[str, Tree]], names: Collection[str]) -> Iterator[FactEvidence]:
    for expression, element in elements:
        for name in names:
            if _says(element.get(name)):
                yield FactEvidence(expression, (element.get("valueReference") or {}).get("reference"))
                break


def _input(code: str, names: Collection[str]) -> Finder:
    return lambda context: _parameter(context.inputs.get(code, []), names)


def _output(code: str, names: Collection[str]) -> Finder:
    return lambda context: _parameter(context.outputs.get(code, []), names)


def _codes_of(element: Tree) -> Iterator[str]:
    """The codes that a parameter carries, as code, Coding or CodeableConcept."""
    if "valueCode" in element:
        yield element["valueCode"]
    for coding in (element.get("valueCodeableConcept") or {}).get("coding") or ():
        yield coding.get("code", "")
    if "valueCoding" in element:
        yield element["valueCoding"].get("code", "")


def _coded(code: str, known: Collection[str]) -> Finder:
    def find(context: HandoffContext) -> Iterator[FactEvidence]:
        for expression, element in context.inputs.get(code, ()):
            for value in _codes_of(element):
                if value in known:
                    yield FactEvidence(expression, value=value)

    return find


def _named_people(
    context: HandoffContext, elements: list[tuple[str, Tree]], side: str | None
) -> Iterator[FactEvidence]:
    """References to a Practitioner or a PractitionerRole that says who fills it; with `side`, of that side's."""
    for expression, element in elements:
        reference = element.get("valueReference")
        if not reference or context.resource_type(reference, context.task) not in _PEOPLE:
            continue
        tree = context.resolve(reference, context.task)
        if tree is not None and tree.get("resourceType") == "PractitionerRole" and not tree.get("practitioner"):
            continue
        if side is not None and context.side(reference, context.task) not in (None, side):
            continue
        yield FactEvidence(expression, reference.get("reference"))


def _recipient_clinician(context: HandoffContext) -> Iterator[FactEvidence]:
    return _named_people(context, context.outputs.get("recipient-clinician", []), context.owner)


def _follow_up_owner(context: HandoffContext) -> Iterator[FactEvidence]:
    code = "follow-up-owner"
    return _named_people(context, [*context.inputs.get(code, ()), *context.outputs.get(code, ())], None)


def _escalation_owner(context: HandoffContext) -> Iterator[FactEvidence]:
    for expression, element in context.inputs.get("escalation-owner", ()):
        reference = element.get("valueReference")
        if reference and context.resource_type(reference, context.task) in _PEOPLE | {"Organization"}:
            yield FactEvidence(expression, reference.get("reference"))


def _risk_levels(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in context.supporting:
        if tree.get("resourceType") != "RiskAssessment":
            continue
        for index, prediction in enumerate(tree.get("prediction") or ()):
            for coding in (prediction.get("qualitativeRisk") or {}).get("coding") or ():
                tier = _tier(coding.get("system"), coding.get("code"))
                if tier is not None:
                    expression = f"RiskAssessment.prediction[{index}].qualitativeRisk"
                    yield FactEvidence(expression, key_of(tree), tier)


def _tier(system: str | None, code: str | None) -> str | None:
    if system == RISK_TIER_SYSTEM:
        return code if code in RISK_TIERS else None
    return _TIER_OF_PROBABILITY.get(code or "") if system == RISK_PROBABILITY_SYSTEM else None


def _reason(context: HandoffContext) -> Iterator[FactEvidence]:
    for index, concept in enumerate(context.request.get("reasonCode") or ()):
        if _says(concept):
            yield FactEvidence(f"ServiceRequest.reasonCode[{index}]", key_of(context.request))


def _brief_summary(context: HandoffContext) -> Iterator[FactEvidence]:
    yield from _reason(context)
    yield from _parameter(context.inputs.get("brief-summary", []), _TEXT)


def _care_plans(context: HandoffContext) -> Iterator[Tree]:
    return (tree for tree in context.supporting if tree.get("resourceType") == "CarePlan")


def _safety_plan(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in _care_plans(context):
        codings = (coding for concept in tree.get("category") or () for coding in concept.get("coding") or ())
        is_safety_plan = any(
            coding.get("code") == "safety-plan" and coding.get("system") == CARE_PLAN_CATEGORY_SYSTEM
            for coding in codings
        )
        if is_safety_plan and _says(tree.get("description")):
            yield FactEvidence("CarePlan.description", key_of(tree))


def _agreed_next_steps(context: HandoffContext) -> Iterator[FactEvidence]:
    for tree in _care_plans(context):
        if tree.get("activity"):
            yield FactEvidence("CarePlan.activity", key_of(tree))


def _named_recipient(context: HandoffContext) -> Iterator[FactEvidence]:
    if context.owner is not None:
        yield FactEvidence("Task.owner", (context.task.get("owner") or {}).get("reference"))


def _has_telecom(tree: Tree | None) -> bool:
    return any(_says(contact.get("value")) for contact in (tree or {}).get("telecom") or ())


def _recipient_contact(context: HandoffContext) -> Iterator[FactEvidence]:
    task = context.task
    if _has_telecom(context.resolve(task.get("owner"), task)):
        yield FactEvidence("Task.owner.resolve().telecom", task["owner"].get("reference"))
    for index, element in enumerate(context.request.get("performer") or ()):
        tree = context.resolve(element, context.request)
        if _has_telecom(tree) and context.side(element, context.request) in (None, context.owner):
            yield FactEvidence(f"ServiceRequest.performer[{index}].resolve().telecom", element.get("reference"))
    for tree in [*(task.get("contained") or ()), *context.of_type("PractitionerRole")]:
        if tree.get("resourceType") == "PractitionerRole" and _has_telecom(tree):
            container = task if any(tree is contained for contained in task.get("contained") or ()) else tree
            if context.owner is not None and context.organisation(tree.get("organization"), container) == context.owner:
                yield FactEvidence("PractitionerRole.telecom", key_of(tree))
    yield from _parameter(context.inputs.get("recipient-contact", []), _CONTACT)


def _preferred_contact(context: HandoffContext) -> Iterator[FactEvidence]:
    yield from _parameter(context.inputs.get("preferred-contact", []), (*_CONTACT, "valueCode", "valueCodeableConcept"))
    for index, contact in enumerate((context.patient or {}).get("telecom") or ()):
        if _says(contact.get("value")) and ("rank" in contact or "use" in contact) and contact.get("use") != "old":
            yield FactEvidence(f"Patient.telecom[{index}]")


def _submitted_in_presence(context: HandoffContext) -> Iterator[FactEvidence]:
    for expression, element in context.inputs.get("submitted-in-presence", ()):
        value = element.get("valueBoolean")
        if value is not None:
            yield FactEvidence(expression, value="true" if value is True else "false")


def _immediate_resource(context: HandoffContext) -> Iterator[FactEvidence]:
    yield from _parameter(context.inputs.get("immediate-resource", []), (*_TEXT_OR_REFERENCE, "valueContactPoint"))
    for tree in context.belonging("Communication"):
        concepts = [*(tree.get("category") or ()), *(tree.get("reasonCode") or ()), tree.get("topic") or {}]
        codings = (coding for concept in concepts for coding in concept.get("coding") or ())
        if any(c.get("code") == "immediate-resource" and c.get("system") == FACT_SYSTEM for c in codings):
            yield FactEvidence("Communication", key_of(tree))


def _access_needs(context: HandoffContext) -> Iterator[FactEvidence]:
    yield from _coded("access-needs", ACCESS_NEEDS)(context)
    for tree in context.supporting:
        if tree.get("resourceType") == "Flag":
            for coding in (tree.get("code") or {}).get("coding") or ():
                if coding.get("system") == ACCESS_NEED_SYSTEM and coding.get("code") in ACCESS_NEEDS:
                    yield FactEvidence("Flag.code", key_of(tree), coding["code"])


def _bridge_contact(context: HandoffContext) -> Iterator[FactEvidence]:
    """An Appointment; or a time, and who makes the contact beside it (a reference or a text, as a second input)."""
    elements = context.inputs.get("bridge-contact", [])
    times = [(expression, moment) for expression, e in elements if (moment := time_in(e)) is not None]
    someone = False
    for expression, element in elements:
        tree = context.resolve(element.get("valueReference"), context.task)
        if tree is not None and tree.get("resourceType") == "Appointment":
            if start := parse_time(tree.get("start")):
                yield FactEvidence(expression, key_of(tree), at=start)
        elif any(_says(element.get(name)) for name in _TEXT_OR_REFERENCE):
            someone = True
    if someone:
        for expression, moment in times:
            yield FactEvidence(expression, at=moment)


def _discharge_summary(context: HandoffContext) -> Iterator[FactEvidence]:
    for expression, element in context.inputs.get("discharge-summary", ()):
        tree = context.resolve(element.get("valueReference"), context.task)
        if tree is not None and tree.get("resourceType") == "DocumentReference":
            content = (tree.get("content") or [{}])[0]
            created = (content.get("attachment") or {}).get("creation")
            yield FactEvidence(expression, key_of(tree), at=parse_time(tree.get("date") or created))


def _acceptance_deadline(context: HandoffContext) -> Iterator[FactEvidence]:
    stated = stated_acceptance_deadline(context.task)
    if stated is not None:
        yield FactEvidence("Task.extension", at=stated)


def _appointment_place(context: HandoffContext) -> Iterator[FactEvidence]:
    yield from appointment_location(context)
    kinds = (*_TEXT_OR_REFERENCE, "valueUrl", "valueUri")
    for found in _parameter(context.outputs.get("telehealth-instructions", []), kinds):
        yield FactEvidence(found.expression, found.reference, "telehealth")


def _discharge_instructions(context: HandoffContext) -> Iterator[FactEvidence]:
    appointments = context.belonging("Appointment")
    for tree in context.of_type("DocumentReference"):
        related = context.resolve_all((tree.get("context") or {}).get("related"), tree)
        if any(target is appointment for target in related for appointment in appointments):
            yield FactEvidence("DocumentReference.context.related", key_of(tree))
    yield from _parameter(context.inputs.get("discharge-instructions", []), _REFERENCE)
    yield from _parameter(context.outputs.get("discharge-instructions", []), _REFERENCE)


FINDERS: Final[Mapping[str, Finder]] = {
    "current-risk-level": _risk_levels,
    "crisis-trigger": _reason,
    "brief-summary": _brief_summary,
    "safety-plan-summary": _safety_plan,
    "agreed-next-steps": _agreed_next_steps,
    "risk-concerns-transferred": _input("risk-concerns-transferred", _TEXT_OR_REFERENCE),
    "housing-risk-summary": _input("housing-risk-summary", _TEXT),
    "medication-access": _input("medication-access", _TEXT),
    "transportation-plan": _input("transportation-plan", _TEXT),
    "missed-appointment-barrier": _input("missed-appointment-barrier", _TEXT),
    "discharge-summary": _discharge_summary,
    "named-recipient": _named_recipient,
    "recipient-contact": _recipient_contact,
    "preferred-contact": _preferred_contact,
    "follow-up-owner": _follow_up_owner,
    "recipient-clinician": _recipient_clinician,
    "alternate-contact": _input("alternate-contact", _REFERENCE),
    "escalation-owner": _escalation_owner,
    "delegate": _input("delegate", _REFERENCE),
    "questions-contact": _input("questions-contact", _CONTACT),
    "handoff-method": _coded("handoff-method", HANDOFF_METHODS),
    "submitted-in-presence": _submitted_in_presence,
    "person-informed": told_to_person,
    "phone-confirmation": phone_confirmations,
    "coverage": _coded("coverage", COVERAGES),
    "immediate-resource": _immediate_resource,
    "access-needs": _access_needs,
    "live-contact": live_contacts,
    "failed-contact": failed_contacts,
    "bridge-contact": _bridge_contact,
    "same-day-outreach": outreach,
    "risk-acknowledged": _output("risk-acknowledged", _TEXT),
    "responsibilities-accepted": _output("responsibilities-accepted", _TEXT_OR_REFERENCE),
    "appointment-time": appointment_time,
    "appointment-confirmed": appointment_confirmed,
    "appointment-place": _appointment_place,
    "person-has-appointment": _output("person-has-appointment", (*_TEXT_OR_REFERENCE, "valueDateTime")),
    "discharge-instructions": _discharge_instructions,
    "first-contact-attended": first_contact_attended,
    "acceptance-deadline": _acceptance_deadline,
    "discharge-time": visit_end("discharge-time"),
    "last-session-time": visit_end("last-session-time"),
    "visit-end": visit_end("visit-end"),
    "visit-context": visit_context,
}
