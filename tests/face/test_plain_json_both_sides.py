"""Two clinics without FHIR: all that a handoff takes, on both sides, in plain JSON alone (docs/plain-json.md)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from test_plain_json import ACCEPTED, JSON, answer, crisis, send
from whole_house import RECEIVER, SENDER, Caller, Got, Tree, WholeHouse

PDF = b"%PDF-1.7 what was done"
SIGNED: Tree = {
    "about": "substance-use",
    "recipients": [RECEIVER],
    "purpose": "treatment",
    "signed": "2025-01-05",
    "until": "2099-12-31",
}


def referral(**more: Any) -> Tree:
    return {
        "recipient": RECEIVER,
        "person": {
            "identifier": {"system": "urn:example:mrn", "value": uuid4().hex},
            "family": "Testerly",
            "given": ["Rowan"],
            "birth_date": "1991-03-17",
            "phone": "+1-555-555-0142",
        },
        "reason": "Continues in outpatient care",
        **more,
    }


def document(**more: Any) -> Tree:
    content = base64.b64encode(PDF).decode()
    return {
        "kind": "discharge-summary",
        "title": "Discharge summary",
        "content_type": "application/pdf",
        "content": content,
        "written": "2026-01-05T09:00:00Z",
        **more,
    }


def attempt(**more: Any) -> Tree:
    return {"at": "2026-01-05T09:00:00Z", "by": "phone", "whom": "other-side", "reached": True, **more}


def begin(caller: Caller, **more: Any) -> str:
    sent = send(caller, referral(**more))
    assert sent.status == 201, sent.tree
    return str(sent.tree["id"])


def add(caller: Caller, id_: str, what: str, tree: Tree, **headers: str) -> Got:
    return send(caller, tree, f"/handoffs/{id_}/{what}", **headers)


def read(caller: Caller, id_: str) -> Tree:
    got = caller.get(f"/handoffs/{id_}")
    assert got.status == 200, got.tree
    return got.tree


def kinds(caller: Caller, id_: str) -> list[str]:
    return [line["kind"] for line in read(caller, id_)["timeline"]]


def open_to(caller: Caller, query: str = "") -> dict[str, Tree]:
    got = caller.get(f"/handoffs{query}")
    assert got.status == 200, got.tree
    return {each["id"]: each for each in got.tree["handoffs"]}


def test_whoever_receives_reads_what_was_sent_by_the_same_members(sender: Caller, receiver: Caller) -> None:
    plain = crisis(documents=[document(kind="other", title="Floor plan")], order_number={"value": "R-1"})
    id_ = send(sender, plain).tree["id"]
    for caller in (sender, receiver):
        told = read(caller, id_)
        for member in ("person", "reason", "visit", "safety_plan", "priority", "order_number"):
            assert told[member] == plain[member], member
        assert told["risk"] == plain["risk"]
        assert told["sender"] == {**plain["sender"], "organization": SENDER}
        assert told["recipient_contact"]["phone"] == plain["recipient_contact"]["phone"]
        assert told["facts"]["access-needs"] == plain["facts"]["access-needs"]
        assert told["facts"]["missed-appointment-barrier"] == [plain["facts"]["missed-appointment-barrier"]]
        (informed,) = told["contacts"]
        assert (informed["reached"], informed["by"], informed["text"]) == (True, "in-person", "The clinic calls today")
        (file,) = told["documents"]
        assert (file["title"], file["kind"]) == ("Floor plan", "other")
        assert "also" not in told


def test_what_has_no_member_is_named_and_not_dropped(house: WholeHouse, receiver: Caller) -> None:
    begun = house.begin()
    told = read(receiver, begun.id)
    assert told["person"] == {"family": "Canary", "given": ["Rowan"]} or "family" in told["person"]
    sender = house.caller(SENDER)
    condition = {"resourceType": "Condition", "subject": {"reference": begun.patient}}
    goal = {
        "resourceType": "Observation", "status": "final", "code": {"text": "PHQ-9"},
        "subject": {"reference": begun.patient}, "basedOn": [{"reference": begun.request}],
    }  # fmt: skip
    assert sender.post("Condition", condition).status == 201
    made = sender.post("Observation", goal)
    assert read(receiver, begun.id)["also"] == [f"Observation/{made.tree['id']}"]


def test_a_client_that_may_not_read_a_type_is_not_read_it_here(house: WholeHouse, sender: Caller) -> None:
    id_ = send(sender, crisis()).tree["id"]
    told = house.caller(RECEIVER, "system/Task.r system/ServiceRequest.r").get(f"/handoffs/{id_}").tree
    assert told["reason"] == "Panic after a notice of eviction"
    assert not {"person", "risk", "safety_plan", "contacts"} & told.keys()


def test_the_list_is_of_ones_own_open_handoffs(sender: Caller, receiver: Caller, third: Caller) -> None:
    id_ = begin(sender)
    for caller in (sender, receiver):
        listed = open_to(caller)[id_]
        assert (listed["status"], listed["person"]["family"]) == ("requested", "Testerly")
    assert id_ not in open_to(third)
    assert id_ in open_to(sender, "?side=initiator") and id_ not in open_to(sender, "?side=recipient")
    assert id_ in open_to(receiver, "?side=recipient") and id_ not in open_to(receiver, "?side=initiator")
    answer(receiver, id_, status="rejected", reason="no room")
    assert id_ in open_to(sender)  # given back: nobody else holds the person
    assert id_ not in open_to(receiver)
    refused = sender.get("/handoffs?side=left")
    assert (refused.status, refused.code, refused.expression) == (400, "code-invalid", "side")


def test_nobody_is_told_where_it_stands_who_may_not_read_it(house: WholeHouse, sender: Caller) -> None:
    id_ = begin(sender)
    assert house.caller(SENDER, "system/Consent.u").send("DELETE", f"/handoffs/{id_}/consents").status == 403


def test_the_list_needs_the_scopes_of_what_it_shows(house: WholeHouse) -> None:
    for scopes in ("system/Task.r", "system/Task.rs", "system/Patient.rs"):
        assert house.caller(SENDER, scopes).get("/handoffs").status == 403
    assert house.caller(SENDER, "system/Task.rs system/Patient.r").get("/handoffs").status == 200
    assert house.nobody.get("/handoffs").status == 401


def test_a_document_is_got_as_the_file_that_it_is_and_by_nobody_else(
    sender: Caller, receiver: Caller, third: Caller
) -> None:
    id_ = begin(sender)
    made = add(sender, id_, "documents", document(kind="other"))
    assert made.status == 201, made.tree
    (file,) = read(receiver, id_)["documents"]
    assert (file["content_type"], file["written"]) == ("application/pdf", "2026-01-05T09:00:00+00:00")
    got = receiver.get(file["url"], Accept="*/*")
    assert (got.status, got.raw, got.headers["Content-Type"]) == (200, PDF, "application/pdf")
    assert third.get(file["url"], Accept="*/*").status == 404
    assert kinds(receiver, id_).count("handoff:updated") == 1


def test_a_discharge_summary_opens_the_gate_that_asks_for_it(sender: Caller) -> None:
    discharge = {
        "pathway": "iop-discharge",
        "visit": {"start": "2026-01-05T08:00:00Z", "end": "2099-01-05T09:00:00Z"},
    }
    refused = send(sender, referral(**discharge))
    assert refused.status == 422
    assert "facts.discharge-summary" in {issue["expression"][0] for issue in refused.issues}
    assert send(sender, referral(**discharge, documents=[document()])).status == 201


def test_instructions_that_come_after_the_booking_carry_the_appointment(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender)
    booked = add(receiver, id_, "appointment", {**ACCEPTED["appointment"], "clinician": {"name": "T. Clinician"}})
    assert booked.status == 200, booked.tree
    assert add(sender, id_, "documents", document(kind="discharge-instructions")).status == 201
    task = sender.get(f"Task/{id_}").tree
    (reference,) = sender.search(f"DocumentReference?patient={task['for']['reference']}")
    related = [each["reference"] for each in sender.get(reference).tree["context"]["related"]]
    assert [each.partition("/")[0] for each in related] == ["Task", "Appointment"]


def test_a_contact_that_failed_starts_the_ladder_and_one_that_was_made_is_recorded(
    sender: Caller, receiver: Caller
) -> None:
    id_ = begin(sender)
    failed = add(sender, id_, "contacts", attempt(reached=False, reason="voicemail"))
    assert (failed.status, failed.tree["status"]) == (201, "requested"), failed.tree
    standing = read(sender, id_)
    assert standing["business_status"] == "contact-failed"
    assert any(each["step"].startswith("alternate-contact#") for each in standing["open_deadlines"])
    assert (
        add(receiver, id_, "contacts", attempt(at="2026-01-05T06:00:00-05:00", three_way=True, text="agreed")).status
        == 201
    )
    assert kinds(sender, id_)[1:] == ["contact:failed", "contact:made"]
    told = read(receiver, id_)["contacts"]
    assert [(each["reached"], each.get("reason"), each.get("text")) for each in told] == [
        (False, "voicemail", None),
        (True, None, "agreed"),
    ]


def test_a_contact_with_the_person_is_outreach_of_the_recipient(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender)
    assert answer(receiver, id_, status="accepted").status == 200
    assert add(receiver, id_, "contacts", attempt(whom="person")).status == 201
    assert kinds(sender, id_)[-1] == "contact:outreach-made"


def test_a_live_talk_counts_whichever_side_tells_of_it(sender: Caller, receiver: Caller) -> None:
    for caller in (sender, receiver):
        id_ = begin(sender)
        assert add(caller, id_, "contacts", attempt()).status == 201
        assert kinds(caller, id_)[-1] == "contact:made"


def test_the_same_attempt_sent_again_is_one_attempt(sender: Caller) -> None:
    id_ = begin(sender)
    first, again = (add(sender, id_, "contacts", attempt(reached=False, reason="no-answer")) for _ in range(2))
    assert (first.status, first.raw) == (again.status, again.raw)
    assert kinds(sender, id_).count("contact:failed") == 1
    add(sender, id_, "contacts", attempt(reached=False, reason="no-answer", at="2026-01-05T10:00:00Z"))
    assert kinds(sender, id_).count("contact:failed") == 2


def test_an_appointment_is_booked_missed_and_kept_without_another_status(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender)
    answer(receiver, id_, status="accepted")
    visit = {"start": "2026-01-06T15:00:00Z", "end": "2026-01-06T16:00:00Z", "place": "Second floor"}
    for status in ("booked", "noshow", "booked", "fulfilled"):
        assert add(receiver, id_, "appointment", {**visit, "status": status}).status == 200
    assert [kind for kind in kinds(sender, id_) if kind.startswith("appointment:")] == [
        "appointment:booked", "appointment:missed", "appointment:booked", "appointment:attended"]  # fmt: skip
    (told,) = read(sender, id_)["appointments"]
    assert (told["status"], told["place"]) == ("fulfilled", "Second floor")
    assert read(sender, id_)["status"] == "accepted"


def test_a_reason_may_be_a_code(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender)
    refused = answer(receiver, id_, status="rejected")
    assert (refused.status, refused.expression) == (422, "reason")
    assert answer(receiver, id_, status="rejected", reason_code="no-capacity").status == 200
    assert sender.get(f"Task/{id_}").tree["statusReason"]["coding"][0]["code"] == "no-capacity"
    assert read(sender, id_)["status_reason"] == "no-capacity"


def test_who_decides_on_an_old_version_is_told_so(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender)
    read_at = receiver.get(f"/handoffs/{id_}").headers["ETag"]
    assert read_at == 'W/"1"'
    assert answer(receiver, id_, status="received").status == 200
    stale = send(receiver, {"status": "accepted"}, f"/handoffs/{id_}/status", **{"If-Match": read_at})
    assert (stale.status, stale.code, stale.expression) == (412, "conflict", "http.If-Match")
    fresh = receiver.get(f"/handoffs/{id_}").headers["ETag"]
    assert send(receiver, {"status": "accepted"}, f"/handoffs/{id_}/status", **{"If-Match": fresh}).status == 200
    odd = add(receiver, id_, "contacts", attempt(), **{"If-Match": "three"})
    assert (odd.status, odd.expression) == (400, "http.If-Match")


@pytest.mark.parametrize(
    ("what", "tree", "member", "status"),
    [
        ("contacts", attempt(reached=False), "reason", 400),
        ("contacts", attempt(reason="bored"), "reason", 400),
        ("contacts", attempt(at="yesterday"), "at", 400),
        ("contacts", attempt(at="0001-01-01T00:00:00+20:00"), "at", 400),
        ("contacts", attempt(by="pigeon"), "by", 400),
        ("contacts", attempt(reached="yes"), "reached", 400),
        ("appointment", {"status": "booked"}, "start", 400),
        ("documents", document(content="not base64!"), "content", 400),
        ("documents", document(content_type="a pdf"), "content_type", 400),
        ("documents", document(kind="x-ray"), "kind", 400),
        ("documents", document(confidentiality=["substance-use"]), "confidentiality", 422),
        ("consents", {**SIGNED, "signed": "soon"}, "signed", 400),
        ("consents", {**SIGNED, "recipients": ["nobody"]}, "recipients", 400),
        ("consents", {**SIGNED, "until": "2020-01-01"}, "until", 400),
        ("consents", {name: SIGNED[name] for name in SIGNED if name != "purpose"}, "purpose", 400),
    ],
)
def test_a_fault_is_located_in_what_was_added(sender: Caller, what: str, tree: Tree, member: str, status: int) -> None:
    id_ = begin(sender)
    got = add(sender, id_, what, tree)
    assert (got.status, got.expression) == (status, member), got.tree


def test_what_is_confidential_needs_the_consent_of_the_person(sender: Caller, receiver: Caller, third: Caller) -> None:
    refused = send(sender, referral(confidentiality=["substance-use"]))
    assert (refused.status, refused.expression) == (422, "confidentiality")
    for wrong in ({"recipients": ["case-management"]}, {"until": "2025-02-01"}, {"about": "counseling-notes"}):
        assert send(sender, referral(confidentiality=["substance-use"], consents=[SIGNED | wrong])).status == 422
    number = {"system": "urn:example:forms", "value": "C-17"}
    id_ = begin(sender, confidentiality=["substance-use"], consents=[SIGNED | {"number": number}])
    got = receiver.get(f"/handoffs/{id_}")
    assert got.headers["Redisclosure-Notice"].startswith("42 CFR part 2")
    assert got.tree["confidentiality"] == ["substance-use"]
    (consent,) = got.tree["consents"]
    assert consent == {"status": "active", "signed": "2025-01-05", "until": "2099-12-31", "number": number}
    assert third.get(f"/handoffs/{id_}").status == 404


def test_counseling_notes_need_a_consent_of_their_own(sender: Caller) -> None:
    notes = referral(confidentiality=["counseling-notes"], consents=[SIGNED])
    assert send(sender, notes).status == 422
    both = referral(confidentiality=["counseling-notes"], consents=[SIGNED, SIGNED | {"about": "counseling-notes"}])
    assert send(sender, both).status == 201


def test_a_consent_is_taken_back_and_another_brought(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender, confidentiality=["substance-use"], consents=[SIGNED])
    assert answer(receiver, id_, status="accepted").status == 200
    awaited = read(sender, id_)["next_action"]
    for _ in range(2):  # once more says the same
        back = sender.send("DELETE", f"/handoffs/{id_}/consents")
        assert (back.status, back.tree["next_action"]["code"]) == (200, "renew-consent"), back.tree
    assert receiver.get(f"/handoffs/{id_}").status == 404
    assert receiver.get("/handoffs").tree["withheld"] is True
    assert id_ not in open_to(receiver)
    assert answer(receiver, id_, status="in-progress").status == 404
    again = add(sender, id_, "consents", SIGNED)
    assert (again.status, again.tree["next_action"]) == (201, awaited), again.tree
    assert id_ in open_to(receiver)
    assert sender.send("DELETE", f"/handoffs/{id_}/consents").status == 200
    taken = answer(sender, id_, status="cancelled", reason="no consent any more")
    assert (taken.status, taken.tree["responsible"]) == (200, SENDER)


def emergency(**more: Any) -> Tree:
    return {
        "nature": "unresponsive after an overdose",
        "to": {"name": "E. Room, MD", "organization": RECEIVER},
        "by": {"name": "P. Ogram, RN"},
        "at": datetime.now(UTC).isoformat(),
        **more,
    }


def test_in_an_emergency_the_program_discloses_and_writes_down_to_whom(sender: Caller, receiver: Caller) -> None:
    id_ = begin(sender, confidentiality=["substance-use"], emergency=emergency())
    told = read(receiver, id_)
    (stated,) = told["contacts"]
    assert (stated["sender"]["name"], stated["recipients"][0]["name"]) == ("P. Ogram, RN", "E. Room, MD")
    assert (stated["reason"], told.get("consents", [])) == ("unresponsive after an overdose", [])
    assert "disclosure:emergency" in kinds(sender, id_)


def test_an_emergency_opens_what_a_withdrawal_has_shut(sender: Caller, receiver: Caller, third: Caller) -> None:
    id_ = begin(sender, confidentiality=["substance-use"], consents=[SIGNED])
    sender.send("DELETE", f"/handoffs/{id_}/consents")
    assert receiver.get(f"/handoffs/{id_}").status == 404
    assert add(receiver, id_, "emergency", emergency()).status == 404
    for member, wrong in {
        "to": {"to": None},
        "to.organization": {"to": {"name": "E. Room, MD"}},
        "by.name": {"by": {"role": "RN"}},
        "nature": {"nature": ""},
        "at": {"at": "now"},
    }.items():
        tree = {name: value for name, value in emergency(**wrong).items() if value is not None}
        refused = add(sender, id_, "emergency", tree)
        assert (refused.status, refused.expression) == (400, member), refused.tree
    opened = add(sender, id_, "emergency", emergency())
    assert opened.status == 201, opened.tree
    assert receiver.get(f"/handoffs/{id_}").status == 200
    assert third.get(f"/handoffs/{id_}").status == 404


def test_nobody_takes_back_the_consent_of_others_or_adds_to_what_is_theirs(
    sender: Caller, receiver: Caller, third: Caller
) -> None:
    id_ = begin(sender, confidentiality=["substance-use"], consents=[SIGNED])
    assert receiver.send("DELETE", f"/handoffs/{id_}/consents").status == 200
    assert receiver.get(f"/handoffs/{id_}").status == 200
    for method, what, tree in (
        ("POST", "contacts", attempt()),
        ("POST", "appointment", ACCEPTED["appointment"]),
        ("POST", "documents", document()),
        ("POST", "consents", SIGNED),
        ("POST", "emergency", emergency()),
        ("DELETE", "consents", None),
    ):
        for unknown in (id_, "nobody"):
            got = third.send(method, f"/handoffs/{unknown}/{what}", tree, headers=JSON)
            assert (got.status, got.code) == (404, "not-found")


def test_what_fhir_sends_is_answered_in_plain_json(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    begun = house.begin()
    assert add(receiver, begun.id, "contacts", attempt()).status == 201
    assert answer(receiver, begun.id, status="accepted").status == 200
    assert add(receiver, begun.id, "documents", document(kind="other")).status == 201
    assert sender.get(begun.task).tree["status"] == "accepted"
    assert len(sender.search(f"DocumentReference?patient={begun.patient}")) == 1
