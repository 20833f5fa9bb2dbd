"""Every bad input that a body alone can show: its issue code and the place that the expression names."""

import json
from typing import Any

import pytest

from adapter.domain.errors import HandoffError, Invalid, Malformed, NotSupported, TooLarge
from adapter.validation import check, decode_resource, issues_by_entry, refuse_invalid

TASK: dict[str, Any] = {"resourceType": "Task", "status": "requested", "intent": "order"}
PATIENT: dict[str, Any] = {"resourceType": "Patient"}


def bundle(*entries: dict[str, Any], type: str = "transaction", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries), **more}


def put(resource: dict[str, Any], url: str, **more: Any) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PUT", "url": url}, **more}


def post(resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}, **more}


def nested_extension(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"url": "https://a.example/x", "valueString": "end"}
    for _ in range(depth):
        inner = {"url": "https://a.example/x", "extension": [inner]}
    return {**TASK, "extension": [inner]}


def refusal(raw: bytes, max_bytes: int = 1_000_000) -> HandoffError:
    with pytest.raises(HandoffError) as caught:
        refuse_invalid(decode_resource(raw, max_bytes=max_bytes))
    return caught.value


SYNTAX = {
    "truncated JSON": (b'{"resourceType":"Task"', Malformed, "structure"),
    "an empty body": (b"", Malformed, "structure"),
    "white space only": (b" \n", Malformed, "structure"),
    "an array at the root": (b"[]", Malformed, "structure"),
    "a string at the root": (b'"Task"', Malformed, "structure"),
    "trailing garbage": (b'{"resourceType":"Patient"} x', Malformed, "structure"),
    "a key twice": (b'{"resourceType":"Patient","id":"1","id":"2"}', Malformed, "structure"),
    "NaN": (b'{"resourceType":"Patient","id":NaN}', Malformed, "structure"),
    "Infinity": (b'{"resourceType":"Patient","id":-Infinity}', Malformed, "structure"),
    "invalid UTF-8": (b'{"resourceType":"Patient","id":"\xff"}', Malformed, "structure"),
    "UTF-16": ('{"resourceType":"Patient"}'.encode("utf-16"), Malformed, "structure"),
    "a lone surrogate": (b'{"resourceType":"Patient","id":"\\ud800"}', Malformed, "structure"),
    "a control character": (b'{"resourceType":"Patient","id":"\x01"}', Malformed, "structure"),
    "U+0000 in a value": (b'{"resourceType":"Patient","id":"a\\u0000"}', Malformed, "value"),
    "U+0000 in a key": (b'{"resourceType":"Patient","a\\u0000":1}', Malformed, "value"),
    "a million levels": (b"[" * 1_000_000, Malformed, "too-costly"),
    "65 levels": (b'{"resourceType":"Patient","a":' + b"[" * 64 + b"]" * 64 + b"}", Malformed, "too-costly"),
    "an extension nested 200 times": (json.dumps(nested_extension(200)).encode(), Malformed, "too-costly"),
    "an integer of 5,000 digits": (b'{"resourceType":"Patient","a":' + b"9" * 5000 + b"}", Malformed, "value"),
    "an integer of 400 digits": (b'{"resourceType":"Patient","a":' + b"9" * 400 + b"}", Malformed, "value"),
    "an absurd exponent": (b'{"resourceType":"Patient","a":1e999999999}', Malformed, "value"),
    "an absurd small number": (b'{"resourceType":"Patient","a":[1e-999999999]}', Malformed, "value"),
    "no resourceType": (b'{"id":"1"}', Invalid, "structure"),
    "a resourceType that is no string": (b'{"resourceType":1}', Invalid, "structure"),
    "an unknown resourceType": (b'{"resourceType":"Nope"}', NotSupported, "not-supported"),
    "a type of a later FHIR": (b'{"resourceType":"SubscriptionStatus"}', NotSupported, "not-supported"),
    "an abstract type": (b'{"resourceType":"DomainResource"}', NotSupported, "not-supported"),
}


@pytest.mark.parametrize("name", SYNTAX)
def test_bytes_that_are_no_resource_are_refused_with_the_right_code(name: str) -> None:
    raw, error, code = SYNTAX[name]
    refused = refusal(raw, max_bytes=10_000_000)
    assert type(refused) is error
    assert [issue.code for issue in refused.issues] == [code]


def in_an_entry(resource: bytes) -> bytes:
    return b'{"resourceType":"Bundle","entry":[{"x":[[],1]},{"resource":' + resource + b"}]}"


