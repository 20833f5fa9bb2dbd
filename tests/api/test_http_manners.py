"""HTTP as FHIR speaks it (https://hl7.org/fhir/R4/http.html): media types, bounds, conditions, keys, refusals."""

from __future__ import annotations

import gzip
import time
import zlib
from uuid import uuid4

import pytest
from whole_house import FHIR_JSON, Caller, Got, Tree, WholeHouse, bundle, entry, referral, transaction

from mappings.json_codec import encode

MAX_BYTES = 2_000_000  # as the house of this room is set up
PATIENT: Tree = {"resourceType": "Patient", "gender": "female"}


def made(sender: Caller) -> str:
    return f"Patient/{sender.post('Patient', PATIENT).tree['id']}"


def refused(got: Got, status: int, code: str) -> None:
    """Every refusal is an OperationOutcome that says what, and is typed as one."""
    assert (got.status, got.code) == (status, code), got.tree
    assert got.headers["Content-Type"] == FHIR_JSON
    assert all(issue["details"]["text"] and issue["severity"] in {"error", "fatal"} for issue in got.issues)


# What is asked for


@pytest.mark.parametrize(
    "accept",
    ["application/fhir+json", "application/json", "application/fhir+json; fhirVersion=4.0", "*/*", "application/*",
     "application/json;charset=utf-8", "text/html,application/xml;q=0.9,*/*;q=0.8", "application/FHIR+JSON",
     "application/fhir+xml;q=0.9, application/fhir+json;q=0.1"],
)  # fmt: skip
def test_json_is_given_to_whoever_would_take_it(sender: Caller, accept: str) -> None:
    got = sender.get(made(sender), Accept=accept)
    assert (got.status, got.headers["Content-Type"]) == (200, FHIR_JSON)


@pytest.mark.parametrize(
    "accept", ["application/fhir+xml", "text/html", "application/fhir+json;q=0", "image/png, text/xml"]
)
def test_what_is_not_spoken_is_not_acceptable(sender: Caller, accept: str) -> None:
    for got in (
        sender.get("Patient", Accept=accept),
        sender.post("Patient", PATIENT, Accept=accept),
        sender.post("", transaction(PATIENT), Accept=accept),
        sender.get("metadata", Accept=accept),
    ):
        refused(got, 406, "not-supported")


def test_format_in_the_address_wins_over_accept(sender: Caller) -> None:
    key = made(sender)
    for word in ("json", "application/fhir%2Bjson", "application/json", "application/fhir+json"):
        assert sender.get(f"{key}?_format={word}", Accept="application/fhir+xml").status == 200, word
    refused(sender.get(f"{key}?_format=xml"), 406, "not-supported")


@pytest.mark.parametrize("type_", ["application/fhir+xml", "text/xml", "text/plain", "multipart/form-data; boundary=x"])
def test_content_that_is_no_json_is_unsupported(sender: Caller, type_: str) -> None:
    for path in ("", "Patient", "$process-message"):
        refused(sender.send("POST", path, PATIENT, {"Content-Type": type_}), 415, "not-supported")


@pytest.mark.parametrize(
    "type_", ["application/fhir+json", "application/fhir+json; charset=UTF-8; fhirVersion=4.0", "application/json"]
)
def test_content_in_json_is_taken_however_it_is_spelt(sender: Caller, type_: str) -> None:
    assert sender.send("POST", "Patient", PATIENT, {"Content-Type": type_}).status == 201


def test_only_utf8_is_utf8(sender: Caller) -> None:
    other = sender.send("POST", "Patient", PATIENT, {"Content-Type": f"{FHIR_JSON}; charset=utf-16"})
    refused(other, 415, "not-supported")
    refused(sender.send("POST", "Patient", raw=encode(PATIENT).decode().encode("utf-16")), 400, "structure")
    assert sender.send("POST", "Patient", raw=b"\xef\xbb\xbf" + encode(PATIENT)).status == 201


