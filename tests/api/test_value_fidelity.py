"""What a partner sent comes back equal in value, whichever way it went in and whichever way it comes out.

Numbers are compared by their digits and times by their letters: 1.50 is not 1.5, +00:00 is not Z
(https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/datatypes.html#decimal).
"""

from __future__ import annotations

import copy
import json
import random
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from whole_house import Caller, Got, Tree, WholeHouse, bundle, entry, referral, transaction

from mappings.json_codec import decode

DIGITS_36 = "0.123456789012345678901234567890123456"

ODD = f"""{{
  "resourceType": "Observation",
  "contained": [
    {{"resourceType": "Device", "id": "scale", "serialNumber": "0042",
      "extension": [{{"url": "urn:unknown:calibrated", "valueDecimal": 0.10}}]}},
    {{"resourceType": "Patient", "id": "p",
      "name": [{{"given": ["Ana", "Zoë"], "_given": [null, {{"id": "second"}}]}}]}}
  ],
  "extension": [
    {{"url": "urn:unknown:outer", "extension": [
      {{"url": "inner", "valueInstant": "2026-03-01T10:00:00.1Z"}},
      {{"url": "precise", "valueDecimal": {DIGITS_36}}},
      {{"url": "signed", "valueDecimal": -0.00}}]}}
  ],
  "modifierExtension": [],
  "language": "en",
  "_language": {{"extension": [{{"url": "urn:unknown:why", "valueString": "asked"}}]}},
  "status": "final",
  "_status": {{"id": "s1"}},
  "category": [{{"text": "a"}}, {{"text": "b"}}, {{"text": "a"}}],
  "code": {{"text": "Körpergewicht ⚖ \\ud83d\\ude00 \\u00e9 \\/ \\"quoted\\""}},
  "subject": {{"reference": "#p"}},
  "device": {{"reference": "#scale"}},
  "effectiveDateTime": "2026-03-01T09:15:00.1234567+00:00",
  "issued": "2026-03-01T09:15:00+14:00",
  "valueQuantity": {{"value": 1.50, "unit": "kg"}},
  "referenceRange": [
    {{"low": {{"value": 1.0e3}}, "high": {{"value": 12345678901234567890123456789012345.6}}, "text": "range"}},
    {{"low": {{"value": 0}}, "high": {{"value": 100}}, "text": "  kept   as  it is "}}
  ],
  "component": [
    {{"code": {{"text": "c"}}, "valueDateTime": "2026-03"}},
    {{"code": {{"text": "t"}}, "valueTime": "09:15:00.500"}},
    {{"code": {{"text": "b"}}, "valueBoolean": false}},
    {{"code": {{"text": "i"}}, "valueInteger": 0}}
  ]
}}""".replace('  "modifierExtension": [],\n', "")

PARTIAL = """{
  "resourceType": "Patient",
  "birthDate": "1990-02",
  "_birthDate": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                                "valueDateTime": "1990-02-28T23:59:60-05:00"}]},
  "name": [{"family": "van der Test", "_family": {"extension": [
      {"url": "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix", "valueString": "van der"}]},
      "given": ["A", null, "C"],
      "_given": [null, {"extension": [{"url": "urn:unknown:masked", "valueCode": "x"}]}, null]}],
  "multipleBirthInteger": 2,
  "_gender": {"extension": [
      {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
}"""

SAMPLES = {"odd numbers, times, letters and contained": ODD, "elements with only extensions, nulls in arrays": PARTIAL}


