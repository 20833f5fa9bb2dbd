"""Whether what a pathway promises can be proved: each evidence rule judged on the ledger and the facts of a handoff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from adapter.domain import events
from adapter.domain.deadlines import same_day_until
from adapter.domain.facts import Facts
from adapter.domain.gates import applies, violated
from adapter.domain.handoff import LedgerEvent
from adapter.domain.pathway import EvidenceRule, Pathway

CLOSING: Final = frozenset({events.REJECTED, events.FAILED, events.COMPLETED, events.CANCELLED})


class Verdict(StrEnum):
    MET = "met"
    NOT_MET = "not-met"
    NOT_YET = "not-yet"


class Finding(NamedTuple):
    """The verdict on one rule. `lacking` says what was expected and not found, empty when met; codes only."""

    rule: EvidenceRule
    verdict: Verdict
    lacking: tuple[str, ...]


def judge(
    pathway: Pathway, ledger: Sequence[LedgerEvent], facts: Facts, risk_tier: str | None = None, zone: str = "UTC"
) -> list[Finding]:
    """A finding for every evidence rule that concerns this handoff. `zone` is the recipient's, for rules of the same
    day. An unmet rule is `not-yet` until its moment (acceptance, or the end of the handoff), `not-met` from then on."""
    first: dict[str, datetime] = {}
    for event in ledger:
        if event.kind not in first or event.event_time < first[event.kind]:
            first[event.kind] = event.event_time
    closed = not CLOSING.isdisjoint(first)
    findings = []
    for rule in pathway.evidence:
        if events.ENTERED_IN_ERROR in first or not applies(rule.tiers, rule.when, facts, risk_tier):
            continue
        lacking = _lacking(rule, ledger, first, facts, zone)
        final = closed or (rule.verdict_at == "accepted" and events.ACCEPTED in first)
        # A rule about what follows something else can only be broken later, never fulfilled early.
        if lacking or (rule.each is not None and rule.each not in first and not final):
            verdict = Verdict.NOT_MET if lacking and final else Verdict.NOT_YET
        else:
            verdict = Verdict.MET
        findings.append(Finding(rule, verdict, tuple(lacking)))
    return findings


def _lacking(
    rule: EvidenceRule, ledger: Sequence[LedgerEvent], first: dict[str, datetime], facts: Facts, zone: str
) -> list[str]:
    lacking = [f"the fact `{fact}`" for fact in rule.facts if fact not in facts]
    lacking += [f"the event `{kind}`" for kind in rule.events if kind not in first]
    if rule.condition is not None and rule.condition.fact in facts:
        fault = violated(rule.condition, facts)
        if fault is not None:
            lacking.append(f"for the fact `{rule.condition.fact}` {fault}")
    if rule.event_before is not None:
        kind, fact = rule.event_before
        limit = facts.time_of(fact)
        if limit is None:
            lacking.append(f"the time of `{fact}`")
        elif kind not in first or first[kind] > limit:
            lacking.append(f"the event `{kind}` not after `{fact}`")
    if rule.each is not None:
        for cause in ledger:
            if cause.kind == rule.each and not _followed(cause, rule.followed_by, ledger):
                lacking.append(f"one of {', '.join(f'`{kind}`' for kind in rule.followed_by)} after `{rule.each}`")
                break
    if rule.same_day_as is not None and rule.facts and rule.facts[0] in facts and rule.same_day_as in first:
        limit = same_day_until(first[rule.same_day_as], zone)
        codes = rule.condition.one_of if rule.condition else frozenset()
        proofs = (evidence for evidence in facts[rule.facts[0]] if not codes or evidence.value in codes)
        if not any(evidence.at is not None and evidence.at <= limit for evidence in proofs):
            lacking.append(f"the fact `{rule.facts[0]}` on the day of `{rule.same_day_as}`")
    return lacking


def _followed(cause: LedgerEvent, kinds: tuple[str, ...], ledger: Sequence[LedgerEvent]) -> bool:
    return any(event.kind in kinds and event.recorded_time >= cause.recorded_time for event in ledger)