@pytest.mark.parametrize(
    ("raw", "expression"),
    [
        (
            in_an_entry(b'{"resourceType":"Patient","name":[{"family":"a\\u0000"}]}'),
            "Bundle.entry[1].resource.name[0].family",
        ),
        (in_an_entry(b'{"resourceType":"Patient","name":[{"a\\u0000":1}]}'), "Bundle.entry[1].resource.name[0]"),
        (b'{"resourceType":"Patient","a\\u0000":1}', "Patient"),
        (b'{"resourceType":"Patient\\u0000"}', "Resource.resourceType"),
        (
            in_an_entry(b'{"resourceType":"Observation","valueQuantity":{"unit":"x","value":1e400}}'),
            "Bundle.entry[1].resource.value.ofType(Quantity).value",
        ),
        (b'{"resourceType":"Testerly","name":[1,' + b"9" * 400 + b"]}", "Resource.name"),
        (in_an_entry(json.dumps(nested_extension(64)).encode()), "Bundle.entry[1].resource.extension[0].extension"),
    ],
)
def test_what_no_walk_could_survive_is_located_all_the_same(raw: bytes, expression: str) -> None:
    (issue,) = refusal(raw).issues
    assert issue.expression == expression


def test_a_body_that_is_no_object_is_located_at_its_first_byte() -> None:
    assert [" at line 1 column 1" in refusal(raw).issues[0].text for raw in (b"[]", b"7", b"", b" ")] == [True] * 4


def test_a_body_over_the_limit_is_too_long_before_it_is_read() -> None:
    refused = refusal(b"not even JSON", max_bytes=5)
    assert type(refused) is TooLarge
    assert refused.issues[0].code == "too-long"


def test_a_bundle_with_too_many_entries_is_too_costly() -> None:
    refused = refusal(json.dumps(bundle(*[post(PATIENT)] * 501)).encode())
    assert type(refused) is TooLarge
    assert (refused.issues[0].code, refused.issues[0].expression) == ("too-costly", "Bundle.entry")


