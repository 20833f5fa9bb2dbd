"""In a medical emergency the program itself discloses without Consent, to whom it names, for a day, by a statement with
what 42 CFR 2.51(c) asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapter.use_cases.check_deadlines import check_deadlines
from mappings import emergency
from mappings.times import format_time
from tests.consent.records import (
    ACT,
    CLINIC,
    NOTES,
    NOTICE,
    OTHER,
    OUTPATIENT,
    PART2,
    REASON,
    Clinic,
    Sent,
    condition,
    consent,
    permission,
    referral,
)
from tests.consent.test_told_and_asked_to_step_in import subscriber, told
from tests.whole_house import Tree, entry

ETREAT = {"system": REASON, "code": "ETREAT"}


def statement(clinic: Clinic, patient: str, to: str = OUTPATIENT, **more: Any) -> Tree:
    whole = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": patient},
        "recipient": [{"reference": f"Organization/{to}", "display": "E. Room, MD"}],
        "sender": {"reference": f"Organization/{CLINIC}", "display": "P. Ogram, RN"},
        "sent": format_time(clinic.clock.now()),
        "reasonCode": [{"coding": [ETREAT], "text": "unresponsive after an overdose"}],
        **more,
    }
    return {name: value for name, value in whole.items() if value is not None}


def withheld(clinic: Clinic, **how: Any) -> Sent:
    sent = clinic.begin(**how)
    clinic.revoke(sent)
    assert clinic.recipient.get(sent.condition).status == 404
    return sent


def fire(clinic: Clinic) -> None:
    while check_deadlines(clinic.house.house.world):
        pass


def kinds(clinic: Clinic, sent: Sent) -> list[str]:
    return [line["kind"] for line in clinic.ledger(sent) if line["kind"].startswith("disclosure:")]


def test_what_is_withheld_is_open_for_a_day_and_not_a_moment_longer(clinic: Clinic) -> None:
    sent = withheld(clinic)
    stated = clinic.own.post("Communication", statement(clinic, sent.patient))
    assert stated.status == 201, stated.tree
    read = clinic.recipient.get(sent.condition)
    assert (read.status, read.headers["Redisclosure-Notice"]) == (200, NOTICE)
    assert clinic.recipient.get(f"Communication/{stated.tree['id']}").status == 200
    clinic.clock.go_on(timedelta(hours=24) - timedelta(seconds=1))
    assert clinic.recipient.get(sent.condition).status == 200
    clinic.clock.go_on(timedelta(seconds=1))
    assert clinic.recipient.get(sent.condition).status == 404  # with no clock fired
    fire(clinic)
    assert kinds(clinic, sent)[1:] == ["disclosure:ended", "disclosure:emergency", "disclosure:ended"]
    assert clinic.own.get(f"/handoffs/{sent.id}").tree["next_action"]["code"] == "renew-consent"


def test_a_person_who_cannot_consent_is_handed_over(clinic: Clinic) -> None:
    bundle = referral(consents=())
    assert clinic.own.post("", bundle).status == 422
    patient = bundle["entry"][0]["fullUrl"]
    bundle["entry"].append(entry("POST", "Communication", statement(clinic, patient)))
    sent = clinic.own.post("", bundle)
    assert sent.status == 200, sent.tree
    task = sent.located[3]
    assert clinic.recipient.get(task).status == 200
    clinic.clock.go_on(timedelta(hours=24))
    assert clinic.recipient.get(task).status == 404


@pytest.mark.parametrize(
    ("element", "changed"),
    [
        ("recipient", {"recipient": None}),
        ("recipient", {"recipient": [{"reference": f"Organization/{OUTPATIENT}"}]}),
        ("recipient", {"recipient": [{"display": "E. Room, MD"}]}),
        ("sender", {"sender": None}),
        ("sender", {"sender": {"reference": f"Organization/{CLINIC}"}}),
        ("sent", {"sent": None}),
        ("reasonCode", {"reasonCode": [{"coding": [ETREAT]}]}),
    ],
)
def test_a_statement_that_leaves_out_what_the_law_asks_for_is_refused_there(
    clinic: Clinic, element: str, changed: Tree
) -> None:
    sent = withheld(clinic)
    refused = clinic.own.post("Communication", statement(clinic, sent.patient, **changed))
    assert (refused.status, refused.code, refused.expression) == (422, "business-rule", f"Communication.{element}"), (
        refused.tree
    )
    assert "2.51(c)" in refused.text
    assert clinic.recipient.get(sent.condition).status == 404


def test_nobody_opens_the_records_of_others_by_an_emergency(clinic: Clinic) -> None:
    sent = withheld(clinic)
    for caller in (clinic.recipient, clinic.caller(OTHER)):
        refused = caller.post("Communication", statement(clinic, sent.patient))
        assert refused.status in (400, 422)
    own = {"resourceType": "Patient"}
    mine = clinic.recipient.post("Patient", own).tree["id"]
    clinic.recipient.post("Communication", statement(clinic, f"Patient/{mine}"))
    assert clinic.recipient.get(sent.condition).status == 404


def test_it_opens_to_nobody_who_takes_no_part_or_is_not_named(clinic: Clinic) -> None:
    sent = withheld(clinic)
    assert clinic.own.post("Communication", statement(clinic, sent.patient, OTHER)).status == 201
    assert clinic.caller(OTHER).get(sent.condition).status == 404
    assert clinic.recipient.get(sent.condition).status == 404


def test_counseling_notes_stay_shut(clinic: Clinic) -> None:
    notes = permission(OUTPATIENT, securityLabel=[NOTES])
    given = (consent("", permission(OUTPATIENT)), consent("", notes))
    beside = (condition("", PART2, NOTES),)
    sent = clinic.begin(consents=given, beside=beside)
    note = next(key for key in sent.others if key.startswith("Condition/"))
    for key in sent.others:
        if key.startswith("Consent/"):
            clinic.own.patch(key, [{"op": "replace", "path": "/status", "value": "inactive"}])
    assert clinic.own.post("Communication", statement(clinic, sent.patient)).status == 201
    assert clinic.recipient.get(sent.condition).status == 200
    assert clinic.recipient.get(note).status == 404


def test_a_denial_of_the_person_outweighs_it(clinic: Clinic) -> None:
    sent = withheld(clinic)
    assert clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT, type="deny"))).status == 201
    assert clinic.own.post("Communication", statement(clinic, sent.patient)).status == 201
    assert clinic.recipient.get(sent.condition).status == 404


@pytest.mark.parametrize(
    "mistaken",
    [
        {"op": "replace", "path": "/status", "value": "entered-in-error"},
        {"op": "remove", "path": "/reasonCode"},
    ],
    ids=["entered in error", "no emergency"],
)
def test_it_is_over_when_the_statement_was_a_mistake(clinic: Clinic, mistaken: Tree) -> None:
    sent = withheld(clinic)
    stated = clinic.own.post("Communication", statement(clinic, sent.patient)).tree
    assert clinic.recipient.get(sent.condition).status == 200
    assert clinic.own.patch(f"Communication/{stated['id']}", [mistaken]).status == 200
    assert clinic.recipient.get(sent.condition).status == 404


def test_a_statement_that_was_kept_from_before_and_lacks_something_is_not_in_force(clinic: Clinic) -> None:
    whole = statement(clinic, "Patient/p", id="c")

    def judged(tree: Tree) -> bool:
        return emergency.from_fhir(tree, version=1, author=CLINIC, named=lambda _: OUTPATIENT).in_force

    assert judged(whole)
    for element in ("recipient", "sender", "sent", "status"):
        assert not judged({name: value for name, value in whole.items() if name != element})


@pytest.mark.parametrize("late", [timedelta(hours=-25), timedelta(hours=1)], ids=["over", "not begun"])
def test_it_counts_from_when_it_happened(clinic: Clinic, late: timedelta) -> None:
    sent = withheld(clinic)
    at = format_time(clinic.clock.now() + late)
    assert clinic.own.post("Communication", statement(clinic, sent.patient, sent=at)).status == 201
    assert clinic.recipient.get(sent.condition).status == 404


def test_an_ordinary_communication_opens_nothing(clinic: Clinic) -> None:
    sent = withheld(clinic)
    for reason in ({"coding": [{"system": REASON, "code": "TREAT"}]}, {"coding": [{"system": ACT, "code": "ETREAT"}]}):
        told_of = statement(clinic, sent.patient, reasonCode=[{**reason, "text": "an overdose"}])
        assert clinic.own.post("Communication", told_of).status == 201
    assert clinic.recipient.get(sent.condition).status == 404


def test_the_audit_trail_the_ledger_and_the_evidence_say_that_it_was_an_emergency(clinic: Clinic) -> None:
    sent = withheld(clinic)
    before = clinic.recipient.get(f"AuditEvent?entity={sent.condition}").tree
    assert "ETREAT" not in str(before)
    stated = clinic.own.post("Communication", statement(clinic, sent.patient)).tree
    assert clinic.recipient.get(sent.condition).status == 200
    events = [e["resource"] for e in clinic.own.get(f"AuditEvent?entity={sent.condition}").tree["entry"]]
    (read,) = (e for e in events if "purposeOfEvent" in e)
    assert read["purposeOfEvent"][0]["coding"][0]["code"] == "ETREAT"
    assert f"Communication/{stated['id']}" in [each["what"].get("reference") for each in read["entity"]]
    line = next(each for each in clinic.ledger(sent) if each["kind"] == "disclosure:emergency")
    assert line["detail"] == {"organisation": OUTPATIENT, "consents": [f"Communication/{stated['id']}"]}
    assert "E. Room" not in str(clinic.ledger(sent))
    page = clinic.own.get(f"/handoffs/{sent.id}/evidence", Accept="text/html").raw.decode()
    assert "disclosure:emergency" in page
    assert any(sent.task in str(bundle) for bundle in told(clinic, sent.id, subscriber()))


def test_the_escalation_owner_that_no_consent_covers_may_be_let_in(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.clock.go_on(timedelta(days=6))
    fire(clinic)
    asked = clinic.caller("crisis-stabilization")
    assert asked.get(sent.condition).status == 404
    assert clinic.own.post("Communication", statement(clinic, sent.patient, "crisis-stabilization")).status == 201
    assert asked.get(sent.condition).status == 200
    clinic.clock.go_on(timedelta(hours=24))
    assert asked.get(sent.condition).status == 404