# Bounds


def padded(size: int) -> bytes:
    tree = encode({**PATIENT, "name": [{"text": "x"}]})
    return tree.replace(b'"x"', b'"' + b"x" * (size - len(tree) + 1) + b'"')


def test_a_body_up_to_the_bound_is_taken_and_one_byte_more_is_too_long(sender: Caller) -> None:
    assert len(padded(MAX_BYTES)) == MAX_BYTES
    assert sender.send("POST", "Patient", raw=padded(MAX_BYTES - 1000)).status == 201
    for path in ("Patient", "", "$process-message", "Patient/$validate"):
        refused(sender.send("POST", path, raw=padded(MAX_BYTES + 1)), 413, "too-long")


def test_gzip_is_unpacked_within_the_same_bound(sender: Caller) -> None:
    packed = {"Content-Encoding": "gzip"}
    assert sender.send("POST", "Patient", raw=gzip.compress(encode(PATIENT)), headers=packed).status == 201
    bomb = gzip.compress(b"[" * 50_000_000)
    assert len(bomb) < MAX_BYTES
    began = time.monotonic()
    refused(sender.send("POST", "Patient", raw=bomb, headers=packed), 413, "too-long")
    assert time.monotonic() - began < 2
    cut = gzip.compress(padded(5000))[:-20]
    refused(sender.send("POST", "Patient", raw=cut, headers=packed), 400, "structure")
    refused(sender.send("POST", "Patient", raw=b"no gzip", headers=packed), 400, "structure")
    for other in ("br", "deflate", "zstd", "gzip, gzip"):
        got = sender.send("POST", "Patient", raw=zlib.compress(encode(PATIENT)), headers={"Content-Encoding": other})
        refused(got, 415, "not-supported")


def test_a_form_that_never_ends_is_too_long(sender: Caller) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("Patient/_search", "/oauth/token"):
        refused(sender.send("POST", path, raw=b"name=" + b"x" * 262_144, headers=form), 413, "too-long")


# Conditions, versions and preferences


def test_head_says_what_get_would_say_without_the_body(sender: Caller) -> None:
    key = made(sender)
    head, get = sender.send("HEAD", key), sender.get(key)
    assert (head.status, head.raw) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]
    assert sender.send("HEAD", "Patient/nobody").status == 404


def test_a_known_version_is_not_sent_again(sender: Caller) -> None:
    key = made(sender)
    for known in ('W/"1"', '"1"', 'W/"7", W/"1"'):
        got = sender.get(key, If_None_Match=known)
        assert (got.status, got.raw, got.headers["ETag"]) == (304, b"", 'W/"1"')
    assert sender.get(key, If_None_Match='W/"2"').status == 200
    assert sender.get("Patient/nobody", If_None_Match='W/"1"').status == 404


def test_versions_are_kept_and_told_apart(sender: Caller) -> None:
    key = made(sender)
    tree = sender.get(key).tree
    changed = sender.put(key, {**tree, "gender": "male"}, If_Match='W/"1"')
    assert (changed.status, changed.etag) == (200, 'W/"2"')
    assert sender.get(f"{key}/_history/1").tree == tree
    assert sender.delete(key, If_Match='W/"2"').status == 204
    refused(sender.get(key), 410, "deleted")
    refused(sender.get(f"{key}/_history/3"), 410, "deleted")
    refused(sender.get(f"{key}/_history/4"), 404, "not-found")
    versions = sender.get(f"{key}/_history").tree
    assert [e["request"]["method"] for e in versions["entry"]] == ["DELETE", "PUT", "POST"]
    assert sender.search(f"Patient?_id={tree['id']}") == []
    assert sender.put(key, tree).status == 201
    assert sender.get(key).etag == 'W/"4"'


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_stale_if_match_changes_nothing(sender: Caller, method: str) -> None:
    key = made(sender)
    tree = {"PUT": {**sender.get(key).tree, "gender": "male"}, "PATCH": [{"op": "remove", "path": "/gender"}]}.get(
        method
    )
    refused(sender.send(method, key, tree, {"If-Match": 'W/"2"'}), 412, "conflict")
    refused(sender.send(method, key, tree, {"If-Match": "yesterday"}), 400, "value")
    assert sender.get(key).etag == 'W/"1"'


