"""Pathways as PlanDefinitions: valid R4, readable by every partner, changed by nobody, rewritten only when changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from played_house import PlayedHouse
from whole_house import SENDER, THIRD

from adapter.cli import main
from adapter.domain.deadlines import Within
from adapter.domain.pathway import CLOCK_STARTS, Pathway
from adapter.domain.task_status import STAGES
from adapter.pathways import load_pathways
from adapter.use_cases.publish_pathways import publish_pathways
from adapter.validation import check
from mappings import plan_definition
from mappings.canonicals import PLAN_DEFINITION

Tree = dict[str, Any]
PATHWAYS = load_pathways()


def actions(plan: Tree) -> Iterator[Tree]:
    waiting = list(plan["action"])
    while waiting:
        action = waiting.pop(0)
        yield action
        waiting += action.get("action", [])


@pytest.mark.parametrize("pathway", PATHWAYS.values(), ids=PATHWAYS)
class TestEveryPathway:
    def test_is_valid_r4(self, pathway: Pathway) -> None:
        for tree in plan_definition.to_fhir(pathway):
            assert [i for i in check(tree) if i.severity in {"error", "fatal"}] == []

    def test_shows_each_fact_and_gate_of_each_stage_as_a_condition(self, pathway: Pathway) -> None:
        by_id = {action["id"]: action for action in actions(plan_definition.to_fhir(pathway)[0])}
        for stage in STAGES:
            names = {c["expression"]["name"].partition(".")[2] or c["expression"]["name"]
                     for c in by_id[stage].get("condition", ())}  # fmt: skip
            expected = {need.fact for need in pathway.facts.get(stage, ())}
            expected |= {need.fact for tier in pathway.tiers.values() for need in tier.get(stage, ())}
            expected |= {gate.name for gate in pathway.gates if gate.stage == stage}
            assert names == expected

    def test_shows_its_ladder_and_its_clocks_with_their_times(self, pathway: Pathway) -> None:
        by_id = {action["id"]: action for action in actions(plan_definition.to_fhir(pathway)[0])}
        for step in pathway.ladder:
            offset = by_id[step.name]["relatedAction"][0]["offsetDuration"]
            minutes = offset["value"] * {"min": 1, "h": 60}[offset["code"]]
            assert minutes * 60 == step.after.total_seconds()
        for clock in pathway.clocks:
            action = by_id[f"clock-{clock.name}"]
            assert ("timingDuration" in action) == isinstance(clock.due, Within)
            assert ("definitionCanonical" in action) == (clock.task is not None)

    def test_refers_only_to_what_there_is(self, pathway: Pathway) -> None:
        trees = plan_definition.to_fhir(pathway)
        urls = {tree["url"] for tree in trees}
        ids = [action["id"] for action in actions(trees[0])]
        assert len(ids) == len(set(ids))
        for action in actions(trees[0]):
            assert action.get("definitionCanonical", trees[0]["url"]) in urls
            assert {related["actionId"] for related in action.get("relatedAction", ())} <= set(ids)

    def test_has_a_goal_for_each_evidence_rule(self, pathway: Pathway) -> None:
        goals = plan_definition.to_fhir(pathway)[0].get("goal", [])
        assert [goal["id"] for goal in goals] == [rule.name for rule in pathway.evidence]


def test_a_clock_may_start_at_everything_that_a_pathway_file_may_say() -> None:
    pathway = PATHWAYS["referral"]
    for start in CLOCK_STARTS:
        clock = replace(pathway.clocks[0], starts=start)
        assert plan_definition.to_fhir(replace(pathway, clocks=(clock,)))


@pytest.fixture(scope="module")
def published(house: PlayedHouse) -> PlayedHouse:
    publish_pathways(house.house.store, PATHWAYS, house.house.clock.now())
    return house


def test_every_partner_reads_and_finds_them(published: PlayedHouse) -> None:
    for tenant in (SENDER, THIRD):
        caller = published.caller(tenant)
        for name in PATHWAYS:
            got = caller.get(f"PlanDefinition/{name}")
            assert got.tree["url"] == f"{PLAN_DEFINITION}{name}"
        found = caller.search(f"PlanDefinition?url={PLAN_DEFINITION}referral")
        assert found == ["PlanDefinition/referral"]
        assert len(caller.search("PlanDefinition?status=active&_count=100")) == len(PATHWAYS)
        assert caller.get("ActivityDefinition/referral").tree["kind"] == "Task"


def test_no_partner_changes_or_deletes_them(published: PlayedHouse) -> None:
    caller = published.caller(SENDER)
    plan = caller.get("PlanDefinition/referral")
    changed = caller.put("PlanDefinition/referral", {**plan.tree, "title": "mine"}, If_Match=plan.etag)
    assert changed.status == 403, changed.tree
    assert caller.delete("PlanDefinition/referral").status == 403
    assert caller.get("PlanDefinition/referral").raw == plan.raw


def test_what_did_not_change_is_not_written_again(published: PlayedHouse) -> None:
    store, now = published.house.store, published.house.clock.now()
    assert publish_pathways(store, PATHWAYS, now) == 0
    other = {**PATHWAYS, "referral": replace(PATHWAYS["referral"], title="Referral, reworded")}
    pairs = zip(plan_definition.all_of(PATHWAYS), plan_definition.all_of(other), strict=True)
    changed = sum(before != after for before, after in pairs)
    assert 0 < changed < 5
    assert publish_pathways(store, other, now) == changed
    assert published.caller(THIRD).get("PlanDefinition/referral").tree["title"] == "Referral, reworded"
    assert publish_pathways(store, PATHWAYS, now) == changed


def test_a_pathway_whose_file_is_gone_is_retired_and_can_still_be_read(published: PlayedHouse) -> None:
    store, now = published.house.store, published.house.clock.now()
    fewer = {name: pathway for name, pathway in PATHWAYS.items() if name != "iop-discharge"}
    own = published.caller(SENDER).post("PlanDefinition", {"resourceType": "PlanDefinition", "status": "active"})
    assert publish_pathways(store, fewer, now) >= 2
    assert published.caller(THIRD).get("PlanDefinition/iop-discharge").tree["status"] == "retired"
    assert published.caller(SENDER).get(f"PlanDefinition/{own.tree['id']}").tree["status"] == "active"
    assert publish_pathways(store, PATHWAYS, now) >= 2
    assert published.caller(THIRD).get("PlanDefinition/iop-discharge").tree["status"] == "active"


class TestPathwaysShow:
    def test_prints_what_the_pathway_demands_in_words(self) -> None:
        shown = CliRunner().invoke(main, ["pathways", "show", "mobile-crisis-to-outpatient"])
        assert shown.exit_code == 0, shown.output
        assert "Before it is accepted: `recipient-clinician` (recipient)" in shown.output

    def test_prints_the_plan_definition(self) -> None:
        shown = CliRunner().invoke(main, ["pathways", "show", "referral", "--fhir"])
        assert json.loads(shown.output)["id"] == "referral"

    def test_prints_the_file(self) -> None:
        shown = CliRunner().invoke(main, ["pathways", "show", "referral", "--file"])
        assert "\ntitle: Referral\n" in shown.output

    @pytest.mark.parametrize("name", ["nothing", "../referral", ""])
    def test_refuses_a_name_that_is_none(self, name: str) -> None:
        shown = CliRunner().invoke(main, ["pathways", "show", name])
        assert shown.exit_code == 1 and "pathways list" in shown.output
