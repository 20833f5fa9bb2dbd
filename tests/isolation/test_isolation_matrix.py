"""No organisation meets another's patients, whatever it asks: the generated matrix.

Each attempt is made on a resource of somebody else and on one that nobody has: status, headers and body must be the
same. How long an answer takes is not compared.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from attempts import INTERACTIONS, OPERATIONS, SYSTEM_INTERACTIONS, Attempt
from every_search import BY_KIND
from matrix import aimed, told_apart
from scene import GROUPS, Scene, searches
from tenants import Owned
from whole_house import Caller, bundle, entry

ELSEWHERE = {
    "/fhir/metadata": "about the server",
    "/fhir/.well-known/smart-configuration": "about the server",
    "/fhir/OperationDefinition/evidence": "about the server",
    "/fhir/OperationDefinition/find-destination": "about the server",
    "/fhir/OperationDefinition/evaluate-measure": "about the server",
    "/openapi.json": "about the server",
    "/healthz": "about the server",
    "/readyz": "about the server",
    "/metrics": "about the server",
    "/pages.css": "about the server",
    "/oauth/token": "whoever proves who it is gets a token of its own: tests/identity",
    "/demo/clock": "a demo's clock",
    "/demo/sign-in": "a demo's cookie",
    "/demo/sign-out": "a demo's cookie",
    "/fhir/": "the same as /fhir",
    "/fhir/$process-message": "test_borrowed_names.py, test_bait.py",
}
"""Routes that the matrix does not try: why, or where they are tried instead."""


def test_whatever_the_capability_statement_lists_is_tried(scene: Scene) -> None:
    """A new interaction, kind of search parameter or operation has to be given its attempts."""
    rest = scene.statement["rest"][0]
    assert {i["code"] for i in rest["interaction"]} == SYSTEM_INTERACTIONS.keys()
    assert {i["code"] for each in rest["resource"] for i in each["interaction"]} == INTERACTIONS.keys()
    assert {o["name"] for each in rest["resource"] for o in each["operation"]} == OPERATIONS.keys()
    assert {o["name"] for o in rest["operation"]} == {"process-message"}
    parameters = chain(rest["searchParam"], *(each.get("searchParam", ()) for each in rest["resource"]))
    assert {parameter["type"] for parameter in parameters} <= BY_KIND.keys()
    made_here = {each["type"] for each in rest["resource"]} - scene.between_others.trees.keys()
    assert made_here == {"AuditEvent"}


def test_whatever_is_served_is_tried(scene: Scene) -> None:
    addresses = scene.house.app.url_map.bind("127.0.0.1:8080")
    tried = set()
    for _, _, attempts in map(scene.group, GROUPS[:3]):
        for request in (attempt.request for attempt in attempts):
            path = request.path if request.path.startswith("/") else f"/fhir/{request.path}".rstrip("/")
            rule, _ = addresses.match(path.partition("?")[0], request.method, return_rule=True)
            tried.add(rule.rule)
    untried = {rule.rule for rule in scene.house.app.url_map.iter_rules()} - tried
    assert untried == ELSEWHERE.keys(), "a new route has to be tried, in attempts.py, or to be named here"


def test_there_are_enough_attempts(scene: Scene) -> None:
    """With `-s` it tells how many of each there are."""
    tried = Counter(chain.from_iterable(
        (attempt.label for attempt, _ in aimed(attempts, foreign))
        for _, foreign, attempts in map(scene.group, GROUPS)
    ))  # fmt: skip
    compared = Counter(scene.labels.values())
    print(f"\n{tried.total()} attempts on foreign resources, {compared.total()} that name none")  # noqa: T201
    for label, times in sorted((tried + compared).items()):
        print(f"{times:6} {label}")  # noqa: T201
    assert tried.total() >= 2000


@pytest.mark.parametrize("group", GROUPS)
def test_a_foreign_resource_is_answered_exactly_as_a_missing_one(scene: Scene, group: str) -> None:
    before = _bodies(scene.author, scene.group(group)[1])
    caller, foreign, attempts = scene.group(group)
    assert told_apart(caller, attempts, foreign) == []
    assert _bodies(scene.author, foreign) == before, "an attempt has changed what is another's"


def test_what_names_nothing_foreign_is_answered_as_before_anything_foreign_was_there(scene: Scene) -> None:
    """Lists, counts, orders, negations, includes, histories of types, measures, the worklist."""
    changed = [
        f"{label}: {request.path} → {scene.after[request]}, before {scene.before[request]}"
        for request, label in scene.labels.items()
        if scene.after[request] != scene.before[request] or scene.after[request][0] >= 500
    ]
    assert changed == []


def test_by_the_same_searches_the_author_finds_it(scene: Scene) -> None:
    """Else equal answers would prove nothing."""
    foreign = scene.between_others
    finding = [attempt for attempt in searches(scene.statement, foreign) if attempt.finds]
    assert len(finding) > 2000
    missed = [
        attempt.request.path
        for some in (finding[start : start + 250] for start in range(0, len(finding), 250))
        for attempt, found in zip(some, _in_a_batch(scene.author, some), strict=True)
        if foreign.id(attempt.request.path.partition("?")[0]) not in found
    ]
    assert missed == []


def _in_a_batch(caller: Caller, attempts: list[Attempt]) -> list[set[str]]:
    """Ids of what each search finds."""
    got = caller.post("", bundle(*(entry("GET", f"{a.request.path}&_elements=id") for a in attempts), type="batch"))
    found = [each["resource"] for each in got.tree["entry"]]
    return [{e["resource"]["id"] for e in page.get("entry", ()) if "id" in e["resource"]} for page in found]


def _bodies(author: Caller, foreign: Owned) -> bytes:
    got = author.post("", bundle(*(entry("GET", key) for key in foreign.keys), type="batch"))
    return got.raw.partition(b'"entry"')[2]