def test_prefer_chooses_the_body(sender: Caller) -> None:
    assert sender.post("Patient", PATIENT).tree["resourceType"] == "Patient"
    assert sender.post("Patient", PATIENT, Prefer="return=representation").tree["gender"] == "female"
    minimal = sender.post("Patient", PATIENT, Prefer="return=minimal")
    assert (minimal.status, minimal.raw) == (201, b"")
    assert minimal.headers["Location"].startswith("http://127.0.0.1:8080/fhir/Patient/")
    said = sender.post("Patient", PATIENT, Prefer="respond-async; return=OperationOutcome")
    assert said.tree["issue"][0]["severity"] == "information"


def test_a_created_resource_is_where_the_location_says(sender: Caller) -> None:
    created = sender.post("Patient", PATIENT)
    path = created.headers["Location"].partition("/fhir/")[2]
    assert path == f"Patient/{created.tree['id']}/_history/1"
    assert sender.get(path).raw == created.raw


# Keys


def test_keys_of_the_sender_are_echoed_and_never_invented(sender: Caller) -> None:
    key = uuid4().hex
    got = sender.post("Patient", PATIENT, X_Request_ID=key, X_Correlation_ID="case 7")
    assert (got.headers["X-Request-ID"], got.headers["X-Correlation-ID"]) == (key, "case 7")
    assert "X-Request-ID" not in sender.get("Patient?_count=1").headers
    assert sender.get("Patient/nobody", X_Request_ID=key).headers["X-Request-ID"] == key


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ü"])
def test_a_key_that_cannot_be_one_is_refused(sender: Caller, key: str) -> None:
    refused(sender.post("Patient", PATIENT, X_Request_ID=key), 400, "value")


def test_the_same_request_under_one_key_is_answered_again_and_another_is_refused(sender: Caller) -> None:
    key, number = uuid4().hex, uuid4().hex
    tree = {**PATIENT, "identifier": [{"value": number}]}
    first, again = (sender.post("Patient", tree, X_Request_ID=key) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert again.raw == first.raw
    for name in ("Location", "ETag", "Last-Modified"):
        assert again.headers[name] == first.headers[name]
    assert len(sender.search(f"Patient?identifier={number}")) == 1
    refused(sender.post("Patient", {**tree, "gender": "male"}, X_Request_ID=key), 422, "business-rule")
    refused(
        sender.post("Basic", {"resourceType": "Basic", "code": {"text": "x"}}, X_Request_ID=key), 422, "business-rule"
    )
    assert len(sender.search(f"Patient?identifier={number}")) == 1


def test_update_patch_and_delete_are_repeated_safely_too(sender: Caller) -> None:
    key = made(sender)
    operations = [{"op": "replace", "path": "/gender", "value": "male"}]
    for version, (method, tree) in enumerate((("PATCH", operations), ("PUT", None), ("DELETE", None)), start=1):
        request_id = uuid4().hex
        if method == "PUT":
            tree = {**sender.get(key).tree, "gender": "other"}
        headers = {"If-Match": f'W/"{version}"', "X-Request-ID": request_id}
        first, again = (sender.send(method, key, tree, headers) for _ in range(2))
        assert first.status in {200, 204}, first.tree
        assert (again.status, again.raw, again.headers.get("ETag")) == (
            first.status,
            first.raw,
            first.headers.get("ETag"),
        )


def test_a_key_whose_first_use_was_refused_may_be_used_again(sender: Caller) -> None:
    key = uuid4().hex
    assert sender.post("Patient", {"resourceType": "Patient", "gender": "?"}, X_Request_ID=key).status == 400
    assert sender.post("Patient", PATIENT, X_Request_ID=key).status == 201


# Addresses and verbs


def test_a_wrong_verb_is_told_which_would_be_right(sender: Caller) -> None:
    for method, path, allowed in (
        ("PUT", "", {"POST"}),
        ("POST", "Patient/1", {"GET", "PUT", "PATCH", "DELETE"}),
        ("PUT", "Patient/nobody/_history/1", {"GET", "HEAD"}),
        ("POST", "/metrics", {"GET"}),
    ):
        got = sender.send(method, path)
        refused(got, 405, "not-supported")
        assert allowed <= {word.strip() for word in got.headers["Allow"].split(",")}


def test_an_update_of_nothing_is_refused_because_ids_are_assigned_here(sender: Caller) -> None:
    got = sender.put("Patient/mine", {**PATIENT, "id": "mine"})
    refused(got, 405, "not-supported")
    assert "POST" in got.text
    assert "PUT" not in got.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["Patien", "patient/1", "Nonsense?x=y", "Patient/1/2/3", "Patient/1/$everything", "/nowhere"]
)
def test_an_address_that_is_none_is_not_found(sender: Caller, path: str) -> None:
    got = sender.get(path)
    assert got.status == 404
    assert got.headers["Content-Type"] == FHIR_JSON
    assert got.code in {"not-found", "not-supported"}


