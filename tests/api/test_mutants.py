"""Valid bundles with something broken in them: every answer is an acceptance or a located refusal, never a failure."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from whole_house import SENDER, Caller, Got, Tree, WholeHouse, bundle, referral

from adapter.testkit.generator import generate
from mappings.json_codec import decode, encode

Step = tuple[Any, Any]
"""(container, key or index) of a value in a tree."""


def places(tree: Any) -> Iterator[Step]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        yield tree, key
        yield from places(value)


ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, Decimal("1.50"), Decimal("1e308"), 2**70, "", " ", "x", "\u0001", "😀", "x" * 70,
    "\u0000", [], {}, [[]], [None], {"x": []}, [{}], "2026-02-30", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00", "urn:uuid:0", "Patient/", "Patient?", "Patient?identifier=%00", "Patient?nonsense=1",
    "#", "#x", "http://127.0.0.1:8080/fhir/Patient/x", "../..", "Task/x/_history/²", "requested", "accepted",
    {"reference": "Patient/x"}, {"reference": 7}, {"coding": []}, {"coding": [{"code": None}]}, "Organization/nobody",
    {"resourceType": "Patient"}, {"resourceType": "Bundle", "type": "transaction"}, "P1D", "<script>", "-0", "é" * 3,
)  # fmt: skip


def replaced(chance: random.Random, tree: Any) -> None:
    container, key = chance.choice(list(places(tree)))
    container[key] = copy.deepcopy(chance.choice(ODD_VALUES))


def removed(chance: random.Random, tree: Any) -> None:
    container, key = chance.choice(list(places(tree)))
    del container[key]


def renamed(chance: random.Random, tree: Any) -> None:
    container, key = chance.choice([(c, k) for c, k in places(tree) if isinstance(c, dict)])
    container[chance.choice(("_" + key, key + "x", key.upper(), "\u0000", "resourceType", "reference"))] = (
        container.pop(key)
    )


def swapped(chance: random.Random, tree: Any) -> None:
    (one, i), (other, j) = chance.sample(list(places(tree)), 2)
    value = copy.deepcopy(other[j])
    other[j] = copy.deepcopy(one[i])
    if i in one if isinstance(one, dict) else i < len(one):
        one[i] = value


def repeated(chance: random.Random, tree: Any) -> None:
    container, index = chance.choice([(c, k) for c, k in places(tree) if isinstance(c, list)])
    container.append(copy.deepcopy(container[index]))


def asked_otherwise(chance: random.Random, tree: Any) -> None:
    requests = [e["request"] for e in tree.get("entry", ()) if isinstance(e, dict) and "request" in e]
    if not requests:
        return
    chance.choice(requests).update(
        chance.choice(
            (
                {"method": "PUT"}, {"method": "DELETE"}, {"method": "PATCH"}, {"method": "GET"}, {"method": "HEAD"},
                {"url": "Task/x"}, {"url": "Patient?identifier="}, {"url": "Patient?identifier=%00"},
                {"url": "Patient?"}, {"ifMatch": "W/\"²\""},
                {"ifNoneExist": "nonsense=1"},
                {"ifNoneExist": "?"}, {"ifNoneExist": "_id=x,y"},
                {"ifNoneExist": "patient.identifier=x"}, {"ifModifiedSince": "2026-01-01T00:00:00Z"},
                {"ifNoneMatch": "*"},
            )
        )
    )  # fmt: skip


MUTATIONS: tuple[Callable[[random.Random, Any], None], ...] = (
    replaced, replaced, replaced, removed, renamed, swapped, repeated, asked_otherwise,
)  # fmt: skip


def cut_or_flipped(chance: random.Random, raw: bytes) -> bytes:
    place = chance.randrange(len(raw))
    lone = raw.replace(b'"x', b'"\\ud83d', 1)
    return chance.choice(
        (lone, raw[:place], raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :], raw + b"}")
    )


def message() -> Tree:
    """The resources of a referral as a message."""
    sent = referral()
    header = {
        "resourceType": "MessageHeader",
        "eventUri": "urn:e",
        "source": {"endpoint": "urn:s"},
        "focus": [{"reference": sent["entry"][1]["fullUrl"]}],
    }
    entries = [{key: value for key, value in each.items() if key != "request"} for each in sent["entry"]]
    return bundle({"resource": header}, *entries, type="message")


def judge(got: Got) -> str:
    """The status, once the answer has been found to be one that a partner can work with."""
    if got.status == 200:
        return "200"
    assert 400 <= got.status < 500, (got.status, got.tree)
    for issue in got.issues:
        assert issue["code"] != "exception"
        assert issue["details"]["text"]
    if got.status in {400, 422} and not (got.code in {"structure", "value", "too-costly"} and "line" in got.text):
        # What is no JSON has no FHIRPath; everything else is told where it is.
        located = all(issue.get("expression") for issue in got.issues)
        assert located or got.code in {"structure", "value", "business-rule"}, got.tree
    return str(got.status)


@pytest.mark.parametrize(("path", "seed"), [("", 1), ("", 2), ("$process-message", 3), ("batch", 4)])
def test_a_broken_bundle_is_refused_with_a_reason_or_harmless(house: WholeHouse, path: str, seed: int) -> None:
    chance = random.Random(seed)
    sender = house.caller(SENDER)
    bundles = generate("mobile-crisis-to-outpatient", seed=seed, n=1000, at=house.house.clock.now())
    seen: Counter[str] = Counter()
    for _ in range(100):
        # Through bytes and back: generated bundles share parts, and a mutation must not reach the next one.
        tree = decode(encode(message() if path == "$process-message" else next(bundles)))
        if path == "batch":
            tree["type"] = "batch"
        for _ in range(chance.randint(1, 2)):
            chance.choice(MUTATIONS)(chance, tree)
        raw = encode(tree)
        if chance.random() < 0.15:
            raw = cut_or_flipped(chance, raw)
        try:
            seen[judge(sender.send("POST", "" if path == "batch" else path, raw=raw))] += 1
        except AssertionError as fault:
            raise AssertionError(f"{fault}; seed {seed}, after {sum(seen.values())} bundles: {raw!r}") from None
    assert seen["400"] >= 30, f"the mutations break too little to prove anything: {seen}"


def test_broken_patches_are_refused_with_a_reason_or_harmless(house: WholeHouse, sender: Caller) -> None:
    chance = random.Random(5)
    begun = house.begin()
    paths = (
        "/status",
        "/nope",
        "",
        "/",
        "/input/0",
        "/input/-",
        "/owner/reference",
        "/id",
        "/resourceType",
        "~2",
        "/meta",
        "x",
    )
    for _ in range(100):
        operations: Any = [
            {"op": chance.choice(("add", "remove", "replace", "move", "copy", "test", "fly", None)),
             "path": chance.choice(paths), "from": chance.choice(paths), "value": chance.choice(ODD_VALUES)}
            for _ in range(chance.randint(1, 2))
        ]  # fmt: skip
        if chance.random() < 0.2:
            operations = copy.deepcopy([chance.choice(ODD_VALUES)])
        judge(sender.patch(begun.task, operations, If_Match='W/"1"'))
        patient = sender.patch(begun.patient, operations)
        assert patient.status < 500, (operations, patient.tree)
    assert sender.get(begun.task).tree["status"] in {"requested", "cancelled", "entered-in-error"}
