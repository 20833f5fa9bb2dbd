"""A pathway: what one kind of handoff demands at each stage, its clocks, its ladder and what must be provable after.

Pathways are data (profiles/pathways, a file each, readable by a clinician); these are the shapes that the data takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from adapter.domain.deadlines import Before, Rule
from adapter.domain.facts import Supplier
from adapter.domain.task_status import Stage

BASE_PATHWAY: Final = "referral"
"""The pathway of a handoff that names none."""

LadderStepName = Literal["alternate-contact", "escalation-owner", "governance-review"]
LADDER_STEPS: Final[tuple[LadderStepName, ...]] = ("alternate-contact", "escalation-owner", "governance-review")

ClockStart = Literal["requested", "accepted", "missed", "returned"]
CLOCK_STARTS: Final[tuple[ClockStart, ...]] = ("requested", "accepted", "missed", "returned")
"""`missed`: the person did not come to an appointment; each time anew. `returned`: the handoff was rejected, failed or
cancelled, and the initiator holds the person again."""

VerdictMoment = Literal["accepted", "closed"]
VERDICT_MOMENTS: Final[tuple[VerdictMoment, ...]] = ("accepted", "closed")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A fact that must be there, and which side supplies it."""

    fact: str
    supplier: Supplier


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of the evidence of a fact that is there. `one_of`: it carries one of these codes. `before`: its
    time is not after that of this other fact. `by_end_of_day`: its time is on the day of the step, or earlier (see
    deadlines.same_day_until)."""

    fact: str
    one_of: frozenset[str] = frozenset()
    before: str | None = None
    by_end_of_day: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A named check that blocks the step of `stage`. `says` is the sentence of the source. It asks for all `facts` and,
    where given, for `condition`; it applies to `tiers` only (empty = always) and `when` a fact carries such a code."""

    name: str
    stage: Stage
    says: str
    facts: tuple[str, ...]
    condition: Condition | None = None
    tiers: frozenset[str] = frozenset()
    when: tuple[str, frozenset[str]] | None = None


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A clock beside the acceptance clock: from `starts` until `due`, stopped by the fact `until`. With `task`, a child
    Task saying so is opened at `opens` (a follow-up: the initiator's, after a missed visit that of whoever holds the
    person); else a missed clock sets the business status `<name>-overdue`."""

    name: str
    starts: ClockStart
    due: Rule
    until: str | None = None
    opens: Rule | None = None
    task: str | None = None


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One rung, `after` the ladder started (not after the rung below it)."""

    name: LadderStepName
    after: timedelta


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """What an audit must be able to confirm. Met when all `facts` are there with `condition`, all `events` are in the
    ledger, and each event of `each` was followed by one of `followed_by`. `event_before`: the first such event is not
    after the time of that fact. Judged at `verdict_at`; before that an unmet rule is not yet met."""

    name: str
    says: str
    facts: tuple[str, ...] = ()
    condition: Condition | None = None
    events: tuple[str, ...] = ()
    event_before: tuple[str, str] | None = None
    each: str | None = None
    followed_by: tuple[str, ...] = ()
    same_day_as: str | None = None
    """The fact of `facts[0]` happened no later than on the day (same_day_until) of the first event of this kind."""
    tiers: frozenset[str] = frozenset()
    when: tuple[str, frozenset[str]] | None = None
    verdict_at: VerdictMoment = "closed"


@dataclass(frozen=True, slots=True)
class Pathway:
    """One kind of handoff, whole. `facts` and each of `tiers` are stage → requirements; a tier only adds."""

    name: str
    title: str
    source: str
    purpose: str
    facts: Mapping[Stage, tuple[Requirement, ...]] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    tiers: Mapping[str, Mapping[Stage, tuple[Requirement, ...]]] = field(default_factory=dict)
    optional: tuple[Requirement, ...] = ()
    acceptance: Rule | None = None
    clocks: tuple[ClockRule, ...] = ()
    ladder: tuple[LadderStep, ...] = ()
    evidence: tuple[EvidenceRule, ...] = ()

    def required(self, stage: Stage, risk_tier: str | None = None) -> tuple[Requirement, ...]:
        """What a stage demands, each fact once: the pathway's own facts first, then what the tier adds."""
        own = self.facts.get(stage, ())
        added = self.tiers.get(risk_tier, {}).get(stage, ()) if risk_tier else ()
        if not added:
            return own
        known = {requirement.fact for requirement in own}
        return own + tuple(requirement for requirement in added if requirement.fact not in known)

    @property
    def clock_facts(self) -> frozenset[str]:
        """Every fact that sets or moves a clock of this pathway: what has to be known to say when things are due."""
        rules = [self.acceptance, *(rule for clock in self.clocks for rule in (clock.due, clock.opens))]
        return frozenset({"appointment-time", *(rule.fact for rule in rules if isinstance(rule, Before))})

    def facts_at(self, stage: Stage) -> frozenset[str]:
        """Every fact that the requirements and gates of a stage look at, whatever the risk: what has to be extracted
        to judge it, together with the risk itself."""
        codes = {"current-risk-level", *(requirement.fact for requirement in self.facts.get(stage, ()))}
        for tier in self.tiers.values():
            codes.update(requirement.fact for requirement in tier.get(stage, ()))
        for gate in self.gates:
            if gate.stage == stage:
                codes.update(gate.facts)
                codes.update([gate.when[0]] if gate.when else [])
                codes.update([gate.condition.before] if gate.condition and gate.condition.before else [])
        return frozenset(codes)

    def clock(self, name: str) -> ClockRule | None:
        return next((clock for clock in self.clocks if clock.name == name), None)