@pytest.mark.parametrize(
    "path",
    ["Patient/%00", f"Patient/{'9' * 65}", "Patient/x/_history/²", f"Patient/x/_history/{'9' * 30}", "/handoffs/%00",
     "Patient/%F0%9F%98%80", "Patient/a%2Fb"],
)  # fmt: skip
def test_an_impossible_id_or_version_is_a_missing_one(sender: Caller, path: str) -> None:
    refused(sender.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "query",
    ["_id=%00", "name=%00", "_count=²", "_count=-1", "_count=x", "birthdate=gt0000",
     "birthdate=yesterday", "_sort=nonsense", "_cursor=zzz", "_cursor=W10", "_include=x", "identifier=",
     "_lastUpdated=zz2020", "organization.name.x=1", "name:nonsense=x", "_revinclude=:::",
     f"_count={'9' * 5000}"],
)  # fmt: skip
def test_a_search_that_cannot_be_understood_is_refused_and_never_answered_by_everything(
    sender: Caller, query: str
) -> None:
    got = sender.get(f"Patient?{query}")
    assert got.status == 400, (query, got.tree)
    assert got.code in {"invalid", "not-supported", "value"}


@pytest.mark.parametrize("scope", ["system/Patient.rs", "system/Task.cruds", "system/*.c"])
def test_a_scope_limits_what_may_be_done(house: WholeHouse, scope: str) -> None:
    limited = house.caller("mobile-crisis", scope)
    tries = {
        "system/Patient.c": limited.post("Patient", PATIENT),
        "system/Patient.r": limited.get("Patient/nobody"),
        "system/Patient.s": limited.get("Patient?gender=female&_count=1"),
        "system/Patient.d": limited.delete("Patient/nobody"),
        "system/Observation.r": limited.get("Observation/nobody"),
    }
    may = {"system/Patient.rs": {"system/Patient.r", "system/Patient.s"}, "system/*.c": {"system/Patient.c"}}.get(
        scope, set()
    )
    for needed, got in tries.items():
        if needed in may:
            assert got.status != 403, (scope, needed)
        else:
            refused(got, 403, "forbidden")
            assert needed in got.text
    hidden = limited.post("", bundle(entry("DELETE", "Patient/nobody"), entry("POST", "Basic", {
        "resourceType": "Basic", "code": {"text": "x"}})))  # fmt: skip
    refused(hidden, 403, "forbidden")