BASE_SPECIFICATION: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown type in an entry": (
        bundle(post({"resourceType": "Nope"})),
        "not-supported",
        "Bundle.entry[0].resource",
    ),
    "no type in an entry": (
        bundle({"resource": {"id": "1"}, "request": {"method": "POST", "url": "Task"}}),
        "structure",
        "Bundle.entry[0].resource",
    ),
    "unknown element": ({**TASK, "foo": 1}, "structure", "Task.foo"),
    "unknown nested element": ({**PATIENT, "name": [{"first": "x"}]}, "structure", "Patient.name[0].first"),
    "element of a product": ({**PATIENT, "meta": {"project": "x"}}, "structure", "Patient.meta.project"),
    "unknown bundle type": ({"resourceType": "Bundle", "type": "foo"}, "code-invalid", "Bundle.type"),
    "bundle type missing": ({"resourceType": "Bundle"}, "required", "Bundle.type"),
    "entry without request": (bundle({"resource": PATIENT}), "invariant", "Bundle.entry[0].request"),
    "unknown method": (
        bundle({"resource": PATIENT, "request": {"method": "FOO", "url": "Patient"}}),
        "code-invalid",
        "Bundle.entry[0].request.method",
    ),
    "the same fullUrl twice": (
        bundle(post(PATIENT, fullUrl="urn:uuid:1"), post(PATIENT, fullUrl="urn:uuid:1")),
        "invariant",
        "Bundle.entry[1].fullUrl",
    ),
    "the same resource twice": (
        bundle(put({**PATIENT, "id": "1"}, "Patient/1"), put({**PATIENT, "id": "1"}, "Patient/1")),
        "invariant",
        "Bundle.entry[1].request.url",
    ),
    "the same criteria twice": (
        bundle(
            put(PATIENT, "Patient?identifier=a|b"),
            {"resource": PATIENT, "request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=a|b"}},
        ),
        "invariant",
        "Bundle.entry[1].request.ifNoneExist",
    ),
    "id of 65 characters": ({**TASK, "id": "a" * 65}, "value", "Task.id"),
    "id with other characters": ({**TASK, "id": "a_b"}, "value", "Task.id"),
    "PUT with another id": (bundle(put({**PATIENT, "id": "2"}, "Patient/1")), "value", "Bundle.entry[0].resource.id"),
    "PUT without id": (bundle(put(PATIENT, "Patient/1")), "required", "Bundle.entry[0].resource.id"),
    "PUT with another type": (bundle(put(TASK, "Patient/1")), "value", "Bundle.entry[0].request.url"),
    "PUT without resource": (
        bundle({"request": {"method": "PUT", "url": "Patient/1"}}),
        "required",
        "Bundle.entry[0].resource",
    ),
    "unknown status": ({**TASK, "status": "done"}, "code-invalid", "Task.status"),
    "status missing": ({"resourceType": "Task", "intent": "order"}, "required", "Task.status"),
    "status null": ({**TASK, "status": None}, "structure", "Task.status"),
    "required element missing below": ({**TASK, "input": [{"valueString": "x"}]}, "required", "Task.input[0].type"),
    "required choice missing": (
        {**TASK, "input": [{"type": {"text": "x"}}]},
        "required",
        "Task.input[0].value",
    ),
    "30 February": ({**PATIENT, "birthDate": "2023-02-30"}, "value", "Patient.birthDate"),
    "29 February of no leap year": ({**PATIENT, "birthDate": "1900-02-29"}, "value", "Patient.birthDate"),
    "month 13": ({**PATIENT, "birthDate": "2023-13"}, "value", "Patient.birthDate"),
    "dateTime without zone": ({**TASK, "authoredOn": "2026-01-31T08:00:00"}, "value", "Task.authoredOn"),
    "dateTime without seconds": ({**TASK, "authoredOn": "2026-01-31T08:00Z"}, "value", "Task.authoredOn"),
    "hour 24": ({**TASK, "authoredOn": "2026-01-31T24:00:00Z"}, "value", "Task.authoredOn"),
    "a date as an instant": ({**PATIENT, "meta": {"lastUpdated": "2026-01-31"}}, "value", "Patient.meta.lastUpdated"),
    "end before start": (
        {**TASK, "executionPeriod": {"start": "2026-02-01", "end": "2026-01-31"}},
        "invariant",
        "Task.executionPeriod.end",
    ),
    "modified before authored": (
        {**TASK, "authoredOn": "2026-02-01T00:00:00+01:00", "lastModified": "2026-01-31T22:59:59Z"},
        "invariant",
        "Task.lastModified",
    ),
    "empty array": ({**PATIENT, "name": []}, "structure", "Patient.name"),
    "empty object": ({**PATIENT, "name": [{}]}, "structure", "Patient.name[0]"),
    "object for array": ({**PATIENT, "name": {"text": "x"}}, "structure", "Patient.name"),
    "array for object": ({**TASK, "for": [{"display": "x"}]}, "structure", "Task.for"),
    "empty string": ({**TASK, "description": ""}, "value", "Task.description"),
    "white space string": ({**TASK, "description": " \n\t"}, "value", "Task.description"),
    "string for boolean": ({**PATIENT, "active": "true"}, "value", "Patient.active"),
    "number for string": ({**TASK, "description": 5}, "value", "Task.description"),
    "string for number": (
        {"resourceType": "Location", "position": {"longitude": "1", "latitude": 2}},
        "value",
        "Location.position.longitude",
    ),
    "fraction for integer": (
        {**TASK, "restriction": {"repetitions": "FRACTION"}},
        "value",
        "Task.restriction.repetitions",
    ),
    "zero for positiveInt": ({**TASK, "restriction": {"repetitions": 0}}, "value", "Task.restriction.repetitions"),
    "integer beyond 32 bits": (
        {**TASK, "restriction": {"repetitions": 2**31}},
        "value",
        "Task.restriction.repetitions",
    ),
    "URI with a space": ({**TASK, "instantiatesUri": "a b"}, "value", "Task.instantiatesUri"),
    "no base64": ({"resourceType": "Binary", "contentType": "text/plain", "data": "a"}, "value", "Binary.data"),
    "contained in contained": (
        {
            **TASK,
            "focus": {"reference": "#a"},
            "contained": [{**TASK, "id": "a", "contained": [{"resourceType": "Patient", "id": "b"}]}],
        },
        "invariant",
        "Task.contained[0].contained",
    ),
    "modifierExtension": (
        {**PATIENT, "modifierExtension": [{"url": "https://a.example/not", "valueBoolean": True}]},
        "extension",
        "Patient.modifierExtension",
    ),
    "modifierExtension below": (
        {**PATIENT, "contact": [{"name": {"text": "x"}, "modifierExtension": [{"url": "https://a.example/not"}]}]},
        "extension",
        "Patient.contact[0].modifierExtension",
    ),
    "implicitRules": ({**TASK, "implicitRules": "https://a.example/rules"}, "extension", "Task.implicitRules"),
    "script in a narrative": (
        {**PATIENT, "text": {"status": "generated", "div": "<div><script>x</script></div>"}},
        "invariant",
        "Patient.text.div",
    ),
    "two of a choice": (
        {**PATIENT, "deceasedBoolean": True, "deceasedDateTime": "2026-01-31"},
        "structure",
        "Patient.deceased",
    ),
    "two of a choice, one only extended": (
        {**PATIENT, "deceasedBoolean": True, "_deceasedDateTime": {"id": "x"}},
        "structure",
        "Patient.deceased",
    ),
    "null in an array": ({**PATIENT, "name": [{"given": [None]}]}, "structure", "Patient.name[0].given[0]"),
    "null with a null beside it": (
        {**PATIENT, "name": [{"given": ["a", None], "_given": [None, None]}]},
        "structure",
        "Patient.name[0].given[1]",
    ),
    "siblings of other length": (
        {**PATIENT, "name": [{"given": ["a", "b"], "_given": [{"id": "x"}]}]},
        "structure",
        "Patient.name[0].given",
    ),
    "placeholder that no entry has": (
        bundle(post({**TASK, "for": {"reference": "urn:uuid:9"}}, fullUrl="urn:uuid:1")),
        "not-found",
        "Bundle.entry[0].resource.for.reference",
    ),
    "batch entries that need each other": (
        bundle(
            post({**TASK, "for": {"reference": "urn:uuid:2"}}, fullUrl="urn:uuid:1"),
            post(PATIENT, fullUrl="urn:uuid:2"),
            type="batch",
        ),
        "invariant",
        "Bundle.entry[0].resource.for.reference",
    ),
    "absolute URL of a request": (
        bundle(put(PATIENT, "https://other.example/Patient/1")),
        "value",
        "Bundle.entry[0].request.url",
    ),
    "host without scheme": (bundle(put(PATIENT, "//other.example/Patient/1")), "value", "Bundle.entry[0].request.url"),
    "a way out of the base": (bundle(put(PATIENT, "Patient/../../x")), "value", "Bundle.entry[0].request.url"),
    "script as URL": (bundle(put(PATIENT, "javascript:x")), "value", "Bundle.entry[0].request.url"),
}


