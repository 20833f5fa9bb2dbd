"""Every pathway is proven by scenarios: kept, refused at each step, answered too late, and missed by the person."""

from __future__ import annotations

from pathlib import Path

import pytest

import sample_bundles
from adapter.pathways import load_pathways
from adapter.testkit.scenario import Scenario, load
from adapter.testkit.whole_handoff import complete

ROOT = Path(sample_bundles.__file__).parent
PATHWAYS = load_pathways()
OLDER = {"referral", "mobile-crisis-to-outpatient"}
"""Whose scenarios carry other names: docs/scenarios.md."""
PROVEN = sorted(PATHWAYS.keys() - OLDER)


def scenario(pathway: str, name: str) -> Scenario:
    return load(ROOT / pathway / name / "script.yaml")


@pytest.mark.parametrize("pathway", PATHWAYS)
def test_every_pathway_has_a_folder_of_scenarios(pathway: str) -> None:
    assert list((ROOT / pathway).glob("*/script.yaml"))


@pytest.mark.parametrize("pathway", PROVEN)
def test_it_is_kept_refused_answered_too_late_and_missed(pathway: str) -> None:
    kept = scenario(pathway, "accepted-and-completed")
    assert kept.steps[-1].expect.body["Task.status"] == "completed"
    late = scenario(pathway, "answered-too-late")
    assert any(step.action == "advance-clock" for step in late.steps)
    assert any("under-review" in step.expect.body.values() for step in late.steps)
    missed = scenario(pathway, "person-does-not-come")
    assert any("no-show" in step.expect.body.values() for step in missed.steps)
    assert any("code=re-engagement" in step.target for step in missed.steps)


@pytest.mark.parametrize("pathway", PROVEN)
def test_it_is_refused_at_every_step_that_asks_for_something(pathway: str) -> None:
    refused = [step for step in scenario(pathway, "refused-at-every-step").steps if step.expect.issues]
    asked = {
        "request" if step.action == "POST" else "accept" if "completed" not in str(step.send) else "complete"
        for step in refused
    }
    needs_to_accept = bool(complete(PATHWAYS[pathway], "high" if PATHWAYS[pathway].tiers else None).outputs)
    assert asked == {"request", "complete"} | ({"accept"} if needs_to_accept or pathway.startswith("mat") else set())
    assert all(issue["code"] == "business-rule" and issue["expression"] for s in refused for issue in s.expect.issues)


@pytest.mark.parametrize("pathway", [p for p in PROVEN if PATHWAYS[p].clock("follow-up")])
def test_where_a_follow_up_is_owed_a_scenario_waits_for_it(pathway: str) -> None:
    assert any("code=follow-up" in step.target for step in scenario(pathway, "person-does-not-come").steps)


@pytest.mark.parametrize("pathway", PROVEN)
def test_every_file_that_its_scenarios_share_is_used(pathway: str) -> None:
    sent = {step.send.resolve() for script in (ROOT / pathway).glob("*/script.yaml") for step in load(script).steps
            if isinstance(step.send, Path)}  # fmt: skip
    assert {file.resolve() for file in (ROOT / pathway).glob("*.json")} <= sent
