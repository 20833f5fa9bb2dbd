"""R4's invariants of severity error, one line each, for the datatypes and resources that a handoff may carry.

Each line quotes the key of https://hl7.org/fhir/R4/ (`per-1`), the shape it belongs to, where its fault is shown, what
was expected, and a test on the JSON object. Evaluated natively: the same rules as FHIRPath cost a hundred times more.
Not here: what the schema says already (ele-1), what needs the whole resource (dom-*, ref-1, bdl-*: `walk.py`,
`bundle_rules.py`), placeholders of the specification that cannot fail (ppc-2 to ppc-5), and rules of definitions and
questionnaires, which no handoff carries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapter.use_cases.ports import Tree
from adapter.validation.comparing import definitely_after, greater

UCUM = "http://unitsofmeasure.org"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CONDITION_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_PROBLEM_LIST = frozenset({"problem-list-item"})
_WRONG = frozenset({"entered-in-error"})


@dataclass(frozen=True, slots=True)
class Invariant:
    key: str
    at: str
    """Where the fault is shown, relative to the object; empty = the object itself."""
    expected: str
    holds: Callable[[Tree], bool]
    severity: str = "error"


def has(node: Tree, name: str) -> bool:
    """FHIRPath's exists(): a value, or a primitive that has only extensions."""
    return name in node or f"_{name}" in node


def has_choice(node: Tree, stem: str) -> bool:
    """exists() of a choice: any property `stem` + type."""
    for key in node:
        name = key[1:] if key[0] == "_" else key
        if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper():
            return True
    return False


def is_coded(concept: Any, system: str, codes: frozenset[str]) -> bool:
    """Whether a CodeableConcept carries one of the codes of that system."""
    codings = (concept or {}).get("coding", ())
    return any(c.get("system") == system and c.get("code") in codes for c in codings)


def _needs(name: str, other: str) -> Callable[[Tree], bool]:
    """`name` only together with `other`. Written without calls: it runs for every telecom and quantity."""
    _name, _other = f"_{name}", f"_{other}"
    return lambda n: (name not in n and _name not in n) or other in n or _other in n


def _not_both(name: str, other: str) -> Callable[[Tree], bool]:
    return lambda n: not (has(n, name) and has(n, other))


def _any_of(*names: str) -> Callable[[Tree], bool]:
    accepted = {*names, *(f"_{name}" for name in names)}
    return lambda n: not accepted.isdisjoint(n)


def _ordered(start: str, end: str) -> Callable[[Tree], bool]:
    return lambda n: start not in n or end not in n or not definitely_after(n[start], n[end])


def _ucum(n: Tree) -> bool:
    return n.get("system", UCUM) == UCUM and (has(n, "code") or not has(n, "value"))


def _simple(name: str) -> Callable[[Tree], bool]:
    return lambda n: "comparator" not in n.get(name, ())


def _rejected_allergy(n: Tree) -> bool:
    return is_coded(n.get("verificationStatus"), _ALLERGY_VERIFICATION, _WRONG)


def _rejected_condition(n: Tree) -> bool:
    return is_coded(n.get("verificationStatus"), _CONDITION_VERIFICATION, _WRONG)


def _on_problem_list(n: Tree) -> bool:
    return any(is_coded(category, _CONDITION_CATEGORY, _PROBLEM_LIST) for category in n.get("category", ()))


def _has_no_home(n: Tree, name: str) -> bool:
    return all(item.get("use") != "home" for item in n.get(name, ()))


def _components_differ(n: Tree) -> bool:
    """obs-7: a component with the code of the observation itself, while there is a value."""
    if "component" not in n or not has_choice(n, "value"):
        return True
    mine = {_coding(coding) for coding in n["code"].get("coding", ())}
    return not any(_coding(c) in mine for part in n["component"] for c in part["code"].get("coding", ()))


def _coding(coding: Tree) -> tuple[str | None, ...]:
    return tuple(coding.get(part) for part in ("system", "version", "code", "display"))


def _parameter(n: Tree) -> bool:
    filled = has_choice(n, "value") + ("resource" in n)
    return filled == 0 if "part" in n else filled == 1


def _percent(n: Tree) -> bool:
    ends = [e for e in (n.get("probabilityRange") or {}).items() if e[0] in ("low", "high")]
    return all(end.get("code") == "%" and end.get("system") == UCUM for _, end in ends)


def _on_behalf(n: Tree) -> bool:
    """ctm-1, as far as the reference itself tells what it points at."""
    reference = n.get("member", {}).get("reference", "")
    return "onBehalfOf" not in n or "/" not in reference or "Practitioner" in reference.split("/")


_MEALS = frozenset({"C", "CM", "CD", "CV"})
_BOTH = "expected one of the two, got both"

