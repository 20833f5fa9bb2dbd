"""AuditEvents as partners read them: valid, by IHE BALP where a pattern fits, and to each organisation its own part."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from whole_house import RECEIVER, SENDER, Begun, Caller, WholeHouse, bundle, entry, referral, transaction

from adapter.domain.origin import Origin
from adapter.validation import check
from mappings.audit_event import KINDS

Tree = dict[str, Any]

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
SEND, RECEIVE = "110153", "110152"


def events(caller: Caller, query: str = "") -> list[Tree]:
    """Newest first, over all pages."""
    found: list[Tree] = []
    link: str | None = f"AuditEvent?{query}"
    while link:
        page = caller.get(link)
        assert page.status == 200, page.tree
        found += [e["resource"] for e in page.tree.get("entry", ())]
        following = [each["url"] for each in page.tree["link"] if each["relation"] == "next"]
        link = following[0].partition("/fhir/")[2] if following else None
    return found


def subtype(event: Tree) -> str:
    return str(event.get("subtype", [{}])[0].get("code", ""))


def roles(event: Tree) -> dict[str, str]:
    """Role of an entity (`query`, `patient`, `data`) → what it says."""
    found = {}
    for each in event.get("entity", ()):
        role = {"24": "query", "1": "patient", "4": "data"}.get(each.get("role", {}).get("code"), "request")
        found[role] = each.get("query") or each["what"].get("reference") or each["what"]["identifier"]["value"]
    return found


@pytest.fixture(scope="module")
def played(house: WholeHouse) -> Begun:
    """A handoff on which every kind of interaction took place."""
    begun, sender, receiver = house.begin(), house.caller(SENDER), house.caller(RECEIVER)
    receiver.get(begun.task, X_Request_ID="the-request")
    receiver.get(f"{begun.task}/_history/1")
    receiver.get(f"{begun.task}/_history")
    receiver.get(f"Task?_id={begun.id}&patient={begun.patient}")
    receiver.get(f"{begun.task}/$evidence")
    receiver.move(begun.task, "accepted")
    sender.put(begun.patient, {**sender.get(begun.patient).tree, "active": True})
    lone = sender.post("Observation", {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": begun.patient},
    }, X_Request_ID="made")  # fmt: skip
    assert lone.status == 201, lone.tree
    assert sender.delete(f"Observation/{lone.tree['id']}").status == 204
    return begun


def test_every_event_is_a_valid_resource(played: Begun, sender: Caller, receiver: Caller) -> None:
    for event in (*events(sender), *events(receiver)):
        assert [issue for issue in check(event) if issue.severity in {"error", "fatal"}] == []
        assert event["outcome"] == "0"


@pytest.mark.parametrize(
    ("kind", "profile", "action", "client", "server"),
    [
        ("read", "PatientRead", "R", RECEIVE, SEND),
        ("vread", "PatientRead", "R", RECEIVE, SEND),
        ("search-type", "PatientQuery", "E", SEND, RECEIVE),
        ("patch", "PatientUpdate", "U", SEND, RECEIVE),
        ("update", "PatientUpdate", "U", SEND, RECEIVE),
        ("create", "PatientCreate", "C", SEND, RECEIVE),
        ("delete", "Delete", "D", "110150", "custodian"),
        ("history-instance", None, "R", RECEIVE, SEND),
        ("operation", None, "E", SEND, RECEIVE),
        ("transaction", None, "E", SEND, RECEIVE),
    ],
)
def test_an_interaction_is_recorded_by_its_pattern(
    played: Begun,
    sender: Caller,
    receiver: Caller,
    kind: str,
    profile: str | None,
    action: str,
    client: str,
    server: str,
) -> None:
    """https://profiles.ihe.net/ITI/BALP/content.html: two agents with addresses, one System Object, its patient."""
    found = (e for e in (*events(receiver), *events(sender)) if subtype(e) == kind)
    event = next(e for e in found if kind == "delete" or roles(e).get("patient") == played.patient)
    assert event["meta"].get("profile") == ([f"{BALP}{profile}"] if profile else None)
    assert (event["type"]["code"], event["action"]) == ("rest", action)
    agents = event["agent"]
    assert [agent["type"]["coding"][0]["code"] for agent in agents] == [client, server]
    assert [agent["requestor"] for agent in agents] == [True, False]
    assert [agent["network"]["type"] for agent in agents] == ["2", "5"]
    assert agents[0]["who"]["reference"] in {f"Organization/{SENDER}", f"Organization/{RECEIVER}"}
    assert agents[1]["who"] == event["source"]["observer"]
    if profile:
        system_objects = [e for e in event["entity"] if e["type"]["code"] == "2"]
        assert len(system_objects) == 1
        assert ("patient" in roles(event)) == profile.startswith("Patient")


