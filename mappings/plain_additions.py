"""What is added to a handoff in plain JSON, with it or later: contact attempts, the appointment, documents, consents.

Each becomes the resources that a FHIR sender would send: both sides, the gates and the ladder see no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from mappings.canonicals import REASON_SYSTEM
from mappings.emergency import PURPOSE as EMERGENCY
from mappings.plain_resources import Existing, Plain, Resources, Tree, communication, identified, time
from mappings.security_labels import ACT_CODE
from mappings.task import organization

CONFIDENTIAL: Final[Mapping[str, tuple[str, ...]]] = {
    "substance-use": ("42CFRPart2",),
    "counseling-notes": ("42CFRPart2", "PSYTHPN"),
}
"""What a system without FHIR can say of records that 42 CFR Part 2 restricts → their security labels."""
DOCUMENT_FACTS: Final = frozenset({"discharge-instructions", "discharge-summary"})
"""Kinds of document that are a fact of the catalogue, by its code."""
DOCUMENT_KINDS: Final = (*sorted(DOCUMENT_FACTS), "other")
CONSENT_PURPOSES: Final = {"treatment": "TREAT", "care-coordination": "COC"}
_UNLABELLED: Final = frozenset({"Patient", "PractitionerRole", "Location", "Consent", "Task"})
_ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def contact(plain: Plain, existing: Existing) -> Resources:
    """An attempt to reach the other side or the person. One that reached nobody says why, and starts the ladder."""
    made, patient = Resources(), existing.patient
    with_person = plain["whom"] == "person"
    recipients = [patient] if with_person else [existing.other_side, *([patient] if plain.get("three_way") else [])]
    tree = communication(plain["by"], plain["at"], patient, organization(existing.tenant), recipients, existing.about)
    if not plain["reached"]:
        tree["status"] = "not-done"
        tree["statusReason"] = {"coding": [{"system": REASON_SYSTEM, "code": plain["reason"]}]}
    if "text" in plain:
        tree["payload"] = [{"contentString": plain["text"]}]
    made.add("contact", "", tree)
    return made


def booking(plain: Plain, existing: Existing) -> Resources:
    """The first appointment by itself, as it is booked, kept or missed."""
    made, clinician = Resources(), None
    if "clinician" in plain:
        clinician = made.person("clinician", "clinician", plain["clinician"], existing.tenant)
    appointment(plain, made, existing, clinician, "")
    return made


def appointment(plain: Plain, made: Resources, existing: Existing, clinician: Tree | None, member: str) -> None:
    """The tenant's own Appointment of this handoff, made anew or brought to its new status."""
    # R4 has no booked appointment with a start and no end (app-2, app-3).
    told = {"status": plain["status"], "start": time(plain["start"]), "end": time(plain["end"])}
    if mine := existing.own("Appointment"):
        tree, version = mine[-1]
        made.replace(member, {**tree, **told}, version)
        return
    participants = [{"actor": existing.patient, "status": "accepted"}]
    if clinician is not None:  # an Organization cannot take part
        participants.append({"actor": clinician, "status": "accepted"})
    if "place" in plain:
        place = made.add("place", f"{member}.place".strip("."), {"resourceType": "Location", "name": plain["place"]})
        participants.append({"actor": place, "status": "accepted"})
    tree = {"resourceType": "Appointment", **told, "basedOn": [existing.about], "participant": participants}
    made.add("appointment", member, tree)


def attachment(plain: Plain, existing: Existing) -> Resources:
    """A document that is added to a handoff."""
    made = Resources()
    document(plain, made, "", existing.patient, existing)
    return made


