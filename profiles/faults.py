"""One faulty copy of an example for each rule of our profiles: both validators must refuse every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mappings.canonicals import BASE, FACT_SYSTEM

Json = dict[str, Any]
_EXTENSION: Final = f"{BASE}/StructureDefinition/"


def _without(name: str) -> Callable[[Json], None]:
    def spoil(tree: Json) -> None:
        del tree[name]

    return spoil


def _with(**elements: Any) -> Callable[[Json], None]:
    return lambda tree: tree.update(elements)


def _input(code: str, **value: Any) -> Callable[[Json], None]:
    return lambda tree: tree["input"].append({"type": {"coding": [{"system": FACT_SYSTEM, "code": code}]}, **value})


def _output(code: str, **value: Any) -> Callable[[Json], None]:
    return _with(output=[{"type": {"coding": [{"system": FACT_SYSTEM, "code": code}]}, **value}])


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _extended(*extensions: Json) -> Callable[[Json], None]:
    return _with(extension=list(extensions))


def _entry_without(type_: str, name: str) -> Callable[[Json], None]:
    def spoil(tree: Json) -> None:
        del next(e["resource"] for e in tree["entry"] if e["resource"]["resourceType"] == type_)[name]

    return spoil


def _no_task(tree: Json) -> None:
    tree["entry"] = [e for e in tree["entry"] if e["resource"]["resourceType"] != "Task"]


def _bad_risk(tree: Json) -> None:
    tree["prediction"][0]["qualitativeRisk"] = _concept(f"{BASE}/CodeSystem/risk-tier", "very-high")


def _no_risk(tree: Json) -> None:
    del tree["prediction"][0]["qualitativeRisk"]


def _no_actor(tree: Json) -> None:
    tree["participant"][0] = {"type": [{"text": "somebody"}], "status": "accepted"}


def _timeless(tree: Json) -> None:
    """As R4 allows it of what is only proposed."""
    del tree["start"], tree["end"]
    tree["status"] = "proposed"


def _collected(tree: Json) -> None:
    tree["type"] = "collection"
    for entry in tree["entry"]:
        del entry["request"]


_DEADLINE: Final = {"url": f"{_EXTENSION}acceptance-deadline", "valueDateTime": "2026-02-01T12:00:00Z"}
_ACTION: Final = {"url": "code", "valueCodeableConcept": _concept(f"{BASE}/CodeSystem/handoff-action", "answer")}
_WHO: Final = {"url": "who", "valueReference": {"reference": "Organization/1"}}

FAULTS: Final[Mapping[str, tuple[str, Callable[[Json], None]]]] = {
    "task-without-code": ("handoff-task", _without("code")),
    "task-with-another-code": ("handoff-task", _with(code=_concept("http://hl7.org/fhir/CodeSystem/task-code",
        "approve"))),
    "task-without-focus": ("handoff-task", _without("focus")),
    "task-without-person": ("handoff-task", _without("for")),
    "task-for-a-group": ("handoff-task", _with(**{"for": {"reference": "Group/1"}})),
    "task-without-requester": ("handoff-task", _without("requester")),
    "task-requested-by-a-patient": ("handoff-task", _with(requester={"reference": "Patient/1"})),
    "task-without-owner": ("handoff-task", _without("owner")),
    "task-rejected-without-reason": ("handoff-task", _with(status="rejected")),
    "task-with-unknown-method": ("handoff-task", _input("handoff-method", valueCode="pigeon")),
    "task-with-method-as-text": ("handoff-task", _input("handoff-method", valueString="phone")),
    "task-with-unknown-coverage": ("handoff-task", _input("coverage", valueCodeableConcept=_concept(
        f"{BASE}/CodeSystem/coverage", "gold"))),
    "task-with-presence-as-text": ("handoff-task", _input("submitted-in-presence", valueString="true")),
    "task-escalated-to-a-patient": ("handoff-task", _input("escalation-owner", valueReference={
        "reference": "Patient/1"})),
    "task-with-clinician-as-text": ("handoff-task", _output("recipient-clinician", valueString="somebody")),
    "task-with-deadline-as-text": ("handoff-task", _extended({"url": _DEADLINE["url"], "valueString": "soon"})),
    "task-with-two-deadlines": ("handoff-task", _extended(_DEADLINE, _DEADLINE)),
    "task-with-action-of-nobody": ("handoff-task", _extended({"url": f"{_EXTENSION}next-action", "extension": [
        _ACTION]})),
    "task-with-unknown-action": ("handoff-task", _extended({"url": f"{_EXTENSION}next-action", "extension": [_WHO, {
        "url": "code", "valueCodeableConcept": _concept(f"{BASE}/CodeSystem/handoff-action", "wait")}]})),
    "task-with-responsible-person": ("handoff-task", _extended({"url": f"{_EXTENSION}responsible",
        "valueReference": {"reference": "Practitioner/1"}})),
    "task-that-says-it-is-a-plan": ("handoff-task", _with(meta={"profile": [f"{_EXTENSION}safety-plan"]})),
    "plan-with-deadline": ("safety-plan", _extended(_DEADLINE)),
    "request-without-code": ("handoff-service-request", _without("code")),
    "request-of-nobody": ("handoff-service-request", _without("requester")),
    "request-for-a-group": ("handoff-service-request", _with(subject={"reference": "Group/1"})),
    "plan-without-category": ("safety-plan", _without("category")),
    "plan-of-another-category": ("safety-plan", _with(category=[{"text": "safety plan"}])),
    "plan-without-description": ("safety-plan", _without("description")),
    "risk-without-prediction": ("handoff-risk-assessment", _without("prediction")),
    "risk-of-unknown-tier": ("handoff-risk-assessment", _bad_risk),
    "risk-that-is-not-said": ("handoff-risk-assessment", _no_risk),
    "contact-without-medium": ("handoff-communication", _without("medium")),
    "contact-of-nobody": ("handoff-communication", _without("sender")),
    "contact-with-nobody": ("handoff-communication", _without("recipient")),
    "contact-of-no-handoff": ("handoff-communication", _without("basedOn")),
    "contact-failed-without-reason": ("handoff-communication", _with(status="not-done")),
    "contact-made-at-no-time": ("handoff-communication", _without("sent")),
    "appointment-without-start": ("handoff-appointment", _timeless),
    "appointment-of-no-request": ("handoff-appointment", _without("basedOn")),
    "appointment-with-nobody": ("handoff-appointment", _no_actor),
    "bundle-of-another-type": ("handoff-bundle", _collected),
    "bundle-without-task": ("handoff-bundle", _no_task),
    "bundle-with-ownerless-task": ("handoff-bundle", _entry_without("Task", "owner")),
    "bundle-with-request-of-nobody": ("handoff-bundle", _entry_without("ServiceRequest", "requester")),
}  # fmt: skip
"""Name → (profile whose example it spoils, how)."""

BY_REFERENCE: Final = frozenset(
    {
        "request-for-a-group",
        "task-escalated-to-a-patient",
        "task-for-a-group",
        "task-requested-by-a-patient",
        "task-with-responsible-person",
    }
)
"""A reference points at something of the wrong type, which HL7's validator sees only where it can resolve it."""
