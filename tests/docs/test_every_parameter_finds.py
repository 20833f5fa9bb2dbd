"""Every search parameter of every type finds a resource that bears what it looks for, at every place where it looks."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import searches
from bearing import bearing
from whole_house import SENDER, Caller, WholeHouse, bundle, entry

Tree = dict[str, Any]

MADE_HERE = {"Resource", "AuditEvent", "Subscription"}
"""Whose content the server decides; they are searched elsewhere, and so is what every type has."""
ELSEWHERE = {
    ("Bundle", "composition"), ("Bundle", "message"), ("Patient", "deceased"), ("Bundle", "type"), ("Task", "owner"),
    ("Task", "requester"), ("Organization", "address-use"),
}  # fmt: skip
"""Of whole resources, of what is not there, and of what may not have just any value."""
AT_ONCE = 200


def test_every_parameter_finds_what_bears_it(house: WholeHouse) -> None:
    caller, statement = house.caller(SENDER), house.nobody.get("metadata").tree
    borne = [
        (type_, definition["code"], tree, value)
        for type_, rows in searches.parameters(statement).items()
        if type_ not in MADE_HERE
        for definition, _ in rows
        if (type_, definition["code"]) not in ELSEWHERE
        for tree, value in bearing(type_, definition)
    ]
    lost: list[tuple[str, str, str]] = []
    for start in range(0, len(borne), AT_ONCE):
        lost += _lost(caller, borne[start : start + AT_ONCE])
    assert not lost, "\n".join(map(str, lost))
    assert len(borne) > 1500


def _lost(caller: Caller, borne: list[tuple[str, str, Tree, str]]) -> list[tuple[str, str, str]]:
    made = caller.post("", bundle(*[entry("POST", type_, tree) for type_, _, tree, _ in borne], type="batch"))
    assert made.status == 200, [(borne[_at(issue)][:2], issue) for issue in made.issues]
    queries = [
        f"{type_}?{code}={quote(value)}&_id={each['response'].get('location', 'x/none').split('/')[1]}"
        for (type_, code, _, value), each in zip(borne, made.tree["entry"], strict=True)
    ]
    found = caller.post("", bundle(*[entry("GET", query) for query in queries], type="batch")).tree["entry"]
    return [
        (query, each["response"]["status"], answered["response"]["status"])
        for query, each, answered in zip(queries, made.tree["entry"], found, strict=True)
        if answered.get("resource", {}).get("total") != 1
    ]


def _at(issue: Tree) -> int:
    return int(issue["expression"][0].partition("[")[2].partition("]")[0])