def document(plain: Plain, made: Resources, member: str, patient: Tree, existing: Existing | None) -> Tree:
    """A DocumentReference with its content beside it, as a Binary that either side gets as what it is."""
    content = {"resourceType": "Binary", "contentType": plain["content_type"], "data": plain["content"]}
    written = time(plain["written"])
    related = []
    if existing is not None:
        related = [{"reference": f"Task/{existing.task['id']}"}]
    if existing is not None and plain["kind"] == "discharge-instructions":
        # What the fact demands of them: that they carry the appointment.
        booked = [t for t, _, _ in existing.related if t["resourceType"] == "Appointment"]
        related += [{"reference": f"Appointment/{tree['id']}"} for tree in booked]
    tree: Tree = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": plain["kind"]},
        "subject": patient,
        "date": written,
        "description": plain["title"],
        "content": [
            {
                "attachment": {
                    "contentType": plain["content_type"],
                    "url": made.add(f"{member}/content", member, content)["reference"],
                    "title": plain["title"],
                    "creation": written,
                }
            }
        ],
        **({"context": {"related": related}} if related else {}),
    }
    for labelled in (content, tree):
        _label(labelled, plain.get("confidentiality", ()))
    return made.add(f"{member}/document", member, tree)


def consented(plain: Plain, existing: Existing) -> Resources:
    """A consent that is brought for a handoff which rests on one, or will."""
    made = Resources()
    consent(plain, made, "", existing.patient, existing.tenant)
    return made


def consent(plain: Plain, made: Resources, member: str, patient: Tree, tenant: str) -> None:
    """What the person signed. What 42 CFR 2.31(a) asks for was said by whoever sends it; nothing is supposed."""
    until = {"period": {"end": plain["until"].isoformat()}} if "until" in plain else {}
    role = {"coding": [{"system": _PARTICIPATION, "code": "IRCP"}]}
    provision = {
        "type": "permit",
        **until,
        "actor": [{"role": role, "reference": organization(recipient)} for recipient in plain["recipients"]],
        "securityLabel": [{"system": ACT_CODE, "code": CONFIDENTIAL[plain["about"]][-1]}],
        "purpose": [{"system": _ACT_REASON, "code": CONSENT_PURPOSES[plain["purpose"]]}],
    }
    tree: Tree = {
        "resourceType": "Consent",
        **identified(plain.get("number")),
        "status": "active",
        "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": patient,
        "dateTime": plain["signed"].isoformat(),
        "organization": [organization(tenant)],
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTOUT"}]},
        "provision": {"provision": [provision]},
    }
    made.add(f"{member}/consent", member, tree)


def withdrawal(existing: Existing) -> Resources:
    """The person took back what was signed: every Consent of the tenant's that is part of the handoff."""
    made = Resources()
    for tree, version in existing.own("Consent"):
        if tree["status"] == "active":
            made.replace("", {**tree, "status": "inactive"}, version)
    return made


def emergency_at(plain: Plain, existing: Existing) -> Resources:
    """What the program writes down when it discloses a handoff in a medical emergency."""
    made = Resources()
    emergency(plain, made, "", existing.patient, existing.about, existing.tenant)
    return made


def emergency(plain: Plain, made: Resources, member: str, patient: Tree, about: Tree, tenant: str) -> None:
    """To whom, by whom, when and why, as 42 CFR 2.51(c) has it documented."""
    part = f"{member}.".removeprefix(".")
    tree: Tree = {
        "resourceType": "Communication",
        "basedOn": [about],
        "status": "completed",
        "subject": patient,
        "recipient": [made.person("disclosed-to", f"{part}to", plain["to"], plain["to"]["organization"])],
        "sender": made.person("disclosed-by", f"{part}by", plain["by"], tenant),
        "sent": time(plain["at"]),
        "reasonCode": [{"coding": [EMERGENCY], "text": plain["nature"]}],
    }
    made.add("emergency", member, tree)


def label(made: Resources, what: Collection[str]) -> None:
    """Put the security labels on what tells of the person's care, beside those that it has."""
    for entry in made.entries if what else ():
        if entry["resource"]["resourceType"] not in _UNLABELLED:
            _label(entry["resource"], what)


def _label(tree: Tree, what: Collection[str]) -> None:
    codes = [label["code"] for label in tree.get("meta", {}).get("security", ())]
    codes += [code for each in sorted(what) for code in CONFIDENTIAL[each]]
    if codes:
        tree["meta"] = {"security": [{"system": ACT_CODE, "code": code} for code in dict.fromkeys(codes)]}
