"""Seeded, realistic bundles in any number and size, for benchmarks and fault tests: same seed, same bundles."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapter.clock import SystemClock
from adapter.testkit import people
from mappings.canonicals import (
    CARE_PLAN_CATEGORY_SYSTEM,
    FACT_SYSTEM,
    FHIR_TASK_CODE_SYSTEM,
    PARTICIPATION_MODE_SYSTEM,
    PLAN_DEFINITION,
    RISK_TIER_SYSTEM,
)

Tree = dict[str, Any]

SMALLEST: Final = 10
REQUESTER: Final = "mobile-crisis"
OWNER: Final = "outpatient-clinic"
_HL7: Final = "http://terminology.hl7.org/CodeSystem"


def generate(
    pathway: str,
    seed: int,
    n: int,
    *,
    entries: int = SMALLEST,
    requester: str = REQUESTER,
    owner: str = OWNER,
    at: datetime | None = None,
) -> Iterator[Tree]:
    """`n` transaction Bundles of exactly `entries` entries that open a handoff from `requester` to `owner`.

    `pathway` is `referral` or `mobile-crisis-to-outpatient`, whose request facts are then all there. Ten entries are
    the handoff itself (Patient, two PractitionerRole, Encounter, ServiceRequest, Task, CarePlan, RiskAssessment,
    Communication, Consent); what goes beyond is the person's record (Observation). `at` is when the visit ended, by
    default now; seed and `at` decide everything, ids included.
    """
    if entries < SMALLEST:
        raise ValueError(f"expected at least {SMALLEST} entries, got {entries}")
    chance = random.Random(f"{pathway} {seed}")
    at = (at or SystemClock().now()).replace(microsecond=0)
    for _ in range(n):
        yield _Episode(chance, pathway, requester, owner, at).bundle(entries)


class _Episode:
    """One invented crisis visit and what is sent because of it."""

    def __init__(self, chance: random.Random, pathway: str, requester: str, owner: str, at: datetime):
        self._chance = chance
        self._pathway = pathway
        self._requester, self._owner = f"Organization/{requester}", f"Organization/{owner}"
        self._at = at.astimezone(UTC)
        self._phone = f"+1-555-555-{chance.randint(100, 199):04}"
        self._patient, self._sender, self._recipient, self._visit, self._request, self._plan, self._risk = (
            self._urn() for _ in range(7)
        )

    def bundle(self, entries: int) -> Tree:
        resources = [
            (self._patient, self._patient_resource()),
            (self._sender, self._role(self._requester, "Crisis clinician")),
            (self._recipient, self._role(self._owner, "Access lead")),
            (self._visit, self._encounter()),
            (self._risk, self._risk_assessment()),
            (self._plan, self._safety_plan()),
            (self._request, self._service_request()),
            (self._urn(), self._task()),
            (self._urn(), self._communication()),
            (self._urn(), self._consent()),
        ]
        resources += [(self._urn(), self._observation(k)) for k in range(entries - len(resources))]
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "timestamp": self._at.isoformat(),
            "entry": [
                {"fullUrl": urn, "resource": tree, "request": {"method": "POST", "url": tree["resourceType"]}}
                for urn, tree in resources
            ],
        }

    def _urn(self) -> str:
        return UUID(int=self._chance.getrandbits(128), version=4).urn

    def _number(self, letter: str) -> str:
        """A business identifier's value that no other generated bundle has."""
        return f"{letter}{self._chance.getrandbits(48):014}"

    def _time(self, minutes: int) -> str:
        return (self._at + timedelta(minutes=minutes)).isoformat()

    def _patient_resource(self) -> Tree:
        given, family = self._chance.choice(people.GIVEN), self._chance.choice(people.FAMILY)
        born = f"{self._chance.randint(1950, 2006)}-{self._chance.randint(1, 12):02}-{self._chance.randint(1, 28):02}"
        return {
            "resourceType": "Patient",
            "meta": people.HTEST,
            "identifier": [{"system": "https://mobile-crisis.example/mrn", "value": self._number("T")}],
            "name": [{"use": "official", "family": family, "given": [given]}],
            "telecom": [{"system": "phone", "value": self._phone, "use": "mobile", "rank": 1}],
            "gender": self._chance.choice(("female", "male", "other", "unknown")),
            "birthDate": born,
            "communication": [{"language": _concept("urn:ietf:bcp:47", self._chance.choice(("en", "es", "vi")))}],
        }

    def _role(self, organization: str, title: str) -> Tree:
        return {
            "resourceType": "PractitionerRole",
            "meta": people.HTEST,
            "active": True,
            "practitioner": {"display": self._chance.choice(people.CLINICIANS)},
            "organization": {"reference": organization},
            "code": [{"text": title}],
            "telecom": [{"system": "phone", "value": f"+1-555-555-{self._chance.randint(100, 199):04}", "use": "work"}],
        }

    def _encounter(self) -> Tree:
        return {
            "resourceType": "Encounter",
            "meta": people.HTEST,
            "status": "finished",
            "class": {"system": f"{_HL7}/v3-ActCode", "code": "FLD"},
            "subject": {"reference": self._patient},
            "serviceProvider": {"reference": self._requester},
            "period": {"start": self._time(-self._chance.randint(45, 150)), "end": self._time(0)},
        }

    def _risk_assessment(self) -> Tree:
        tier = self._chance.choice(people.TIERS)
        return {
            "resourceType": "RiskAssessment",
            "meta": people.HTEST,
            "status": "final",
            "subject": {"reference": self._patient},
            "encounter": {"reference": self._visit},
            "occurrenceDateTime": self._time(-20),
            "performer": {"reference": self._sender},
            "prediction": [{"qualitativeRisk": _concept(RISK_TIER_SYSTEM, tier)}],
        }

    def _safety_plan(self) -> Tree:
        return {
            "resourceType": "CarePlan",
            "meta": people.HTEST,
            "status": "active",
            "intent": "plan",
            "category": [_concept(CARE_PLAN_CATEGORY_SYSTEM, "safety-plan")],
            "title": "Safety plan",
            "description": self._chance.choice(people.SAFETY_PLANS),
            "subject": {"reference": self._patient},
            "created": self._time(-10),
            "author": {"reference": self._sender},
            "activity": [
                {"detail": {"status": "scheduled", "description": "Call from the clinic at the preferred number"}},
                {"detail": {"status": "in-progress", "description": "Peer supporter checks in this evening"}},
            ],
        }

    def _service_request(self) -> Tree:
        return {
            "resourceType": "ServiceRequest",
            "meta": people.HTEST,
            "identifier": [
                {
                    "type": _concept(f"{_HL7}/v2-0203", "PLAC"),
                    "system": "https://mobile-crisis.example/orders",
                    "value": self._number("R"),
                }
            ],
            "status": "active",
            "intent": "order",
            "priority": self._chance.choice(("urgent", "asap", "routine")),
            "code": _concept("http://snomed.info/sct", "3457005"),
            "subject": {"reference": self._patient},
            "encounter": {"reference": self._visit},
            "authoredOn": self._time(0),
            "requester": {"reference": self._sender},
            "performer": [{"reference": self._recipient}],
            "reasonCode": [{"text": self._chance.choice(people.TRIGGERS)}],
            "supportingInfo": [{"reference": self._risk}, {"reference": self._plan}],
        }

    def _task(self) -> Tree:
        task: Tree = {
            "resourceType": "Task",
            "meta": people.HTEST,
            "status": "requested",
            "intent": "order",
            "code": _concept(FHIR_TASK_CODE_SYSTEM, "fulfill"),
            "focus": {"reference": self._request},
            "for": {"reference": self._patient},
            "authoredOn": self._time(0),
            "lastModified": self._time(0),
            "requester": {"reference": self._requester},
            "owner": {"reference": self._owner},
        }
        if self._pathway != "referral":
            task["instantiatesCanonical"] = PLAN_DEFINITION + self._pathway
            task["input"] = [
                fact("recipient-contact", "Reference", {"reference": self._recipient}),
                fact("missed-appointment-barrier", "String", self._chance.choice(people.BARRIERS)),
                fact("preferred-contact", "ContactPoint", {"system": "phone", "value": self._phone, "use": "mobile"}),
            ]
        return task

    def _communication(self) -> Tree:
        return {
            "resourceType": "Communication",
            "meta": people.HTEST,
            "status": "completed",
            "basedOn": [{"reference": self._request}],
            "medium": [_concept(PARTICIPATION_MODE_SYSTEM, "PHONE")],
            "subject": {"reference": self._patient},
            "sent": self._time(-5),
            "recipient": [{"reference": self._patient}],
            "sender": {"reference": self._sender},
            "payload": [{"contentString": "Who will call, when, and what to do if things change before then."}],
        }

    def _consent(self) -> Tree:
        return {
            "resourceType": "Consent",
            "meta": people.HTEST,
            "status": "active",
            "scope": _concept(f"{_HL7}/consentscope", "patient-privacy"),
            "category": [_concept("http://loinc.org", "59284-0")],
            "patient": {"reference": self._patient},
            "dateTime": self._time(-15),
            "organization": [{"reference": self._requester}],
            "policyRule": _concept(f"{_HL7}/v3-ActCode", "OPTIN"),
            "provision": {
                "type": "permit",
                "actor": [
                    {"role": _concept(f"{_HL7}/v3-ParticipationType", "IRCP"), "reference": {"reference": self._owner}}
                ],
            },
        }

    def _observation(self, k: int) -> Tree:
        code, unit, low, high = people.VITALS[k % len(people.VITALS)]
        return {
            "resourceType": "Observation",
            "meta": people.HTEST,
            "status": "final",
            "code": _concept("http://loinc.org", code),
            "subject": {"reference": self._patient},
            "encounter": {"reference": self._visit},
            "effectiveDateTime": self._time(-120 - 60 * k),
            "performer": [{"reference": self._sender}],
            "valueQuantity": {
                "value": self._chance.randint(low, high),
                "unit": unit,
                "system": "http://unitsofmeasure.org",
                "code": unit,
            },
        }


def fact(code: str, value_type: str, value: object) -> Tree:
    """A Task.input or Task.output that carries one fact of the catalogue (`value_type` as in `valueString`)."""
    return {"type": _concept(FACT_SYSTEM, code), f"value{value_type}": value}


def _concept(system: str, code: str) -> Tree:
    return {"coding": [{"system": system, "code": code}]}
