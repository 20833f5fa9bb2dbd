"""GET Task/{id}/$evidence: a document in which all is there, all resolves, and every verdict can be followed."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from played_house import PlayedHouse
from whole_house import RECEIVER, SENDER, THIRD

from adapter.domain import events
from adapter.use_cases.check_deadlines import check_deadlines
from adapter.validation import check
from mappings.canonicals import EVENT_SYSTEM, EXT_LACKING, event_code
from mappings.evidence_sections import group_of
from mappings.json_codec import decode
from mappings.references import links_in

Tree = dict[str, Any]

MODES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"

SECTIONS = [
    "standing",
    "evidence-rules",
    "gates",
    "transitions",
    "contacts",
    "appointments",
    "clock",
    "ladder",
    "deliveries",
    "resources",
]


def evidence(house: PlayedHouse, task_id: str, tenant: str = SENDER) -> Tree:
    got = house.caller(tenant).get(f"Task/{task_id}/$evidence")
    assert got.status == 200, got.tree
    tree: Tree = got.tree
    return tree


def resources(document: Tree, type_: str) -> list[Tree]:
    found = [entry["resource"] for entry in document["entry"]]
    return [tree for tree in found if tree["resourceType"] == type_]


def section(document: Tree, code: str) -> Tree:
    found: list[Tree] = document["entry"][0]["resource"]["section"]
    return next(s for s in found if s["code"]["coding"][0]["code"] == code)


def rows(document: Tree, code: str) -> list[list[str]]:
    """The rows of a section's narrative, as a reader sees them."""
    lines = re.findall(r"<tr>(.*?)</tr>", section(document, code)["text"]["div"])
    return [[html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", line)] for line in lines[1:]]


def verdict(document: Tree, rule: str) -> Tree:
    found = resources(document, "VerificationResult")
    return next(r for r in found if r["validationProcess"][0]["coding"][0]["code"].endswith(f".{rule}"))


@pytest.fixture(scope="module")
def document(house: PlayedHouse, completed: str) -> Tree:
    return evidence(house, completed)


def test_it_is_a_valid_fhir_document(document: Tree) -> None:
    assert [issue for issue in check(document) if issue.severity in {"error", "fatal"}] == []
    assert document["type"] == "document"
    assert document["entry"][0]["resource"]["resourceType"] == "Composition"
    assert document["identifier"]["value"].startswith("urn:uuid:")
    assert [s["code"]["coding"][0]["code"] for s in document["entry"][0]["resource"]["section"]] == SECTIONS


def test_each_document_has_a_number_of_its_own(house: PlayedHouse, completed: str, document: Tree) -> None:
    assert evidence(house, completed)["identifier"] != document["identifier"]


def test_every_reference_in_it_resolves_in_it(document: Tree) -> None:
    urls = {entry["fullUrl"] for entry in document["entry"]}
    base = "http://127.0.0.1:8080/fhir/"
    for entry in document["entry"]:
        for element in links_in(entry["resource"]).references:
            reference = element["reference"]
            if reference.startswith("#"):
                continue
            absolute = reference if ":" in reference else base + reference
            assert absolute in urls, (entry["fullUrl"], reference)


def unreachable(document: Tree) -> set[str]:
    """Entries that no chain of references from the Composition leads to."""
    base = "http://127.0.0.1:8080/fhir/"
    trees = {entry["fullUrl"]: entry["resource"] for entry in document["entry"]}
    reached: set[str] = set()
    waiting = [document["entry"][0]["fullUrl"]]
    while waiting:
        url = waiting.pop()
        if url in trees and url not in reached:
            reached.add(url)
            found = (element["reference"] for element in links_in(trees[url]).references)
            waiting += [reference if ":" in reference else base + reference for reference in found]
    return set(trees) - reached


def test_the_composition_leads_to_everything(document: Tree) -> None:
    assert unreachable(document) == set()


def test_what_partners_sent_is_in_it_unchanged(house: PlayedHouse, completed: str, document: Tree) -> None:
    reader = house.house.store.reader(SENDER)
    inside = {entry["fullUrl"]: entry["resource"] for entry in document["entry"]}
    for stored in reader.resources_of(completed):
        assert inside[f"http://127.0.0.1:8080/fhir/{stored.key}"] == decode(stored.body)


def test_every_line_of_the_ledger_is_a_provenance_with_both_times(house: PlayedHouse, completed: str) -> None:
    before = house.house.store.reader(SENDER).ledger_of(completed)
    document = evidence(house, completed)
    told = [p["activity"]["coding"][0] for p in resources(document, "Provenance")]
    # A receipt may have come in between.
    assert [coding["code"] for coding in told][: len(before)] == [event_code(event.kind) for event in before]
    assert {coding["system"] for coding in told} == {EVENT_SYSTEM}
    for tree in resources(document, "Provenance"):
        assert tree["occurredDateTime"] and tree["recorded"] and tree["agent"][0]["who"]["reference"]


def test_transitions_deliveries_and_contacts_can_be_read_in_it(document: Tree) -> None:
    assert [row[1] for row in rows(document, "transitions")] == [
        "requested",
        "requested → received",
        "received → accepted",
        "accepted → in-progress",
        "in-progress → completed",
    ]
    assert {row[1] for row in rows(document, "deliveries")} == {
        "Riverside Outpatient Clinic",
        "Harbor Mobile Crisis Team",
    }
    call = next(row for row in rows(document, "contacts") if "contact:made" in row[0])
    assert call[1:4] == ["PHONE (live)", "M. Rehearsal, LPC", "A. Trialman, PsyD"]
    assert all(row[2] == "no longer needed" for row in rows(document, "clock"))


def test_a_rule_that_is_met_says_so_and_one_that_is_not_says_what_is_lacking(document: Tree) -> None:
    met = verdict(document, "evidence.provider-to-provider-contact")
    assert (met["status"], "extension" in met) == ("validated", False)
    unmet = verdict(document, "evidence.outreach-on-the-same-day")
    assert unmet["status"] == "val-fail"
    assert unmet["extension"][0]["url"] == EXT_LACKING
    assert "got planned" in unmet["extension"][0]["valueString"]
    shown = next(row for row in rows(document, "evidence-rules") if row[3] == "outreach-on-the-same-day")
    assert shown[1] == "not met" and "got planned" in shown[2]


def test_every_gate_has_a_verdict_at_the_element_where_it_belongs(document: Tree) -> None:
    assert verdict(document, "request.safety-plan-summary")["targetLocation"] == ["CarePlan.description"]
    assert {r["status"] for r in resources(document, "VerificationResult") if "targetLocation" in r} == {"validated"}


def test_both_sides_get_the_same_verdicts(house: PlayedHouse, completed: str, document: Tree) -> None:
    other = evidence(house, completed, RECEIVER)
    verdicts = [
        {r["validationProcess"][0]["coding"][0]["code"]: r["status"] for r in resources(d, "VerificationResult")}
        for d in (document, other)
    ]
    assert verdicts[0] == verdicts[1]


def test_another_organisation_is_answered_as_if_there_were_no_such_task(house: PlayedHouse, completed: str) -> None:
    third = house.caller(THIRD)
    hidden, absent = third.get(f"Task/{completed}/$evidence"), third.get("Task/nothing-at-all/$evidence")
    assert (hidden.status, hidden.raw) == (absent.status, absent.raw) == (404, third.get("Task/none").raw)
    assert house.nobody.get(f"Task/{completed}/$evidence").status == 401


def test_a_token_reads_no_more_through_it_than_by_itself(house: PlayedHouse, completed: str) -> None:
    for scopes in ("system/Patient.rs", "system/Task.rs"):
        refused = house.caller(SENDER, scopes).get(f"Task/{completed}/$evidence")
        assert (refused.status, refused.code) == (403, "forbidden"), scopes
    assert house.caller(SENDER, "system/*.r").get(f"Task/{completed}/$evidence").status == 200


def test_who_rejected_a_handoff_reads_its_evidence_no_more(house: PlayedHouse) -> None:
    begun = house.begin()
    receiver = house.caller(RECEIVER)
    assert receiver.get(f"{begun.task}/$evidence").status == 200
    assert receiver.move(begun.task, "rejected", reason="no capacity").status == 200
    refused = receiver.get(f"{begun.task}/$evidence")
    assert (refused.status, refused.code) == (404, "not-found")
    kept = evidence(house, begun.id)
    assert verdict(kept, "evidence.recipient-answered")["status"] == "val-fail"


def test_a_record_that_came_late_shows_as_late(house: PlayedHouse) -> None:
    begun = house.begin()
    spoke = house.house.clock.now() - timedelta(hours=2, minutes=5, seconds=30)
    call = {
        "resourceType": "Communication",
        "status": "not-done",
        "statusReason": {"text": "no answer"},
        "basedOn": [{"reference": begun.request}],
        "sent": spoke.isoformat(),
        "sender": {"reference": f"Organization/{SENDER}"},
        "recipient": [{"reference": f"Organization/{RECEIVER}"}],
        "note": [{"text": "<script>alert(1)</script>"}],
        "medium": [{"text": "<b>smoke</b>"}],
    }
    assert house.caller(SENDER).post("Communication", call).status == 201
    document = evidence(house, begun.id)
    told = next(p for p in resources(document, "Provenance") if p["activity"]["coding"][0]["code"] == "contact-failed")
    assert told["occurredDateTime"] < told["recorded"]
    assert rows(document, "contacts")[0][-1] == "late: 2 hours 5 minutes"
    assert rows(document, "transitions")[0][-2] == ""


def test_missed_deadlines_the_ladder_and_the_escalation_are_in_it(house: PlayedHouse) -> None:
    begun = house.begin()
    house.house.clock.advance(timedelta(days=8))  # type: ignore[union-attr]
    while check_deadlines(house.house.world):
        pass
    document = evidence(house, begun.id)
    said = [row[0] for row in rows(document, "ladder")]
    assert any("deadline:acceptance-missed" in text for text in said)
    assert any("ladder:escalated" in text for text in said)
    assert said[-1] == "Escalation: requested"
    child = section(document, "ladder")["entry"][0]["reference"]
    assert child in {entry["fullUrl"] for entry in document["entry"]}
    assert {row[2] for row in rows(document, "clock")} >= {"fell due"}
    assert any(row[:2] == ["Governance", "flagged for review"] for row in rows(document, "standing"))
    assert unreachable(document) == set()
    # The recipient learns that it was escalated, and nothing of what its other side does about it.
    other = evidence(house, begun.id, RECEIVER)
    assert rows(other, "ladder")[-1][0] == "Escalation: known to its two sides only"
    assert child not in {entry["fullUrl"] for entry in other["entry"]}
    assert [i for i in check(document) if i.severity == "error"] == []


def test_a_draft_can_be_looked_at_by_its_author_alone(house: PlayedHouse) -> None:
    begun = house.begin(status="draft")
    document = evidence(house, begun.id)
    assert [i for i in check(document) if i.severity == "error"] == []
    assert house.caller(RECEIVER).get(f"{begun.task}/$evidence").status == 404


@pytest.mark.parametrize("kind", events.KINDS)
def test_every_kind_of_event_has_its_section(kind: str) -> None:
    assert group_of(kind) in SECTIONS


def test_markup_that_a_partner_sent_is_shown_and_never_obeyed(house: PlayedHouse) -> None:
    begun = house.begin()
    hostile = "<script>alert('x')</script> & \"more\""
    call = {
        "resourceType": "Communication",
        "status": "not-done",
        "statusReason": {"text": "no answer"},
        "basedOn": [{"reference": begun.request}],
        "sent": "2026-03-01T10:00:00Z",
        "medium": [{"coding": [{"system": MODES, "code": "<img/src=x>"}]}],
        "sender": {"display": hostile},
        "recipient": [{"display": hostile}],
    }
    assert house.caller(SENDER).post("Communication", call).status == 201
    document = evidence(house, begun.id)
    assert rows(document, "contacts")[0][1:4] == ["<img/src=x>", hostile, hostile]
    for shown in document["entry"][0]["resource"]["section"]:
        assert "<script" not in shown["text"]["div"] and "<img" not in shown["text"]["div"]
    assert [i for i in check(document) if i.severity == "error"] == []