@pytest.mark.parametrize("name", BASE_SPECIFICATION)
def test_a_breach_of_the_base_specification_is_located(name: str) -> None:
    tree, code, expression = BASE_SPECIFICATION[name]
    raw = json.dumps(tree).replace('"FRACTION"', "1.0").encode()
    issues = check(decode_resource(raw, max_bytes=1_000_000))
    assert [(issue.code, issue.expression) for issue in issues] == [(code, expression)]
    assert issues[0].text.startswith("expected ")


def test_all_faults_of_a_bundle_are_told_at_once_and_by_entry() -> None:
    broken = bundle(post({**TASK, "status": "done"}), post(PATIENT), post({**TASK, "intent": 1}), type="foo")
    issues = check(broken)
    assert {issue.expression for issue in issues} == {
        "Bundle.type",
        "Bundle.entry[0].resource.status",
        "Bundle.entry[2].resource.intent",
    }
    assert {entry: len(found) for entry, found in issues_by_entry(issues).items()} == {None: 1, 0: 1, 2: 1}


def test_unknown_types_beside_other_faults_are_invalid_and_alone_not_supported() -> None:
    nope = post({"resourceType": "Nope"})
    assert type(refusal(json.dumps(bundle(nope)).encode())) is NotSupported
    assert type(refusal(json.dumps(bundle(nope, post({**TASK, "status": "done"}))).encode())) is Invalid


def test_the_answer_does_not_grow_with_the_number_of_faults() -> None:
    faulty = {**PATIENT, "name": [{"x": n} for n in range(1000)]}
    assert len(check(faulty)) == 50
    assert len(check({**PATIENT, **{f"x{n}": n for n in range(1000)}})) == 50
    assert len(check(bundle(*[post(faulty)] * 10))) == 100
    assert len(check({**PATIENT, "name": [{"x": n} for n in range(10_000)]})) == 1


def test_no_issue_repeats_what_a_patient_is_called() -> None:
    canary = "Zebedee"
    faulty = {
        **PATIENT,
        "id": f"{canary} {canary}",
        "gender": canary,
        "birthDate": canary,
        "active": canary,
        "name": canary,
        "managingOrganization": {"reference": f"Task/{canary}"},
        "contact": [{"telecom": [{"value": canary}]}],
    }
    for tree in (
        faulty,
        {**PATIENT, "contact": faulty["contact"], "managingOrganization": {"reference": "Task/Zebedee"}},
    ):
        issues = check(tree)
        assert issues
        assert not any(canary.lower() in f"{issue.text}{issue.expression}".lower() for issue in issues)


def test_a_wrong_code_is_named_only_if_it_is_a_word_of_r4() -> None:
    assert check({**TASK, "status": "active"})[0].text.endswith("got active")
    assert check({**TASK, "status": "Zebedee"})[0].text.endswith("got another code")
    assert check({**PATIENT, "gender": "Female"})[0].text.endswith("got another code")
