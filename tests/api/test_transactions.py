"""Transactions: references, order, conditions, identity, all or nothing (https://hl7.org/fhir/R4/http.html#transaction)."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest
from whole_house import RECEIVER, Caller, Got, Tree, WholeHouse, bundle, entry, referral, transaction

from mappings.canonicals import PARTNER_SYSTEM
from mappings.json_codec import encode


def numbered(type_: str = "Patient", **elements: Any) -> Tree:
    return {"resourceType": type_, "identifier": [{"system": "urn:x", "value": uuid4().hex}], **elements}


def number_of(tree: Tree) -> str:
    return str(tree["identifier"][0]["value"])


def observation(subject: str, **elements: Any) -> Tree:
    return numbered(
        "Observation", status="final", code={"text": "x"}, subject={"reference": subject}, **elements
    )  # fmt: skip


def done(got: Got) -> list[str]:
    assert got.status == 200, got.tree
    return got.located


NOBODY = "5b2c8a0e-2f0e-4a53-9d0a-9f1f0c2b7d11"
URN = "urn:uuid:5a1f2c1e-7d3b-4a52-9a6e-3f0c8f6f1d10"


@pytest.mark.parametrize(
    ("full_url", "id_", "reference"),
    [
        (URN, None, URN),
        ("urn:oid:1.2.36.146.595.217.0.1", None, "urn:oid:1.2.36.146.595.217.0.1"),
        ("https://theirs.example/fhir/Patient/p1", "p1", "https://theirs.example/fhir/Patient/p1"),
        ("https://theirs.example/fhir/Patient/p1", "p1", "Patient/p1"),
        ("https://theirs.example/fhir/Patient/p1", "p1", "Patient/p1/_history/4"),
        (None, "p1", "Patient/p1"),
        (URN, "p1", "Patient/p1"),
    ],
)
def test_a_reference_to_an_entry_becomes_the_new_id(
    sender: Caller, full_url: str | None, id_: str | None, reference: str
) -> None:
    patient = {**numbered(), **({"id": id_} if id_ else {})}
    its_url = "https://theirs.example/fhir/Observation/o1" if full_url and full_url.startswith("https") else None
    sent = transaction(patient, observation(reference), full_urls=(full_url, its_url))
    made = done(sender.post("", sent))
    assert made[0] != "Patient/p1"
    assert sender.get(made[1]).tree["subject"]["reference"] == made[0]


def test_entries_may_refer_to_each_other_in_a_circle(sender: Caller) -> None:
    one, two = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    sent = transaction(
        numbered("Basic", code={"text": "1"}, subject={"reference": two}),
        numbered("Basic", code={"text": "2"}, subject={"reference": one}),
        full_urls=(one, two),
    )
    made = done(sender.post("", sent))
    assert sender.get(made[0]).tree["subject"]["reference"] == made[1]
    assert sender.get(made[1]).tree["subject"]["reference"] == made[0]


def test_links_in_narratives_and_urls_of_attachments_follow(sender: Caller) -> None:
    binary, patient = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    div = (
        f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{patient}">who</a> and '
        f'<img src="{binary}" alt="x"/> but {patient} in text stays</div>'
    )
    document = numbered(
        "DocumentReference",
        status="current",
        text={"status": "generated", "div": div},
        subject={"reference": patient},
        content=[{"attachment": {"url": binary, "title": binary}}],
    )
    sent = transaction(
        document, numbered(), {"resourceType": "Binary", "contentType": "text/plain", "data": "aGk="},
        full_urls=(None, patient, binary),  # type: ignore[arg-type]
    )  # fmt: skip
    made = done(sender.post("", sent))
    kept = sender.get(made[0]).tree
    assert kept["content"][0]["attachment"] == {"url": made[2], "title": binary}
    assert f'href="{made[1]}"' in kept["text"]["div"]
    assert f'src="{made[2]}"' in kept["text"]["div"]
    assert f"but {patient} in text stays" in kept["text"]["div"]


def test_the_same_id_on_two_servers_is_two_people(sender: Caller) -> None:
    theirs, ours = "https://a.example/fhir", "https://b.example/fhir"
    patients = [
        entry("POST", "Patient", {**numbered(), "id": "1"}, fullUrl=f"{base}/Patient/1") for base in (theirs, ours)
    ]
    mine = entry("POST", "Observation", observation("Patient/1"), fullUrl=f"{ours}/Observation/1")
    made = done(sender.post("", bundle(*patients, mine)))
    assert sender.get(made[2]).tree["subject"]["reference"] == made[1]
    alone = sender.post("", bundle(patients[0], mine))
    assert (alone.status, alone.code) == (400, "not-found")
    assert alone.expression == "Bundle.entry[1].resource.subject.reference"


@pytest.mark.parametrize("missing", [f"urn:uuid:{NOBODY}", "Patient/nobody", "Patient/nobody/_history/1"])
def test_a_reference_to_nothing_is_refused_where_it_stands(sender: Caller, missing: str) -> None:
    refused = sender.post("", transaction(numbered(), observation(missing)))
    assert (refused.status, refused.code) == (400, "not-found")
    assert refused.expression == "Bundle.entry[1].resource.subject.reference"


def test_a_conditional_reference_must_match_one(sender: Caller) -> None:
    number = uuid4().hex
    reference = f"Patient?identifier=urn:x|{number}"
    nobody = sender.post("", transaction(observation(reference)))
    assert (nobody.status, nobody.code) == (400, "not-found")
    assert nobody.expression == "Bundle.entry[0].resource.subject.reference"
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": number}]}
    one = sender.post("Patient", patient).tree["id"]
    made = done(sender.post("", transaction(observation(reference))))
    assert sender.get(made[0]).tree["subject"]["reference"] == f"Patient/{one}"
    sender.post("Patient", patient)
    several = sender.post("", transaction(observation(reference)))
    assert (several.status, several.code) == (412, "multiple-matches")
    assert several.expression == "Bundle.entry[0].resource.subject.reference"


def test_what_the_register_publishes_of_a_partner_is_meant_rather_than_a_copy_that_was_sent(sender: Caller) -> None:
    known = {"system": PARTNER_SYSTEM, "value": RECEIVER}
    copy = {"resourceType": "Organization", "identifier": [known]}
    for _ in range(2):
        assert sender.post("Organization", copy).status == 201
    criteria = f"identifier={PARTNER_SYSTEM}|{RECEIVER}"
    sent = referral()
    sent["entry"][2]["resource"]["owner"] = {"reference": f"Organization?{criteria}"}
    sent["entry"].append(entry("POST", "Organization", copy, ifNoneExist=criteria))
    *_, task, found = done(sender.post("", sent))
    assert found == f"Organization/{RECEIVER}"
    assert sender.get(task).tree["owner"]["reference"] == found
    of_others = numbered("Organization")
    for _ in range(2):
        sender.post("Organization", of_others)
    performer = {"reference": f"Organization?identifier=urn:x|{number_of(of_others)}"}
    several = sender.post("", transaction({**observation("Patient/x"), "performer": [performer]}))
    assert (several.status, several.code) == (412, "multiple-matches")


def test_deletes_come_first_reads_last_and_answers_in_the_order_of_asking(sender: Caller) -> None:
    old, kept = numbered(), numbered()
    made = done(sender.post("", transaction(old, kept)))
    criteria = f"identifier=urn:x|{number_of(old)}"
    new = {**old, "gender": "female"}
    answer = sender.post("", bundle(
        entry("GET", f"Patient?{criteria}"),
        entry("PUT", made[1], {**kept, "id": made[1].split("/")[1], "gender": "male"}, ifMatch='W/"1"'),
        entry("POST", "Patient", new),
        entry("DELETE", made[0]),
    ))  # fmt: skip
    assert answer.status == 200, answer.tree
    read, put, post, deleted = answer.tree["entry"]
    del put["response"]["lastModified"]
    assert put["response"] == {"status": "200", "location": f"{made[1]}/_history/2", "etag": 'W/"2"'}
    assert [post["response"]["status"], deleted["response"]["status"]] == ["201", "204"]
    assert read["resource"]["type"] == "searchset"
    assert [each["resource"]["gender"] for each in read["resource"]["entry"]] == ["female"]
    assert sender.get(made[0]).status == 410


def test_what_is_deleted_is_not_what_a_condition_finds_in_the_same_transaction(sender: Caller) -> None:
    old = numbered()
    (key,) = done(sender.post("", transaction(old)))
    again = entry("POST", "Patient", old, ifNoneExist=f"identifier=urn:x|{number_of(old)}")
    refused = sender.post("", bundle(again, entry("DELETE", key)))
    assert (refused.status, refused.code) == (400, "invariant")
    assert sender.get(key).status == 200


def test_each_answer_has_its_location_version_and_time_and_no_body_unless_asked_for(sender: Caller) -> None:
    answer = sender.post("", transaction(numbered(), numbered()))
    assert answer.tree["type"] == "transaction-response"
    for each in answer.tree["entry"]:
        response = each["response"]
        assert set(each) == {"response"}
        assert response["status"] == "201"
        assert response["etag"] == 'W/"1"'
        assert response["location"].endswith("/_history/1")
        assert sender.get(response["location"]).tree["meta"]["lastUpdated"] == response["lastModified"]
    shown = sender.post("", transaction(numbered()), Prefer="return=representation").tree["entry"][0]
    assert shown["resource"]["id"] == shown["response"]["location"].split("/")[1]


BAD_LAST_ENTRIES = {
    "an element that R4 does not have": entry("POST", "Patient", {"resourceType": "Patient", "nmae": []}),
    "a reference to nothing": entry("POST", "Observation", observation("Patient/nobody")),
    "an update of what is not there": entry("PUT", "Patient/nobody", {"resourceType": "Patient", "id": "nobody"}),
    "a patch of what is not there": entry(
        "PATCH", "Patient/nobody", {"resourceType": "Binary", "contentType": "application/json-patch+json",
                                    "data": base64.b64encode(b'[{"op":"add","path":"/x","value":1}]').decode()}),
    "a read of what is not there": entry("GET", "Patient/nobody"),
    "a Task without a recipient": entry(
        "POST", "Task", {"resourceType": "Task", "status": "requested", "intent": "order"}),
    "a Task for an unknown recipient": entry("POST", "Task", referral(owner="nobody")["entry"][2]["resource"]),
    "an AuditEvent": entry("POST", "AuditEvent", {
        "resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2026-03-01T00:00:00Z",
        "agent": [{"requestor": True}], "source": {"observer": {"display": "x"}}}),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_LAST_ENTRIES)
def test_a_transaction_whose_last_entry_fails_leaves_nothing(house: WholeHouse, sender: Caller, what: str) -> None:
    sent = referral()
    changed = numbered(active=True)
    (patient,) = done(sender.post("", transaction(changed)))
    sent["entry"].append(entry("PUT", patient, {**changed, "id": patient.split("/")[1], "active": False}))
    before = counted(house)
    refused = sender.post("", bundle(*sent["entry"], BAD_LAST_ENTRIES[what]))
    assert 400 <= refused.status < 500, refused.tree
    assert refused.expression
    assert counted(house) == before
    assert sender.get(patient).etag == 'W/"1"'
    assert done(sender.post("", sent)), "the same without its last entry was refused as well: the test proves nothing"


def counted(house: WholeHouse) -> dict[str, int]:
    """Rows of every table that a handoff writes."""
    tables = ("resource_version", "handoff", "ledger_event", "deadline", "notification", "request_record",
              "conditional_create", "procrastinate_jobs")  # fmt: skip
    with house.house.store.engine.connect() as connection:
        return {t: connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in tables}


def test_the_count_itself_sees_a_transaction_that_is_kept(house: WholeHouse, sender: Caller) -> None:
    before = counted(house)
    house.begin()
    grown = {table for table, rows in counted(house).items() if rows > before[table]}
    assert grown >= {"resource_version", "handoff", "ledger_event", "notification", "request_record"}


def test_a_conditional_create_makes_one_and_finds_it_again(sender: Caller) -> None:
    patient = numbered()
    criteria = f"identifier=urn:x|{number_of(patient)}"
    first = sender.post("Patient", patient, If_None_Exist=criteria)
    again = sender.post("Patient", {**patient, "gender": "male"}, If_None_Exist=f"?{criteria}")
    assert (first.status, again.status) == (201, 200)
    assert again.tree == first.tree
    sender.post("Patient", patient)
    several = sender.post("", bundle(entry("POST", "Patient", patient, ifNoneExist=criteria)))
    assert (several.status, several.code) == (412, "multiple-matches")
    assert several.expression == "Bundle.entry[0].request.ifNoneExist"


def test_what_a_condition_found_is_what_references_to_its_entry_lead_to(sender: Caller) -> None:
    patient, urn = numbered(), f"urn:uuid:{uuid4()}"
    known = done(sender.post("", transaction(patient)))[0]
    criteria = f"identifier=urn:x|{number_of(patient)}"
    made = done(sender.post("", bundle(
        entry("POST", "Patient", patient, ifNoneExist=criteria, fullUrl=urn),
        entry("POST", "Observation", observation(urn)),
    )))  # fmt: skip
    assert made[0] == known
    assert sender.get(made[1]).tree["subject"]["reference"] == known


def test_two_entries_with_one_condition_are_refused_as_the_senders_fault(sender: Caller) -> None:
    patient = numbered()
    twice = [entry("POST", "Patient", patient, ifNoneExist=f"identifier=urn:x|{number_of(patient)}")] * 2
    refused = sender.post("", bundle(*twice))
    assert (refused.status, refused.code, refused.expression) == (400, "invariant", "Bundle.entry[1].request")


def test_if_match_of_an_entry_is_heeded(sender: Caller) -> None:
    patient = numbered()
    (key,) = done(sender.post("", transaction(patient)))
    tree = {**patient, "id": key.split("/")[1], "gender": "male"}
    operations = encode([{"op": "add", "path": "/active", "value": True}])
    patch = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }
    for method, resource in (("PUT", tree), ("PATCH", patch), ("DELETE", None)):
        stale = sender.post("", bundle(entry(method, key, resource, ifMatch='W/"7"')))
        assert (stale.status, stale.code) == (412, "conflict")
        assert stale.expression == "Bundle.entry[0].request.ifMatch"
    assert done(sender.post("", bundle(entry("PUT", key, tree, ifMatch='W/"1"'))))
    assert done(sender.post("", bundle(entry("PATCH", key, patch, ifMatch='W/"2"'))))
    assert sender.get(key).tree["active"] is True
    assert sender.post("", bundle(entry("DELETE", key, ifMatch='W/"3"'))).status == 200
    assert sender.get(key).status == 410
    assert sender.get(f"{key}/_history/2").tree["gender"] == "male"


def test_a_resource_stands_in_a_transaction_once(sender: Caller) -> None:
    patient = numbered()
    (key,) = done(sender.post("", transaction(patient)))
    tree = {**patient, "id": key.split("/")[1]}
    overlaps = [
        (entry("PUT", key, tree), entry("DELETE", key)),
        (entry("PUT", key, tree), entry("PUT", key, tree)),
        (entry("PUT", key, tree), entry("PUT", f"Patient?identifier=urn:x|{number_of(patient)}", patient)),
    ]
    for pair in overlaps:
        refused = sender.post("", bundle(*pair))
        assert (refused.status, refused.code) == (400, "invariant"), refused.tree
        assert refused.expression.startswith(("Bundle.entry[1].request", "Bundle.entry[0].request"))
    assert sender.get(key).etag == 'W/"1"'


def test_as_many_entries_as_allowed_are_carried_out_and_one_more_is_too_costly(sender: Caller) -> None:
    many = sender.post("", transaction(*({"resourceType": "Basic", "code": {"text": "x"}} for _ in range(400))))
    assert len(done(many)) == 400
    more = sender.post("", transaction(*({"resourceType": "Basic", "code": {"text": "x"}} for _ in range(501))))
    assert (more.status, more.code, more.expression) == (413, "too-costly", "Bundle.entry")


def test_an_empty_transaction_is_answered_by_an_empty_one(sender: Caller) -> None:
    answer = sender.post("", {"resourceType": "Bundle", "type": "transaction"})
    assert answer.status == 200
    assert "entry" not in answer.tree


@pytest.mark.parametrize(
    "url",
    ["https://elsewhere.example/fhir/Patient", "../Patient", "Patient/../Task", "//x/Patient", "Patient/1/2/3",
     "patient", "Patient/%00", "Patient/a b", "", "Patient\\1"],
)  # fmt: skip
def test_an_url_that_leaves_the_base_or_names_nothing_is_refused(sender: Caller, url: str) -> None:
    refused = sender.post("", bundle(entry("GET", url)))
    assert refused.status == 400, refused.tree
    assert refused.expression.startswith("Bundle.entry[0].request")


@pytest.mark.parametrize(("method", "url"), [("POST", "ValueSet/$lookup"), ("GET", "Patient/1/$everything")])
def test_an_operation_within_a_bundle_is_not_taken_for_an_id(sender: Caller, method: str, url: str) -> None:
    parameters = {"resourceType": "Parameters"} if method == "POST" else None
    refused = sender.post("", bundle(entry(method, url, parameters)))
    assert (refused.status, refused.code) == (400, "not-supported")
    assert refused.expression == "Bundle.entry[0].request.url"


def test_what_is_sent_to_the_wrong_place_is_told_where_it_belongs(sender: Caller) -> None:
    for kind, word in (("message", "$process-message"), ("document", "/fhir/Bundle"), ("searchset", "answer")):
        refused = sender.post("", bundle(type=kind))
        assert (refused.status, refused.code, refused.expression) == (400, "not-supported", "Bundle.type")
        assert word in refused.text
    single = sender.post("", numbered())
    assert (single.status, single.code) == (400, "not-supported")
    assert "/fhir/Task" in single.text


# Repetitions


def test_a_repeated_transaction_has_one_effect_and_the_same_answer(house: WholeHouse, sender: Caller) -> None:
    sent = referral()
    first = sender.post("", sent)
    before = counted(house)
    assert sender.post("", sent).raw == first.raw
    assert counted(house) == before


def test_a_repeated_key_gets_its_answer_also_from_reads_and_conditions(house: WholeHouse, sender: Caller) -> None:
    patient, key = numbered(), uuid4().hex
    criteria = f"identifier=urn:x|{number_of(patient)}"
    sent = bundle(entry("POST", "Patient", patient, ifNoneExist=criteria), entry("GET", f"Patient?{criteria}"))
    first = sender.post("", sent, X_Request_ID=key)
    before = counted(house)
    assert sender.post("", sent, X_Request_ID=key).raw == first.raw
    assert first.tree["entry"][0]["response"]["status"] == "201"
    assert len(first.tree["entry"][1]["resource"]["entry"]) == 1
    assert counted(house) == before
    other = sender.post("", transaction(numbered()), X_Request_ID=key)
    assert (other.status, other.code) == (422, "business-rule")


def test_a_repeated_batch_repeats_only_what_failed(sender: Caller) -> None:
    patient, key = numbered(), uuid4().hex
    late = observation(f"Patient?identifier=urn:x|{number_of(patient)}")
    sent = bundle(entry("POST", "Observation", late), entry("POST", "Patient", patient), type="batch")
    first = sender.post("", sent, X_Request_ID=key).tree["entry"]
    assert [e["response"]["status"] for e in first] == ["400", "201"]
    assert first[0]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].resource.subject.reference"]
    again = sender.post("", sent, X_Request_ID=key).tree["entry"]
    assert again[0]["response"]["status"] == "201"
    assert again[1] == first[1]
    assert len(sender.search(f"Patient?identifier=urn:x|{number_of(patient)}")) == 1
    assert len(sender.search(f"Observation?identifier=urn:x|{number_of(late)}")) == 1


def test_the_same_key_of_two_organisations_is_two_keys(sender: Caller, receiver: Caller) -> None:
    patient, key = numbered(), uuid4().hex
    mine, theirs = (c.post("Patient", patient, X_Request_ID=key) for c in (sender, receiver))
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.tree["id"] != theirs.tree["id"]


def test_a_batch_carries_out_what_it_can(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin()
    answer = sender.post("", bundle(
        entry("GET", begun.task),
        entry("GET", "Patient/nobody"),
        entry("POST", "Patient", numbered()),
        entry("DELETE", begun.patient),
        entry("PUT", begun.task, {**sender.get(begun.task).tree, "status": "accepted"}, ifMatch='W/"1"'),
        type="batch",
    ))  # fmt: skip
    assert answer.tree["type"] == "batch-response"
    assert [e["response"]["status"] for e in answer.tree["entry"]] == ["200", "404", "201", "422", "422"]
    assert answer.tree["entry"][0]["resource"]["id"] == begun.id
    assert "only the recipient may do" in answer.tree["entry"][4]["response"]["outcome"]["issue"][0]["details"]["text"]


def test_two_handoffs_in_one_transaction_hold_each_its_own(house: WholeHouse, sender: Caller, receiver: Caller) -> None:
    one, two = referral(owner=RECEIVER), referral(owner="case-management")
    made = done(sender.post("", bundle(*one["entry"], *two["entry"])))
    assert [receiver.get(key).status for key in made] == [200, 200, 200, 404, 404, 404]
    assert [house.caller("case-management").get(key).status for key in made] == [404, 404, 404, 200, 200, 200]
