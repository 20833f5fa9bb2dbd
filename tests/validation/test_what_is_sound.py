"""What is legal R4, however odd, passes: a false refusal loses a handoff as surely as a crash."""

import json
from decimal import Decimal
from typing import Any

import pytest

from adapter.validation import check, decode_resource, refuse_invalid
from mappings import json_codec

Json = dict[str, Any]
TASK: Json = {"resourceType": "Task", "status": "requested", "intent": "order"}


def text_of(tree: Json) -> bytes:
    return json.dumps(tree).encode()


SOUND: dict[str, bytes] = {
    "a byte order mark": b"\xef\xbb\xbf" + text_of(TASK),
    "an escaped backslash before u0000": b'{"resourceType":"Patient","name":[{"text":"a\\\\u0000"}]}',
    "a leap second": text_of({**TASK, "authoredOn": "2016-12-31T23:59:60Z"}),
    "a leap day": text_of({"resourceType": "Patient", "birthDate": "2000-02-29"}),
    "a year": text_of({"resourceType": "Patient", "birthDate": "1950"}),
    "a month": text_of({**TASK, "authoredOn": "2026-01"}),
    "the last zone": text_of({**TASK, "authoredOn": "2026-01-31T08:00:00.123456789+14:00"}),
    "digits that matter": b'{"resourceType":"Location","position":{"longitude":5.10,"latitude":-1.0e1}}',
    "a decimal of 36 digits": b'{"resourceType":"Location","position":{"longitude":1.'
    + b"3" * 35
    + b',"latitude":'
    + b"9" * 36
    + b"}}",
    "a missing birth date with its reason": text_of(
        {
            "resourceType": "Patient",
            "_birthDate": {"extension": [{"url": "https://a.example/reason", "valueCode": "unknown"}]},
        }
    ),
    "a required status with only an extension": text_of(
        {
            "resourceType": "Task",
            "intent": "order",
            "_status": {"extension": [{"url": "https://a.example/reason", "valueCode": "unknown"}]},
        }
    ),
    "a null where the sibling speaks": text_of(
        {"resourceType": "Patient", "name": [{"given": ["a", None], "_given": [None, {"id": "x"}]}]}
    ),
    "value and sibling of the same type of a choice": text_of(
        {"resourceType": "Patient", "deceasedBoolean": True, "_deceasedBoolean": {"id": "x"}}
    ),
    "an extension within an extension": text_of(
        {**TASK, "extension": [{"url": "https://a.example/x", "extension": [{"url": "y", "valueInteger": 1}]}]}
    ),
    "a contained resource referred to by another contained one": text_of(
        {
            **TASK,
            "owner": {"reference": "#role"},
            "contained": [
                {"resourceType": "PractitionerRole", "id": "role", "organization": {"reference": "#organization"}},
                {"resourceType": "Organization", "id": "organization", "name": "x"},
            ],
        }
    ),
    "a contained resource that points at its container": text_of(
        {
            **TASK,
            "contained": [
                {
                    "resourceType": "Provenance",
                    "id": "p",
                    "target": [{"reference": "#"}],
                    "recorded": "2026-01-31T08:00:00Z",
                    "agent": [{"who": {"display": "x"}}],
                }
            ],
        }
    ),
    "a reference by identifier": text_of({**TASK, "owner": {"identifier": {"system": "urn:a", "value": "1"}}}),
    "a reference to a version": text_of({**TASK, "owner": {"reference": "Organization/1/_history/2"}}),
    "a conditional reference": text_of({**TASK, "owner": {"reference": "Organization?identifier=urn:a|1"}}),
    "a reference to an unknown place": text_of({**TASK, "owner": {"reference": "https://a.example/who/1"}}),
    "a Parameters resource without parameters": b'{"resourceType":"Parameters"}',
    "an empty transaction": b'{"resourceType":"Bundle","type":"transaction"}',
    "a query in a batch, with a leading slash": text_of(
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"request": {"method": "GET", "url": "/Patient?name=a..b"}}],
        }
    ),
    "versions of one resource": text_of(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "meta": {"versionId": version}}}
                for version in ("1", "2")
            ],
        }
    ),
    "an operation in a batch": text_of(
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [
                {
                    "resource": {"resourceType": "Parameters", "id": "1"},
                    "request": {"method": "POST", "url": "Task/$validate"},
                }
            ],
        }
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_r4_allows_passes_and_keeps_its_digits(name: str) -> None:
    tree = decode_resource(SOUND[name], max_bytes=10_000)
    refuse_invalid(tree)
    assert check(tree) == []
    assert json_codec.decode(json_codec.encode(tree)) == tree


def test_a_decimal_keeps_the_digits_it_came_with() -> None:
    tree = decode_resource(SOUND["digits that matter"], max_bytes=10_000)
    assert str(tree["position"]["longitude"]) == "5.10"
    assert isinstance(tree["position"]["latitude"], Decimal)


def test_placeholders_resolve_within_a_transaction_and_may_be_open_in_a_message() -> None:
    header = {
        "resourceType": "MessageHeader",
        "eventUri": "https://a.example/event",
        "source": {"endpoint": "https://a.example"},
        "focus": [{"reference": "urn:uuid:2"}],
    }
    patient = {"resourceType": "Patient"}
    entries = [{"fullUrl": "urn:uuid:1", "resource": header}, {"fullUrl": "urn:uuid:2", "resource": patient}]
    assert check({"resourceType": "Bundle", "type": "message", "entry": entries}) == []
    assert check({"resourceType": "Bundle", "type": "message", "entry": entries[:1]}) == []
    posts = [{**e, "request": {"method": "POST", "url": e["resource"]["resourceType"]}} for e in entries]
    assert check({"resourceType": "Bundle", "type": "transaction", "entry": posts}) == []
