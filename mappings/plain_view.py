"""The resources of a handoff → what they say, in plain JSON: by the members in which a sender says it.

Whoever reads this may have no FHIR, and holds or will hold a person by it. So what has no member here is not dropped
in silence: `also` names it, and `GET /fhir/…` shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from adapter.domain.facts import RISK_TIERS
from mappings.canonicals import CARE_PLAN_CATEGORY_SYSTEM, FACT_SYSTEM, RISK_TIER_SYSTEM
from mappings.contacts import media_of
from mappings.plain_additions import CONFIDENTIAL
from mappings.plain_resources import MEDIA, Tree
from mappings.references import Resolve, contained_or, in_trees
from mappings.times import parse_time

_EVER: Final = datetime.min.replace(tzinfo=UTC)
_MEDIUM: Final[Mapping[str, str]] = {code: name for name, code in MEDIA.items()}
_ABSENT: Final[tuple[object, ...]] = (None, "", [], {})
BESIDE: Final = frozenset(
    {"Patient", "ServiceRequest", "Consent", "Binary", "Organization", "Location", "Endpoint"}
    | {"Practitioner", "PractitionerRole", "HealthcareService", "Provenance"}
)
"""What is shown within something else, or as what it is, and never needs a line of its own."""


def person(patient: Tree | None) -> Tree:
    """Who is handed over; as far as it was told."""
    patient = patient or {}
    name: Tree = next(iter(patient.get("name", ())), {})
    spoken = sorted(patient.get("communication", ()), key=lambda each: not each.get("preferred"))
    language: Tree = next(iter(spoken), {})
    told = {
        "identifier": _identifier(patient),
        "family": name.get("family") or name.get("text"),
        "given": name.get("given"),
        "birth_date": patient.get("birthDate"),
        "gender": patient.get("gender"),
        **_telecom(patient),
        "language": _code(language.get("language")),
    }
    return _said(told)


def content(task: Tree, trees: Mapping[str, Tree]) -> Tree:
    """What a handoff says. `trees`: `Type/id` → what belongs to it and may be shown, the Task among it."""
    known = in_trees(trees)
    resolve = contained_or(task, known)
    request: Tree = _at(task.get("focus"), resolve) or {}
    if request.get("resourceType") != "ServiceRequest":
        request = {}
    beside_request = contained_or(request, known)
    visit: Tree = _at(request.get("encounter"), beside_request) or {}
    told: Tree = {
        "person": person(_at(task.get("for"), resolve)),
        "reason": _reasons(request, beside_request) or _text(task.get("reasonCode")) or task.get("description"),
        "status_reason": _text(task.get("statusReason")),
        "order_number": _identifier(request),
        "priority": request.get("priority") or task.get("priority"),
        "sender": _contact(request.get("requester"), beside_request),
        "recipient_contact": _contact(next(iter(request.get("performer", ())), None), beside_request),
        "visit": {name: visit["period"][name] for name in ("start", "end") if name in visit.get("period", {})},
        "facts": _parameters(task.get("input", ()), resolve),
        "answers": _parameters(task.get("output", ()), resolve),
        "contacts": [],
        "appointments": [],
        "documents": [],
        "consents": [],
        "also": [],
    }
    labels = {c.get("code") for tree in trees.values() for c in tree.get("meta", {}).get("security", ())}
    told["confidentiality"] = [name for name, codes in CONFIDENTIAL.items() if labels.issuperset(codes)]
    for key, tree in trees.items():
        match tree["resourceType"]:
            case "RiskAssessment" if (level := _risk_level(tree)) and _is_higher(level, told.get("risk", {})):
                notes = " ".join(note["text"] for note in tree.get("note", ()) if "text" in note)
                told["risk"] = _said({"level": level, "notes": notes, "assessed_at": tree.get("occurrenceDateTime")})
            case "CarePlan" if _is_safety_plan(tree):
                steps = [_text({"text": (a.get("detail") or {}).get("description")}) for a in tree.get("activity", ())]
                told["safety_plan"] = _said({"summary": tree.get("description"), "next_steps": [s for s in steps if s]})
            case "Communication":
                told["contacts"].append(_attempt(tree, contained_or(tree, known)))
            case "Appointment":
                told["appointments"].append(_appointment(tree, contained_or(tree, known)))
            case "DocumentReference":
                told["documents"] += _documents(tree)
            case "Consent":
                told["consents"].append(_consent(tree))
            case "Encounter" if tree is visit:
                pass
            case type_ if type_ not in BESIDE and key != f"Task/{task['id']}":
                told["also"].append(key)
    for name, when in (("contacts", "at"), ("appointments", "start"), ("documents", "written"), ("consents", "signed")):
        told[name].sort(key=lambda each, when=when: (each.get(when) is not None, parse_time(each.get(when)) or _EVER))
    return _said(told)


def _said(members: Tree) -> Tree:
    return {name: value for name, value in members.items() if value not in _ABSENT}


def _at(element: Tree | None, resolve: Resolve) -> Tree | None:
    reference = (element or {}).get("reference")
    found: Tree | None = resolve(reference) if isinstance(reference, str) else None
    return found


def _identifier(tree: Tree) -> Tree | None:
    first: Tree = next(iter(tree.get("identifier", ())), {})
    return _said({"system": first.get("system"), "value": first.get("value")})


def _telecom(tree: Tree) -> Tree:
    found: Tree = {}
    for each in tree.get("telecom", ()):
        if each.get("use") != "old" and each.get("system") in ("phone", "email", "sms") and each.get("value"):
            found.setdefault("email" if each["system"] == "email" else "phone", each["value"])
    return found


def _code(concept: Tree | None) -> str | None:
    return next((c["code"] for c in (concept or {}).get("coding", ()) if "code" in c), None)


def _text(concept: Tree | None) -> str | None:
    concept = concept or {}
    displays = (c.get("display") or c.get("code") for c in concept.get("coding", ()))
    return concept.get("text") or next((each for each in displays if each), None)


def _reasons(request: Tree, resolve: Resolve) -> str | None:
    told = [_text(concept) for concept in request.get("reasonCode", ())]
    named = (_at(element, resolve) for element in request.get("reasonReference", ()))
    told += [_text(tree.get("code")) for tree in named if tree]
    return "; ".join(each for each in told if each) or None


def _contact(element: Tree | None, resolve: Resolve) -> Tree | None:
    """Somebody with a name: a role by the person in it."""
    if not element:
        return None
    tree = _at(element, resolve) or {}
    filled: Tree = tree.get("practitioner") or {}
    who = _at(filled, resolve) or {}
    organization: Tree = tree.get("organization") or {}
    return _said(
        {
            "name": _name(who) or filled.get("display") or _name(tree) or element.get("display"),
            "role": _text(next(iter(tree.get("code", ())), None))
            if tree.get("resourceType") == "PractitionerRole"
            else None,
            **_telecom(tree if tree.get("telecom") else who),
            "organization": _organization(organization) or _organization(element),
        }
    )


def _organization(element: Tree) -> str | None:
    type_, _, id_ = str(element.get("reference", "")).rpartition("/")
    return id_ if type_ == "Organization" else None


def _name(tree: Tree) -> str | None:
    names = tree.get("name")
    if isinstance(names, str):
        return names
    first: Tree = names[0] if isinstance(names, list) and names else {}
    return first.get("text") or " ".join([*first.get("given", ()), first.get("family", "")]).strip() or None


def _risk_level(tree: Tree) -> str | None:
    codings = (c for p in tree.get("prediction", ()) for c in (p.get("qualitativeRisk") or {}).get("coding", ()))
    return next((c.get("code") for c in codings if c.get("system") == RISK_TIER_SYSTEM), None)


def _is_higher(level: str, known: Tree) -> bool:
    """Of several assessments the highest counts, as it does for the gates."""
    return level in RISK_TIERS and ("level" not in known or RISK_TIERS.index(level) >= RISK_TIERS.index(known["level"]))


def _is_safety_plan(tree: Tree) -> bool:
    codings = (c for concept in tree.get("category", ()) for c in concept.get("coding", ()))
    return any((c.get("system"), c.get("code")) == (CARE_PLAN_CATEGORY_SYSTEM, "safety-plan") for c in codings)


def _parameters(elements: Iterable[Tree], resolve: Resolve) -> dict[str, list[Any]]:
    """Fact → what it says, each in the simplest form that it has."""
    found: dict[str, list[Any]] = {}
    for element in elements:
        codings = (element.get("type") or {}).get("coding", ())
        code = next((c.get("code") for c in codings if c.get("system") == FACT_SYSTEM), None)
        value = _value(element, resolve)
        if code and value not in _ABSENT:
            found.setdefault(code, []).append(value)
    return found


def _value(element: Tree, resolve: Resolve) -> Any:
    name = next((name for name in element if name.startswith("value")), "")
    value: Any = element.get(name)
    match name:
        case "valueReference":
            # A document, a call: it stands in its own list. Somebody: by name.
            return _contact(value, resolve) or value.get("reference")
        case "valueCodeableConcept":
            return _text(value)
        case "valueCoding":
            return value.get("display") or value.get("code")
        case "valueContactPoint":
            return value.get("value")
        case "valueAnnotation":
            return value.get("text")
    return value


def _attempt(tree: Tree, resolve: Resolve) -> Tree:
    media = sorted(_MEDIUM.get(code, code) for code in media_of(tree))
    parties = [_contact(element, resolve) or element.get("reference") for element in tree.get("recipient", ())]
    return _said(
        {
            "at": tree.get("sent") or tree.get("received"),
            "by": ", ".join(media),
            "reached": tree.get("status") == "completed",
            "status": tree.get("status"),
            "sender": _contact(tree.get("sender"), resolve),
            "recipients": [each for each in parties if each],
            "reason": _text(tree.get("statusReason")) or _text(next(iter(tree.get("reasonCode", ())), None)),
            "text": "\n".join(_payloads(tree)),
        }
    )


def _payloads(tree: Tree) -> Iterator[str]:
    return (each["contentString"] for each in tree.get("payload", ()) if "contentString" in each)


def _appointment(tree: Tree, resolve: Resolve) -> Tree:
    actors = [_at(each.get("actor"), resolve) or {} for each in tree.get("participant", ())]
    place = next((_name(actor) for actor in actors if actor.get("resourceType") == "Location"), None)
    return _said({"start": tree.get("start"), "end": tree.get("end"), "status": tree.get("status"), "place": place})


def _documents(tree: Tree) -> Iterator[Tree]:
    for each in tree.get("content", ()):
        attachment: Tree = each.get("attachment", {})
        url = str(attachment.get("url", ""))
        yield _said(
            {
                "kind": _text(tree.get("type")),
                "title": attachment.get("title") or tree.get("description"),
                "content_type": attachment.get("contentType"),
                "written": tree.get("date") or attachment.get("creation"),
                # A Binary of ours is got as what it is, with the same token.
                "url": f"/fhir/{url}" if url.startswith("Binary/") else url,
                "content": attachment.get("data"),
            }
        )


def _consent(tree: Tree) -> Tree:
    provision: Tree = tree.get("provision") or {}
    periods = [p.get("period", {}).get("end") for p in (provision, *provision.get("provision", ()))]
    until = next((end for end in periods if end), None)
    return _said(
        {"status": tree.get("status"), "signed": tree.get("dateTime"), "until": until, "number": _identifier(tree)}
    )
