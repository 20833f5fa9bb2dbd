"""No disclosure of what 42 CFR Part 2 protects without the person's Consent, and none after it is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from mappings.json_codec import encode
from tests.consent.records import (
    ACT,
    CLINIC,
    NOTES,
    NOTICE,
    OTHER,
    OUTPATIENT,
    PART2,
    Clinic,
    Sent,
    condition,
    consent,
    found,
    permission,
    referral,
)
from tests.whole_house import Caller, Tree, bundle, entry


def reads(caller: Caller, sent: Sent) -> dict[str, int]:
    """Every way to read a handoff and what belongs to it → status, or the number of matches."""
    return {
        **{key: caller.get(key).status for key in (sent.task, sent.request, sent.condition, sent.patient)},
        "vread": caller.get(f"{sent.task}/_history/1").status,
        "history": caller.get(f"{sent.condition}/_history").status,
        "evidence": caller.get(f"{sent.task}/$evidence").status,
        "plain": caller.get(f"/handoffs/{sent.id}").status,
        "by id": len([k for k in found(caller, f"Task?_id={sent.id}") if k == sent.task]),
        "by patient": len(found(caller, f"Condition?subject={sent.patient}")),
        "included": len([k for k in found(caller, f"Task?_id={sent.id}&_include=Task:patient") if k == sent.patient]),
        "chained": len(found(caller, f"ServiceRequest?subject:Patient.family=Canaryname&_id={sent.request[15:]}")),
        "type history": len(
            [
                e
                for e in caller.get("Condition/_history?_count=500").tree.get("entry", ())
                if e["fullUrl"].endswith(sent.condition)
            ]
        ),
    }


COUNTED = {"by id", "by patient", "included", "chained", "type history"}


def all_of(ways: dict[str, int], status: int, number: int) -> bool:
    return all(value == (number if name in COUNTED else status) for name, value in ways.items())


def test_with_a_consent_the_recipient_reads_everything(clinic: Clinic) -> None:
    sent = clinic.begin()
    assert all_of(reads(clinic.recipient, sent), 200, 1), reads(clinic.recipient, sent)


def test_without_a_consent_nothing_is_sent_and_nothing_is_kept(clinic: Clinic) -> None:
    before = len(found(clinic.own, "Task?_count=500"))
    refused = clinic.send(consents=())
    assert (refused.status, refused.code) == (422, "business-rule")
    assert refused.expression == "Bundle.entry[1].resource.meta.security"
    for needed in (f"Organization/{OUTPATIENT}", f"Organization/{CLINIC}", "42CFRPart2", "IRCP", "TREAT", "got none"):
        assert needed in refused.text
    assert len(found(clinic.own, "Task?_count=500")) == before


def test_a_bundle_without_a_label_needs_no_consent(clinic: Clinic) -> None:
    assert clinic.send(labels=(), consents=()).status == 200


@pytest.mark.parametrize("code", ["42CFRPart2", "ETH", "SUD", "OPIOIDUD", "ETHUD"])
@pytest.mark.parametrize("system", [ACT, "http://hl7.org/fhir/v3/ActCode", None])
def test_each_label_of_substance_use_counts_whatever_its_system(clinic: Clinic, code: str, system: str | None) -> None:
    label = {**({"system": system} if system else {}), "code": code}
    assert clinic.send(labels=(label,), consents=()).status == 422


@pytest.mark.parametrize("code", ["R", "V", "N", "HIV", "PSY", "HTEST"])
def test_other_labels_alone_are_not_part_2(clinic: Clinic, code: str) -> None:
    assert clinic.send(labels=({"system": ACT, "code": code},), consents=()).status == 200


def test_a_label_of_the_bundle_is_a_label_of_all_that_it_brings(clinic: Clinic) -> None:
    labelled = {**referral(labels=(), consents=()), "meta": {"security": [PART2]}}
    refused = clinic.own.post("", labelled)
    assert (refused.status, refused.expression) == (422, "Bundle.meta.security")


def test_a_label_within_a_resource_is_a_label_of_the_resource(clinic: Clinic) -> None:
    url = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
    note = {"extension": [{"url": url, "valueCoding": PART2}], "text": "in recovery"}
    sent = referral(labels=(), consents=())
    sent["entry"][1]["resource"]["note"] = [note]
    refused = clinic.own.post("", sent)
    assert (refused.status, refused.expression) == (422, "Bundle.entry[1].resource")


def test_a_label_of_what_a_resource_carries_is_a_label_of_the_resource(clinic: Clinic) -> None:
    sent = referral(labels=(), consents=())
    carried = condition(sent["entry"][0]["fullUrl"], PART2)
    document = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": carried}]}
    sent["entry"].append(entry("POST", "Bundle", document))
    assert clinic.own.post("", sent).status == 422


def test_a_consent_that_opens_something_is_taken_back_and_not_deleted(clinic: Clinic) -> None:
    sent = clinic.begin()
    refused = clinic.own.delete(sent.consent)
    assert refused.status == 422 and "entered-in-error" in refused.text
    assert clinic.recipient.get(sent.task).status == 200


def test_what_a_conditional_create_finds_is_accompanied_by_the_notice(clinic: Clinic) -> None:
    sent = clinic.begin()
    tree = clinic.recipient.get(sent.patient).tree
    body = {name: value for name, value in tree.items() if name not in {"id", "meta"}}
    shown = clinic.recipient.post("Patient", body, If_None_Exist=f"_id={tree['id']}")
    assert (shown.status, shown.headers["Redisclosure-Notice"]) == (200, NOTICE)


PERMITTING: dict[str, Tree] = {
    "a nested provision under an opt-out": {"provision": [permission(OUTPATIENT)]},
    "coordination of care": permission(OUTPATIENT, purpose=[{"code": "COC"}]),
    "a single consent for TPO, which names nobody": permission(
        actor=None, purpose=[{"code": code} for code in ("TREAT", "HPAYMT", "HOPERAT")]
    ),
    "no end": permission(OUTPATIENT, period={"start": "2026-01-01"}),
}
NOT_PERMITTING: dict[str, tuple[Tree, str]] = {
    "another recipient": (permission(OTHER), "other recipients"),
    "nobody": (permission(), "other recipients"),
    "another purpose": (permission(OUTPATIENT, purpose=[{"code": "HRESCH"}]), "other purposes"),
    "no purpose": (permission(OUTPATIENT, purpose=None), "other purposes"),
    "a general release": (permission(OUTPATIENT, securityLabel=None), "other records"),
    "all that is restricted": (permission(OUTPATIENT, securityLabel=[{"code": "R"}]), "other records"),
    "some of it": (permission(OUTPATIENT, **{"class": [{"code": "Task"}]}), "other records"),
    "over": (permission(OUTPATIENT, period={"end": "2026-03-01"}), "is over"),
    "not begun": (permission(OUTPATIENT, period={"start": "2026-03-03"}), "not begun"),
    "denied": (permission(OUTPATIENT, type="deny"), "denies"),
    "denied as an exception": (
        permission(OUTPATIENT, provision=[{"type": "deny", "actor": permission(OUTPATIENT)["actor"]}]),
        "denies",
    ),
    "collecting only": (permission(OUTPATIENT, action=[{"coding": [{"code": "collect"}]}]), "other records"),
}


@pytest.mark.parametrize("provision", PERMITTING.values(), ids=PERMITTING)
def test_a_consent_opens(clinic: Clinic, provision: Tree) -> None:
    assert clinic.send(consents=(consent("", provision),)).status == 200


@pytest.mark.parametrize(("provision", "says"), NOT_PERMITTING.values(), ids=NOT_PERMITTING)
def test_a_consent_does_not_open(clinic: Clinic, provision: Tree, says: str) -> None:
    refused = clinic.send(consents=(consent("", provision),))
    assert refused.status == 422
    assert says in refused.text


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "draft"},
        {"status": "inactive"},
        {"status": "rejected"},
        {"scope": {"coding": [{"code": "research"}]}},
        {"dateTime": "2026-03-03"},
    ],
    ids=str,
)
def test_a_consent_that_is_not_in_force_does_not_open(clinic: Clinic, changed: Tree) -> None:
    refused = clinic.send(consents=(consent("", permission(OUTPATIENT), **changed),))
    assert refused.status == 422
    assert "not active" in refused.text


def test_a_denial_outweighs_a_permission(clinic: Clinic) -> None:
    both = (consent("", permission(OUTPATIENT)), consent("", permission(OUTPATIENT, type="deny")))
    assert clinic.send(consents=both).status == 422


def test_counseling_notes_need_a_consent_of_their_own(clinic: Clinic) -> None:
    note = condition("", PART2, NOTES)
    general, notes = permission(OUTPATIENT), permission(OUTPATIENT, securityLabel=[PART2, NOTES])
    refused = clinic.send(beside=(note,))
    assert refused.status == 422 and "PSYTHPN" in refused.text
    together = {"provision": [general, notes]}
    assert clinic.send(beside=(note,), consents=(consent("", together),)).status == 422
    assert clinic.send(beside=(note,), consents=(consent("", general), consent("", notes))).status == 200


def test_the_end_of_the_consent_for_notes_takes_the_notes_and_leaves_the_rest(clinic: Clinic) -> None:
    note = condition("", PART2, NOTES)
    notes = permission(OUTPATIENT, securityLabel=[PART2, NOTES])
    sent = clinic.begin(beside=(note,), consents=(consent("", permission(OUTPATIENT)), consent("", notes)))
    kept, note_key = sent.others[1], sent.others[2]
    assert clinic.recipient.get(note_key).status == 200
    assert clinic.own.patch(kept, [{"op": "replace", "path": "/status", "value": "inactive"}]).status == 200
    assert clinic.recipient.get(note_key).status == 404
    assert clinic.recipient.get(sent.condition).status == 200


@pytest.mark.parametrize("status", ["inactive", "rejected", "entered-in-error"])
def test_a_revoked_consent_stops_every_reading_and_leaves_the_clinic_its_own(clinic: Clinic, status: str) -> None:
    sent = clinic.begin()
    assert clinic.recipient.move(sent.task, "accepted").status == 200
    assert clinic.revoke(sent, status).status == 200
    assert all_of(reads(clinic.recipient, sent), 404, 0), reads(clinic.recipient, sent)
    assert all_of(reads(clinic.own, sent), 200, 1), reads(clinic.own, sent)
    withheld = [line for line in clinic.ledger(sent) if line["kind"] == "disclosure:ended"]
    (detail,) = (line["detail"] for line in withheld)
    assert (detail["organisation"], detail["reason"]) == (OUTPATIENT, "not-active")


def test_what_is_withheld_answers_as_what_does_not_exist(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.revoke(sent)
    for method, path in (("GET", ""), ("GET", "/_history"), ("GET", "/_history/1"), ("DELETE", ""), ("PUT", "")):
        for key in (sent.task, sent.condition):
            nowhere = f"{key.partition('/')[0]}/{uuid4()}"
            tree = {"resourceType": key.partition("/")[0], "id": "{id}"} if method == "PUT" else None
            got = [
                clinic.recipient.send(method, k + path, tree and {**condition(sent.patient), "id": k.partition("/")[2]})
                for k in (key, nowhere)
            ]
            assert got[0].status == got[1].status
            assert got[0].raw.replace(key.encode(), b"") == got[1].raw.replace(nowhere.encode(), b"")


def test_a_new_consent_opens_again_and_the_recipient_is_told(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.revoke(sent)
    assert clinic.recipient.get(sent.task).status == 404
    assert clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT))).status == 201
    assert all_of(reads(clinic.recipient, sent), 200, 1)
    kinds = [line["kind"] for line in clinic.ledger(sent)]
    assert kinds.count("disclosure:permitted") == 2


def test_a_consent_that_was_sent_before_counts_and_comes_along(clinic: Clinic) -> None:
    patient = clinic.own.post("Patient", {"resourceType": "Patient"}).tree["id"]
    kept = clinic.own.post("Consent", consent(f"Patient/{patient}", permission(OUTPATIENT))).tree["id"]
    sent = referral(consents=())
    urn = sent["entry"][0]["fullUrl"]
    raw = encode(bundle(*sent["entry"][1:])).replace(urn.encode(), f"Patient/{patient}".encode())
    done = clinic.own.send("POST", "", raw=raw)
    assert done.status == 200, done.tree
    # A copy of the consent accompanies the disclosure (42 CFR 2.32(b)).
    assert clinic.recipient.get(f"Consent/{kept}").status == 200
    assert clinic.caller(OTHER).get(f"Consent/{kept}").status == 404


def test_a_consent_of_somebody_else_that_belongs_to_the_handoff_may_be_taken_back_too(clinic: Clinic) -> None:
    sent = clinic.begin()
    other = clinic.own.post("Patient", {"resourceType": "Patient"}).tree["id"]
    about = {**permission(OUTPATIENT), "data": [{"meaning": "instance", "reference": {"reference": sent.request}}]}
    made = clinic.own.post("Consent", consent(f"Patient/{other}", about))
    assert clinic.recipient.get(f"Consent/{made.tree['id']}").status == 200
    ended = [{"op": "replace", "path": "/status", "value": "inactive"}]
    assert clinic.own.patch(f"Consent/{made.tree['id']}", ended).status == 200
    assert clinic.recipient.get(sent.task).status == 200


def test_nobody_opens_the_records_of_others_by_a_consent_of_its_own(clinic: Clinic) -> None:
    sent = clinic.begin()
    clinic.revoke(sent)
    for caller in (clinic.recipient, clinic.caller(OTHER)):
        caller.post("Consent", consent(sent.patient, permission(OUTPATIENT, OTHER)))
        assert caller.get(sent.task).status == 404


def test_reading_ends_at_the_very_moment_at_which_the_consent_does_though_no_worker_runs(clinic: Clinic) -> None:
    until = permission(OUTPATIENT, period={"end": clinic.in_an_hour()})
    sent = clinic.begin(consents=(consent("", until),))
    clinic.clock.go_on(timedelta(hours=1, microseconds=-1))
    assert all_of(reads(clinic.recipient, sent), 200, 1)
    clinic.clock.go_on(timedelta(microseconds=1))
    assert all_of(reads(clinic.recipient, sent), 404, 0), reads(clinic.recipient, sent)
    assert all_of(reads(clinic.own, sent), 200, 1)


def test_the_worklist_page_shows_no_person_whose_consent_is_gone(clinic: Clinic) -> None:
    sent = clinic.begin()
    store = clinic.house.house.store
    start = clinic.clock.now() - timedelta(days=1)
    assert sent.id in {handoff.id for handoff in store.reader(OUTPATIENT).open_handoffs(OUTPATIENT, start, 500)}
    clinic.revoke(sent)
    assert sent.id not in {handoff.id for handoff in store.reader(OUTPATIENT).open_handoffs(OUTPATIENT, start, 500)}


def test_a_repeated_request_gives_back_no_content_that_is_withheld_by_now(clinic: Clinic) -> None:
    sent = clinic.begin()
    accept = [{"op": "replace", "path": "/status", "value": "accepted"}]
    headers = {"X_Request_ID": uuid4().hex, "If_Match": 'W/"1"'}
    first = clinic.recipient.patch(sent.task, accept, **headers)
    assert clinic.recipient.patch(sent.task, accept, **headers).raw == first.raw != b""
    clinic.revoke(sent)
    again = clinic.recipient.patch(sent.task, accept, **headers)
    assert (again.status, again.raw) == (200, b"")


def test_a_later_labelled_resource_needs_a_consent_as_well(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    later = {**condition(sent.patient, PART2), "resourceType": "Observation", "status": "final"}
    later |= {"basedOn": [{"reference": sent.request}]}
    refused = clinic.own.post("Observation", later)
    assert (refused.status, refused.expression) == (422, "Observation.meta.security")
    assert clinic.recipient.get(sent.task).status == 200
    assert clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT))).status == 201
    assert clinic.own.post("Observation", later).status == 201
    assert clinic.recipient.get(sent.task).status == 200


def test_a_new_version_with_a_label_needs_a_consent(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    label = [{"op": "add", "path": "/meta/security", "value": [PART2]}]
    assert clinic.own.patch(sent.condition, label).status == 422


def test_what_the_recipient_labels_is_its_own_to_disclose(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    finding = {**condition(sent.patient, PART2), "resourceType": "Observation", "status": "final"}
    finding |= {"basedOn": [{"reference": sent.request}]}
    assert clinic.recipient.post("Observation", finding).status == 422
    given = clinic.recipient.post("Consent", consent(sent.patient, permission(CLINIC)))
    made = clinic.recipient.post("Observation", finding)
    assert made.status == 201, made.tree
    key = f"Observation/{made.tree['id']}"
    assert clinic.own.get(key).status == 200
    ended = [{"op": "replace", "path": "/status", "value": "inactive"}]
    assert clinic.recipient.patch(f"Consent/{given.tree['id']}", ended).status == 200
    assert clinic.own.get(key).status == 404
    assert clinic.recipient.get(key).status == 200
    assert clinic.own.get(sent.task).status == 200


def test_a_new_task_for_the_same_request_does_not_disclose_it_to_another_organisation(clinic: Clinic) -> None:
    sent = clinic.begin()
    assert clinic.recipient.move(sent.task, "rejected", reason="no place").status == 200
    task = {
        **clinic.own.get(sent.task).tree,
        "status": "requested",
        "owner": {"reference": f"Organization/{OTHER}"},
    }
    task = {k: v for k, v in task.items() if k not in {"id", "meta", "statusReason", "businessStatus", "extension"}}
    refused = clinic.own.post("Task", task)
    assert (refused.status, refused.expression) == (422, "Task.owner")
    assert clinic.caller(OTHER).get(sent.request).status == 404
    assert clinic.own.post("Consent", consent(sent.patient, permission(OTHER))).status == 201
    assert clinic.own.post("Task", task).status == 201
    assert clinic.caller(OTHER).get(sent.request).status == 200
    # The first recipient handed the person back, and its consent does not help it.
    assert clinic.recipient.get(sent.request).status == 404


def test_a_request_that_is_not_labelled_itself_stays_restricted_when_it_is_sent_on(clinic: Clinic) -> None:
    problem_apart = referral()
    del problem_apart["entry"][2]["resource"]["reasonReference"]
    got = clinic.own.post("", problem_apart).located
    task = dict(problem_apart["entry"][3]["resource"])
    task |= {"focus": {"reference": got[2]}, "for": {"reference": got[0]}}
    task |= {"owner": {"reference": f"Organization/{OTHER}"}}
    assert clinic.own.post("Task", task).status == 422


def test_another_handoff_of_the_same_person_is_not_restricted_by_it(clinic: Clinic) -> None:
    sent = clinic.begin()
    request: Tree = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": sent.patient},
    }
    task = {**referral()["entry"][3]["resource"], "focus": {"reference": "urn:uuid:" + (urn := str(uuid4()))}}
    task |= {"for": {"reference": sent.patient}, "owner": {"reference": f"Organization/{OTHER}"}}
    other = bundle(entry("POST", "ServiceRequest", request, fullUrl=f"urn:uuid:{urn}"), entry("POST", "Task", task))
    assert clinic.own.post("", other).status == 200
    seen = clinic.caller(OTHER).get(sent.patient)
    assert seen.status == 200
    # That there is a restricted one beside it is nothing that its reader may learn.
    assert "Redisclosure-Notice" not in seen.headers
    assert labels_of(clinic.caller(OTHER).get(f"Patient?_id={sent.patient[8:]}").tree) == set()


def test_a_draft_is_disclosed_to_nobody_and_sending_it_needs_the_consent(clinic: Clinic) -> None:
    sent = clinic.begin(consents=(), status="draft")
    assert clinic.recipient.get(sent.task).status == 404
    refused = clinic.own.move(sent.task, "requested")
    assert (refused.status, refused.expression) == (422, "Task.owner")
    assert clinic.own.post("Consent", consent(sent.patient, permission(OUTPATIENT))).status == 201
    assert clinic.own.move(sent.task, "requested").status == 200
    assert clinic.recipient.get(sent.condition).status == 200


def test_every_entry_of_a_batch_is_looked_at(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    later = {**condition(sent.patient), "resourceType": "Observation", "status": "final"}
    later |= {"basedOn": [{"reference": sent.request}]}
    batch = {**bundle(entry("POST", "Observation", later), type="batch"), "meta": {"security": [PART2]}}
    assert clinic.own.post("", batch).tree["entry"][0]["response"]["status"].startswith("422")


def test_the_clinic_alone_may_keep_what_is_labelled_without_any_consent(clinic: Clinic) -> None:
    patient = clinic.own.post("Patient", {"resourceType": "Patient"}).tree["id"]
    made = clinic.own.post("Condition", condition(f"Patient/{patient}", PART2))
    assert made.status == 201
    # What was kept alone is as restricted when a handoff takes it along.
    sent = referral(labels=(), consents=())
    sent["entry"][2]["resource"]["reasonReference"] = [{"reference": f"Condition/{made.tree['id']}"}]
    refused = clinic.own.post("", sent)
    assert (refused.status, refused.expression) == (422, "Bundle.entry[3].resource.owner")


def labels_of(tree: Any) -> set[str]:
    return {label["code"] for label in tree.get("meta", {}).get("security", ())}


def notices(tree: Any) -> list[str]:
    return [e["valueAnnotation"]["text"] for e in tree.get("meta", {}).get("extension", ())]


def test_every_answer_with_restricted_content_carries_label_and_notice(clinic: Clinic) -> None:
    sent = clinic.begin()
    for path in (
        f"Condition?subject={sent.patient}",
        f"Task?_id={sent.id}",
        f"{sent.condition}/_history",
        f"{sent.task}/$evidence",
        f"ServiceRequest?_id={sent.request[15:]}&_revinclude=Task:focus",
    ):
        got = clinic.recipient.get(path)
        assert labels_of(got.tree) == {"R", "42CFRPart2", "NORDSCLCD"}, path
        assert notices(got.tree) == [NOTICE], path
        assert got.headers["Redisclosure-Notice"] == NOTICE
    for key in (sent.task, sent.condition, sent.patient):
        got = clinic.recipient.get(key)
        assert got.headers["Redisclosure-Notice"] == NOTICE
        # What a partner sent is returned as it was sent.
        assert notices(got.tree) == []
    moved = clinic.recipient.move(sent.task, "accepted")
    assert moved.headers["Redisclosure-Notice"] == NOTICE


def test_a_page_shows_the_notice(clinic: Clinic) -> None:
    sent = clinic.begin()
    for path in ("/", f"/handoffs/{sent.id}", f"/handoffs/{sent.id}/evidence"):
        assert NOTICE in clinic.recipient.get(path, Accept="text/html").raw.decode()
    plain = clinic.begin(labels=(), consents=())
    assert NOTICE not in clinic.recipient.get(f"/handoffs/{plain.id}", Accept="text/html").raw.decode()


def test_an_answer_without_restricted_content_carries_neither(clinic: Clinic) -> None:
    sent = clinic.begin(labels=(), consents=())
    for path in (sent.task, f"Condition?subject={sent.patient}", f"{sent.task}/$evidence"):
        got = clinic.recipient.get(path)
        assert "Redisclosure-Notice" not in got.headers
        assert labels_of(got.tree) == set()


def test_a_transaction_that_gives_back_what_it_made_is_labelled(clinic: Clinic) -> None:
    given = clinic.own.post("", referral(), Prefer="return=representation")
    assert labels_of(given.tree) == {"R", "42CFRPart2", "NORDSCLCD"}
    assert given.headers["Redisclosure-Notice"] == NOTICE


def suppressed(caller: Caller, query: str) -> bool:
    entries = caller.get(query).tree.get("entry", ())
    outcomes = [e["resource"] for e in entries if e["search"]["mode"] == "outcome"]
    return "suppressed" in {issue["code"] for outcome in outcomes for issue in outcome["issue"]}


def test_whoever_takes_part_in_what_is_withheld_is_told_so_whatever_it_searches_for(clinic: Clinic) -> None:
    sent = clinic.begin(owner="ob-clinic")
    owner = clinic.caller("ob-clinic")
    assert not suppressed(owner, "Task?status=requested")
    clinic.revoke(sent)
    for query in ("Task?status=requested", f"Task?patient={sent.patient}", "Task?patient=Patient/nobody"):
        assert suppressed(owner, query)
    assert not suppressed(clinic.caller("hie-router"), f"Task?patient={sent.patient}")
    assert not suppressed(clinic.own, f"Task?patient={sent.patient}")
    clinic.own.move(sent.task, "cancelled", reason="consent was taken back")
