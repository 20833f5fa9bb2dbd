"""The samples themselves: well-formed, complete, synthetic, and with the facts that their pathways ask for."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import sample_bundles
from adapter.testkit.scenario import HTTP_VERBS, load, scripts_in
from adapter.testkit.templates import Values
from adapter.validation import check
from mappings.json_codec import decode

ROOT = Path(sample_bundles.__file__).parent
SCRIPTS = scripts_in([ROOT])
MALFORMED = {"truncated.json"}
# Beside a script, or beside all scripts of a pathway that share it.
FILES = sorted(
    {f for script in SCRIPTS for folder in (script.parent, script.parent.parent) for f in folder.glob("0*.json")}
    | {f for script in SCRIPTS for f in script.parent.glob("*.json") if f.name not in MALFORMED}
)
TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}


def tree(path):
    return json.loads(path.read_text(encoding="utf-8"))


def resources(content):
    if isinstance(content, dict) and content.get("resourceType") == "Bundle":
        for entry in content["entry"]:
            yield entry["resource"]
    elif isinstance(content, dict) and content["resourceType"] != "OperationOutcome":
        yield content


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_every_script_can_be_played_as_written(script):
    scenario = load(script)
    assert scenario.title
    assert scenario.about
    assert all(step.title.strip() for step in scenario.steps)


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_every_sample_file_is_used_by_its_script(script):
    text = script.read_text(encoding="utf-8")
    unused = [f.name for f in script.parent.iterdir() if f.suffix == ".json" and f.name not in text]
    assert unused == []


@pytest.mark.parametrize("script", SCRIPTS, ids=names(SCRIPTS))
def test_every_captured_name_was_captured_by_an_earlier_step(script):
    known = {"now", "today", "start", "uuid", "run", "base", "endpoint"}
    for step, raw in zip(load(script).steps, yaml.safe_load(script.read_text(encoding="utf-8"))["steps"], strict=True):
        text = json.dumps(raw, default=str)
        if isinstance(step.send, Path):
            text += step.send.read_text(encoding="utf-8")
        used = {re.split(r"[ .+-]", name)[0] for name in re.findall(r"\{\{\s*([^}]+?)\s*\}\}", text)}
        assert used - known == set(), f"step {step.number}"
        known |= set(step.capture)


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_every_resource_is_marked_as_test_data(path):
    for resource in resources(tree(path)):
        tags = [{key: tag[key] for key in ("system", "code")} for tag in resource["meta"]["tag"]]
        assert TEST_DATA in tags, resource["resourceType"]


@pytest.mark.parametrize("path", [f for f in FILES if f.parent.name != "refused"], ids=str)
def test_references_inside_a_bundle_point_at_its_entries(path):
    content = tree(path)
    if not isinstance(content, dict) or content["resourceType"] != "Bundle":
        return
    full_urls = [entry["fullUrl"] for entry in content["entry"]]
    assert len(set(full_urls)) == len(full_urls)
    pointed_at = set(re.findall(r'"reference": "(urn:uuid:[^"]+)"', path.read_text(encoding="utf-8")))
    assert pointed_at <= set(full_urls)


def filled(path):
    """As a server gets it, with every capture filled by some reference."""
    values = Values(datetime(2026, 3, 1, 12, tzinfo=UTC))
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\{\{(\w+)(?:\.id)?\}\}", text):
        values.captured.setdefault(name, f"{NAMED.get(name, 'PractitionerRole')}/{name}")
    return decode(values.fill_json(text))


NAMED = {"task": "Task", "request": "ServiceRequest", "patient": "Patient", "call": "Communication",
         "appointment": "Appointment"}  # fmt: skip
VALID = [f for f in FILES if f.parent.name != "refused" or f.name == "valid.json"]


@pytest.mark.parametrize("path", VALID, ids=names(VALID))
def test_every_sample_that_is_not_meant_to_be_refused_is_valid_r4(path):
    content = filled(path)
    if isinstance(content, dict):  # a JSON Patch is none
        assert [f"{issue.code} at {issue.expression}: {issue.text}" for issue in check(content)] == []


REQUESTS = [
    f
    for f in FILES
    if "mobile-crisis-to-outpatient" in str(f) and f.name in {"01-request.json", "02-with-safety-plan.json"}
]


@pytest.mark.parametrize("path", REQUESTS, ids=names(REQUESTS))
def test_every_crisis_request_brings_each_fact_that_the_pathway_asks_for(path):
    by_type = {}
    for resource in resources(tree(path)):
        by_type.setdefault(resource["resourceType"], []).append(resource)
    (task,), (request,) = by_type["Task"], by_type["ServiceRequest"]
    inputs = {item["type"]["coding"][0]["code"] for item in task["input"]}
    assert {"recipient-contact", "missed-appointment-barrier", "preferred-contact"} <= inputs
    assert task["instantiatesCanonical"].endswith("/mobile-crisis-to-outpatient")
    assert request["reasonCode"][0]["text"]
    tiers = by_type["RiskAssessment"][0]["prediction"][0]["qualitativeRisk"]["coding"][0]
    assert tiers["code"] in {"low", "moderate", "high"}
    (plan,) = by_type["CarePlan"]
    assert plan["description"]
    assert plan["category"][0]["coding"][0]["code"] == "safety-plan"
    assert len(request["supportingInfo"]) == 2
    assert by_type["Patient"][0]["telecom"][0]["rank"] == 1


def test_every_acceptance_of_a_crisis_handoff_reads_the_risk_back():
    acceptances = [f for f in FILES if "accept" in f.name and "without" not in f.name and f.parent.name != "refused"]
    assert len(acceptances) >= 4
    for path in acceptances:
        outputs = {item["type"]["coding"][0]["code"] for item in tree(path)[1]["value"]}
        assert {"recipient-clinician", "risk-acknowledged", "follow-up-owner", "live-contact"} <= outputs, path


def test_every_refused_bundle_has_its_outcome_beside_it():
    scenario = load(ROOT / "refused" / "script.yaml")
    one_fault = [step for step in scenario.steps if step.actor and not step.headers and isinstance(step.send, Path)]
    refused = [step for step in one_fault if step.expect.issues]
    assert len(refused) >= 20
    for step in refused:
        assert step.send.with_suffix(".outcome.json").is_file()
        assert all(status >= 400 for status in step.expect.status)


def test_the_samples_walk_every_road_that_a_handoff_can_take():
    steps = [step for script in SCRIPTS for step in load(script).steps]
    assert {step.action for step in steps} >= {*HTTP_VERBS} - {"DELETE"} | {
        "wait-for-notification",
        "advance-clock",
        "partner",
    }
    assert {step.becomes.partition(" ")[0] for step in steps} >= {"down", "up", "error"}
    assert any(step.at_once > 1 for step in steps)
    asked = {status for step in steps for status in step.expect.status}
    assert asked >= {200, 201, 400, 401, 403, 404, 412, 415, 422}
