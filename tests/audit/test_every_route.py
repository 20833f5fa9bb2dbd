"""Every address of the server: it writes or shows something and leaves a row in the trail, or it does neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from whole_house import SENDER, Begun, Caller, Got, WholeHouse, bundle, entry, referral

Case = Callable[[Caller, Begun], Got]

SILENT: Final = {
    ("GET", "/fhir/metadata"): "about the server",
    ("GET", "/fhir/.well-known/smart-configuration"): "about the server",
    ("POST", "/oauth/token"): "gives a token; what is done with it is in the trail",
    ("POST", "/fhir/<type_>/$validate"): "says about a body what its sender sent",
    ("GET", "/fhir/OperationDefinition/evidence"): "about the server",
    ("GET", "/fhir/OperationDefinition/find-destination"): "about the server",
    ("GET", "/fhir/OperationDefinition/evaluate-measure"): "about the server",
    ("GET", "/fhir/Measure/<id_>/$evaluate-measure"): "counts; small numbers are withheld",
    ("POST", "/fhir/Measure/<id_>/$evaluate-measure"): "counts; small numbers are withheld",
    ("GET", "/deliveries"): "addresses of handoffs and who was not told; nobody whom they are about",
    ("GET", "/governance"): "the same counts; addresses of handoffs, and nobody whom they are about",
    ("GET", "/fhir/HealthcareService/$find-destination"): "the public directory of partners",
    ("POST", "/fhir/HealthcareService/$find-destination"): "the public directory of partners",
    ("GET", "/fhir/Subscription/<id_>/$events"): "numbers and references of what a partner was told before; a row too",
    ("POST", "/fhir/Subscription/<id_>/$events"): "the same",
    ("GET", "/fhir/Subscription/<id_>/$status"): "counts of what a partner was told",
    ("POST", "/fhir/Subscription/<id_>/$status"): "the same",
    ("GET", "/fhir/Subscription/$status"): "the same, of all Subscriptions of a partner",
    ("POST", "/fhir/Subscription/$status"): "the same",
    ("GET", "/healthz"): "about the server",
    ("GET", "/readyz"): "about the server",
    ("GET", "/metrics"): "counts",
    ("POST", "/demo/clock"): "sets a demo's clock",
    ("GET", "/pages.css"): "how pages look",
    ("GET", "/openapi.json"): "about the server",
    ("GET", "/demo/sign-in"): "names of demo partners",
    ("POST", "/demo/sign-in"): "gives a demo's cookie",
    ("POST", "/demo/sign-out"): "takes it away",
}
"""What neither shows nor changes anything about a person, and why."""

PATIENT: Final = {"resourceType": "Patient", "name": [{"family": "Testerly"}]}

ATTEMPT: Final = {"at": "2026-01-05T09:00:00Z", "by": "phone", "whom": "person", "reached": True}
FILE: Final = {
    "kind": "other", "title": "x", "content_type": "text/plain", "content": "eA==", "written": "2026-01-05T09:00:00Z",
}  # fmt: skip
VISIT: Final = {"start": "2026-01-06T15:00:00Z", "end": "2026-01-06T16:00:00Z", "status": "booked"}
SIGNED: Final = {
    "about": "substance-use", "recipients": ["outpatient-clinic"], "purpose": "treatment", "signed": "2026-01-05",
}  # fmt: skip
EMERGENCY: Final = {
    "nature": "overdose", "to": {"name": "x", "organization": "outpatient-clinic"}, "by": {"name": "y"},
    "at": "2026-01-05T09:00:00Z",
}  # fmt: skip
PLAIN: Final = {
    "recipient": "outpatient-clinic",
    "person": {"identifier": {"value": "1"}, "family": "Testerly"},
}


def _patient(caller: Caller, begun: Begun) -> dict[str, Any]:
    return {**caller.get(begun.patient).tree, "active": True}


def _message(caller: Caller, begun: Begun) -> Got:
    header = {
        "resourceType": "MessageHeader",
        "id": "1b0f7b3e-30f7-4d0e-9d6a-0f1f5a3c4b00",
        "eventCoding": {"system": "https://handoff.example/fhir/CodeSystem/message", "code": "handoff"},
        "source": {"endpoint": "urn:x"},
        "focus": [{"reference": begun.task}],
    }
    task = {**caller.get(begun.task).tree}
    return caller.post("$process-message", {
        "resourceType": "Bundle", "type": "message", "timestamp": "2026-03-01T00:00:00Z",
        "identifier": {"system": "urn:x", "value": begun.id},
        "entry": [
            {"fullUrl": "urn:uuid:1b0f7b3e-30f7-4d0e-9d6a-0f1f5a3c4b00", "resource": header},
            {"fullUrl": f"urn:uuid:{begun.id}", "resource": task},
        ],
    })  # fmt: skip


CASES: Final[dict[tuple[str, str], Case]] = {
    ("POST", "/fhir"): lambda c, b: c.post("", referral()),
    ("POST", "/fhir/"): lambda c, b: c.post("/fhir/", referral()),
    ("POST", "/fhir/$process-message"): _message,
    ("POST", "/fhir/<type_>"): lambda c, b: c.post("Patient", PATIENT),
    ("GET", "/fhir/<type_>"): lambda c, b: c.get(f"Task?_id={b.id}"),
    ("GET", "/fhir/<type_>/_search"): lambda c, b: c.get(f"Task/_search?_id={b.id}"),
    ("POST", "/fhir/<type_>/_search"): lambda c, b: c.send("POST", f"Task/_search?_id={b.id}"),
    ("PUT", "/fhir/<type_>"): lambda c, b: c.put(f"Patient?_id={b.patient.split('/')[1]}", _patient(c, b)),
    ("PATCH", "/fhir/<type_>"): lambda c, b: c.patch(
        f"Patient?_id={b.patient.split('/')[1]}", [{"op": "add", "path": "/active", "value": False}]
    ),
    ("DELETE", "/fhir/<type_>"): lambda c, b: c.delete(f"Patient?_id={_lone(c)}"),
    ("GET", "/fhir/<type_>/<id_>"): lambda c, b: c.get(b.task),
    ("GET", "/fhir/<type_>/<id_>/_history/<version>"): lambda c, b: c.get(f"{b.task}/_history/1"),
    ("GET", "/fhir/<type_>/<id_>/_history"): lambda c, b: c.get(f"{b.task}/_history"),
    ("GET", "/fhir/<type_>/_history"): lambda c, b: c.get("Task/_history"),
    ("PUT", "/fhir/<type_>/<id_>"): lambda c, b: c.put(b.patient, _patient(c, b)),
    ("PATCH", "/fhir/<type_>/<id_>"): lambda c, b: c.patch(
        b.patient, [{"op": "add", "path": "/active", "value": False}]
    ),
    ("DELETE", "/fhir/<type_>/<id_>"): lambda c, b: c.delete(f"Patient/{_lone(c)}"),
    ("GET", "/fhir/Task/<id_>/$evidence"): lambda c, b: c.get(f"{b.task}/$evidence"),
    ("POST", "/fhir/Task/<id_>/$evidence"): lambda c, b: c.send("POST", f"{b.task}/$evidence"),
    ("GET", "/handoffs/<id_>"): lambda c, b: c.get(f"/handoffs/{b.id}"),
    ("POST", "/handoffs"): lambda c, b: c.send("POST", "/handoffs", PLAIN | {"reason": f"as {b.id}"}),
    ("POST", "/handoffs/<id_>/status"): lambda c, b: c.send(
        "POST", f"/handoffs/{b.id}/status", {"status": "cancelled", "reason": "moved away"}
    ),
    ("GET", "/handoffs"): lambda c, b: c.get("/handoffs"),
    ("POST", "/handoffs/<id_>/contacts"): lambda c, b: c.send("POST", f"/handoffs/{b.id}/contacts", ATTEMPT),
    ("POST", "/handoffs/<id_>/appointment"): lambda c, b: c.send("POST", f"/handoffs/{b.id}/appointment", VISIT),
    ("POST", "/handoffs/<id_>/documents"): lambda c, b: c.send("POST", f"/handoffs/{b.id}/documents", FILE),
    ("POST", "/handoffs/<id_>/consents"): lambda c, b: c.send("POST", f"/handoffs/{b.id}/consents", SIGNED),
    ("POST", "/handoffs/<id_>/emergency"): lambda c, b: c.send("POST", f"/handoffs/{b.id}/emergency", EMERGENCY),
    ("DELETE", "/handoffs/<id_>/consents"): lambda c, b: _withdrawn(c, b),
    ("GET", "/handoffs/<id_>/evidence"): lambda c, b: c.get(f"/handoffs/{b.id}/evidence"),
    ("GET", "/"): lambda c, b: c.get("/"),
}


def _withdrawn(caller: Caller, begun: Begun) -> Got:
    assert caller.send("POST", f"/handoffs/{begun.id}/consents", SIGNED).status == 201
    return caller.send("DELETE", f"/handoffs/{begun.id}/consents")


def _lone(caller: Caller) -> str:
    """The id of a patient of no handoff: one that may be deleted."""
    return str(caller.post("Patient", PATIENT).tree["id"])


def test_every_address_is_known_here(house: WholeHouse) -> None:
    """A new one says what it shows or changes, by a case; or why it does neither."""
    served = {
        (method, rule.rule)
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served - SILENT.keys() - CASES.keys() == set()


@pytest.mark.parametrize(("method", "rule"), CASES, ids=lambda value: value)
def test_what_is_written_or_shown_is_in_the_trail(
    house: WholeHouse, sender: Caller, rows: Callable[[], list[Any]], method: str, rule: str
) -> None:
    if not any(rule == each.rule and method in (each.methods or ()) for each in house.app.url_map.iter_rules()):
        pytest.skip("not served here")
    begun = house.begin()
    rows()
    answer = CASES[method, rule](sender, begun)
    assert answer.status < 300, answer.raw
    row = rows()[-1]
    assert row.tenant == SENDER
    assert row.address == "127.0.0.1"
    assert row.server.startswith("http")
    assert row.entities


def test_the_entries_of_a_batch_are_each_in_the_trail(
    house: WholeHouse, sender: Caller, rows: Callable[[], list[Any]]
) -> None:
    begun = house.begin()
    rows()
    answer = sender.post("", bundle(
        entry("GET", begun.task), entry("GET", f"Task?_id={begun.id}"), entry("GET", f"{begun.task}/_history/1"),
        entry("POST", "Patient", PATIENT), entry("GET", "Patient/unknown"), type="batch",
    ))  # fmt: skip
    assert [e["response"]["status"][:3] for e in answer.tree["entry"]] == ["200", "200", "200", "201", "404"]
    assert [row.interaction for row in rows()] == ["read", "search-type", "vread", "create"]


def test_the_reads_of_a_transaction_are_in_the_trail(
    house: WholeHouse, sender: Caller, rows: Callable[[], list[Any]]
) -> None:
    begun = house.begin()
    rows()
    assert sender.post("", bundle(entry("POST", "Patient", PATIENT), entry("GET", begun.task))).status == 200
    assert [row.interaction for row in rows()] == ["transaction", "read"]


def test_what_is_found_instead_of_made_and_what_is_answered_again_is_in_the_trail(
    sender: Caller, rows: Callable[[], list[Any]]
) -> None:
    known = {**PATIENT, "identifier": [{"system": "urn:example:audit", "value": "once"}]}
    made = sender.post("Patient", known, If_None_Exist="identifier=urn:example:audit|once")
    rows()
    found = sender.post("Patient", known, If_None_Exist="identifier=urn:example:audit|once")
    assert (found.status, found.tree["id"]) == (200, made.tree["id"])
    (row,) = rows()
    assert (row.interaction, row.entities[0][:2]) == ("read", [f"Patient/{made.tree['id']}/_history/1", "R"])
    sent = sender.post("Patient", PATIENT, X_Request_ID="audit-again")
    rows()
    assert sender.post("Patient", PATIENT, X_Request_ID="audit-again").raw == sent.raw
    (row,) = rows()
    assert (row.interaction, row.request_id) == ("repeat", "audit-again")
    assert row.entities[0][0] == f"Patient/{sent.tree['id']}/_history/1"


def test_that_nothing_changed_is_a_reading_too(
    house: WholeHouse, sender: Caller, rows: Callable[[], list[Any]]
) -> None:
    begun = house.begin()
    rows()
    assert sender.get(begun.task, If_None_Match='W/"1"').status == 304
    assert sender.send("HEAD", begun.task).status == 200
    assert [row.interaction for row in rows()] == ["read", "read"]


def test_what_is_refused_changes_and_shows_nothing(
    house: WholeHouse, sender: Caller, third: Caller, rows: Callable[[], list[Any]]
) -> None:
    begun = house.begin()
    rows()
    assert third.get(begun.task).status == 404
    assert third.get(f"/handoffs/{begun.id}").status == 404
    assert sender.move(begun.task, "accepted").status == 422
    assert [row.interaction for row in rows()] == ["read"], "only that the sender looked for the version"
