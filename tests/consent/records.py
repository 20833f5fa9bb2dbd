"""What a clinic for substance use disorders sends: a referral with a labelled Condition, and the person's Consent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from mappings.times import format_time
from tests.small_house import StillClock
from tests.whole_house import Begun, Caller, Got, Tree, WholeHouse, transaction

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PART2: Tree = {"system": ACT, "code": "42CFRPart2"}
NOTES: Tree = {"system": ACT, "code": "PSYTHPN"}
CLINIC, OUTPATIENT, OTHER = "iop-program", "outpatient-clinic", "case-management"
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


def permission(*recipients: str, **more: Any) -> Tree:
    """A provision with everything that Part 2 asks for; `None` in `more` leaves an element out."""
    whole = {
        "type": "permit",
        "period": {"start": "2026-01-01", "end": "2027-01-01"},
        "actor": [
            {
                "role": {"coding": [{"code": "IRCP"}]},
                "reference": {"reference": f"Organization/{recipient}"},
            }
            for recipient in recipients
        ],
        "purpose": [{"system": REASON, "code": "TREAT"}],
        "securityLabel": [PART2],
        **more,
    }
    return {name: value for name, value in whole.items() if value not in (None, [])}


def consent(patient: str, provision: Tree, **more: Any) -> Tree:
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "dateTime": "2026-02-01",
        "policyRule": {"coding": [{"system": ACT, "code": "OPTOUT"}]},
        "provision": provision,
        **more,
    }


def condition(patient: str, *labels: Tree, **more: Any) -> Tree:
    return {
        "resourceType": "Condition",
        **({"meta": {"security": list(labels)}} if labels else {}),
        "subject": {"reference": patient},
        "code": {"text": "Opioid use disorder"},
        **more,
    }


def referral(
    owner: str = OUTPATIENT,
    *,
    labels: tuple[Tree, ...] = (PART2,),
    consents: tuple[Tree, ...] | None = None,
    sender: str = CLINIC,
    beside: tuple[Tree, ...] = (),
    **task: Any,
) -> Tree:
    """Patient, Condition, ServiceRequest, Task and Consents; `{{patient}}` in a Consent stands for the Patient."""
    patient, request, problem = (f"urn:uuid:{uuid4()}" for _ in range(3))
    given = (consent(patient, permission(owner)),) if consents is None else consents
    given = tuple({**each, "patient": {"reference": patient}} for each in given)
    others = tuple({**each, "subject": {"reference": patient}} for each in beside)
    return transaction(
        {"resourceType": "Patient", "name": [{"family": "Canaryname", "given": ["Rowan"]}]},
        condition(patient, *labels),
        {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "subject": {"reference": patient},
            "reasonReference": [{"reference": problem}],
        },
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
            "focus": {"reference": request},
            "for": {"reference": patient},
            "requester": {"reference": f"Organization/{sender}"},
            "owner": {"reference": f"Organization/{owner}"},
            **task,
        },
        *given,
        *others,
        full_urls=(patient, problem, request),
    )


def found(caller: Caller, query: str) -> list[str]:
    """`Type/id` of what a search shows; what it says about itself is no resource."""
    got = caller.get(query)
    assert got.status == 200, got.tree
    entries = [e["resource"] for e in got.tree.get("entry", ()) if e["search"]["mode"] != "outcome"]
    return [f"{resource['resourceType']}/{resource['id']}" for resource in entries]


@dataclass(frozen=True)
class Sent(Begun):
    condition: str = ""
    consent: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clinic:
    """The sending clinic, with everybody else of the house; `clock` stands still."""

    house: WholeHouse
    clock: StillClock

    def caller(self, partner: str) -> Caller:
        return self.house.caller(partner)

    @property
    def own(self) -> Caller:
        return self.caller(CLINIC)

    @property
    def recipient(self) -> Caller:
        return self.caller(OUTPATIENT)

    def send(self, **how: Any) -> Got:
        return self.own.post("", referral(**how))

    def begin(self, **how: Any) -> Sent:
        got = self.send(**how)
        assert got.status == 200, got.tree
        patient, problem, request, task, *others = got.located
        return Sent(patient, request, task, problem, others[0] if others else "", tuple(others))

    def revoke(self, sent: Sent, status: str = "inactive") -> Got:
        return self.own.patch(sent.consent, [{"op": "replace", "path": "/status", "value": status}])

    def ledger(self, sent: Sent) -> list[Tree]:
        got = self.own.get(f"/handoffs/{sent.id}")
        assert got.status == 200, got.tree
        timeline: list[Tree] = got.tree["timeline"]
        return timeline

    def in_an_hour(self) -> str:
        return format_time(self.clock.now() + timedelta(hours=1))
