"""Each fact and each gate of a pathway, judged for the record: what a step needed, and whether it can still be shown.

`gates.unmet` decides whether a step may be taken; this says afterwards, one by one, what stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from adapter.domain import events
from adapter.domain.evidence import CLOSING, Verdict
from adapter.domain.facts import CATALOGUE, Facts
from adapter.domain.gates import applies, violated
from adapter.domain.handoff import LedgerEvent
from adapter.domain.pathway import Gate, Pathway
from adapter.domain.task_status import STAGES, Stage

STEP_OF: Final = {"request": events.REQUESTED, "accept": events.ACCEPTED, "complete": events.COMPLETED}
"""Stage → the event of taking the step that it guards."""


class GateFinding(NamedTuple):
    """The verdict on a required fact (`gate` False, `name` its code) or on a named gate. `says` is for people,
    `lacking` what was expected and not found, `element` where in FHIR it belongs."""

    stage: Stage
    name: str
    gate: bool
    says: str
    verdict: Verdict
    lacking: tuple[str, ...]
    element: str


def judge_gates(
    pathway: Pathway,
    ledger: Sequence[LedgerEvent],
    facts: Facts,
    risk_tier: str | None = None,
    *,
    now: datetime,
    zone: str = "UTC",
) -> list[GateFinding]:
    """A finding for every fact and gate that concerns this handoff, in the order of the stages. What is unmet is
    `not-yet` while the step may still be taken, `not-met` once it was taken or the handoff was closed without it.
    Gates of the same day are judged at the time of the step, or `now`; `zone` is the recipient's."""
    taken: dict[str, datetime] = {}
    for event in ledger:
        taken.setdefault(event.kind, event.recorded_time)
    if events.ENTERED_IN_ERROR in taken:
        return []
    closed = not CLOSING.isdisjoint(taken)
    found = []
    for stage in STAGES:
        final = closed or STEP_OF[stage] in taken
        at = taken.get(STEP_OF[stage], now)
        for name, gate, says, lacking, element in _of_stage(pathway, stage, facts, risk_tier, at, zone):
            verdict = Verdict.MET if not lacking else Verdict.NOT_MET if final else Verdict.NOT_YET
            found.append(GateFinding(stage, name, gate, says, verdict, lacking, element))
    return found


def _of_stage(
    pathway: Pathway, stage: Stage, facts: Facts, risk_tier: str | None, at: datetime, zone: str
) -> Iterator[tuple[str, bool, str, tuple[str, ...], str]]:
    for need in pathway.required(stage, risk_tier):
        kind = CATALOGUE[need.fact]
        yield need.fact, False, kind.meaning, _absent((need.fact,), facts), kind.element
    for gate in pathway.gates:
        if gate.stage == stage and applies(gate.tiers, gate.when, facts, risk_tier):
            asked = gate.condition.fact if gate.condition else (gate.facts or ("",))[0]
            element = CATALOGUE[asked].element if asked else "Task"
            yield gate.name, True, gate.says, _lacking(gate, facts, at, zone), element


def _lacking(gate: Gate, facts: Facts, at: datetime, zone: str) -> tuple[str, ...]:
    absent = _absent(gate.facts, facts)
    if absent or gate.condition is None:
        return absent
    fault = violated(gate.condition, facts, at, zone)
    return (f"for the fact `{gate.condition.fact}` {fault}",) if fault is not None else ()


def _absent(codes: Sequence[str], facts: Facts) -> tuple[str, ...]:
    return tuple(f"the fact `{code}`" for code in codes if code not in facts)