def test_a_read_names_the_version_the_patient_and_the_request(played: Begun, receiver: Caller) -> None:
    first = events(receiver, f"entity={played.task}/_history/1&subtype=read")[-1]
    assert roles(first) == {
        "data": f"{played.task}/_history/1", "patient": played.patient, "request": "the-request"
    }  # fmt: skip


def test_a_search_keeps_what_was_asked_in_base64(played: Begun, receiver: Caller) -> None:
    searches = events(receiver, f"patient={played.patient}&subtype=search-type")
    asked, event = next(
        (asked, each)
        for each in reversed(searches)
        if (asked := base64.b64decode(roles(each)["query"]).decode()).startswith("Task")
    )
    assert asked == f"Task?_id={played.id}&patient={played.patient.replace('/', '%2F')}"
    assert {"reference": f"{played.task}/_history/1"} in [e.get("what") for e in event["entity"]]


def test_a_transaction_names_all_that_it_wrote(played: Begun, sender: Caller) -> None:
    event = events(sender, f"entity={played.task}&subtype=transaction")[-1]
    written = {e["what"]["reference"]: e["lifecycle"]["code"] for e in event["entity"] if "lifecycle" in e}
    assert written == dict.fromkeys(
        [f"{played.patient}/_history/1", f"{played.request}/_history/1", f"{played.task}/_history/1"], "1"
    )


def test_the_author_sees_who_read_its_resources_but_not_what_they_asked(played: Begun, sender: Caller) -> None:
    seen = [
        e for e in events(sender, f"patient={played.patient}") if e["agent"][0]["who"]["reference"].endswith(RECEIVER)
    ]
    assert {subtype(e) for e in seen} >= {"read", "vread", "history-instance", "search-type", "operation", "patch"}
    assert not any({"query", "request"} & roles(event).keys() for event in seen)


def test_each_sees_its_own_part_of_a_request_that_touched_several(
    house: WholeHouse, sender: Caller, receiver: Caller, third: Caller
) -> None:
    """One search shows a recipient what two initiators sent; neither initiator learns of the other."""
    mine, theirs = house.begin(), house.begin(sender="ob-clinic")
    assert len(receiver.search(f"Task?_id={mine.id},{theirs.id}")) == 2
    own = events(receiver, "subtype=search-type")[:2]
    assert {roles(e)["patient"] for e in own} == {mine.patient, theirs.patient}, "BALP: one event for each patient"
    for caller, begun, other in ((sender, mine, theirs), (third, theirs, mine)):
        seen = events(caller, f"agent=Organization/{RECEIVER}")
        assert any(roles(e).get("data") == f"{begun.task}/_history/1" for e in seen)
        assert other.id not in str(seen)
        assert other.patient not in str(seen)
        for query in (f"patient={other.patient}", f"entity={other.task}", f"entity={other.patient}"):
            assert events(caller, query) == []


def test_nobody_else_sees_an_event(played: Begun, sender: Caller, third: Caller) -> None:
    for event in events(sender, f"patient={played.patient}"):
        assert third.get(f"AuditEvent/{event['id']}").raw == third.get("AuditEvent/999999-1").raw
        assert third.get(f"AuditEvent/{event['id']}").status == 404
    assert events(third, f"patient={played.patient}") == []
    assert played.id not in str(events(third))


