"""A pathway → PlanDefinition with its ActivityDefinitions, for partners whose systems read FHIR and not our files.

https://hl7.org/fhir/R4/plandefinition.html. The stages, the clocks and the ladder are actions; facts and gates are the
conditions of their stage, evidence rules are goals. The adapter decides by the pathway itself and never by this:
FHIRPath names the element where a fact belongs, the words beside it what else is accepted and what else must hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from adapter.domain import events
from adapter.domain.deadlines import Rule, Within
from adapter.domain.facts import CATALOGUE
from adapter.domain.pathway import ClockRule, Gate, Pathway
from adapter.domain.pathway_text import condition_text, describe, rule_text
from adapter.domain.task_status import STAGES, Stage
from mappings.canonicals import (
    ACTIVITY_DEFINITION,
    FACT_SYSTEM,
    FHIR_TASK_CODE_SYSTEM,
    PLAN_DEFINITION,
    RISK_TIER_SYSTEM,
    TASK_CODE_SYSTEM,
)

Tree = dict[str, Any]

PLAN_TYPE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
UNITS: Final = "http://unitsofmeasure.org"
_HIGHEST: Final = {"low": 1, "moderate": 2, "high": 3}
_TITLES: Final = {
    "request": "The initiator requests the handoff (Task.status requested)",
    "accept": "The recipient accepts and holds the person from then on (Task.status accepted)",
    "complete": "The first contact took place (Task.status completed)",
}
_OTHER_STARTS: Final = {
    "returned": "The initiator holds the person again (Task.status rejected, failed or cancelled)",
    "missed": "The person did not come to the first visit (Appointment.status noshow)",
}
_LADDER: Final = "ladder"
_RUNGS: Final = {
    "alternate-contact": "The alternate contact is told",
    "escalation-owner": "A child Task `escalate` goes to the escalation owner",
    "governance-review": "The handoff is flagged for governance review",
}
_START: Final = {"requested": "request", "accepted": "accept"}
"""Start of a clock → the stage that it starts from; other starts (`returned`) are actions of their own."""


def to_fhir(pathway: Pathway) -> list[Tree]:
    """The PlanDefinition, then its ActivityDefinitions: that of the handoff, and one for each follow-up."""
    follow_ups = [_follow_up(pathway, clock) for clock in pathway.clocks if clock.task is not None]
    return [_plan(pathway), _activity(pathway), *follow_ups]


def _plan(pathway: Pathway) -> Tree:
    tree: Tree = {
        "resourceType": "PlanDefinition",
        "id": pathway.name,
        "url": f"{PLAN_DEFINITION}{pathway.name}",
        "name": _computable(pathway.name),
        "title": pathway.title,
        "type": {"coding": [{"system": PLAN_TYPE_SYSTEM, "code": "workflow-definition"}]},
        "status": "active",
        "experimental": True,
        "publisher": "Handoff Adapter",
        "description": describe(pathway),
        "purpose": pathway.purpose,
        "usage": f"Name it in Task.instantiatesCanonical: {PLAN_DEFINITION}{pathway.name}. Conditions are read on the "
        "resources of the handoff: the expression names the element where a fact belongs, the description says what "
        "else is accepted and what else must hold.",
        "relatedArtifact": [{"type": "citation", "citation": pathway.source}],
    }
    goals = [
        {
            "id": rule.name,
            "description": {"text": rule.says},
        }
        for rule in pathway.evidence
    ]
    if goals:
        tree["goal"] = goals
    tree["action"] = [*_stages(pathway), *_clocks(pathway), *_ladder(pathway)]
    return tree


def _stages(pathway: Pathway) -> Iterator[Tree]:
    before: Stage | None = None
    for stage in STAGES:
        action: Tree = {"id": stage, "title": _TITLES[stage]}
        if conditions := list(_conditions(pathway, stage)):
            action["condition"] = conditions
        if inputs := list(_data(pathway, stage, "Task.input")):
            action["input"] = inputs
        if outputs := list(_data(pathway, stage, "Task.output")):
            action["output"] = outputs
        if before is not None:
            action["relatedAction"] = [{"actionId": before, "relationship": "after-end"}]
        if stage == "accept" and pathway.acceptance is not None:
            action |= _timing(pathway.acceptance, after="request")
        if stage == "request":
            action["definitionCanonical"] = f"{ACTIVITY_DEFINITION}{pathway.name}"
        yield action
        before = stage


def _conditions(pathway: Pathway, stage: Stage) -> Iterator[Tree]:
    for need in pathway.facts.get(stage, ()):
        yield _condition(need.fact, CATALOGUE[need.fact].meaning, _exists((need.fact,)))
    for tier, stages in pathway.tiers.items():
        for need in stages.get(stage, ()):
            says = f"At {tier} risk: {CATALOGUE[need.fact].meaning}"
            yield _condition(f"{tier}-risk.{need.fact}", says, f"{_risk((tier,))} implies ({_exists((need.fact,))})")
    for gate in pathway.gates:
        if gate.stage == stage:
            yield _condition(gate.name, _gate_says(gate), _gate_expression(gate))


def _condition(name: str, says: str, expression: str) -> Tree:
    return {
        "kind": "start",
        "expression": {"description": says, "name": name, "language": "text/fhirpath", "expression": expression},
    }


def _gate_says(gate: Gate) -> str:
    more = condition_text(gate.condition)
    return f"{gate.says} ({more})" if more else gate.says


def _gate_expression(gate: Gate) -> str:
    codes = tuple(dict.fromkeys([*gate.facts, *([gate.condition.fact] if gate.condition else [])]))
    expression = _exists(codes)
    if gate.condition is not None and _is_parameter(gate.condition.fact) and gate.condition.one_of:
        expression += f" and {_is_one_of(gate.condition.fact, gate.condition.one_of)}"
    if gate.when is not None:
        fact, values = gate.when
        given = _is_one_of(fact, values) if _is_parameter(fact) else _exists((fact,))
        expression = f"{given} implies ({expression})"
    if gate.tiers:
        expression = f"{_risk(sorted(gate.tiers, key=_HIGHEST.__getitem__))} implies ({expression})"
    return expression


def _exists(codes: tuple[str, ...]) -> str:
    return " and ".join(f"{CATALOGUE[code].element}.exists()" for code in codes)


def _is_one_of(fact: str, values: frozenset[str]) -> str:
    element = f"{CATALOGUE[fact].element}.value"
    if values <= {"true", "false"}:
        return f"{element} = {' or '.join(sorted(values))}"
    wanted = " | ".join(f"'{value}'" for value in sorted(values))
    return f"{element}.coding.code.intersect({wanted}).exists()"


def _risk(tiers: tuple[str, ...] | list[str]) -> str:
    wanted = " | ".join(f"'{tier}'" for tier in tiers)
    coded = f"RiskAssessment.prediction.qualitativeRisk.coding.where(system = '{RISK_TIER_SYSTEM}')"
    return f"{coded}.code.intersect({wanted}).exists()"


def _is_parameter(fact: str) -> bool:
    return CATALOGUE[fact].element.startswith(("Task.input", "Task.output"))


def _data(pathway: Pathway, stage: Stage, element: str) -> Iterator[Tree]:
    """The facts of a stage that stand in Task.input or Task.output, told apart by their type."""
    needs = [*pathway.facts.get(stage, ())]
    needs += [need for stages in pathway.tiers.values() for need in stages.get(stage, ())]
    if stage == "request":
        needs += pathway.optional
    path = element.removeprefix("Task.")
    for fact in dict.fromkeys(need.fact for need in needs):
        if CATALOGUE[fact].element.startswith(element):
            code = {"system": FACT_SYSTEM, "code": fact, "display": CATALOGUE[fact].meaning}
            yield {"type": "Task", "codeFilter": [{"path": f"{path}.type", "code": [code]}]}


def _clocks(pathway: Pathway) -> Iterator[Tree]:
    for start in dict.fromkeys(clock.starts for clock in pathway.clocks if clock.starts not in _START):
        yield {
            "id": start,
            "title": _OTHER_STARTS[start],
            "relatedAction": [{"actionId": "request", "relationship": "after-end"}],
        }
    for clock in pathway.clocks:
        until = f", until `{clock.until}`" if clock.until else ""
        action: Tree = {
            "id": f"clock-{clock.name}",
            "title": clock.task or f"Due {rule_text(clock.due)}{until}",
            **_timing(clock.due, after=_START.get(clock.starts, clock.starts)),
        }
        if clock.task is not None:
            action["definitionCanonical"] = f"{ACTIVITY_DEFINITION}{pathway.name}.{clock.name}"
        yield action


def _timing(rule: Rule, *, after: str) -> Tree:
    """Elapsed time as a Duration; a local time, business days or a moment of another fact can only be told in words."""
    timing: Tree = {"timingTiming": {"code": {"text": rule_text(rule)}}}
    related: Tree = {"actionId": after, "relationship": "after-end"}
    if isinstance(rule, Within):
        timing = {"timingDuration": _duration(rule.duration)}
        related["offsetDuration"] = _duration(rule.duration)
    return {**timing, "relatedAction": [related]}


def _ladder(pathway: Pathway) -> Iterator[Tree]:
    if not pathway.ladder:
        return
    yield {
        "id": _LADDER,
        "title": "Nobody answered: the ladder starts. No timer changes Task.status",
        "trigger": [
            {"type": "named-event", "name": events.CONTACT_FAILED},
            {"type": "named-event", "name": events.ACCEPTANCE_MISSED},
        ],
        "action": [
            {
                "id": step.name,
                "title": _RUNGS[step.name],
                "relatedAction": [
                    {"actionId": _LADDER, "relationship": "after-start", "offsetDuration": _duration(step.after)}
                ],
            }
            for step in pathway.ladder
        ],
    }


def _duration(duration: timedelta) -> Tree:
    minutes = int(duration.total_seconds() // 60)
    value, unit, code = (minutes // 60, "hours", "h") if minutes and minutes % 60 == 0 else (minutes, "minutes", "min")
    return {"value": value, "unit": unit, "system": UNITS, "code": code}


def _activity(pathway: Pathway) -> Tree:
    """What a sender makes: the Task of the handoff."""
    return {
        **_definition(pathway, pathway.name, pathway.title, pathway.purpose),
        "code": {"coding": [{"system": FHIR_TASK_CODE_SYSTEM, "code": "fulfill"}]},
        "dynamicValue": [
            {
                "path": "instantiatesCanonical",
                "expression": {"language": "text/fhirpath", "expression": f"'{PLAN_DEFINITION}{pathway.name}'"},
            }
        ],
    }


def _follow_up(pathway: Pathway, clock: ClockRule) -> Tree:
    """What the clock makes: a Task of the initiator's own."""
    name = f"{pathway.name}.{clock.name}"
    title = f"{pathway.title}: {clock.name.replace('-', ' ')}"
    return {
        **_definition(pathway, name, title, clock.task or ""),
        "code": {"coding": [{"system": TASK_CODE_SYSTEM, "code": clock.name}]},
        "timingTiming": {"code": {"text": f"due {rule_text(clock.due)}"}},
    }


def _definition(pathway: Pathway, id_: str, title: str, says: str) -> Tree:
    return {
        "resourceType": "ActivityDefinition",
        "id": id_,
        "url": f"{ACTIVITY_DEFINITION}{id_}",
        "name": _computable(id_),
        "title": title,
        "status": "active",
        "experimental": True,
        "publisher": "Handoff Adapter",
        "description": says,
        "kind": "Task",
        "intent": "order",
    }


def _computable(name: str) -> str:
    """`MobileCrisisToOutpatient` of `mobile-crisis-to-outpatient` (pdf-0)."""
    return "".join(part.capitalize() for part in name.replace(".", "-").split("-"))


def all_of(pathways: Mapping[str, Pathway]) -> list[Tree]:
    """Everything that is published of these pathways."""
    return [tree for pathway in pathways.values() for tree in to_fhir(pathway)]
