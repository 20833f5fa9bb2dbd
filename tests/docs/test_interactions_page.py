"""docs/api/interactions.md says what is answered; every route has an example, every type does what it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import interactions
import pytest
from example import Example, Scene
from least import least
from whole_house import RECEIVER, SENDER, Caller, Got, WholeHouse

Tree = dict[str, Any]


@pytest.fixture(scope="module")
def statement(house: WholeHouse) -> Tree:
    return house.nobody.get("metadata").tree  # type: ignore[no-any-return]


def test_the_page_says_what_is_answered(
    house: WholeHouse, statement: Tree, hold_against: Callable[[str, Mapping[str, str]], None]
) -> None:
    answers = interactions.tried(house)
    failed = [(e.request, got.status, got.raw) for part in answers.values() for e, got in part if _unwanted(e, got)]
    assert failed == []
    hold_against("interactions.md", interactions.drawn(answers, statement))


def _unwanted(example: Example, got: Got) -> bool:
    return got.status >= 400 and "nonsense" not in example.request


def test_every_route_has_an_example(house: WholeHouse) -> None:
    routes = house.app.url_map.bind("localhost")
    shown = set()
    for example in (each for part in interactions.PARTS.values() for each in part):
        path = Scene(house, interactions.MAKERS).filled(example.address).partition("?")[0]
        rule, _ = routes.match(path, method=example.method, return_rule=True)
        shown.add((example.method, rule.rule))
    served = {
        (method, rule.rule)
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in interactions.UNSHOWN
    }
    assert served - shown == set()


def test_every_type_answers_every_interaction_that_it_declares(house: WholeHouse, statement: Tree) -> None:
    caller = house.caller(SENDER)
    declared = {each["type"]: {i["code"] for i in each["interaction"]} for each in statement["rest"][0]["resource"]}
    wrong = [
        (type_, code, got.status, got.raw[:300])
        for type_, codes in declared.items()
        if "delete" in codes and type_ not in OF_THEIR_OWN
        for code, wanted, got in _each(caller, type_)
        if (got.status != wanted) is (code in codes)
    ]
    assert wrong == []
    assert len(declared) == 146


OF_THEIR_OWN = {"AuditEvent", "Subscription"}
"""Made by the server or under rules of their own; they are tried elsewhere."""


def _least(type_: str) -> Tree:
    asked = {"owner": {"reference": f"Organization/{RECEIVER}"}, "requester": {"reference": f"Organization/{SENDER}"}}
    return {**least(type_), **(asked if type_ == "Task" else {})}


def _each(caller: Caller, type_: str) -> list[tuple[str, int, Got]]:
    made = caller.post(type_, _least(type_))
    address = f"{type_}/{made.tree.get('id')}"
    found = f"{type_}?_id={made.tree.get('id')}"
    condition = {"If_None_Exist": f"_id={made.tree.get('id')}"}
    version = {"If_Match": 'W/"1"'}
    unchanged: list[Tree] = [{"op": "test", "path": "/resourceType", "value": type_}]
    read = caller.get(address, Accept="application/fhir+json")
    return [
        ("create", 201, made),
        ("read", 200, read),
        ("vread", 200, caller.get(f"{address}/_history/1")),
        ("history-instance", 200, caller.get(f"{address}/_history")),
        ("history-type", 200, caller.get(f"{type_}/_history?_count=1")),
        ("search-type", 200, caller.get(found)),
        ("create", 200, caller.post(type_, _least(type_), **condition)),
        ("update", 200, caller.put(address, read.tree, **version)),
        ("update", 200, caller.put(found, {**_least(type_), "meta": {"versionId": "2"}})),
        ("patch", 200, caller.patch(address, unchanged, If_Match='W/"3"')),
        ("delete", 204, caller.delete(address)),
        ("read", 410, caller.get(address)),
    ]
