"""What a handoff still lacks for its next step: one issue for each missing fact and each gate that is shut."""

from __future__ import annotations

from datetime import datetime

from adapter.domain.deadlines import same_day_until
from adapter.domain.errors import BusinessRule, Issue
from adapter.domain.facts import CATALOGUE, Facts
from adapter.domain.pathway import Condition, Gate, Pathway
from adapter.domain.task_status import Stage

_STEP = {"request": "be requested", "accept": "be accepted", "complete": "be completed"}


def unmet(
    pathway: Pathway,
    stage: Stage,
    facts: Facts,
    risk_tier: str | None = None,
    *,
    at: datetime | None = None,
    zone: str = "UTC",
) -> list[Issue]:
    """The issues that block `stage`, empty when nothing does. `at` is the aware time of the step and `zone` the
    recipient's, for gates that speak of the same day; without `at` those ask for the fact only."""
    missing: dict[str, str] = {}
    for requirement in pathway.required(stage, risk_tier):
        if requirement.fact not in facts:
            missing[requirement.fact] = requirement.supplier
    shut: list[Issue] = []
    for gate in pathway.gates:
        if gate.stage != stage or not applies(gate.tiers, gate.when, facts, risk_tier):
            continue
        absent = [fact for fact in gate.facts if fact not in facts]
        for fact in absent:
            missing.setdefault(fact, CATALOGUE[fact].supplier)
        if not absent and gate.condition is not None:
            fault = violated(gate.condition, facts, at, zone)
            if fault is not None:
                shut.append(_shut(pathway, gate, fault))
    return [_missing(pathway, stage, fact, supplier) for fact, supplier in missing.items()] + shut


def check(
    pathway: Pathway,
    stage: Stage,
    facts: Facts,
    risk_tier: str | None = None,
    *,
    at: datetime | None = None,
    zone: str = "UTC",
) -> None:
    """Raises BusinessRule with the issues of `unmet`."""
    issues = unmet(pathway, stage, facts, risk_tier, at=at, zone=zone)
    if issues:
        raise BusinessRule(issues)


def applies(
    tiers: frozenset[str], when: tuple[str, frozenset[str]] | None, facts: Facts, risk_tier: str | None
) -> bool:
    """Whether a gate or an evidence rule concerns a handoff of this tier and these facts."""
    if tiers and risk_tier not in tiers:
        return False
    return when is None or bool(facts.values_of(when[0]) & when[1])


def violated(condition: Condition, facts: Facts, at: datetime | None = None, zone: str = "UTC") -> str | None:
    """What was expected and what was got, when the evidence of a fact that is there breaks the condition; else None.
    A comparison with a time that nobody has stated yet is not broken."""
    if condition.one_of:
        values = facts.values_of(condition.fact)
        if not values & condition.one_of:
            got = ", ".join(sorted(values)) or "none"
            return f"expected one of: {', '.join(sorted(condition.one_of))}; got {got}"
    if condition.before is not None:
        limit, moment = facts.time_of(condition.before), facts.time_of(condition.fact)
        if limit is not None and moment is None:
            return f"expected a time not after `{condition.before}`; got none"
        if limit is not None and moment is not None and moment > limit:
            return f"expected a time not after `{condition.before}`; got a later one"
    if condition.by_end_of_day and at is not None:
        moment = facts.time_of(condition.fact)
        if moment is None or moment > same_day_until(at, zone):
            got = "none" if moment is None else "a later day"
            return f"expected a time on the same day, in the recipient's time zone; got {got}"
    return None


def _missing(pathway: Pathway, stage: Stage, fact: str, supplier: str) -> Issue:
    kind = CATALOGUE[fact]
    sender = "either side may send it" if supplier == "either" else f"the {supplier} sends it"
    named = next(
        (f" Gate `{gate.name}`: {gate.says}" for gate in pathway.gates if gate.stage == stage and fact in gate.facts),
        "",
    )
    codes = f" ({', '.join(sorted(kind.values))})" if kind.values else ""
    text = (
        f"to {_STEP[stage]} on pathway `{pathway.name}` a handoff needs the fact `{fact}`, got none. "
        f"Expected: {kind.meaning}{codes}; {sender}.{named}"
    )
    return Issue("business-rule", text, kind.element)


def _shut(pathway: Pathway, gate: Gate, fault: str) -> Issue:
    assert gate.condition is not None
    kind = CATALOGUE[gate.condition.fact]
    text = (
        f"to {_STEP[gate.stage]} on pathway `{pathway.name}` a handoff must pass the gate `{gate.name}`: {gate.says} "
        f"For the fact `{kind.code}` {fault}."
    )
    return Issue("business-rule", text, kind.element)