def test_a_draft_that_is_looked_at_is_known_to_its_initiator_alone(
    house: WholeHouse, sender: Caller, receiver: Caller
) -> None:
    draft = house.begin(status="draft")
    sender.get(draft.task)
    assert draft.id in str(events(sender, f"patient={draft.patient}"))
    assert draft.id not in str(events(receiver))


def test_an_event_is_read_alone_and_found_by_every_parameter(played: Begun, receiver: Caller) -> None:
    event = events(receiver, f"entity={played.task}&subtype=vread")[0]
    for address in (f"AuditEvent/{event['id']}", f"AuditEvent/{event['id']}/_history/1"):
        assert receiver.get(address).tree == event
    day = event["recorded"][:10]
    for query in (
        *("type=rest", "subtype=vread", "subtype=http://hl7.org/fhir/restful-interaction|vread", "action=R"),
        *(f"date={day}", "date=ge2020", "date=lt2100", f"_id={event['id']}", f"agent={RECEIVER}"),
        *(f"patient={played.patient}", f"patient={played.patient.split('/')[1]}", f"entity={played.patient}"),
        f"entity=http://127.0.0.1:8080/fhir/{played.task}",
    ):
        assert event in events(receiver, query), query
    for query in ("type=other", "subtype=delete", "action=D", "date=lt2020", "date=gt2100", "agent=ob-clinic", "_id=1"):
        assert event not in events(receiver, query), query


def test_pages_are_whole_and_in_order(played: Begun, sender: Caller) -> None:
    upto = sender.get("AuditEvent?_count=1").tree["entry"][0]["resource"]["id"]
    whole = [e["id"] for e in events(sender, "_count=1000") if int(e["id"].split("-")[0]) <= int(upto.split("-")[0])]
    for size in (1, 2, 7):
        paged = [e["id"] for e in events(sender, f"_count={size}&date=ge2020")]
        assert [id for id in paged if id in whole] == whole
        assert len(paged) == len(set(paged))


@pytest.mark.parametrize("query", ["name=x", "date=yesterday", "_cursor=zz", "date=ap2026"])
def test_what_cannot_be_searched_for_is_refused(sender: Caller, query: str) -> None:
    refused = sender.get(f"AuditEvent?{query}")
    assert refused.status == 400
    assert refused.expression == query.partition("=")[0]


def test_what_is_no_value_finds_nothing_and_breaks_nothing(sender: Caller) -> None:
    for query in (
        "entity=%00",
        "patient=%00",
        "agent=%00",
        "type=%00",
        "_id=%00",
        "entity=x%27;--",
        "subtype=%F0%9F%92%A9",
    ):
        assert sender.get(f"AuditEvent?{query}").status in {200, 400}


def test_nobody_writes_an_event(played: Begun, sender: Caller) -> None:
    event = events(sender, "_count=1")[0]
    del event["meta"]
    for refused in (
        sender.post("AuditEvent", event),
        sender.put(f"AuditEvent/{event['id']}", event, If_Match='W/"1"'),
        sender.patch(f"AuditEvent/{event['id']}", [{"op": "remove", "path": "/action"}]),
        sender.delete(f"AuditEvent/{event['id']}"),
        sender.delete("AuditEvent?date=ge2020"),
        sender.post("", transaction(event)),
        sender.post("", bundle(entry("DELETE", f"AuditEvent/{event['id']}"))),
    ):
        assert (refused.status, refused.code) == (405, "not-supported"), refused.tree


