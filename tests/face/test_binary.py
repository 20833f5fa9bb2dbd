"""A Binary as itself, and the documents of a handoff: what an attachment names comes along."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from whole_house import RECEIVER, SENDER, THIRD, Caller, Got, WholeHouse, entry, referral

PDF = b"%PDF-1.7\n\xff\x00 a discharge summary \xfe"
FHIR = "application/fhir+json"


def send(caller: Caller, method: str, path: str, content: bytes, kind: str, **headers: str) -> Got:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.send(method, path, headers={"Content-Type": kind, **spelled}, raw=content)


def upload(caller: Caller, content: bytes = PDF, kind: str = "application/pdf", **headers: str) -> Got:
    got = send(caller, "POST", "Binary", content, kind, **headers)
    assert got.status == 201, got.raw[:500]
    return got


def address(got: Got) -> str:
    return f"Binary/{got.tree['id']}"


def test_what_is_sent_as_itself_is_given_back_as_itself(sender: Caller) -> None:
    sent = upload(sender)
    assert sent.tree["contentType"] == "application/pdf"
    for accept in ("application/pdf", "application/*", "*/*", ""):
        got = sender.get(address(sent), Accept=accept)
        assert (got.status, got.raw) == (200, PDF), accept
        assert got.headers["Content-Type"] == "application/pdf"
        assert got.headers["ETag"] == 'W/"1"'
    version = sender.get(f"{address(sent)}/_history/1", Accept="application/pdf")
    assert version.raw == PDF


def test_what_could_run_in_a_browser_does_not(sender: Caller) -> None:
    sent = upload(sender, b"<script>alert(1)</script>", "text/html; charset=utf-8")
    got = sender.get(address(sent), Accept="text/html,*/*;q=0.8")
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert got.headers["Content-Security-Policy"].startswith("sandbox")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize("query", ["", "?_format=json", "?_elements=contentType"])
def test_whoever_asks_for_fhir_gets_fhir(sender: Caller, query: str) -> None:
    sent = upload(sender)
    got = sender.get(address(sent) + query, Accept="*/*" if query else f"{FHIR}, */*;q=0.1")
    assert got.headers["Content-Type"].startswith(FHIR)
    assert got.tree["contentType"] == "application/pdf"
    if "_elements" not in query:
        assert base64.b64decode(got.tree["data"]) == PDF


def test_a_binary_that_came_as_fhir_is_given_as_itself_too(sender: Caller) -> None:
    tree = {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(b"hello").decode()}
    sent = sender.post("Binary", tree)
    assert sender.get(address(sent), Accept="text/plain").raw == b"hello"


@pytest.mark.parametrize("kind", ["nonsense", "text/plain\u00e9", "text/plain;a"])
def test_a_content_type_that_is_none_is_not_repeated(sender: Caller, kind: str) -> None:
    sent = sender.post("Binary", {"resourceType": "Binary", "contentType": kind, "data": "aGVsbG8="})
    assert sender.get(address(sent), Accept="*/*").headers["Content-Type"] == "application/octet-stream"


def test_another_media_type_than_its_own_is_not_to_be_had(sender: Caller) -> None:
    sent = upload(sender)
    refused = sender.get(address(sent), Accept="image/png")
    assert (refused.status, refused.code) == (406, "not-supported")
    assert sender.get(address(sent), Accept="application/fhir+xml").status == 406


def test_xml_stays_refused_and_other_types_take_fhir_only(sender: Caller) -> None:
    xml = send(sender, "POST", "Binary", b"<Binary/>", "application/fhir+xml")
    assert (xml.status, xml.code) == (415, "not-supported")
    assert send(sender, "POST", "Patient", PDF, "application/pdf").status == 415


def test_an_update_as_itself_is_the_next_version(sender: Caller) -> None:
    sent = upload(sender)
    put = send(sender, "PUT", address(sent), b"second", "text/plain", If_Match='W/"1"')
    assert (put.status, put.tree["meta"]["versionId"]) == (200, "2"), put.tree
    assert sender.get(address(sent), Accept="*/*").raw == b"second"
    assert sender.get(f"{address(sent)}/_history/1", Accept="*/*").raw == PDF


def test_a_security_context_travels_in_its_header(sender: Caller) -> None:
    patient = sender.post("Patient", {"resourceType": "Patient", "active": True})
    context = f"Patient/{patient.tree['id']}"
    sent = upload(sender, X_Security_Context=context)
    assert sent.tree["securityContext"] == {"reference": context}
    assert sender.get(address(sent), Accept="*/*").headers["X-Security-Context"] == context


def test_a_binary_of_others_is_as_if_it_did_not_exist(house: WholeHouse, sender: Caller) -> None:
    sent = upload(sender)
    other = house.caller(RECEIVER)
    got, missing = (other.get(path, Accept="application/pdf") for path in (address(sent), "Binary/nothing"))
    assert got.status == missing.status == 404
    assert got.raw == missing.raw


def with_document(url: str, sender: str = SENDER, owner: str = RECEIVER) -> dict[str, Any]:
    bundle = referral(sender, owner)
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": bundle["entry"][0]["fullUrl"]},
        "content": [{"attachment": {"contentType": "application/pdf", "url": url}}],
    }
    return {**bundle, "entry": [*bundle["entry"], entry("POST", "DocumentReference", document)]}


@pytest.mark.parametrize("absolute", [False, True])
def test_a_document_that_was_uploaded_before_comes_along_with_the_handoff(
    house: WholeHouse, sender: Caller, absolute: bool
) -> None:
    sent, recipient = upload(sender), house.caller(RECEIVER)
    url = f"{house.house.settings.fhir_url}/{address(sent)}" if absolute else address(sent)
    assert recipient.get(address(sent)).status == 404
    assert sender.post("", with_document(url)).status == 200
    assert recipient.get(address(sent), Accept="application/pdf").raw == PDF
    assert house.caller(THIRD).get(address(sent)).status == 404


def test_naming_a_document_of_others_opens_it_to_nobody(house: WholeHouse, sender: Caller) -> None:
    theirs = upload(house.caller(THIRD))
    assert sender.post("", with_document(address(theirs))).status == 200
    for partner in (SENDER, RECEIVER):
        assert house.caller(partner).get(address(theirs)).status == 404


def test_a_document_that_was_handed_over_is_not_passed_on_by_naming_it(house: WholeHouse, sender: Caller) -> None:
    sent, recipient = upload(sender), house.caller(RECEIVER)
    assert sender.post("", with_document(address(sent))).status == 200
    assert recipient.get(address(sent)).status == 200
    assert recipient.post("", with_document(address(sent), RECEIVER, THIRD)).status == 200
    assert house.caller(THIRD).get(address(sent)).status == 404


def test_an_attachment_elsewhere_is_left_alone(sender: Caller) -> None:
    for url in ("https://other.example/fhir/Binary/1", "Binary/not-here", "urn:oid:1.2.3"):
        assert sender.post("", with_document(url)).status == 200
