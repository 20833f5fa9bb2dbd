"""A pathway in Markdown for people: `handoff pathways show`, and docs/pathways.md, which is drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from adapter.domain.deadlines import AtLocalTime, Before, BusinessDays, Rule, Within
from adapter.domain.facts import CATALOGUE
from adapter.domain.pathway import ClockRule, Condition, EvidenceRule, Gate, Pathway
from adapter.domain.responsibility import ACTIONS
from adapter.domain.task_status import STAGES

_ORDINAL = {1: " on the next business day", 2: " on the second business day"}
_STEP = {"request": "Before it is requested", "accept": "Before it is accepted", "complete": "Before it is completed"}


def describe(pathway: Pathway) -> str:
    """The whole pathway, a section of Markdown that ends without a newline."""
    return "\n".join(_lines(pathway))


def _lines(pathway: Pathway) -> Iterator[str]:
    yield f"### `{pathway.name}`: {pathway.title}"
    yield ""
    yield f"{pathway.purpose} *(Source: {pathway.source})*"
    yield ""
    for stage in STAGES:
        needed = [f"`{need.fact}` ({_from(need.supplier)})" for need in pathway.facts.get(stage, ())]
        if needed:
            yield f"- {_STEP[stage]}: {', '.join(needed)}"
        for gate in pathway.gates:
            if gate.stage == stage:
                yield f"  - gate `{gate.name}`: {gate.says}{_gate_detail(gate)}"
    for tier, stages in pathway.tiers.items():
        added = ", ".join(f"`{need.fact}`" for needs in stages.values() for need in needs)
        yield f"- At {tier} risk also: {added}"
    if pathway.optional:
        yield f"- May carry: {', '.join(f'`{need.fact}`' for need in pathway.optional)}"
    if pathway.acceptance is not None:
        yield f"- To be accepted {rule_text(pathway.acceptance)}, unless the request states its own deadline"
    yield from (f"- Clock `{clock.name}`: {_clock(clock)}" for clock in pathway.clocks)
    if pathway.ladder:
        rungs = ", ".join(f"`{step.name}` {duration_text(step.after, 'at once')}" for step in pathway.ladder)
        yield f"- Ladder after a failed contact or a missed deadline: {rungs}"
    for rule in pathway.evidence:
        yield f"- Evidence `{rule.name}`: {rule.says}{_evidence_detail(rule)}"


def rule_text(rule: Rule) -> str:
    """When a rule falls due, as the end of a sentence."""
    match rule:
        case Within(duration):
            return f"within {duration_text(duration)}"
        case AtLocalTime(at, days):
            day = {0: "the same day", 1: "the next day"}.get(days, f"the {days}th day after")
            return f"by {at:%H:%M} of {day} in the recipient's time zone"
        case BusinessDays(days):
            return f"by the close of business of the recipient{_ORDINAL.get(days, f', {days} business days later')}"
        case Before(fact, otherwise):
            return f"before `{fact}` ({rule_text(otherwise)} when that is not known)"


def duration_text(duration: timedelta, zero: str = "0 minutes") -> str:
    """`30 minutes`, `4 hours`, `7 days`: the largest unit that fits without a rest, days from 7 on."""
    minutes = int(duration.total_seconds() // 60)
    if minutes == 0:
        return zero
    for unit, size, least in (("day", 1440, 7), ("hour", 60, 1)):
        count, rest = divmod(minutes, size)
        if rest == 0 and count >= least:
            return f"{count} {unit}{'s' * (count != 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"


def _from(supplier: str) -> str:
    return "either side" if supplier == "either" else supplier


def _gate_detail(gate: Gate) -> str:
    return _detail(_of_facts(gate.facts), condition_text(gate.condition), _of_scope(gate.tiers, gate.when))


def _evidence_detail(rule: EvidenceRule) -> str:
    parts = [_of_facts(rule.facts), condition_text(rule.condition)]
    parts += [f"event {_codes(rule.events)}"] * bool(rule.events)
    if rule.event_before:
        parts.append(f"`{rule.event_before[0]}` not after `{rule.event_before[1]}`")
    if rule.each:
        parts.append(f"each `{rule.each}` followed by one of {_codes(rule.followed_by)}")
    parts += [f"on the day of `{rule.same_day_as}`"] * (rule.same_day_as is not None)
    return _detail(*parts, _of_scope(rule.tiers, rule.when))


def _detail(*parts: str) -> str:
    said = "; ".join(part for part in parts if part)
    return f" ({said})" if said else ""


def _of_facts(facts: tuple[str, ...]) -> str:
    return _codes(facts)


def condition_text(condition: Condition | None) -> str:
    """What must hold of a fact that is there, as part of a sentence; empty for no condition."""
    if condition is None:
        return ""
    parts = [f"one of {_codes(sorted(condition.one_of))}"] * bool(condition.one_of)
    parts += [f"not after `{condition.before}`"] * (condition.before is not None)
    parts += ["on the same day"] * condition.by_end_of_day
    return "; ".join(parts)


def _of_scope(tiers: frozenset[str], when: tuple[str, frozenset[str]] | None) -> str:
    parts = [f"at {', '.join(sorted(tiers))} risk"] * bool(tiers)
    parts += [f"when `{when[0]}` is one of {_codes(sorted(when[1]))}"] if when else []
    return "; ".join(parts)


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _clock(clock: ClockRule) -> str:
    until = f", until `{clock.until}`" if clock.until else ""
    if clock.opens is not None:
        opens = rule_text(clock.opens)
        if isinstance(clock.opens, Within):
            opens = duration_text(clock.opens.duration, "at once")
        return f"a follow-up Task opens {opens} after `{clock.starts}`, due {rule_text(clock.due)}: {clock.task}"
    return f"from `{clock.starts}`, due {rule_text(clock.due)}{until}"


def draw_facts() -> str:
    """The catalogue of facts as a Markdown table."""
    lines = ["| fact | supplied by | where it belongs | what it says |", "|---|---|---|---|"]
    for kind in CATALOGUE.values():
        codes = f": {_codes(sorted(kind.values))}" if kind.values else ""
        lines.append(f"| `{kind.code}` | {_from(kind.supplier)} | `{kind.element}` | {kind.meaning}{codes} |")
    return "\n".join(lines)


def draw_actions() -> str:
    """The handoff-action code system as a Markdown table."""
    lines = ["| code | what is awaited |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{code}` | {meaning} |" for code, meaning in ACTIONS.items())])
