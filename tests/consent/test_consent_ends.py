"""A Consent that ends during an open handoff loses nobody: the initiator is asked to act, by when, and can."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapter.use_cases.check_deadlines import check_deadlines
from mappings.times import format_time, parse_time
from tests.consent.records import CLINIC, OTHER, OUTPATIENT, Clinic, Sent, consent, found, permission
from tests.consent.test_told_and_asked_to_step_in import shown, subscriber, told
from tests.whole_house import Tree, transaction


def fire(clinic: Clinic) -> None:
    while check_deadlines(clinic.house.house.world):
        pass


def standing(clinic: Clinic, sent: Sent) -> Tree:
    got = clinic.own.get(f"/handoffs/{sent.id}")
    assert got.status == 200, got.tree
    return got.tree


def ended(clinic: Clinic, sent: Sent) -> list[Tree]:
    return [line for line in clinic.ledger(sent) if line["kind"] == "disclosure:ended"]


def action_on_task(clinic: Clinic, sent: Sent) -> Tree:
    (extension,) = (e for e in clinic.own.get(sent.task).tree["extension"] if e["url"].endswith("/next-action"))
    parts = {part["url"]: part for part in extension["extension"]}
    return {
        "code": parts["code"]["valueCodeableConcept"]["coding"][0]["code"],
        "who": parts["who"]["valueReference"]["reference"],
        "by": parts.get("by", {}).get("valueDateTime"),
    }


def accepted(clinic: Clinic, *further: str, **how: Any) -> Sent:
    """In the hands of the recipient, and on to the `further` statuses."""
    sent = clinic.begin(**how)
    for status in ("accepted", *further):
        reason = "waits for the lab" if status == "on-hold" else None
        moved = clinic.recipient.move(sent.task, status, **({"reason": reason} if reason else {}))
        assert moved.status == 200, moved.tree
    return sent


def until(clinic: Clinic, hours: float) -> Tree:
    end = format_time(clinic.clock.now() + timedelta(hours=hours))
    return consent("", permission(OUTPATIENT, period={"end": end}))


@pytest.fixture
def review_after(clinic: Clinic) -> timedelta:
    return max(step.after for step in clinic.house.house.world.pathways["referral"].ladder)


def test_the_commit_that_takes_a_consent_back_asks_the_initiator(clinic: Clinic, review_after: timedelta) -> None:
    sent = accepted(clinic)
    before = standing(clinic, sent)
    assert clinic.revoke(sent).status == 200
    now = standing(clinic, sent)
    assert (now["status"], now["responsible"]) == ("accepted", OUTPATIENT)  # nobody but people moves a person
    assert (now["next_action"]["code"], now["next_action"]["who"]) == ("renew-consent", CLINIC)
    by = clinic.clock.now() + review_after
    assert parse_time(now["next_action"]["by"]) == by
    assert action_on_task(clinic, sent) == {
        "code": "renew-consent",
        "who": f"Organization/{CLINIC}",
        "by": format_time(by),
    }
    (line,) = ended(clinic, sent)
    assert line["detail"]["organisation"] == OUTPATIENT
    assert line["detail"]["consents"] == [sent.consent]
    assert line["detail"]["reason"] == "not-active"
    assert line["detail"]["awaited"] == before["next_action"]["code"] == "make-first-contact"
    assert {"step": "renew-consent", "due": by.isoformat()} in now["open_deadlines"]


@pytest.mark.parametrize("status", ["requested", "received", "accepted", "in-progress", "on-hold"])
def test_in_every_open_status_the_initiator_can_take_the_person_back(clinic: Clinic, status: str) -> None:
    steps = {
        "requested": (),
        "received": ("received",),
        "accepted": ("accepted",),
        "in-progress": ("accepted", "in-progress"),
        "on-hold": ("accepted", "on-hold"),
    }
    sent = clinic.begin()
    for step in steps[status]:
        reason = {"reason": "waits for the lab"} if step == "on-hold" else {}
        assert clinic.recipient.move(sent.task, step, **reason).status == 200
    clinic.revoke(sent)
    assert standing(clinic, sent)["next_action"]["code"] == "renew-consent"
    back = clinic.own.move(sent.task, "cancelled", reason="the person withdrew the consent")
    assert back.status == 200, back.tree
    now = standing(clinic, sent)
    assert (now["responsible"], now["next_action"]["code"]) == (CLINIC, "arrange-care")
    assert not [d for d in now["open_deadlines"] if d["step"].startswith("renew-consent")]


@pytest.mark.parametrize("status", ["in-progress", "on-hold"])
def test_while_the_recipient_reads_only_it_can_stop_what_it_works_on(clinic: Clinic, status: str) -> None:
    sent = accepted(clinic, status)
    refused = clinic.own.move(sent.task, "cancelled", reason="we changed our mind")
    assert (refused.status, refused.code) == (422, "business-rule")
    clinic.revoke(sent)
    assert clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT))).status == 201
    assert clinic.own.move(sent.task, "cancelled", reason="we changed our mind").status == 422


def test_taken_back_it_can_be_sent_to_somebody_whom_a_consent_covers(clinic: Clinic) -> None:
    sent = accepted(clinic, "in-progress")
    clinic.revoke(sent)
    clinic.own.move(sent.task, "cancelled", reason="the person wants another clinic")
    task = {name: e for name, e in clinic.own.get(sent.task).tree.items() if name in {"intent", "code", "focus", "for"}}
    task |= {
        "resourceType": "Task",
        "status": "requested",
        "requester": {"reference": f"Organization/{CLINIC}"},
        "owner": {"reference": f"Organization/{OTHER}"},
    }
    assert clinic.own.post("", transaction(task)).status == 422
    rerouted = clinic.own.post("", transaction(task, consent(sent.patient, permission(OTHER))))
    assert rerouted.status == 200, rerouted.tree
    assert clinic.caller(OTHER).get(sent.condition).status == 200
    assert clinic.recipient.get(sent.condition).status == 404


@pytest.mark.parametrize("status", ["accepted", "in-progress", "on-hold"])
def test_a_new_consent_restores_everything_at_once(clinic: Clinic, status: str) -> None:
    sent = accepted(clinic, *([status] if status != "accepted" else []))
    before = standing(clinic, sent)
    clinic.revoke(sent)
    assert clinic.recipient.get(sent.task).status == 404
    assert clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT))).status == 201
    now = standing(clinic, sent)
    assert now["next_action"] == before["next_action"]
    assert now["open_deadlines"] == before["open_deadlines"]
    assert clinic.recipient.get(sent.task).status == 200
    next_status = "on-hold" if status == "in-progress" else "in-progress"
    assert clinic.recipient.move(sent.task, next_status, reason="as it was").status == 200


def test_a_consent_may_end_and_be_renewed_more_than_once(clinic: Clinic) -> None:
    sent = accepted(clinic)
    before = standing(clinic, sent)["next_action"]
    renewed = sent.consent
    for run in (1, 2):
        assert clinic.own.patch(renewed, [{"op": "replace", "path": "/status", "value": "inactive"}]).status == 200
        steps = [d["step"] for d in standing(clinic, sent)["open_deadlines"] if d["step"].startswith("renew-consent")]
        assert steps == ["renew-consent" if run == 1 else f"renew-consent#{run}"]
        given = clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT)))
        renewed = f"Consent/{given.tree['id']}"
        assert standing(clinic, sent)["next_action"] == before
    assert len(ended(clinic, sent)) == 2


def test_a_consent_that_runs_out_is_recorded_once_and_at_its_time_also_after_downtime(
    clinic: Clinic, review_after: timedelta
) -> None:
    sent = accepted(clinic, consents=(until(clinic, 1),))
    end = clinic.clock.now() + timedelta(hours=1)
    clinic.clock.go_on(timedelta(hours=5))  # nobody fired anything in the meantime
    assert clinic.recipient.get(sent.task).status == 404
    fire(clinic)
    fire(clinic)
    (line,) = ended(clinic, sent)
    assert line["detail"]["reason"] == "not-in-force"
    assert parse_time(line["event_time"]) == end
    assert parse_time(line["recorded_time"]) == clinic.clock.now()
    asked = standing(clinic, sent)["next_action"]
    assert (asked["code"], parse_time(asked["by"])) == ("renew-consent", end + review_after)


def test_what_a_write_notices_first_the_clock_does_not_record_again(clinic: Clinic) -> None:
    sent = accepted(clinic, consents=(until(clinic, 1),))
    end = clinic.clock.now() + timedelta(hours=1)
    clinic.clock.go_on(timedelta(hours=2))
    clinic.own.post("Consent", consent(sent.patient, permission(OTHER)))
    (line,) = ended(clinic, sent)
    assert parse_time(line["event_time"]) == end
    fire(clinic)
    assert len(ended(clinic, sent)) == 1


def test_nobody_who_acts_in_time_is_reviewed_and_who_does_not_is(clinic: Clinic, review_after: timedelta) -> None:
    acted, idle = accepted(clinic), accepted(clinic)
    for sent in (acted, idle):
        clinic.revoke(sent)
    assert clinic.own.post("Consent", consent(acted.patient, permission(OUTPATIENT))).status == 201
    clinic.clock.go_on(review_after - timedelta(seconds=1))
    fire(clinic)
    assert not standing(clinic, idle)["flagged_for_review"]
    clinic.clock.go_on(timedelta(seconds=1))
    fire(clinic)
    now = standing(clinic, idle)
    assert (now["flagged_for_review"], now["business_status"]) == (True, "under-review")
    assert (now["status"], now["responsible"]) == ("accepted", OUTPATIENT)
    kinds = [(line["kind"], line["detail"].get("clock")) for line in now["timeline"]]
    assert ("deadline:clock-missed", "renew-consent") in kinds
    assert ("ladder:flagged-for-review", None) in kinds
    assert not standing(clinic, acted)["flagged_for_review"]


def test_both_sides_are_told_and_the_recipient_gets_a_number_and_nothing_else(clinic: Clinic) -> None:
    sent = accepted(clinic)
    told(clinic, sent.id, subscriber(payload="full-resource"), subscriber(CLINIC))
    clinic.revoke(sent)
    (to_initiator,) = told(clinic, sent.id, subscriber(CLINIC))
    assert sent.task in str(to_initiator)
    for to_recipient in told(clinic, sent.id, subscriber(payload="full-resource")):
        assert shown(to_recipient) == set()
        assert sent.task in str(to_recipient)
        for word in (sent.patient, sent.consent, "Canaryname", "Opioid", CLINIC, "42CFR"):
            assert word not in str(to_recipient)
    delivered = [line["detail"] for line in clinic.ledger(sent) if line["kind"] == "delivery:delivered"]
    assert {OUTPATIENT, CLINIC} <= {d["subscriber"] for d in delivered if d["event"] == "disclosure:ended"}


def test_a_messaging_partner_is_told_by_the_code_of_the_event(clinic: Clinic) -> None:
    sent = accepted(clinic)
    told(clinic, sent.id, subscriber(type="message"))
    clinic.revoke(sent)
    *_, message = told(clinic, sent.id, subscriber(type="message"))
    (header,) = (entry["resource"] for entry in message["entry"])
    assert header["eventCoding"]["code"] == "disclosure-ended"


def test_what_the_recipient_wrote_itself_it_still_reads(clinic: Clinic) -> None:
    sent = accepted(clinic)
    note = {"resourceType": "Communication", "status": "completed", "basedOn": [{"reference": sent.request}]}
    made = clinic.recipient.post("Communication", note)
    assert made.status == 201, made.tree
    clinic.revoke(sent)
    assert clinic.recipient.get(f"Communication/{made.tree['id']}").status == 200
    assert found(clinic.recipient, f"Task?_id={sent.id}") == []


def test_the_initiators_pages_ask_it_to_act_and_the_recipients_says_that_something_is_withheld(clinic: Clinic) -> None:
    sent = accepted(clinic)
    before = clinic.recipient.get("/", Accept="text/html").raw.decode()
    clinic.revoke(sent)
    for path in ("/", f"/handoffs/{sent.id}", f"/handoffs/{sent.id}/evidence"):
        assert "bring a new one, or take the person" in clinic.own.get(path, Accept="text/html").raw.decode(), path
    evidence = clinic.own.get(f"/handoffs/{sent.id}/evidence", Accept="text/html").raw.decode()
    assert "disclosure:ended" in evidence and "renew-consent" in evidence
    page = clinic.recipient.get("/", Accept="text/html").raw.decode()
    assert "withheld from us" in page
    assert sent.id not in page and sent.id in before


def test_nothing_is_asked_of_anybody_once_the_handoff_is_closed(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.own.move(sent.task, "cancelled", reason="not needed")
    before = standing(clinic, sent)["next_action"]
    clinic.revoke(sent)
    assert standing(clinic, sent)["next_action"] == before
    assert len(ended(clinic, sent)) == 1


def test_a_consent_of_many_handoffs_ends_in_all_of_them(clinic: Clinic) -> None:
    first = accepted(clinic)
    task = {
        name: e for name, e in clinic.own.get(first.task).tree.items() if name in {"intent", "code", "focus", "for"}
    }
    task |= {
        "resourceType": "Task",
        "status": "requested",
        "requester": {"reference": f"Organization/{CLINIC}"},
        "owner": {"reference": f"Organization/{OUTPATIENT}"},
    }
    second = clinic.own.post("", transaction(task)).located[0].removeprefix("Task/")
    clinic.revoke(first)
    for id_ in (first.id, second):
        assert clinic.own.get(f"/handoffs/{id_}").tree["next_action"]["code"] == "renew-consent"


def test_one_transaction_may_take_the_consent_back_and_the_person_too(clinic: Clinic) -> None:
    sent = accepted(clinic, "in-progress")
    task = clinic.own.get(sent.task)
    given = clinic.own.get(sent.consent)
    both = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {**tree, **more},
                "request": {"method": "PUT", "url": key, "ifMatch": f'W/"{tree["meta"]["versionId"]}"'},
            }
            for key, tree, more in (
                (sent.consent, given.tree, {"status": "inactive"}),
                (sent.task, task.tree, {"status": "cancelled", "statusReason": {"text": "withdrawn"}}),
            )
        ],
    }
    refused = clinic.own.post("", both)
    # The recipient still reads when that is decided: first the one, then the other.
    assert refused.status == 422
    assert clinic.recipient.get(sent.task).status == 200