def exactly(tree: Any) -> Any:
    """A form in which two trees are equal only if every value is written with the same digits."""
    if isinstance(tree, dict):
        return {key: exactly(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [exactly(value) for value in tree]
    if isinstance(tree, Decimal):
        return ("number", str(tree).lower().replace("e+", "e"))
    return (type(tree).__name__, tree)


def as_sent(tree: Tree) -> Any:
    """Without what the server adds to every resource (https://hl7.org/fhir/R4/http.html#create)."""
    tree = copy.deepcopy(tree)
    del tree["id"]
    meta = tree.pop("meta")
    assert set(meta) >= {"versionId", "lastUpdated"}
    rest = {key: value for key, value in meta.items() if key not in {"versionId", "lastUpdated"}}
    return exactly({**tree, "meta": rest} if rest else tree)


def shuffled(text: str, seed: int) -> bytes:
    """The same value with the keys of every object in another order, and other white space."""
    chance = random.Random(seed)

    def mixed(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            chance.shuffle(keys)
            return {key: mixed(value[key]) for key in keys}
        return [mixed(item) for item in value] if isinstance(value, list) else value

    marked = json.loads(text, parse_float=lambda digits: f"§{digits}§")
    written = json.dumps(mixed(marked), indent=chance.choice((None, 1, 4)), ensure_ascii=chance.random() < 0.5)
    return written.replace('"§', "").replace('§"', "").replace('"\\u00a7', "").replace('\\u00a7"', "").encode()


def the_id(got: Got) -> str:
    assert got.status in {200, 201}, got.tree
    return str(got.tree["id"])


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("seed", range(3))
def test_a_created_resource_is_answered_read_and_found_as_it_was_sent(sender: Caller, name: str, seed: int) -> None:
    raw = shuffled(SAMPLES[name], seed)
    sent = exactly(decode(SAMPLES[name].encode()))
    assert exactly(decode(raw)) == sent, "the test itself changed a value"
    type_ = decode(raw)["resourceType"]
    created = sender.send("POST", type_, raw=raw)
    id_ = the_id(created)
    assert as_sent(created.tree) == sent
    assert as_sent(sender.get(f"{type_}/{id_}").tree) == sent
    assert as_sent(sender.get(f"{type_}/{id_}/_history/1").tree) == sent
    assert as_sent(sender.get(f"{type_}/{id_}/_history").tree["entry"][0]["resource"]) == sent
    assert as_sent(sender.get(f"{type_}?_id={id_}").tree["entry"][0]["resource"]) == sent


@pytest.mark.parametrize("name", SAMPLES)
def test_an_update_and_a_patch_keep_every_value_that_they_do_not_change(sender: Caller, name: str) -> None:
    tree = decode(SAMPLES[name].encode())
    type_ = tree["resourceType"]
    id_ = the_id(
        sender.post(
            type_,
            {"resourceType": type_, **({"status": "final", "code": {"text": "x"}} if type_ == "Observation" else {})},
        )
    )
    updated = sender.put(f"{type_}/{id_}", {**tree, "id": id_})
    assert as_sent(updated.tree) == exactly(tree)
    assert updated.headers["ETag"] == 'W/"2"'
    added = {"language": "fr"} if type_ == "Patient" else {"bodySite": {"text": "hand"}}
    ((key, value),) = added.items()
    patched = sender.patch(f"{type_}/{id_}", [{"op": "add", "path": f"/{key}", "value": value}])
    assert as_sent(patched.tree) == exactly({**tree, **added})
    assert as_sent(sender.get(f"{type_}/{id_}/_history/2").tree) == exactly(tree)


def test_meta_of_the_sender_is_kept_beside_version_and_time(sender: Caller) -> None:
    meta = {
        "profile": ["urn:p"],
        "tag": [{"system": "urn:t", "code": "x"}],
        "source": "urn:source",
        "security": [{"code": "R"}],
    }
    sent = {
        "resourceType": "Basic",
        "meta": {**meta, "versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z"},
        "code": {"text": "x"},
    }
    got = sender.post("Basic", sent).tree
    assert {key: got["meta"][key] for key in meta} == meta
    assert got["meta"]["versionId"] == "1"
    assert not got["meta"]["lastUpdated"].startswith("2001")


def test_a_transaction_changes_references_into_the_bundle_and_nothing_else(sender: Caller) -> None:
    patient, observation = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    tree = decode(ODD.encode())
    tree["focus"] = [
        {"reference": patient, "display": patient},
        {"reference": "https://elsewhere.example/fhir/Patient/9"},
    ]
    tree["note"] = [{"text": f"speaks of {patient} but is a text"}]
    tree["identifier"] = [{"system": "urn:ietf:rfc:3986", "value": patient}]
    sent = sender.post("", transaction({"resourceType": "Patient"}, tree, full_urls=(patient, observation)))
    assert sent.status == 200, sent.tree
    in_order = sent.located
    expected = copy.deepcopy(tree)
    expected["focus"][0]["reference"] = in_order[0]
    assert as_sent(sender.get(in_order[1]).tree) == exactly(expected)


def test_a_message_keeps_every_value(house: WholeHouse, receiver: Caller) -> None:
    tree, number, request = decode(ODD.encode()), uuid4().hex, f"urn:uuid:{uuid4()}"
    tree["identifier"] = [{"value": number}]
    header = {
        "resourceType": "MessageHeader",
        "eventUri": "urn:e",
        "source": {"endpoint": "urn:s"},
        "focus": [{"reference": request}],
        "destination": [{"endpoint": "https://handoff.example/fhir/NamingSystem/partner|outpatient-clinic"}],
    }
    order = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}
    message = bundle(
        {"fullUrl": f"urn:uuid:{uuid4()}", "resource": header},
        {"fullUrl": request, "resource": order},
        {"fullUrl": f"urn:uuid:{uuid4()}", "resource": tree},
        type="message",
    )
    answered = house.caller("hie-router").post("$process-message", message)
    assert answered.status == 200, answered.tree
    found = receiver.get(f"Observation?identifier={number}").tree["entry"]
    assert [as_sent(each["resource"]) for each in found] == [exactly(tree)]


def test_a_task_keeps_what_its_sender_wrote_beside_what_the_adapter_adds(house: WholeHouse, sender: Caller) -> None:
    extra = {
        "extension": [{"url": "urn:unknown:local", "valueDecimal": Decimal("1.50")}],
        "businessStatus": {"text": "as we say", "coding": [{"system": "urn:local", "code": "waiting"}]},
        "note": [{"text": "kept", "time": "2026-03-01T09:15:00.1Z"}],
        "authoredOn": "2026-03-01T09:15:00+00:00",
    }
    begun = house.begin(**extra)
    task = sender.get(begun.task).tree
    assert exactly(task["extension"][0]) == exactly(extra["extension"][0])
    assert task["businessStatus"]["text"] == "as we say"
    assert task["businessStatus"]["coding"][-1] == {"system": "urn:local", "code": "waiting"}
    assert exactly({key: task[key] for key in ("note", "authoredOn")}) == exactly(
        {key: extra[key] for key in ("note", "authoredOn")}
    )


def test_the_comparison_itself_sees_a_lost_zero_and_another_zone() -> None:
    for one, other in (
        ("1.50", "1.5"),
        ("1.0e3", "1000"),
        ("1", "1.0"),
        ("-0.00", "0.00"),
        ('"+00:00"', '"Z"'),
        ("1", "true"),
    ):
        assert exactly(decode(f'{{"x":{one}}}'.encode())) != exactly(decode(f'{{"x":{other}}}'.encode()))


def test_every_entry_of_a_handoff_is_kept_as_sent_but_for_its_references(house: WholeHouse, sender: Caller) -> None:
    sent = referral()
    sent["entry"][0]["resource"] |= decode(PARTIAL.encode())
    done = sender.post("", sent, Prefer="return=representation")
    for asked, given, key in zip(sent["entry"], done.tree["entry"], done.located, strict=True):
        if asked["resource"]["resourceType"] == "Task":
            continue
        expected = copy.deepcopy(asked["resource"])
        if "subject" in expected:
            expected["subject"]["reference"] = done.located[0]
        assert as_sent(given["resource"]) == exactly(expected)
        assert as_sent(sender.get(key).tree) == exactly(expected)


def test_a_conditional_reference_is_replaced_by_what_it_found(sender: Caller) -> None:
    number = uuid4().hex
    patient = sender.post(
        "Patient", {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": number}]}
    ).tree["id"]
    tree = {
        "resourceType": "Basic",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient?identifier=urn:x|{number}", "display": "D"},
    }
    done = sender.post("", bundle(entry("POST", "Basic", tree)))
    assert as_sent(sender.get(done.located[0]).tree) == exactly(
        {**tree, "subject": {"reference": f"Patient/{patient}", "display": "D"}}
    )