def test_without_a_token_nothing_but_metadata_and_health_is_answered(house: WholeHouse) -> None:
    nobody = house.nobody
    for method, path in (("GET", "Patient/1"), ("GET", "Patient"), ("POST", ""), ("POST", "$process-message"),
                         ("POST", "Task"), ("PUT", "Task/1"), ("PATCH", "Task/1"), ("DELETE", "Task/1"),
                         ("GET", "Task/1/_history"), ("GET", "Task/1/_history/1"), ("POST", "Task/$validate"),
                         ("POST", "Task/_search"), ("GET", "/handoffs/1")):  # fmt: skip
        got = nobody.send(method, path, None if method == "GET" else PATIENT)
        if path == "Task/_search":
            got = nobody.send(method, path, raw=b"", headers={"Content-Type": "application/x-www-form-urlencoded"})
        refused(got, 401, "login")
        assert got.headers["WWW-Authenticate"].startswith("Bearer")
    for path in ("metadata", "/healthz", "/readyz", "/metrics", ".well-known/smart-configuration"):
        assert nobody.get(path).status == 200, path


def test_validate_answers_200_also_when_the_content_is_invalid(sender: Caller) -> None:
    good = sender.post("Patient/$validate", PATIENT)
    assert (good.status, good.tree["issue"][0]["severity"]) == (200, "information")
    bad = sender.post("Patient/$validate", {**PATIENT, "gender": "?"})
    assert (bad.status, bad.code) == (200, "code-invalid")
    for raw in (b"{", b"[]", b"{}", b'{"resourceType":"Task"}', b'{"resourceType":"Nonsense"}'):
        got = sender.send("POST", "Patient/$validate", raw=raw)
        assert (got.status, got.tree["resourceType"]) == (200, "OperationOutcome"), raw


def test_a_page_leads_to_the_next_until_all_were_seen_once(sender: Caller) -> None:
    number = uuid4().hex
    tree = {**PATIENT, "identifier": [{"value": number}]}
    sent = sender.post("", transaction(*[tree] * 7))
    seen, query = [], f"Patient?identifier={number}&_count=3"
    for _ in range(5):
        page = sender.get(query).tree
        seen += [e["resource"]["id"] for e in page.get("entry", ())]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        query = following[0].partition("/fhir/")[2]
    assert sorted(f"Patient/{id_}" for id_ in seen) == sorted(sent.located)


def test_the_capability_statement_lists_what_is_answered(sender: Caller) -> None:
    statement = sender.get("metadata").tree
    (rest,) = statement["rest"]
    assert {i["code"] for i in rest["interaction"]} == {"transaction", "batch"}
    by_type = {r["type"]: {i["code"] for i in r["interaction"]} for r in rest["resource"]}
    audit = {"resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2026-03-01T00:00:00Z",
             "agent": [{"requestor": True}], "source": {"observer": {"display": "x"}}}  # fmt: skip
    assert (sender.post("AuditEvent", audit).status == 405) is ("create" not in by_type["AuditEvent"])
    for type_ in ("Task", "Patient", "Basic"):
        for code, got in {
            "read": sender.get(f"{type_}/nobody"),
            "vread": sender.get(f"{type_}/nobody/_history/1"),
            "history-instance": sender.get(f"{type_}/nobody/_history"),
            "search-type": sender.get(f"{type_}?_id=nobody"),
            "delete": sender.delete(f"{type_}/nobody"),
        }.items():
            assert (got.status in {200, 204, 404}) is (code in by_type[type_]), (type_, code, got.status)
    merge = "application/merge-patch+json"
    assert statement["patchFormat"] == ["application/json-patch+json", "application/fhir+json", merge]


def test_a_request_that_creates_a_task_alone_may_do_so(house: WholeHouse, sender: Caller) -> None:
    begun = house.begin()
    task = referral()["entry"][2]["resource"] | {
        "focus": {"reference": begun.request},
        "for": {"reference": begun.patient},
    }
    created = sender.post("Task", task)
    assert (created.status, created.tree["status"]) == (201, "requested")
