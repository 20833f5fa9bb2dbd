"""The CapabilityStatement is true: all that it declares is answered, and every route is declared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from whole_house import Caller, Tree, WholeHouse

ASKED = {
    "token": "x", "string": "x", "uri": "urn:x", "date": "2026-01-01", "number": "1", "quantity": "1", "reference": "x",
}  # fmt: skip
WHOLE: dict[str, Tree] = {
    "Task": {"resourceType": "Task", "status": "draft", "intent": "order", "owner": {"reference": "Patient/nobody"}},
    "Patient": {"resourceType": "Patient"},
    "Basic": {"resourceType": "Basic", "code": {"text": "x"}},
    "Observation": {"resourceType": "Observation", "status": "final", "code": {"text": "x"}},
    "AuditEvent": {
        "resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2026-03-01T00:00:00Z",
        "agent": [{"requestor": True}], "source": {"observer": {"display": "x"}},
    },
    "Subscription": {
        "resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Task?",
        "channel": {"type": "rest-hook"},
    },
}  # fmt: skip
TRIED = {
    "read": lambda c, t: c.get(f"{t}/nobody"),
    "vread": lambda c, t: c.get(f"{t}/nobody/_history/1"),
    "history-instance": lambda c, t: c.get(f"{t}/nobody/_history"),
    "history-type": lambda c, t: c.get(f"{t}/_history?_count=1"),
    "search-type": lambda c, t: c.get(f"{t}?_id=nobody"),
    "create": lambda c, t: c.post(t, WHOLE[t]),
    "update": lambda c, t: c.put(f"{t}?_id=nobody", WHOLE[t]),
    "patch": lambda c, t: c.patch(f"{t}/nobody", []),
    "delete": lambda c, t: c.delete(f"{t}?_id=nobody"),
}
"""Each on nothing; what is answered says that there is nothing, or that the content is wrong, but never that it is not
done here."""


@pytest.fixture(scope="module")
def statement(house: WholeHouse) -> Tree:
    got = house.nobody.get("metadata")
    assert got.status == 200
    return got.tree  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def rest(statement: Tree) -> Tree:
    (rest,) = statement["rest"]
    return rest  # type: ignore[no-any-return]


def by_type(rest: Tree) -> dict[str, Tree]:
    return {each["type"]: each for each in rest["resource"]}


def test_it_is_valid(sender: Caller, statement: Tree) -> None:
    got = sender.post("CapabilityStatement/$validate", statement)
    assert {i["severity"] for i in got.issues} == {"information"}, got.tree


def test_every_interaction_that_is_declared_is_answered_and_no_other(sender: Caller, rest: Tree) -> None:
    for type_, declared in by_type(rest).items():
        if type_ not in WHOLE:
            continue
        codes = {each["code"] for each in declared["interaction"]}
        for code, attempt in TRIED.items():
            got = attempt(sender, type_)
            declined = got.status == 405 or (got.status == 400 and got.code == "not-supported")
            assert declined is (code not in codes), (type_, code, got.tree)
            assert got.status < 500


@pytest.mark.parametrize("type_", ["Task", "ServiceRequest", "Patient", "Observation", "RiskAssessment", "Provenance",
                                   "Appointment", "CarePlan", "Communication", "Slot", "AuditEvent"])  # fmt: skip
def test_every_search_parameter_that_is_declared_is_understood(sender: Caller, rest: Tree, type_: str) -> None:
    declared = by_type(rest)[type_]["searchParam"]
    common = [] if type_ == "AuditEvent" else rest["searchParam"]
    for parameter in [*declared, *common]:
        name, value = parameter["name"], ASKED[parameter["type"]]
        if name == "_has":
            name, value = "_has:Provenance:target:_id", "x"
        if type_ == "AuditEvent" and name in {"entity", "agent", "patient"}:
            value = "Patient/x"
        got = sender.send("GET", f"{type_}?{name}={value}&_count=1", headers={"Prefer": "handling=strict"})
        assert got.status == 200, (type_, name, got.tree)


def test_every_type_declares_what_the_definitions_give_it(rest: Tree) -> None:
    types = by_type(rest)
    names = {p["name"] for p in types["Task"]["searchParam"]}
    assert {"owner", "requester", "status", "code", "focus", "patient", "identifier", "authored-on"} <= names
    assert "value-quantity" in {p["name"] for p in types["Observation"]["searchParam"]}
    assert "code-value-quantity" not in {p["name"] for p in types["Observation"]["searchParam"]}
    assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_has"} == {
        p["name"] for p in rest["searchParam"]
    }
    assert "Task:focus" in types["Task"]["searchInclude"]
    assert len(types) == 146


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, str(rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if str(rule).startswith("/fhir")
    }


def test_every_route_is_declared_and_every_operation_has_a_route(house: WholeHouse, rest: Tree) -> None:
    named = {o["name"] for each in [rest, *rest["resource"]] for o in each.get("operation", ())}
    found = {m[1] for _, path in routes(house.app) if (m := re.search(r"\$([a-z-]+)", path))}
    assert found == named
    plain = {(method, path) for method, path in routes(house.app) if "$" not in path and "OperationDef" not in path}
    assert plain == {
        ("GET", "/fhir/metadata"), ("GET", "/fhir/.well-known/smart-configuration"),
        ("POST", "/fhir"), ("POST", "/fhir/"),
        ("POST", "/fhir/<type_>"), ("GET", "/fhir/<type_>"), ("POST", "/fhir/<type_>/_search"),
        ("GET", "/fhir/<type_>/_search"),
        ("PUT", "/fhir/<type_>"), ("PATCH", "/fhir/<type_>"), ("DELETE", "/fhir/<type_>"),
        ("GET", "/fhir/<type_>/_history"), ("GET", "/fhir/<type_>/<id_>"),
        ("GET", "/fhir/<type_>/<id_>/_history"), ("GET", "/fhir/<type_>/<id_>/_history/<version>"),
        ("PUT", "/fhir/<type_>/<id_>"), ("PATCH", "/fhir/<type_>/<id_>"), ("DELETE", "/fhir/<type_>/<id_>"),
    }  # fmt: skip


def test_our_own_operations_are_defined_where_the_statement_says(sender: Caller, house: WholeHouse, rest: Tree) -> None:
    base = "https://handoff.example/fhir/"
    own = {o["definition"] for each in rest["resource"] for o in each["operation"] if o["definition"].startswith(base)}
    assert {url.rpartition("/")[2] for url in own} == {"evidence", "find-destination", "evaluate-measure"}
    for url in own:
        got = house.nobody.get(url.removeprefix(base))
        assert (got.status, got.tree["url"]) == (200, url)
        assert {i["severity"] for i in sender.post("OperationDefinition/$validate", got.tree).issues} == {"information"}
    assert sender.get("OperationDefinition/nobody").status == 404
    assert house.nobody.get("OperationDefinition/nobody").status == 401


def test_every_operation_and_plain_route_is_in_the_docs(house: WholeHouse, rest: Tree) -> None:
    docs = "".join(Path("docs", name).read_text(encoding="utf-8") for name in ("api.md", "plain-json.md"))
    named = {o["name"] for each in [rest, *rest["resource"]] for o in each.get("operation", ())}
    assert [name for name in sorted(named) if f"${name}" not in docs] == []
    plain = house.nobody.get("/openapi.json").tree["paths"]
    assert [path for path in plain if path not in docs] == []


def test_what_has_not_changed_since_is_not_sent_again(sender: Caller) -> None:
    made = sender.post("Basic", {"resourceType": "Basic", "code": {"text": "x"}})
    address, modified = f"Basic/{made.tree['id']}", made.headers["Last-Modified"]
    assert sender.get(address, If_Modified_Since=modified).status == 304
    assert sender.get(address, If_Modified_Since="Thu, 01 Jan 2015 00:00:00 GMT").status == 200
    both: Any = {"If_Modified_Since": modified, "If_None_Match": 'W/"7"'}
    assert sender.get(address, **both).status == 200