INVARIANTS: dict[str, tuple[Invariant, ...]] = {
    "Age": (
        Invariant("age-1", "", "expected a UCUM unit", _ucum),
        Invariant("age-1", "value", "expected an age above zero", lambda n: n.get("value", 1) > 0),
        Invariant("qty-3", "system", "expected a system beside the code", _needs("code", "system")),
    ),
    "AllergyIntolerance": (
        Invariant(
            "ait-1",
            "clinicalStatus",
            "expected a clinicalStatus unless entered in error",
            lambda n: "clinicalStatus" in n or _rejected_allergy(n),
        ),
        Invariant(
            "ait-2",
            "clinicalStatus",
            "expected no clinicalStatus when entered in error",
            lambda n: "clinicalStatus" not in n or not _rejected_allergy(n),
        ),
    ),
    "Appointment": (
        Invariant("app-2", "end", "expected start and end together", lambda n: has(n, "start") == has(n, "end")),
        Invariant(
            "app-3",
            "start",
            "expected start and end unless proposed, cancelled or on the waitlist",
            lambda n: (has(n, "start") and has(n, "end")) or n.get("status") in ("proposed", "cancelled", "waitlist"),
        ),
        Invariant(
            "app-4",
            "cancelationReason",
            "expected a cancelationReason only when cancelled or noshow",
            lambda n: "cancelationReason" not in n or n.get("status") in ("noshow", "cancelled"),
        ),
    ),
    "Appointment.participant": (Invariant("app-1", "", "expected a type or an actor", _any_of("type", "actor")),),
    "AppointmentResponse": (
        Invariant("apr-1", "", "expected a participantType or an actor", _any_of("participantType", "actor")),
    ),
    "Attachment": (
        Invariant("att-1", "contentType", "expected a contentType beside the data", _needs("data", "contentType")),
    ),
    "AuditEvent.entity": (Invariant("sev-1", "query", f"name and query: {_BOTH}", _not_both("name", "query")),),
    "CarePlan.activity": (
        Invariant("cpl-3", "reference", f"detail and reference: {_BOTH}", _not_both("detail", "reference")),
    ),
    "CareTeam.participant": (
        Invariant("ctm-1", "onBehalfOf", "expected onBehalfOf only for a Practitioner", _on_behalf),
    ),
    "Composition.section": (
        # An error in R4, but published documents (HL7 BSeR) break it, and an empty section misleads nobody.
        Invariant("cmp-1", "", "expected text, entries or sections", _any_of("text", "entry", "section"), "warning"),
        Invariant("cmp-2", "emptyReason", f"emptyReason and entry: {_BOTH}", _not_both("emptyReason", "entry")),
    ),
    "Condition": (
        Invariant(
            "con-3",
            "clinicalStatus",
            "expected a clinicalStatus on the problem list unless entered in error",
            lambda n: "clinicalStatus" in n or _rejected_condition(n) or not _on_problem_list(n),
            "warning",
        ),
        Invariant(
            "con-4",
            "clinicalStatus",
            "expected inactive, remission or resolved, as there is an abatement",
            lambda n: (
                not has_choice(n, "abatement")
                or is_coded(n.get("clinicalStatus"), _CONDITION, frozenset({"resolved", "remission", "inactive"}))
            ),
        ),
        Invariant(
            "con-5",
            "clinicalStatus",
            "expected no clinicalStatus when entered in error",
            lambda n: "clinicalStatus" not in n or not _rejected_condition(n),
        ),
    ),
    "Condition.evidence": (Invariant("con-2", "", "expected a code or a detail", _any_of("code", "detail")),),
    "Condition.stage": (
        Invariant("con-1", "", "expected a summary or an assessment", _any_of("summary", "assessment")),
    ),
    "Consent": (Invariant("ppc-1", "policy", "expected a policy or a policyRule", _any_of("policy", "policyRule")),),
    "ContactPoint": (Invariant("cpt-2", "system", "expected a system beside the value", _needs("value", "system")),),
    "Count": (
        Invariant("cnt-3", "", "expected a UCUM unit", _ucum),
        Invariant("cnt-3", "code", "expected 1 as the code", lambda n: n.get("code", "1") == "1"),
        Invariant("cnt-3", "value", "expected a whole number", lambda n: "." not in str(n.get("value", ""))),
    ),
    "Distance": (Invariant("dis-1", "", "expected a UCUM unit", _ucum),),
    "Duration": (
        Invariant(
            "drt-1",
            "",
            "expected a value and UCUM beside the code",
            lambda n: not has(n, "code") or (n.get("system") == UCUM and has(n, "value")),
        ),
    ),
    "Expression": (
        Invariant("exp-1", "", "expected an expression or a reference", _any_of("expression", "reference")),
    ),
    "Extension": (
        Invariant(
            "ext-1",
            "",
            "expected either a value or extensions",
            lambda n: ("extension" in n) != has_choice(n, "value"),
        ),
    ),
    "Goal.target": (
        Invariant(
            "gol-1",
            "measure",
            "expected a measure beside the detail",
            lambda n: not has_choice(n, "detail") or "measure" in n,
        ),
    ),
    "Group": (
        Invariant(
            "grp-1",
            "member",
            "expected members only in an actual group",
            lambda n: "member" not in n or n.get("actual") is True,
        ),
    ),
    "Immunization.education": (
        Invariant("imm-1", "", "expected a documentType or a reference", _any_of("documentType", "reference")),
    ),
    "List": (
        Invariant("lst-1", "emptyReason", f"emptyReason and entry: {_BOTH}", _not_both("emptyReason", "entry")),
        Invariant(
            "lst-2",
            "entry",
            "expected deleted only in a list of changes",
            lambda n: n.get("mode") == "changes" or not any(has(e, "deleted") for e in n.get("entry", ())),
        ),
        Invariant(
            "lst-3",
            "entry",
            "expected dates only in a working list",
            lambda n: n.get("mode") == "working" or not any(has(e, "date") for e in n.get("entry", ())),
        ),
    ),
    "MeasureReport": (
        Invariant(
            "mrp-1",
            "group",
            "expected no groups in data collection",
            lambda n: n.get("type") != "data-collection" or "group" not in n,
        ),
    ),
    "MeasureReport.group.stratifier.stratum": (
        Invariant(
            "mrp-2", "", "expected either a value or components", lambda n: has(n, "value") != has(n, "component")
        ),
    ),
    "Observation": (
        Invariant(
            "obs-6",
            "dataAbsentReason",
            "expected a dataAbsentReason only without a value",
            lambda n: "dataAbsentReason" not in n or not has_choice(n, "value"),
        ),
        Invariant(
            "obs-7", "component", "expected components with codes other than the observation's", _components_differ
        ),
    ),
    "Observation.referenceRange": (
        Invariant("obs-3", "", "expected low, high or text", _any_of("low", "high", "text")),
        Invariant("sqty-1", "low", "expected no comparator", _simple("low")),
        Invariant("sqty-1", "high", "expected no comparator", _simple("high")),
    ),
    "Organization": (
        Invariant("org-1", "name", "expected a name or an identifier", _any_of("identifier", "name")),
        Invariant("org-2", "address", "expected no home address", lambda n: _has_no_home(n, "address")),
        Invariant("org-3", "telecom", "expected no home telecom", lambda n: _has_no_home(n, "telecom")),
    ),
    "Parameters.parameter": (Invariant("inv-1", "", "expected exactly one of value, resource and part", _parameter),),
    "Patient.contact": (
        Invariant(
            "pat-1",
            "",
            "expected a name, telecom, address or organization",
            _any_of("name", "telecom", "address", "organization"),
        ),
    ),
    "Period": (Invariant("per-1", "end", "expected an end that is not before the start", _ordered("start", "end")),),
    "Quantity": (Invariant("qty-3", "system", "expected a system beside the code", _needs("code", "system")),),
    "QuestionnaireResponse.item": (
        Invariant("qrs-1", "item", f"answer and item: {_BOTH}", _not_both("answer", "item")),
    ),
    "Range": (
        Invariant(
            "rng-2", "high", "expected a high that is not below low", lambda n: not greater(n.get("low"), n.get("high"))
        ),
        Invariant("sqty-1", "low", "expected no comparator", _simple("low")),
        Invariant("sqty-1", "high", "expected no comparator", _simple("high")),
    ),
    "Ratio": (
        Invariant(
            "rat-1",
            "",
            "expected numerator and denominator together",
            lambda n: ("numerator" in n) == ("denominator" in n) and ("numerator" in n or "extension" in n),
        ),
    ),
    "RiskAssessment.prediction": (
        Invariant("ras-1", "probabilityRange", "expected percent (UCUM %)", _percent),
        Invariant(
            "ras-2", "probabilityDecimal", "expected at most 100", lambda n: n.get("probabilityDecimal", 0) <= 100
        ),
    ),
    "ServiceRequest": (
        Invariant("prr-1", "code", "expected a code beside orderDetail", _needs("orderDetail", "code")),
    ),
    "Task": (
        Invariant(
            "inv-1",
            "lastModified",
            "expected lastModified not before authoredOn",
            _ordered("authoredOn", "lastModified"),
        ),
    ),
    "Timing.repeat": (
        Invariant(
            "tim-1", "durationUnit", "expected a durationUnit beside the duration", _needs("duration", "durationUnit")
        ),
        Invariant("tim-2", "periodUnit", "expected a periodUnit beside the period", _needs("period", "periodUnit")),
        Invariant("tim-4", "duration", "expected a duration from 0", lambda n: n.get("duration", 0) >= 0),
        Invariant("tim-5", "period", "expected a period from 0", lambda n: n.get("period", 0) >= 0),
        Invariant("tim-6", "period", "expected a period beside periodMax", _needs("periodMax", "period")),
        Invariant("tim-7", "duration", "expected a duration beside durationMax", _needs("durationMax", "duration")),
        Invariant("tim-8", "count", "expected a count beside countMax", _needs("countMax", "count")),
        Invariant(
            "tim-9",
            "offset",
            "expected an offset only beside a when that is not a meal",
            lambda n: not has(n, "offset") or (has(n, "when") and not _MEALS.intersection(n.get("when", ()))),
        ),
        Invariant("tim-10", "timeOfDay", f"timeOfDay and when: {_BOTH}", _not_both("timeOfDay", "when")),
    ),
}