def test_what_is_sent_to_a_partner_is_a_disclosure(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    begun = house.begin()
    store = house.house.store
    told = Origin("notify", "http://127.0.0.1:8080/fhir", "https://clinic.example/hook", "n-1")
    store.disclosed(RECEIVER, told, store.system_reader().resources_of(begun.id)[-1:])
    for caller in (sender, receiver):
        (event,) = events(caller, f"subtype=disclose&patient={begun.patient}")
        assert event["meta"]["profile"] == [f"{BALP}PrivacyDisclosure.Source"]
        assert (event["type"]["code"], event["action"]) == ("110106", "R")
        recipient, source = event["agent"]
        assert recipient["network"] == {"address": "https://clinic.example/hook", "type": "5"}
        assert source["who"] == event["source"]["observer"]
        assert check(event)[1:] == [] or all(i.severity == "warning" for i in check(event))


def test_every_kind_of_row_can_be_shown(house: WholeHouse, receiver: Caller) -> None:
    store = house.house.store
    for interaction in KINDS:
        store.disclosed(RECEIVER, Origin(interaction if interaction != "$" else "$something"), [])
    shown = events(receiver)[: len(KINDS)]
    assert [i for event in shown for i in check(event) if i.severity in {"error", "fatal"}] == []


@pytest.fixture
def trail_that_takes_nothing(house: WholeHouse) -> Iterator[None]:
    engine = house.house.store.engine
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE NONE"))  # as the owner: the adapter's role may alter no table
        connection.execute(text("ALTER TABLE audit_event ADD CONSTRAINT nothing CHECK (false) NOT VALID"))
    yield
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE NONE"))
        connection.execute(text("ALTER TABLE audit_event DROP CONSTRAINT nothing"))


def test_an_unaudited_read_is_not_answered(
    played: Begun, sender: Caller, receiver: Caller, trail_that_takes_nothing: None
) -> None:
    for address in (
        *(played.task, f"{played.task}/_history", f"{played.task}/_history/1", f"Task?_id={played.id}"),
        *(f"{played.task}/$evidence", f"/handoffs/{played.id}", "AuditEvent?_count=1"),
    ):
        refused = receiver.get(address)
        assert (refused.status, refused.code) == (503, "no-store"), address
        assert played.id not in refused.raw.decode()
    batch = receiver.post("", bundle(entry("GET", played.task), type="batch"))
    assert batch.tree["entry"][0]["response"]["status"].startswith("503")
    assert "Testerly" not in batch.raw.decode()


def test_an_unaudited_write_is_not_made(house: WholeHouse, sender: Caller, trail_that_takes_nothing: None) -> None:
    numbers = itertools.count()
    sent = referral()
    patient = sent["entry"][0]["resource"]["identifier"][0]["value"]
    for tree in (sent, {"resourceType": "Patient", "identifier": [{"value": patient}]}):
        answer = sender.post(
            "" if tree["resourceType"] == "Bundle" else "Patient", tree, X_Request_ID=f"u{next(numbers)}"
        )
        assert answer.status >= 500
    with house.house.store.engine.connect() as connection:
        kept = connection.execute(
            text("SELECT count(*) FROM resource_version WHERE convert_from(body, 'UTF8') LIKE :found"),
            {"found": f"%{patient}%"},
        ).scalar_one()
    assert kept == 0


def test_the_trail_holds_references_and_nothing_else_of_a_person(house: WholeHouse, sender: Caller) -> None:
    """But for what was asked, which stays as it was asked and is shown to whoever asked alone."""
    secret = "Zanzibarella"
    patient = sender.post("Patient", {
        "resourceType": "Patient", "name": [{"family": secret}], "telecom": [{"system": "phone", "value": secret}],
        "link": [{"type": "seealso", "other": {"display": f'"reference":"Patient/{secret}"'}}],
    })  # fmt: skip
    assert patient.status == 201, patient.tree
    sender.get(f"Patient/{patient.tree['id']}")
    sender.get(f"Patient?family={secret}")
    with house.house.store.engine.connect() as connection:
        rows = connection.execute(text("SELECT to_jsonb(a) - 'query', a.query FROM audit_event a ORDER BY id")).all()
    assert not any(secret in str(row[0]) for row in rows)
    assert any(secret.encode() in (row[1] or b"") for row in rows)
