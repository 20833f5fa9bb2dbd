"""The page of the interactions: each with an example, and what was answered to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from example import SHOWN_HEADERS, Example, Scene, answer, begun, call, code, number, table
from whole_house import RECEIVER, SENDER, Got, WholeHouse

from mappings.canonicals import TOPIC_HANDOFF

Tree = dict[str, Any]

PATIENT: Final[Tree] = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "{number}"}]}
ACTIVE: Final[list[Tree]] = [{"op": "add", "path": "/active", "value": True}]
CONDITION: Final = "identifier=urn:x|{number}"
FHIRPATH_PATCH: Final[Tree] = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
    {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
    {"name": "name", "valueString": "active"}, {"name": "value", "valueBoolean": True},
]}]}  # fmt: skip
BUNDLE: Final[Tree] = {"resourceType": "Bundle", "type": "transaction", "entry": [
    {"fullUrl": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "resource": {"resourceType": "Patient"},
     "request": {"method": "POST", "url": "Patient"}},
    {"request": {"method": "GET", "url": "Task/{task}"}},
]}  # fmt: skip
MESSAGE: Final[Tree] = {
    "resourceType": "Bundle", "type": "message", "timestamp": "2026-03-01T00:00:00Z",
    "identifier": {"system": "urn:x", "value": "{number}"},
    "entry": [
        {"fullUrl": "urn:uuid:1b0f7b3e-30f7-4d0e-9d6a-0f1f5a3c4b00", "resource": {
            "resourceType": "MessageHeader", "source": {"endpoint": "urn:x"},
            "eventCoding": {"system": "https://handoff.example/fhir/CodeSystem/message", "code": "handoff"},
            "focus": [{"reference": "urn:uuid:2b0f7b3e-30f7-4d0e-9d6a-0f1f5a3c4b00"}]}},
        {"fullUrl": "urn:uuid:2b0f7b3e-30f7-4d0e-9d6a-0f1f5a3c4b00", "resource": {
            "resourceType": "Task", "status": "requested", "intent": "order",
            "requester": {"reference": f"Organization/{SENDER}"}, "owner": {"reference": f"Organization/{RECEIVER}"},
            "for": {"display": "Testerly"}}},
    ],
}  # fmt: skip
SUBSCRIPTION: Final[Tree] = {
    "resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": TOPIC_HANDOFF,
    "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:9/hook", "payload": "application/fhir+json"},
}  # fmt: skip
PLAIN: Final[Tree] = {
    "recipient": RECEIVER, "person": {"identifier": {"value": "{number}"}, "family": "Testerly"}, "reason": "…"
}  # fmt: skip
JSON: Final = {"Content-Type": "application/json"}

EVERY_TYPE: Final = (
    Example("read", "GET Patient/{patient}"),
    Example("vread", "GET Patient/{patient}/_history/1"),
    Example("update", "PUT Patient/{patient}", {**PATIENT, "id": "{patient}", "active": True}),
    Example("patch: JSON Patch", "PATCH Patient/{patient}", ACTIVE),
    Example("patch: FHIRPath Patch", "PATCH Patient/{patient}", FHIRPATH_PATCH),
    Example("patch: JSON Merge Patch", "PATCH Patient/{patient}", {"active": True},
            {"Content-Type": "application/merge-patch+json"}),
    Example("delete", "DELETE Patient/{patient}"),
    Example("history of one", "GET Patient/{patient}/_history?_count=10"),
    Example("history of a type", "GET Patient/_history?_since=2026-01-01T00:00:00Z&_count=1"),
    Example("create", "POST Patient", {**PATIENT, "active": True}),
    Example("conditional create: nothing matches", "POST Patient", PATIENT, {"If-None-Exist": CONDITION}),
    Example("conditional create: one matches", "POST Patient", PATIENT, {"If-None-Exist": CONDITION},
            before=[Example("", "POST Patient", PATIENT)]),
    Example("the same, in the address", f"POST Patient?{CONDITION}", PATIENT,
            before=[Example("", "POST Patient", PATIENT)]),
    Example("conditional update: nothing matches", f"PUT Patient?{CONDITION}", PATIENT),
    Example("conditional update: one matches", f"PUT Patient?{CONDITION}", {**PATIENT, "active": True},
            before=[Example("", "POST Patient", PATIENT)]),
    Example("conditional patch", f"PATCH Patient?{CONDITION}", ACTIVE, before=[Example("", "POST Patient", PATIENT)]),
    Example("conditional delete", f"DELETE Patient?{CONDITION}", before=[Example("", "POST Patient", PATIENT)]),
    Example("search", f"GET Patient?{CONDITION}", before=[Example("", "POST Patient", PATIENT)]),
    Example("search by POST", "POST Patient/_search", CONDITION,
            {"Content-Type": "application/x-www-form-urlencoded"}, before=[Example("", "POST Patient", PATIENT)]),
    Example("search, spelt out", f"GET Patient/_search?{CONDITION}", before=[Example("", "POST Patient", PATIENT)]),
    Example("`$validate`: nothing to say", "POST Patient/$validate", PATIENT),
    Example("`$validate`: a fault", "POST Patient/$validate", {"resourceType": "Patient", "gender": "x"}),
)  # fmt: skip

SYSTEM: Final = (
    Example("capabilities", "GET metadata", who=None),
    Example("where tokens are given", "GET .well-known/smart-configuration", who=None),
    Example("transaction: all or nothing", "POST ", BUNDLE),
    Example("batch: each for itself", "POST ", {**BUNDLE, "type": "batch"}),
    Example("the same with a slash", "POST /fhir/", {"resourceType": "Bundle", "type": "batch"}),
    Example("message", "POST $process-message", MESSAGE, shows='{"resourceType": "Bundle", "type": "message", …}'),
)

OPERATIONS: Final = (
    Example("what proves a handoff", "GET Task/{task}/$evidence"),
    Example("the same by POST", "POST Task/{task}/$evidence", {"resourceType": "Parameters"}),
    Example("who can take a person", "GET HealthcareService/$find-destination?coverage=medicaid&within=P2D",
            varies=True),
    Example("the same by POST", "POST HealthcareService/$find-destination", {
        "resourceType": "Parameters", "parameter": [{"name": "coverage", "valueCode": "medicaid"}]}, varies=True),
    Example("how handoffs go",
            "GET Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-12-31"),
    Example("the same by POST", "POST Measure/completion-rate/$evaluate-measure", {
        "resourceType": "Parameters", "parameter": [
            {"name": "periodStart", "valueDate": "2026-01-01"}, {"name": "periodEnd", "valueDate": "2026-12-31"}]}),
    Example("your Subscription", f"GET Subscription/{SENDER}"),
    Example("whether deliveries arrive", f"GET Subscription/{SENDER}/$status"),
    Example("the same by POST", f"POST Subscription/{SENDER}/$status", {"resourceType": "Parameters"}),
    Example("the same of all", "GET Subscription/$status"),
    Example("the same by POST", "POST Subscription/$status", {"resourceType": "Parameters"}),
    Example("a Subscription of your own", "POST Subscription", SUBSCRIPTION),
    Example("events, again", f"GET Subscription/{SENDER}/$events?eventsSinceNumber=1"),
    Example("the same by POST", f"POST Subscription/{SENDER}/$events", {"resourceType": "Parameters"}),
    Example("an operation, defined", "GET OperationDefinition/evidence", who=None),
    Example("", "GET OperationDefinition/find-destination", who=None),
    Example("", "GET OperationDefinition/evaluate-measure", who=None),
)  # fmt: skip

FORMS: Final = (
    Example("only if it has changed", "GET Patient/{patient}", headers={"If-None-Match": 'W/"1"'}),
    Example("only if it has changed since", "GET Patient/{patient}",
            headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    Example("only this version", "PATCH Patient/{patient}", ACTIVE, {"If-Match": 'W/"1"'}),
    Example("the version in the resource (Task)", "PUT Task/{draft}", {
        "resourceType": "Task", "id": "{draft}", "meta": {"versionId": "1"}, "status": "draft", "intent": "order",
        "owner": {"reference": f"Organization/{RECEIVER}"}, "requester": {"reference": f"Organization/{SENDER}"}}),
    Example("the version in the patch", "PATCH Patient/{patient}",
            [{"op": "test", "path": "/meta/versionId", "value": "1"}, *ACTIVE]),
    Example("no body, please", "POST Patient", PATIENT, {"Prefer": "return=minimal"}),
    Example("say how it went", "POST Patient", PATIENT, {"Prefer": "return=OperationOutcome"}),
    Example("the resource (the default)", "POST Patient", PATIENT, {"Prefer": "return=representation"}),
    Example("resources in a transaction-response", "POST ", BUNDLE, {"Prefer": "return=representation"}),
    Example("no unknown parameters", "GET Patient?nonsense=1", headers={"Prefer": "handling=strict"}),
    Example("only headers", "HEAD Patient/{patient}"),
    Example("JSON by parameter", "GET Patient/{patient}?_format=json", headers={"Accept": "text/html"}),
    Example("JSON by header", "GET Patient/{patient}",
            headers={"Accept": "application/fhir+json; fhirVersion=4.0, */*;q=0.1"}),
    Example("for a person to read", "GET Patient/{patient}?_pretty=true"),
    Example("a part", "GET Patient/{patient}?_elements=active"),
    Example("a summary: `true`, `text`, `data`", "GET Patient/{patient}?_summary=text"),
    Example("packed", "POST Patient", gzip.compress(json.dumps({"resourceType": "Patient"}).encode(), mtime=0),
            {"Content-Encoding": "gzip"}, shows="…"),
    Example("a Binary as itself", "POST Binary", b"%PDF-1.7", {"Content-Type": "application/pdf"}, shows="%PDF-1.7"),
    Example("and back", "GET Binary/{binary}", headers={"Accept": "application/pdf"}),
    Example("the same as FHIR", "GET Binary/{binary}", headers={"Accept": "application/fhir+json"}),
    Example("a key, so that it may be sent again", "POST Patient", {"resourceType": "Patient"},
            {"X-Request-ID": "{number}"}),
)  # fmt: skip

PLAIN_JSON: Final = (
    Example("send a handoff", "POST /handoffs", PLAIN, JSON),
    Example("where it stands", "GET /handoffs/{task}"),
    Example("answer it", "POST /handoffs/{task}/status", {"status": "cancelled", "reason": "…"}, JSON),
    Example("what is open", "GET /handoffs?side=initiator"),
    Example(
        "tell of a contact",
        "POST /handoffs/{task}/contacts",
        {"at": "2026-01-05T09:00:00Z", "by": "phone", "whom": "other-side", "reached": False, "reason": "voicemail"},
        JSON,
    ),
    Example(
        "book the appointment",
        "POST /handoffs/{task}/appointment",
        {"start": "2026-01-06T15:00:00Z", "end": "2026-01-06T16:00:00Z", "status": "booked", "place": "Second floor"},
        JSON,
    ),
    Example(
        "add a document",
        "POST /handoffs/{task}/documents",
        {
            "kind": "other",
            "title": "Floor plan",
            "content_type": "text/plain",
            "content": "eA==",
            "written": "2026-01-05T09:00:00Z",
        },
        JSON,
    ),
    Example(
        "bring a consent",
        "POST /handoffs/{task}/consents",
        {"about": "substance-use", "recipients": [RECEIVER], "purpose": "treatment", "signed": "2026-01-05"},
        JSON,
    ),
    Example(
        "disclose in a medical emergency",
        "POST /handoffs/{task}/emergency",
        {
            "nature": "unresponsive after an overdose",
            "to": {"name": "E. Room, MD", "organization": RECEIVER},
            "by": {"name": "P. Ogram, RN"},
            "at": "2026-01-05T09:00:00Z",
        },
        JSON,
    ),
    Example("the person took it back", "DELETE /handoffs/{task}/consents"),
    Example("what proves it, as a page", "GET /handoffs/{task}/evidence"),
    Example("worklist, as a page", "GET /"),
    Example("what could not be delivered, as a page", "GET /deliveries"),
    Example("measures, as a page", "GET /governance"),
    Example("these routes for machines", "GET /openapi.json", who=None),
    Example("alive", "GET /healthz", who=None),
    Example("ready", "GET /readyz", who=None),
    Example("Prometheus", "GET /metrics", who=None),
)

PARTS: Final[Mapping[str, Sequence[Example]]] = {
    "every type": EVERY_TYPE, "system": SYSTEM, "operations": OPERATIONS, "forms": FORMS, "plain json": PLAIN_JSON,
}  # fmt: skip
UNSHOWN: Final = frozenset({"/oauth/token", "/pages.css", "/demo/sign-in", "/demo/sign-out", "/demo/clock"})
"""What has no example here: the token endpoint (docs/partners.md), and what only a demo has."""


def _patient(scene: Scene) -> str:
    body = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": scene.named("number")}]}
    return str(scene.caller(SENDER).post("Patient", body).tree["id"])


def _draft(scene: Scene) -> str:
    return str(scene.caller(SENDER).post("Task", {
        "resourceType": "Task", "status": "draft", "intent": "order",
        "owner": {"reference": f"Organization/{RECEIVER}"}, "requester": {"reference": f"Organization/{SENDER}"},
    }).tree["id"])  # fmt: skip


def _binary(scene: Scene) -> str:
    made = scene.caller(SENDER).send("POST", "Binary", raw=b"%PDF-1.7", headers={"Content-Type": "application/pdf"})
    return str(made.headers["Location"]).split("/")[-3]


MAKERS: Final[Mapping[str, Callable[[Scene], str]]] = {
    "binary": _binary,
    "number": number, "patient": _patient, "draft": _draft, "task": lambda scene: begun(scene).id,
}  # fmt: skip


def tried(house: WholeHouse) -> dict[str, list[tuple[Example, Got]]]:
    """Each example on a scene of its own."""
    return {part: [(each, Scene(house, MAKERS).tried(each)) for each in PARTS[part]] for part in PARTS}


def drawn(answers: Mapping[str, Iterable[tuple[Example, Got]]], statement: Tree) -> dict[str, str]:
    """Mark → Markdown."""
    pages = {part: _rows(examples) for part, examples in answers.items()}
    pages["types"] = _types(statement)
    return pages


def _rows(examples: Iterable[tuple[Example, Got]]) -> str:
    return table(
        ("interaction", "example", "answer"),
        [(each.says, call(each), answer(got, _headers(each), varies=each.varies)) for each, got in examples],
    )


def _headers(example: Example) -> Sequence[str]:
    """What comes with every answer is shown twice."""
    always = () if example.says in {"read", "vread"} else ("Content-Location", "Last-Modified")
    return [name for name in SHOWN_HEADERS if name not in always]


def _types(statement: Tree) -> str:
    """Types with the same interactions stand together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for resource in statement["rest"][0]["resource"]:
        alike.setdefault(tuple(each["code"] for each in resource["interaction"]), []).append(resource["type"])
    rows = [(", ".join(map(code, codes)), _listed(types)) for codes, types in sorted(alike.items(), key=_many_first)]
    return table(("interactions", "resource types"), rows)


def _many_first(item: tuple[Any, list[str]]) -> int:
    return -len(item[1])


def _listed(types: Sequence[str]) -> str:
    return f"{len(types)}: {', '.join(types)}" if len(types) > 9 else ", ".join(types)
