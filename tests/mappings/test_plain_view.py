"""What a system without FHIR is told of a handoff that came as FHIR: all of it, or that there is more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from adapter.testkit.generator import generate_mix
from mappings import plain_view
from mappings.json_codec import decode, encode

Tree = dict[str, Any]

SAMPLES = [
    path
    for path in sorted((Path(__file__).parents[2] / "sample_bundles").rglob("*.json"))
    if "refused" not in path.parts
    and {b'"Task"', b'"entry"'} <= set(re.findall(rb'"(?:Task|entry)"', path.read_bytes()))
]
SHOWN_AS = {
    "Communication": "contacts",
    "Appointment": "appointments",
    "DocumentReference": "documents",
    "Consent": "consents",
}


def stored(bundle: Tree) -> dict[str, Tree]:
    """The resources of a Bundle under the ids that a server gives them."""
    entries = [(n, e) for n, e in enumerate(bundle.get("entry", ())) if "resource" in e]
    text = encode([{**e["resource"], "id": f"r{n}"} for n, e in entries]).decode()
    for n, entry in entries:
        if "fullUrl" in entry:
            text = text.replace(json.dumps(entry["fullUrl"]), json.dumps(f"{entry['resource']['resourceType']}/r{n}"))
    trees: list[Tree] = decode(b'{"all": %s}' % text.encode())["all"]
    return {f"{tree['resourceType']}/{tree['id']}": tree for tree in trees}


def task_of(trees: dict[str, Tree]) -> Tree | None:
    return next((tree for tree in trees.values() if tree["resourceType"] == "Task"), None)


def nothing_is_lost(trees: dict[str, Tree]) -> Tree:
    task = task_of(trees)
    assert task is not None
    told = plain_view.content(task, trees)
    encode(told)
    for key, tree in trees.items():
        type_ = tree["resourceType"]
        if type_ in SHOWN_AS:
            assert len(told[SHOWN_AS[type_]]) >= sum(t["resourceType"] == type_ for t in trees.values())
        elif type_ == "RiskAssessment":
            assert "risk" in told or key in told["also"]
        elif type_ == "CarePlan":
            assert "safety_plan" in told or key in told["also"]
        elif type_ not in plain_view.BESIDE | {"Task", "Encounter"}:
            assert key in told["also"], key
    return told


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_sample_is_told_whole(path: Path) -> None:
    trees = stored(decode(path.read_bytes()))
    told = nothing_is_lost(trees)
    assert told.get("person") or not any(tree["resourceType"] == "Patient" for tree in trees.values())


def test_every_generated_handoff_is_told_whole() -> None:
    for sent in generate_mix(7, 60):
        assert nothing_is_lost(stored(sent.bundle))["person"]["family"]


TASK: Tree = {"resourceType": "Task", "id": "t", "status": "requested", "intent": "order"}


def test_the_highest_risk_is_told_and_the_others_are_named() -> None:
    def assessment(id_: str, level: str) -> Tree:
        coding = {"system": plain_view.RISK_TIER_SYSTEM, "code": level}
        risk = {"prediction": [{"qualitativeRisk": {"coding": [coding]}}]}
        return {"resourceType": "RiskAssessment", "id": id_, "status": "final", **risk}

    levels = (("a", "moderate"), ("b", "high"), ("c", "low"))
    told = plain_view.content(TASK, {f"RiskAssessment/{id_}": assessment(id_, level) for id_, level in levels})
    assert told["risk"] == {"level": "high"}
    assert told["also"] == ["RiskAssessment/c"]


def test_what_a_task_carries_within_itself_is_told() -> None:
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "Rowan Testerly"}]}
    told = plain_view.content({**TASK, "contained": [patient], "for": {"reference": "#p"}}, {})
    assert told["person"] == {"family": "Rowan Testerly"}


def test_a_task_about_a_task_is_told_without_a_request() -> None:
    parent = {**TASK, "id": "parent", "reasonCode": {"text": "nobody answered"}}
    child = {**TASK, "focus": {"reference": "Task/parent"}, "reasonCode": {"text": "acceptance-overdue"}}
    told = plain_view.content(child, {"Task/parent": parent, "Task/t": child})
    assert (told["reason"], told["also"]) == ("acceptance-overdue", ["Task/parent"])


def test_an_old_number_is_not_one_to_call() -> None:
    telecom = [
        {"system": "phone", "value": "1", "use": "old"},
        {"system": "sms", "value": "2"},
        {"system": "phone", "value": "3"},
        {"system": "email", "value": "r@example.org"},
    ]
    assert plain_view.person({"resourceType": "Patient", "telecom": telecom}) == {
        "phone": "2",
        "email": "r@example.org",
    }
