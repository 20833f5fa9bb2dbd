"""Every way to ask for a resource, made from what the CapabilityStatement says that this server does.

A table says for each interaction, kind of search parameter and operation how it is tried. What the statement lists and
no table knows makes the generator fail (KeyError), so that a new interaction is tried or the tests are red.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from typing import Any, Final
from urllib.parse import urlencode

from every_search import every_search
from specimens import SYSTEM, Tree, bare
from tenants import BARE_GIVEN, Owned, subscription
from whole_house import FHIR_JSON, JSON_PATCH, bundle, entry, transaction

from mappings.canonicals import FHIR_TASK_CODE_SYSTEM
from mappings.json_codec import encode

_FILTER: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """`path` is relative to the FHIR base unless it begins with a slash."""

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def as_nobodys(self, foreign: Owned) -> Request:
        body = foreign.as_nobodys(self.body.decode()).encode() if self.body is not None else None
        headers = tuple((name, foreign.as_nobodys(value)) for name, value in self.headers)
        return Request(self.method, foreign.as_nobodys(self.path), body, headers)


@dataclass(frozen=True)
class Attempt:
    """`label` names the interaction; `finds`: it is a search by which its author finds the resource."""

    label: str
    request: Request
    finds: bool = False


def get(path: str, **headers: str) -> Request:
    return Request("GET", path, None, _spelled(headers))


def send(method: str, path: str, tree: Any = None, type_: str = FHIR_JSON, **headers: str) -> Request:
    body = encode(tree) if tree is not None else None
    return Request(method, path, body, (("Content-Type", type_), *_spelled(headers)) if body else _spelled(headers))


def _spelled(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in headers.items())


PATCH: Final = [{"op": "add", "path": "/language", "value": "en"}]
FHIRPATH_PATCH: Final = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "language"}],
        }
    ],
}
PATCH_BINARY: Final = {
    "resourceType": "Binary",
    "contentType": JSON_PATCH,
    "data": b64encode(encode(PATCH)).decode(),
}

Made = Iterator[tuple[str, Request]]


def _read(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    yield "read", get(key)
    yield "head", Request("HEAD", key)
    yield "read unless it is version 1", get(key, If_None_Match='W/"1"')
    yield "read if changed since", get(key, If_Modified_Since="Sun, 06 Nov 2044 08:49:37 GMT")
    yield "read in short", get(f"{key}?_summary=true")
    yield "read some elements", get(f"{key}?_elements=id&_pretty=true")
    yield "read by an address of the base", get(f"/fhir/{key}?_format=json")


def _vread(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    yield "vread", get(f"{key}/_history/1")
    yield "vread of the next", get(f"{key}/_history/2")
    yield "vread, head", Request("HEAD", f"{key}/_history/1")


def _history_instance(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    yield "history", get(f"{key}/_history")
    yield "history, counted", get(f"{key}/_history?_count=0")
    yield "history in pages", get(f"{key}/_history?_count=1&_since=2020-01-01T00:00:00Z&_summary=true")


def _history_type(type_: str, tree: Tree) -> Made:
    yield "history of the type", get(f"{type_}/_history?_count=1000")
    yield "history of the type since", get(f"{type_}/_history?_since=2020-01-01T00:00:00Z&_elements=id")


def _search_type(type_: str, tree: Tree) -> Made:
    by_id = f"_id={tree['id']}"
    yield "search by id", get(f"{type_}?{by_id}")
    yield "search by id, posted", Request("POST", f"{type_}/_search", by_id.encode(), (("Content-Type", FORM),))
    yield "search by id, posted in the address", Request("POST", f"{type_}/_search?{by_id}")
    yield "search by id and total", get(f"{type_}?{by_id}&_total=accurate&_count=0")
    yield "search by id, count", get(f"{type_}?{by_id}&_summary=count")
    yield "search by id in order", get(f"{type_}?{by_id}&_sort=-_lastUpdated&_elements=id&_total=estimate")
    yield "search by id and follow", get(f"{type_}?{by_id}&_include=*&_revinclude:iterate=Provenance:target")
    yield "search for all", get(f"{type_}?_count=1000&_total=accurate")
    yield "search for all, count", get(f"{type_}?_summary=count")
    yield "search in time", get(f"{type_}?_lastUpdated=ge2020-01-01&_total=accurate")
    yield "search in reverse order", get(f"{type_}?_sort=_lastUpdated&_count=2")


def _create(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    yield "reference from a create", send("POST", "Basic", _pointing_at(type_, key))
    yield "reference to a version", send("POST", "Basic", _pointing_at(type_, f"{key}/_history/1"))
    yield "validation of a reference", send("POST", "Basic/$validate", _pointing_at(type_, key))
    yield "conditional create", send("POST", "Basic", _pointing_at(), If_None_Exist=f"subject={key}")
    yield "conditional create by id", send("POST", type_, _bare(tree), If_None_Exist=f"_id={tree['id']}")


def _update(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    bare = _bare(tree)
    yield "update", send("PUT", key, {**bare, "id": tree["id"]})
    yield "update of a version", send("PUT", key, {**bare, "id": tree["id"]}, If_Match='W/"1"')
    yield "update of another version", send("PUT", key, {**bare, "id": tree["id"]}, If_Match='W/"7"')
    yield "update of nothing", send("PUT", key, {**bare, "id": tree["id"]}, If_None_Match="*")
    yield "conditional update", send("PUT", f"{type_}?_id={tree['id']}", {**bare, "id": tree["id"]}, If_Match='W/"7"')


def _patch(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    yield "patch", send("PATCH", key, PATCH, JSON_PATCH)
    yield "patch of a version", send("PATCH", key, PATCH, JSON_PATCH, If_Match='W/"1"')
    yield "patch that tests", send("PATCH", key, [{"op": "test", "path": "/id", "value": tree["id"]}], JSON_PATCH)
    yield "fhirpath patch", send("PATCH", key, FHIRPATH_PATCH, If_Match='W/"1"')
    yield "conditional patch", send("PATCH", f"{type_}?_id={tree['id']}", PATCH, JSON_PATCH)


def _delete(type_: str, tree: Tree) -> Made:
    key = f"{type_}/{tree['id']}"
    yield "delete", Request("DELETE", key)
    yield "delete of another version", Request("DELETE", key, None, (("If-Match", 'W/"7"'),))
    yield "conditional delete", Request("DELETE", f"{type_}?_id={tree['id']}")
    yield (
        "conditional delete of another version",
        Request("DELETE", f"{type_}?_id={tree['id']}", None, (("If-Match", 'W/"7"'),)),
    )


INTERACTIONS: Final[dict[str, Callable[[str, Tree], Made]]] = {
    "read": _read,
    "vread": _vread,
    "history-instance": _history_instance,
    "history-type": _history_type,
    "search-type": _search_type,
    "create": _create,
    "update": _update,
    "patch": _patch,
    "delete": _delete,
}


def _transaction(type_: str, tree: Tree) -> Made:
    key, by_id, bare = f"{type_}/{tree['id']}", f"{type_}?_id={tree['id']}", _bare(tree)
    patch = entry("PATCH", key, FHIRPATH_PATCH, ifMatch='W/"1"')
    yield "read in a transaction", _bundle(entry("GET", key))
    yield "search in a transaction", _bundle(entry("GET", f"{by_id}&_include=*"))
    yield "update in a transaction", _bundle(entry("PUT", key, {**bare, "id": tree["id"]}, ifMatch='W/"1"'))
    yield "patch in a transaction", _bundle(entry("PATCH", key, PATCH_BINARY))
    yield "fhirpath patch in a transaction", _bundle(patch)
    yield "delete in a transaction", _bundle(entry("DELETE", key))
    yield "conditional patch in a transaction", _bundle(entry("PATCH", by_id, PATCH_BINARY))
    yield "conditional delete in a transaction", _bundle(entry("DELETE", by_id))
    yield (
        "conditional create in a transaction",
        _bundle(entry("POST", "Basic", _pointing_at(), ifNoneExist=f"subject={key}")),
    )
    yield "reference from a transaction", _transaction_of(_pointing_at(type_, key))
    yield "absolute reference", _transaction_of(_pointing_at(type_, f"http://127.0.0.1:8080/fhir/{key}"))
    yield "conditional reference", _transaction_of(_pointing_at(type_, by_id))
    yield (
        "reference as the full url",
        _bundle(
            entry("POST", "Basic", _pointing_at(type_, key), fullUrl=f"http://127.0.0.1:8080/fhir/Basic/{tree['id']}")
        ),
    )
    yield (
        "reference from what is contained",
        _transaction_of(
            {**_pointing_at(), "contained": [{**_pointing_at(type_, key), "id": "a"}], "subject": {"reference": "#a"}}
        ),
    )


def _batch(type_: str, tree: Tree) -> Made:
    key, by_id = f"{type_}/{tree['id']}", f"{type_}?_id={tree['id']}"
    whole = {**_bare(tree), "id": tree["id"]}
    yield "all in a batch", send("POST", "", bundle(
        entry("GET", key), entry("GET", f"{key}/_history/1"), entry("GET", by_id), entry("HEAD", key),
        entry("GET", f"{by_id}&_summary=count"), entry("PUT", key, whole, ifMatch='W/"7"'),
        entry("PATCH", key, PATCH_BINARY), entry("DELETE", key, ifMatch='W/"7"'), entry("PATCH", by_id, PATCH_BINARY),
        entry("POST", "Basic", _pointing_at(type_, key)), entry("POST", "Basic", _pointing_at(type_, by_id)),
        type="batch",
    ))  # fmt: skip


SYSTEM_INTERACTIONS: Final = {"transaction": _transaction, "batch": _batch}


def _validate(type_: str, tree: Tree) -> Made:
    yield "validate", send("POST", f"{type_}/$validate", {**_bare(tree), "id": tree["id"]})


def _evidence(type_: str, tree: Tree) -> Made:
    yield "evidence", get(f"{type_}/{tree['id']}/$evidence")
    yield "evidence, head", Request("HEAD", f"{type_}/{tree['id']}/$evidence")


def _find_destination(type_: str, tree: Tree) -> Made:
    mark = tree["identifier"][0]["value"]
    yield "find a destination", get(f"{type_}/$find-destination?coverage=medicaid&within=P92D")
    yield "find a destination by its name", get(f"{type_}/$find-destination?coverage=unknown&type={mark}")


def _evaluate_measure(type_: str, tree: Tree) -> Made:
    period = "periodStart=1900-01-01&periodEnd=2100-01-01"
    yield "measure by a measure of another's", get(f"{type_}/{tree['id']}/$evaluate-measure?{period}")


def _status(type_: str, tree: Tree) -> Made:
    yield "status of a subscription", get(f"{type_}/{tree['id']}/$status")
    yield "status of subscriptions", get(f"{type_}/$status?id={tree['id']}")
    yield "status of all subscriptions", get(f"{type_}/$status")


def _events(type_: str, tree: Tree) -> Made:
    yield "events of a subscription", get(f"{type_}/{tree['id']}/$events")
    yield "events by number", get(f"{type_}/{tree['id']}/$events?eventsSinceNumber=1&eventsUntilNumber=9")
    yield "events in full", get(f"{type_}/{tree['id']}/$events?content=full-resource")


OPERATIONS: Final[dict[str, Callable[[str, Tree], Made]]] = {
    "validate": _validate,
    "evidence": _evidence,
    "find-destination": _find_destination,
    "evaluate-measure": _evaluate_measure,
    "status": _status,
    "events": _events,
}


def on_type(statement: Tree, foreign: Owned, *, varied: bool) -> Iterator[Attempt]:
    """For one `rest.resource` of the statement: its interactions and operations on the foreign resource of the type;
    `varied` in all their forms, else in the first."""
    type_ = statement["type"]
    if (tree := foreign.trees.get(type_)) is None:
        return
    for interaction in statement["interaction"]:
        forms = INTERACTIONS[interaction["code"]](type_, tree)
        for label, request in forms if varied else islice(forms, 1):
            yield Attempt(label, request)
    for operation in statement["operation"]:
        for label, request in OPERATIONS[operation["name"]](type_, tree):
            yield Attempt(f"${operation['name']}: {label}", request)


def on_system(statement: Tree, type_: str, foreign: Owned) -> Iterator[Attempt]:
    """For the interactions of the whole server (transaction, batch), aimed at the foreign resource of a type."""
    for interaction in statement["rest"][0]["interaction"]:
        for label, request in SYSTEM_INTERACTIONS[interaction["code"]](type_, foreign.trees[type_]):
            yield Attempt(label, request)


def by_searching(statement: Tree, common: list[Tree], foreign: Owned, *, modified: bool) -> Iterator[Attempt]:
    """Every search parameter and include of the type, with the foreign resource's own values; `modified` adds the
    modifiers, prefixes, chains and `_has`."""
    type_ = statement["type"]
    tree = foreign.trees.get(type_)
    names = {each["name"]: each["type"] for each in [*common, *statement.get("searchParam", ())]}
    for label, query, finds in every_search(type_, tree, names, statement.get("searchInclude", ()), modified):
        path = f"{type_}?{urlencode(query)}"
        yield Attempt(label, get(path), finds=finds)


def by_condition(type_: str, foreign: Owned) -> Iterator[Attempt]:
    """Conditional writes and references whose criteria only the foreign resource meets: its business identifier."""
    criteria = f"identifier={SYSTEM}|{foreign.mark.text}"
    bare = _bare(foreign.trees[type_])
    yield Attempt("conditional update by number", send("PUT", f"{type_}?{criteria}", bare, If_Match='W/"7"'))
    yield Attempt("conditional patch by number", send("PATCH", f"{type_}?{criteria}", PATCH, JSON_PATCH))
    yield Attempt("conditional delete by number", Request("DELETE", f"{type_}?{criteria}"))
    yield Attempt("conditional create by number", send("POST", "Basic", _pointing_at(), If_None_Exist=criteria))
    yield Attempt("conditional reference by number", _transaction_of(_pointing_at(type_, f"{type_}?{criteria}")))
    yield Attempt("conditional delete by number in a transaction", _bundle(entry("DELETE", f"{type_}?{criteria}")))


def beside_fhir(foreign: Owned, *, audit: bool) -> Iterator[Attempt]:
    """The routes that are no FHIR, what only a Task can be asked for, and what the server itself makes of a handoff:
    its Provenance and, with `audit`, its AuditEvents."""
    task, patient = foreign.id("Task"), foreign.id("Patient")
    for label, request in _of_handoff(task, patient, foreign.mark.text):
        yield Attempt(label, request)
    if audit:
        for name, reference in product(("entity", "patient"), (f"Task/{task}", f"Patient/{patient}", patient)):
            yield Attempt("audit", get(f"AuditEvent?{name}={reference}"))


def _of_handoff(task: str, patient: str, mark: str) -> Made:
    page = {"Accept": "text/html"}
    yield "handoff", get(f"/handoffs/{task}")
    yield "handoff as a page", get(f"/handoffs/{task}", **page)
    yield "evidence as a page", get(f"/handoffs/{task}/evidence", **page)
    yield "answer in plain JSON", send("POST", f"/handoffs/{task}/status", {"status": "accepted"}, "application/json")
    visit = {"start": "2026-01-06T15:00:00Z", "end": "2026-01-06T16:00:00Z", "status": "booked"}
    attempt = {"at": "2026-01-05T09:00:00Z", "by": "phone", "whom": "person", "reached": True}
    file = {"kind": "other", "title": "x", "content_type": "text/plain", "content": "eA==", "written": attempt["at"]}
    signed = {
        "about": "substance-use",
        "recipients": ["outpatient-clinic"],
        "purpose": "treatment",
        "signed": "2026-01-05",
    }
    disclosed = {"nature": "x", "to": {"name": "x", "organization": "outpatient-clinic"}, "by": {"name": "y"}}
    added = {"contacts": attempt, "appointment": visit, "documents": file, "consents": signed}
    added["emergency"] = {**disclosed, "at": attempt["at"]}
    for name, tree in added.items():
        yield f"{name} in plain JSON", send("POST", f"/handoffs/{task}/{name}", tree, "application/json")
    yield "withdrawal in plain JSON", Request("DELETE", f"/handoffs/{task}/consents")
    yield "list in plain JSON", get("/handoffs")
    yield "worklist", get("/", **page)
    yield "governance", get("/governance", **page)
    yield "deliveries", get("/deliveries", **page)
    yield "transition", get(f"Provenance/{task}.1")
    yield "transition, vread", get(f"Provenance/{task}.1/_history/1")
    yield "transition, history", get(f"Provenance/{task}.1/_history")
    yield "transitions", get(f"Provenance?target=Task/{task}&_total=accurate")
    yield "transitions, beside", get(f"Task?_id={task}&_revinclude=Provenance:target")
    yield "transitions, page", get(f"Provenance?target=Task/{task}&_cursor=transition.1&_count=1")
    for measure in ("acceptance-rate", "handoff-outcomes"):
        yield "measures", get(f"Measure/{measure}/$evaluate-measure?periodStart=1900-01-01&periodEnd=2100-01-01")
    for status in ("accepted", "rejected", "cancelled", "completed"):
        patch = [{"op": "replace", "path": "/status", "value": status}]
        yield "status of a handoff", send("PATCH", f"Task/{task}", patch, JSON_PATCH, If_Match='W/"1"')
    narrowed = {"url": _FILTER, "valueString": f"Task?patient=Patient/{patient}"}
    yield "subscription to what happens to a patient", send("POST", "Subscription", {
        "resourceType": "Subscription", **subscription("x"), "_criteria": {"extension": [narrowed]}
    })  # fmt: skip
    yield "abort", send("POST", "Task", _task("abort", focus={"reference": f"Task/{task}"}))
    yield "contact attempt", send("POST", "Communication", {
        "resourceType": "Communication", "status": "not-done", "about": [{"reference": f"Task/{task}"}]
    })  # fmt: skip
    for element in ("partOf", "basedOn"):
        child = _task("fulfill", **{element: [{"reference": f"Task/{task}"}]})
        yield "as the parent of a Task", send("POST", "Task", child)
    for_it = _task("fulfill", **{"for": {"reference": f"Patient/{patient}"}})
    yield "as the patient of a Task", send("POST", "Task", for_it)
    owner = {"reference": f"PractitionerRole?identifier={SYSTEM}|{mark}"}
    yield "as the owner of a Task", send("POST", "", transaction(_task("fulfill", owner=owner)))


def _task(code: str, **more: Any) -> Tree:
    coding = {"system": FHIR_TASK_CODE_SYSTEM, "code": code}
    task = {"resourceType": "Task", "status": "requested", "intent": "order", "code": {"coding": [coding]}}
    return {**task, "owner": {"reference": "Organization/case-management"}, **more}


def _pointing_at(type_: str | None = None, reference: str | None = None) -> Tree:
    """A resource that points at `reference` from an element that may point at anything."""
    basic: Tree = {"resourceType": "Basic", "code": {"text": "x"}}
    return basic if reference is None else {**basic, "subject": {"reference": reference, "type": type_}}


def _bundle(*entries: Tree) -> Request:
    return send("POST", "", bundle(*entries))


def _transaction_of(tree: Tree) -> Request:
    return send("POST", "", transaction(tree))


def _bare(tree: Tree) -> Tree:
    """A sound resource of the same type that says nothing of the foreign one: no values, no references."""
    return dict(_bare_of(tree["resourceType"]))


@cache
def _bare_of(type_: str) -> Tree:
    return bare(type_, BARE_GIVEN.get(type_, {}))
