"""The page of the errors: each with a request that provokes it, and the OperationOutcome that comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from example import Example
from interactions import ACTIVE, CONDITION, JSON, MESSAGE, PATIENT, PLAIN
from whole_house import RECEIVER, SENDER, THIRD

from adapter.smart_client import ASSERTION_TYPE
from mappings.canonicals import TOPIC_HANDOFF

Tree = dict[str, Any]

TWICE: Final = [Example("", "POST Patient", PATIENT), Example("", "POST Patient", PATIENT)]
TASK: Final[Tree] = {
    "resourceType": "Task", "status": "requested", "intent": "order", "focus": {"reference": "ServiceRequest/{order}"},
    "requester": {"reference": f"Organization/{SENDER}"}, "owner": {"reference": f"Organization/{RECEIVER}"},
}  # fmt: skip
WITHHELD_FROM: Final = "case-management"
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
GRANT: Final = f"grant_type=client_credentials&client_assertion_type={ASSERTION_TYPE}&client_assertion="


def _patient(**elements: Any) -> Tree:
    return {"resourceType": "Patient", **elements}


def _bundle(*entries: Tree, type: str = "transaction", **more: Any) -> Tree:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries), **more}


def _entry(method: str, url: str, resource: Tree | None = None, **more: Any) -> Tree:
    body = {} if resource is None else {"resource": resource}
    return {**more, **body, "request": {"method": method, "url": url}}


def _subscription(**elements: Any) -> Tree:
    """One that is taken, but for `elements`."""
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": TOPIC_HANDOFF,
        "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:9/hook", "payload": "application/fhir+json"},
        **elements,
    }  # fmt: skip


def _fhirpath(*parts: Tree) -> Tree:
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": list(parts)}]}


def _move(status: str) -> list[Tree]:
    return [{"op": "replace", "path": "/status", "value": status}]


BAD_REQUEST: Final[Mapping[str, Sequence[Example]]] = {
    "400 bytes": (
        Example("no body", "POST Patient", ""),
        Example("JSON that ends too early", "POST Patient", '{"resourceType": "Patient"'),
        Example("a key twice", "POST Patient", '{"resourceType": "Patient", "id": "1", "id": "2"}'),
        Example("not UTF-8", "POST Patient", b'{"resourceType": "Patient", "id": "\xff"}', shows="… \\xff …"),
        Example("something else than an object", "POST Patient", "[1]", {"Content-Type": "application/fhir+json"}),
        Example("U+0000", "POST Patient", '{"resourceType": "Patient", "id": "a\\u0000"}'),
        Example("a number beyond reason", "POST Patient", '{"resourceType": "Patient", "x": ' + "9" * 5000 + "}",
                shows='{"resourceType": "Patient", "x": 999…}'),
        Example("more than 64 levels", "POST Patient", '{"resourceType": "Patient", "x": ' + "[" * 65 + "]" * 65 + "}",
                shows='{"resourceType": "Patient", "x": [[[…]]]}'),
        Example("gzip that is none", "POST Patient", b"not gzip", {"Content-Encoding": "gzip"}, shows="…"),
    ),
    "400 resource": (
        Example("no resourceType", "POST Patient", {"id": "1"}),
        Example("an unknown resourceType", "POST ", _bundle(_entry("POST", "Nope", {"resourceType": "Nope"}))),
        Example("another type than the address", "POST Patient", {"resourceType": "Basic", "code": {"text": "x"}}),
        Example("an unknown element", "POST Patient", _patient(nonsense=1)),
        Example("an empty array", "POST Patient", _patient(name=[])),
        Example("a mandatory element is missing", "POST ServiceRequest", {"resourceType": "ServiceRequest"}),
        Example("a value of another form", "POST Patient", _patient(birthDate="2026-02-30")),
        Example("an array where there is one", "POST Patient", _patient(gender=["other"])),
        Example("an unknown code", "POST Patient", _patient(gender="x")),
        Example("an invariant", "POST Patient", _patient(contact=[{"gender": "other"}])),
        Example("a narrative with a script", "POST Patient", _patient(text={
            "status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script/></div>'})),
        Example("an unknown modifierExtension", "POST Patient", _patient(
            modifierExtension=[{"url": "http://example.org/x", "valueBoolean": True}])),
        Example("another id than the address", "PUT Patient/{patient}", _patient(id="other")),
        Example("an id where ids are assigned", f"PUT Patient?{CONDITION}", _patient(id="mine")),
        Example("a reference to nothing, or to what is another's", "POST Flag", {
            "resourceType": "Flag", "status": "active", "code": {"text": "x"},
            "subject": {"reference": "Patient/nobody"}}),
        Example("a conditional reference that matches nothing", "POST ", _bundle(_entry("POST", "Flag", {
            "resourceType": "Flag", "status": "active", "code": {"text": "x"},
            "subject": {"reference": "Patient?identifier=nobody"}}))),
    ),
    "400 bundles": (
        Example("a single resource at the base", "POST ", _patient()),
        Example("a Bundle of another type", "POST ", {"resourceType": "Bundle", "type": "searchset"}),
        Example("a message at the base", "POST ", {"resourceType": "Bundle", "type": "message"}),
        Example("no message at $process-message", "POST $process-message", {"resourceType": "Bundle", "type": "batch"}),
        Example("an unknown Bundle.type", "POST ", {"resourceType": "Bundle", "type": "x"}),
        Example("an entry without request", "POST ", _bundle({"resource": _patient()})),
        Example("an unknown method", "POST ", _bundle(_entry("FOO", "Patient", _patient()))),
        Example("POST without resource", "POST ", _bundle(_entry("POST", "Patient"))),
        Example("a url outside of this server", "POST ", _bundle(_entry("GET", "https://other.example/Patient"))),
        Example("a url without type", "POST ", _bundle(_entry("GET", "x/1"))),
        Example("a url with an id that is none", "POST ", _bundle(_entry("GET", "Patient/a_b"))),
        Example("POST to an id", "POST ", _bundle(_entry("POST", "Patient/1", _patient()))),
        Example("DELETE of nothing named", "POST ", _bundle(_entry("DELETE", "Patient"))),
        Example("a resource twice", "POST ", _bundle(
            _entry("DELETE", "Patient/{patient}"), _entry("DELETE", "Patient/{patient}"))),
        Example("a fullUrl twice", "POST ",
                _bundle(*[_entry("POST", "Patient", _patient(), fullUrl="urn:uuid:1")] * 2)),
        Example("a condition on another type", "POST Patient", PATIENT, {"If-None-Exist": "Person?identifier=1"}),
        Example("a message without MessageHeader", "POST $process-message", {
            "resourceType": "Bundle", "type": "message", "entry": [{"fullUrl": "urn:uuid:1", "resource": _patient()}]}),
        Example("a routing header that is none", "POST $process-message", MESSAGE, {"NHSD-Target-Identifier": "x"},
                shows='{"resourceType": "Bundle", "type": "message", …}'),
    ),
    "400 patches": (
        Example("a Task without its version", "PATCH Task/{draft}", _move("requested")),
        Example("a version that is none", "PATCH Patient/{patient}", ACTIVE, {"If-Match": "x"}),
        Example("a patch that is none", "PATCH Patient/{patient}", _patient(active=True)),
        Example("a JSON Patch without op", "PATCH Patient/{patient}", [{"path": "/active"}]),
        Example("a patch of the id", "PATCH Patient/{patient}", [{"op": "replace", "path": "/id", "value": "x"}]),
        Example("a FHIRPath Patch without operations", "PATCH Patient/{patient}", {"resourceType": "Parameters"}),
        Example("a path that is none", "PATCH Patient/{patient}", _fhirpath(
            {"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.name.count()"})),
    ),
    "400 searches": (
        Example("an unknown parameter, strictly", "GET Patient?nonsense=1", headers={"Prefer": "handling=strict"}),
        Example("the same in a condition", "DELETE Patient?nonsense=1"),
        Example("neither id nor criteria", "DELETE Patient"),
        Example("criteria that choose nothing", "DELETE Patient?_count=1"),
        Example("a parameter without a value", "GET Patient?name="),
        Example("a modifier that it has not", "GET Patient?birthdate:exact=2026"),
        Example("no date", "GET Patient?birthdate=yesterday"),
        Example("no number", "GET RiskAssessment?probability=likely"),
        Example("no boolean", "GET Task?owner:missing=maybe"),
        Example("a chain that does not say to what", "GET Task?focus.status=active"),
        Example("a chain from what is no reference", "GET Task?status.name=x"),
        Example("a chain to an unknown parameter", "GET Task?patient.nonsense=x"),
        Example("an incomplete `_has`", "GET Patient?_has:Task=x"),
        Example("an include that is none", "GET Task?_include=focus"),
        Example("an include of another type", "GET Task?_include=Patient:organization"),
        Example("an include of what is no reference", "GET Task?_include=Task:status"),
        Example("an unknown order", "GET Task?_sort=nonsense"),
        Example("no number of matches", "GET Task?_count=many"),
        Example("an unknown summary", "GET Patient?_summary=short"),
        Example("two parts at once", "GET Patient?_summary=true&_elements=name"),
        Example("a cursor that is none of ours", "GET Task?_cursor=x"),
        Example("no instant", "GET Task/_history?_since=yesterday"),
        Example("an unknown parameter of a history", "GET Task/_history?_sort=x"),
        Example("AuditEvents by another parameter", "GET AuditEvent?outcome=0"),
        Example("the history of AuditEvents", "GET AuditEvent/_history"),
    ),
    "400 others": (
        Example("an unknown parameter", "GET HealthcareService/$find-destination?covrage=medicaid"),
        Example("an unknown coverage", "GET HealthcareService/$find-destination?coverage=gold"),
        Example("no duration", "GET HealthcareService/$find-destination?within=soon"),
        Example("too long a duration", "GET HealthcareService/$find-destination?within=P99D"),
        Example("no Parameters", "POST HealthcareService/$find-destination", _patient()),
        Example("a period without end", "GET Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01"),
        Example("a report on one person", "GET Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01"
                "&periodEnd=2026-02-01&reportType=subject"),
        Example("a period that ends before it begins",
                "GET Measure/completion-rate/$evaluate-measure?periodStart=2026-02-01&periodEnd=2026-01-01"),
        Example("an unknown stratifier",
                "GET Measure/completion-rate/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-02-01"
                "&stratifier=x"),
        Example("no number of an event", f"GET Subscription/{SENDER}/$events?eventsSinceNumber=x"),
        Example("a request key that is none", "POST Patient", _patient(), {"X-Request-ID": "two words"}),
        Example("no recipient", "POST Task", {name: value for name, value in TASK.items() if name != "owner"}),
        Example("an abort request about something else", "POST Task", {
            **TASK, "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]}}),
        Example("plain JSON: not an object", "POST /handoffs", "[]", JSON),
        Example("plain JSON: a member is missing", "POST /handoffs", {"recipient": RECEIVER}, JSON),
        Example("plain JSON: an unknown parameter", "GET /handoffs?person=x"),
        Example("plain JSON: nobody was reached, and no reason", "POST /handoffs/{task}/contacts", {
            "at": "2026-01-05T09:00:00Z", "by": "phone", "whom": "other-side", "reached": False}, JSON),
        Example("plain JSON: an unknown member", "POST /handoffs", {**PLAIN, "nonsense": 1}, JSON),
    ),
}  # fmt: skip

UNAUTHORIZED: Final = (
    Example("no token", "GET Task/{task}", who=None),
    Example("another scheme", "GET Task/{task}", headers={"Authorization": "Basic eDp5"}, who=None),
    Example("a token that is not ours", "GET Task/{task}", headers={"Authorization": "Bearer a.b.c"}, who=None),
    Example("a token that has expired", "GET Task/{task}", headers={"Authorization": "Bearer {expired}"}, who=None),
    Example("a token of nobody who is registered", "GET Task/{task}",
            headers={"Authorization": "Bearer {stranger}"}, who=None),
)  # fmt: skip

FORBIDDEN: Final = (
    Example("a scope is missing", "DELETE Patient/{patient}", scopes="system/*.rs"),
    Example("asking in another's name", "POST Task", {**TASK, "requester": {"reference": f"Organization/{THIRD}"}}),
    Example("a message in another's name", "POST $process-message", {**MESSAGE, "entry": [
        {**MESSAGE["entry"][0], "resource": {
            **MESSAGE["entry"][0]["resource"], "sender": {"reference": f"Organization/{THIRD}"}}},
        *MESSAGE["entry"][1:]]}, shows='{"resourceType": "Bundle", "type": "message", …}'),
    Example("changing what the other side sent", "PATCH ServiceRequest/{request}",
            [{"op": "add", "path": "/priority", "value": "stat"}], who=RECEIVER),
    Example("changing the register", f"PATCH Organization/{SENDER}",
            [{"op": "replace", "path": "/name", "value": "x"}]),
)  # fmt: skip

NOT_FOUND: Final = (
    Example("no such id", "GET Patient/nobody"),
    Example("another organisation's", "GET Task/{task}", who=THIRD),
    Example("withheld: no Consent of the person covers it any more", "GET Task/{withheld}", who=WITHHELD_FROM),
    Example("no such version", "GET Patient/{patient}/_history/9"),
    Example("what cannot be an id", "GET Patient/a_b"),
    Example("no resource type", "GET Nonsense/1"),
    Example("no such address", "GET /nonsense"),
    Example("a patch of nothing", "PATCH Patient/nobody", ACTIVE),
    Example("nobody's history", "GET Patient/nobody/_history"),
    Example("no such handoff", "GET /handoffs/nobody"),
    Example("no such handoff to answer", "POST /handoffs/nobody/status", {"status": "accepted"}, JSON),
    Example("no evidence of nothing", "GET Task/nobody/$evidence"),
    Example("no such measure", "GET Measure/nobody/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-02-01"),
    Example("another's Subscription", f"GET Subscription/{THIRD}/$status"),
)  # fmt: skip

OTHERS: Final[Mapping[str, Sequence[Example]]] = {
    "405": (
        Example("an id that does not exist here", "PUT Patient/mine", _patient(id="mine")),
        Example("what the server makes itself", "DELETE AuditEvent/{patient}"),
        Example("a method that this address has not", "PUT Patient/{patient}/_history"),
    ),
    "406": (
        Example("another form of answer", "GET Patient/{patient}", headers={"Accept": "application/fhir+xml"}),
        Example("the same by parameter", "GET Patient/{patient}?_format=xml"),
    ),
    "410": (
        Example("deleted", "GET Patient/{patient}", before=[Example("", "DELETE Patient/{patient}")]),
        Example("a patch of what was deleted", "PATCH Patient/{patient}", ACTIVE,
                before=[Example("", "DELETE Patient/{patient}")]),
    ),
    "412": (
        Example("a stale version", "PATCH Patient/{patient}", ACTIVE, {"If-Match": 'W/"9"'}),
        Example("a stale version in the resource (Task)", "PUT Task/{draft}", {
            **TASK, "id": "{draft}", "meta": {"versionId": "9"}}),
        Example("only if there is none", "PUT Patient/{patient}", _patient(id="{patient}"), {"If-None-Match": "*"}),
        Example("criteria that match several", f"DELETE Patient?{CONDITION}", before=TWICE),
        Example("a conditional create that could mean several", "POST Patient", PATIENT,
                {"If-None-Exist": CONDITION}, before=TWICE),
        Example("a conditional reference that could mean several", "POST ", _bundle(_entry("POST", "Flag", {
            "resourceType": "Flag", "status": "active", "code": {"text": "x"},
            "subject": {"reference": f"Patient?{CONDITION}"}})), before=TWICE),
    ),
    "413": (
        Example("a body over the limit (here 200,000 bytes)", "POST Patient", '"' + "x" * 200_001 + '"', shows="…"),
        Example("too many entries", "POST ", _bundle(*[_entry("GET", "Task")] * 501),
                shows='{"resourceType": "Bundle", "type": "transaction", "entry": [501 of them]}'),
        Example("a form over the limit", "POST Task/_search", "_id=" + "x" * 300_000, FORM, shows="_id=…"),
        Example("a chain of more than five references",
                "GET Task?patient.organization.partof.partof.partof.partof.partof.name=x"),
    ),
    "415": (
        Example("XML", "POST Patient", '<Patient xmlns="http://hl7.org/fhir"/>',
                {"Content-Type": "application/fhir+xml"}),
        Example("another charset", "POST Patient", _patient(), {"Content-Type": "application/json; charset=latin1"}),
        Example("another encoding", "POST Patient", _patient(), {"Content-Encoding": "br"}),
    ),
    "422": (
        Example("a step that the lifecycle does not have", "PATCH Task/{task}", _move("completed"),
                {"If-Match": 'W/"1"'}, who=RECEIVER),
        Example("a step that is the other side's", "PATCH Task/{task}", _move("accepted"), {"If-Match": 'W/"1"'}),
        Example("a step that needs a reason", "PATCH Task/{task}", _move("rejected"), {"If-Match": 'W/"1"'},
                who=RECEIVER),
        Example("a gate: facts are missing", "POST Task", {
            **TASK, "instantiatesCanonical": "https://handoff.example/fhir/PlanDefinition/iop-discharge"}),
        Example("a message to nobody who is registered", "POST $process-message", {
            **MESSAGE, "entry": [MESSAGE["entry"][0]]}, shows='{"resourceType": "Bundle", "type": "message", …}'),
        Example("an unknown pathway", "POST Task", {
            **TASK, "instantiatesCanonical": "https://handoff.example/fhir/PlanDefinition/x"}),
        Example("an owner who is not registered", "POST Task", {**TASK, "owner": {"display": "somebody"}}),
        Example("what is fixed once it is requested", "PATCH Task/{task}",
                [{"op": "add", "path": "/input", "value": [{"type": {"text": "x"}, "valueString": "x"}]}],
                {"If-Match": 'W/"1"'}),
        Example("deleting what belongs to a handoff", "DELETE ServiceRequest/{request}"),
        Example("a claimed profile is not met", "POST Task", {
            **TASK, "meta": {"profile": ["https://handoff.example/fhir/StructureDefinition/handoff-task"]}}),
        Example("a part sent as the whole", "PUT Patient/{patient}", _patient(
            id="{patient}", meta={"tag": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]})),
        Example("a test of the patch fails", "PATCH Patient/{patient}",
                [{"op": "test", "path": "/active", "value": True}]),
        Example("a patch of what is not there", "PATCH Patient/{patient}", [{"op": "remove", "path": "/photo"}]),
        Example("the same as FHIRPath Patch", "PATCH Patient/{patient}", _fhirpath(
            {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Patient.name[3]"},
            {"name": "value", "valueHumanName": {"text": "x"}})),
        Example("restricted content without a Consent of the person (42 CFR Part 2)", "POST Task", {
            **TASK, "meta": {"security": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"}]}}),
        Example("a Subscription to another topic", "POST Subscription", _subscription(criteria="Task?")),
        Example("… to an address that nothing may be sent to", "POST Subscription",
                _subscription(channel={"type": "rest-hook", "endpoint": "http://10.0.0.1/hook"})),
        Example("… by another channel, to nowhere", "POST Subscription", _subscription(channel={"type": "email"})),
        Example("… that has ended already", "POST Subscription", _subscription(end="2020-01-01T00:00:00Z")),
        Example("… with too many headers", "POST Subscription", _subscription(channel={
            "type": "rest-hook", "endpoint": "http://127.0.0.1:9/hook",
            "header": [f"X-{n}: x" for n in range(21)]}),
                shows='{"resourceType": "Subscription", …, "channel": {…, "header": [21 of them]}}'),
        Example("more than 100 Subscriptions", "POST ",
                _bundle(*[_entry("POST", "Subscription", _subscription())] * 101),
                shows='{"resourceType": "Bundle", "type": "transaction", "entry": [101 of them]}'),
        Example("a request key with another body", "POST Patient", _patient(active=True), {"X-Request-ID": "{number}"},
                before=[Example("", "POST Patient", _patient(), {"X-Request-ID": "{number}"})]),
    ),
}  # fmt: skip

PARTS: Final[Mapping[str, Sequence[Example]]] = {
    **BAD_REQUEST, "401": UNAUTHORIZED, "403": FORBIDDEN, "404": NOT_FOUND, **OTHERS
}  # fmt: skip

WARNINGS: Final = (
    Example("a parameter was left out of the search", "GET Patient?nonsense=1&_id={patient}"),
    Example("handoffs are withheld, whatever is searched for", "GET Task?_id=x", who=WITHHELD_FROM,
            before=[Example("", "GET Task/{withheld}", who="iop-program")]),
    Example("a profile that is not known here", "POST Patient", _patient(meta={"profile": ["http://example.org/x"]}),
            {"Prefer": "return=OperationOutcome"}),
)  # fmt: skip

TOKENS: Final = (
    Example("no form", "POST /oauth/token", {}, JSON, who=None),
    Example("a parameter is missing", "POST /oauth/token", "grant_type=client_credentials", FORM, who=None),
    Example("another grant", "POST /oauth/token", "grant_type=password&client_assertion_type=x&client_assertion=x",
            FORM, who=None),
    Example("an assertion that proves nothing", "POST /oauth/token", f"{GRANT}a.b.c", FORM, who=None),
    Example("scopes that are not registered", "POST /oauth/token", GRANT + "{assertion}&scope=patient/Task.read",
            FORM, who=None),
)  # fmt: skip

UNPROVOKED: Final = (
    ("408", "timeout", "the body did not arrive in time", "send it again", "api/test_slow_senders.py"),
    ("503", "throttled", "the server waits for many bodies already", "wait as `Retry-After` says, send it again",
     "api/test_slow_senders.py"),
)  # fmt: skip
"""What it takes many or slow requests for: status, code, when, what to do, and the test that shows it."""
