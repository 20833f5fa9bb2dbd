"""The measures of governance: what each counts, in words that are published and in the rule that is computed.

Words and rule stand side by side in one table, so that a Measure (https://hl7.org/fhir/R4/measure.html) says what its
report counts. All count handoffs that were requested in a period, by event time, with what is known of them when the
report is made; escalation children, drafts and what was entered in error are no handoffs of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from adapter.domain import events
from adapter.domain.measured import Measured, Observed

Scoring = Literal["cohort", "proportion", "continuous-variable"]
Role = Literal["initial-population", "denominator", "denominator-exclusion", "numerator", "measure-population"]
"""Codes of http://terminology.hl7.org/CodeSystem/measure-population."""
Counts = Callable[[Measured, Observed], bool]

LATE_RECORD: Final = "late-record"
LATE_RECORD_SAYS: Final = "Of these, handoffs with an event that was recorded more than 24 hours after it happened."

STRATIFIERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pathway": "The pathway of the handoff.",
        "initiator": "The organisation that hands the person over.",
        "recipient": "The organisation that is asked to take the person over.",
        "coverage": "The kind of coverage of the person, as the handoff states it.",
        "access-need": "Each access need that the handoff states; one with several is in several strata.",
        "language": "The preferred language of the person (Patient.communication), else the first that is listed.",
        "risk-tier": "The highest risk that the handoff states.",
    }
)


class Population(NamedTuple):
    role: Role
    says: str
    counts: Counts


class Group(NamedTuple):
    """`populations` begins with what is below the initial population; each is counted within the one that it refines.
    `hours`, for a continuous variable, is the duration that is observed; its median is the score."""

    code: str
    says: str
    populations: tuple[Population, ...] = ()
    initial: Counts = lambda handoff, observed: True
    initial_says: str = "Handoffs requested in the period."
    hours: Callable[[Measured], timedelta | None] | None = None
    beyond: Counts | None = None
    """Whom the numerator has and that of the group before has not: to be had by subtraction, so no small number."""


class Measure(NamedTuple):
    id: str
    title: str
    says: str
    scoring: Scoring
    more_is_better: bool
    groups: tuple[Group, ...]


CRISIS_PATHWAYS: Final = frozenset({"mobile-crisis-to-outpatient", "stabilization-discharge"})
"""A handoff on one of these stands for a crisis episode; that of a re-engagement does not."""
FOLLOW_UP_IS_DUE: Final = timedelta(days=10)

_FELL_THROUGH = (events.REJECTED, events.FAILED, events.ACCEPTANCE_MISSED)
_CORRECTIVE = (events.REPLACED, events.ALTERNATE_TOLD, events.ESCALATED, events.FLAGGED_FOR_REVIEW)
_FOLLOW_UP = (
    *(events.APPOINTMENT_BOOKED, events.APPOINTMENT_MISSED, events.APPOINTMENT_ATTENDED),
    *(events.OUTREACH_MADE, events.FOLLOW_UP_CLOSED),
)


def _failed(handoff: Measured, observed: Observed) -> bool:
    return handoff.happened(*_FELL_THROUGH)


def _corrected(handoff: Measured, observed: Observed) -> bool:
    since = handoff.first(*_FELL_THROUGH)
    return since is not None and any(e.kind in _CORRECTIVE and e.event_time >= since for e in handoff.events)


def _completed(handoff: Measured, observed: Observed) -> bool:
    return handoff.status == "completed"


def _accepted(handoff: Measured, observed: Observed) -> bool:
    return handoff.happened(events.ACCEPTED)


def _taken_back(handoff: Measured, observed: Observed) -> bool:
    return handoff.status == "cancelled"


def _taken_back_unanswered(handoff: Measured, observed: Observed) -> bool:
    return handoff.status == "cancelled" and not handoff.happened(events.ACCEPTED)


def _to_acceptance(handoff: Measured) -> timedelta | None:
    accepted = handoff.first(events.ACCEPTED)
    return None if accepted is None else accepted - handoff.requested_at


def _to_first_visit(handoff: Measured) -> timedelta | None:
    """None also for a visit before the crisis was closed: that one did not follow it."""
    attended, closed = handoff.first(events.APPOINTMENT_ATTENDED), handoff.crisis_closed
    return attended - closed if attended is not None and closed is not None and attended >= closed else None


def _in_emergency(handoff: Measured, observed: Observed) -> bool:
    return handoff.happened(events.DISCLOSURE_EMERGENCY)


def _visit_due(handoff: Measured, observed: Observed) -> bool:
    return handoff.happened(events.APPOINTMENT_MISSED, events.APPOINTMENT_ATTENDED)


def _missed_first(handoff: Measured, observed: Observed) -> bool:
    missed, attended = handoff.first(events.APPOINTMENT_MISSED), handoff.first(events.APPOINTMENT_ATTENDED)
    return missed is not None and (attended is None or missed < attended)


def _crisis(handoff: Measured, observed: Observed) -> bool:
    return handoff.pathway in CRISIS_PATHWAYS and handoff.patient is not None


def _again_within(days: int) -> Counts:
    def again(handoff: Measured, observed: Observed) -> bool:
        end = handoff.crisis_closed or handoff.requested_at
        return any(
            _crisis(other, observed)
            and timedelta() < other.requested_at - end <= timedelta(days=days)
            and other.requested_at > handoff.requested_at
            and (other.encounter is None or other.encounter != handoff.encounter)
            for other in observed.others_of_the_person(handoff)
        )

    return again


def _too_recent(days: int) -> Counts:
    again = _again_within(days)

    def too_recent(handoff: Measured, observed: Observed) -> bool:
        end = handoff.crisis_closed or handoff.requested_at
        return end + timedelta(days=days) > observed.now and not again(handoff, observed)

    return too_recent


def _contact_failed(handoff: Measured, observed: Observed) -> bool:
    return handoff.happened(events.CONTACT_FAILED)


def _escalated_after(handoff: Measured, observed: Observed) -> bool:
    failed = handoff.first(events.CONTACT_FAILED)
    return failed is not None and any(
        e.kind == events.ESCALATED and e.event_time >= failed for e in handoff.events
    )  # fmt: skip


def _answered_after(handoff: Measured, observed: Observed) -> bool:
    failed = handoff.first(events.CONTACT_FAILED)
    answers = (events.ACCEPTED, events.CONTACT_MADE)
    answered = failed is not None and any(e.kind in answers and e.event_time >= failed for e in handoff.events)
    return answered and not _escalated_after(handoff, observed)


def _spoken_live(handoff: Measured, observed: Observed) -> bool:
    return handoff.happened(events.CONTACT_MADE)


def _not_in_time(handoff: Measured, observed: Observed) -> bool:
    accepted, deadline = handoff.first(events.ACCEPTED), handoff.acceptance_deadline
    late = accepted is not None and deadline is not None and accepted > deadline
    return late or handoff.happened(events.ACCEPTANCE_MISSED, events.REJECTED, events.CLOCK_MISSED)


def _given_back(handoff: Measured, observed: Observed) -> bool:
    return handoff.status in {"rejected", "failed", "cancelled"}


def _not_due_yet(handoff: Measured, observed: Observed) -> bool:
    recent = handoff.requested_at + FOLLOW_UP_IS_DUE > observed.now
    return _given_back(handoff, observed) or (recent and not handoff.happened(*_FOLLOW_UP))


def _no_follow_up(handoff: Measured, observed: Observed) -> bool:
    return not handoff.happened(*_FOLLOW_UP)


def _rate(
    code: str, says: str, numerator: tuple[str, Counts], *,
    of: tuple[str, Counts] | None = None, without: tuple[str, Counts] | None = None,
) -> Group:  # fmt: skip
    """A proportion. `of` narrows the handoffs of the period to the initial population, which is the denominator."""
    initial = of or ("Handoffs requested in the period.", lambda handoff, observed: True)
    populations = [Population("denominator", "The initial population.", lambda handoff, observed: True)]
    if without is not None:
        populations.append(Population("denominator-exclusion", *without))
    populations.append(Population("numerator", *numerator))
    return Group(code, says, tuple(populations), initial[1], initial[0])


def _median(code: str, says: str, measured: str, hours: Callable[[Measured], timedelta | None]) -> Group:
    known = Population("measure-population", measured, lambda handoff, observed: hours(handoff) is not None)
    return Group(code, says, (known,), hours=hours)


def _cohort(code: str, says: str, counts: Counts) -> Group:
    return Group(code, says, initial=counts, initial_says=says)


def _repeat(days: int, beyond: int | None = None) -> Group:
    again = _again_within(days)
    group = _rate(
        f"within-{days}-days",
        f"Crisis episodes that were followed by another within {days} days.",
        (f"Another crisis handoff of the same Patient, of another Encounter, was requested within {days} days after "
         "this episode was closed (Encounter.period.end), or, when that is not known, after its request.", again),
        of=(f"Handoffs of a known Patient requested in the period on {' or '.join(sorted(CRISIS_PATHWAYS))}.", _crisis),
        without=(f"Not followed by another so far, and closed less than {days} days ago.", _too_recent(days)),
    )  # fmt: skip
    if beyond is None:
        return group
    sooner = _again_within(beyond)
    return group._replace(beyond=lambda handoff, observed: again(handoff, observed) and not sooner(handoff, observed))


_ROWS: Final = (
    Measure(
        "handoff-outcomes", "Handoffs required, completed and failed",
        "How many handoffs were asked for, how many were completed, how many fell through.",
        "cohort", True,
        (
            _cohort("required", "Handoffs requested in the period.", lambda handoff, observed: True),
            _cohort("completed",
                    "Handoffs requested in the period whose first contact took place (Task.status completed).",
                    _completed),
            _cohort("fell-through",
                    "Handoffs requested in the period that the recipient refused, failed or left unanswered until the "
                    "acceptance deadline passed, also when it went well in the end.", _failed),
        ),
    ),
    Measure(
        "corrective-action", "Corrective action after handoffs that fell through",
        "For how many of the handoffs that fell through something was done about it.", "proportion", True,
        (_rate("corrected", "Handoffs that fell through and were followed by a corrective action.",
               ("Another handoff in its place, the alternate contact told, an escalation, or a flag for review.",
                _corrected),
               of=("Handoffs requested in the period that the recipient refused, failed or left unanswered until the "
                   "acceptance deadline passed.", _failed)),),
    ),
    Measure(
        "completion-rate", "Completion rate", "How many handoffs end with the first contact.", "proportion", True,
        (_rate("completion", "Handoffs that were completed.",
               ("The first contact took place (Task.status completed).", _completed),
               without=("The initiator took the handoff back (Task.status cancelled).", _taken_back)),),
    ),
    Measure(
        "acceptance-rate", "Acceptance rate", "How many handoffs the recipient takes over.", "proportion", True,
        (_rate("acceptance", "Handoffs that were accepted.",
               ("The recipient accepted, whatever came later.", _accepted),
               without=("The initiator took the handoff back before it was accepted.", _taken_back_unanswered)),),
    ),
    Measure(
        "time-to-acceptance", "Time to acceptance", "How long a person waits until another organisation holds them.",
        "continuous-variable", False,
        (_median("time-to-acceptance", "Hours from the request to the acceptance; the score is the median.",
                 "Handoffs that were accepted.", _to_acceptance),),
    ),
    Measure(
        "time-to-first-contact", "Time from crisis closure to first outpatient contact",
        "How long a person waits between the end of the visit or crisis and the first visit at the recipient.",
        "continuous-variable", False,
        (_median("time-to-first-contact",
                 "Hours from Encounter.period.end of the ServiceRequest's Encounter to the first visit that was "
                 "attended; the score is the median.",
                 "Handoffs whose Encounter has an end and whose first visit took place after it.", _to_first_visit),),
    ),
    Measure(
        "missed-first-appointments", "Missed first appointments",
        "How often the first appointment after a handoff does not take place because the person did not come.",
        "proportion", False,
        (_rate("missed", "First appointments that were missed.",
               ("The first of these appointments was missed.", _missed_first),
               of=("Handoffs requested in the period with an appointment that was kept or missed.", _visit_due)),),
    ),
    Measure(
        "repeat-crisis", "Repeat crisis episodes", "How often another crisis follows soon.", "proportion", False,
        (_repeat(7), _repeat(30, beyond=7)),
    ),
    Measure(
        "escalation-after-failed-contact", "Escalations after failed contact",
        "Whether a failed contact leads to an escalation and not to passive closure.", "proportion", True,
        (_rate("escalated", "Failed contacts that were escalated.",
               ("The escalation owner was asked to step in after the failed contact.", _escalated_after),
               of=("Handoffs requested in the period with a contact that failed.", _contact_failed),
               without=("Not escalated, because the recipient accepted or was reached live after the failed contact.",
                        _answered_after)),),
    ),
    Measure(
        "live-contact-rate", "Live contact between the two sides",
        "How often the two sides spoke live; to be read by risk tier.", "proportion", True,
        (_rate("live-contact", "Accepted handoffs with a live contact.", ("The two sides spoke live.", _spoken_live),
               of=("Handoffs requested in the period that were accepted.", _accepted)),),
    ),
    Measure(
        "no-timely-intake", "Referrals with no timely intake",
        "How often the recipient could not take the person in time.", "proportion", False,
        (_rate("no-timely-intake", "Handoffs without timely intake.",
               ("The recipient refused, did not accept by the acceptance deadline, or another clock of the pathway ran "
                "out.", _not_in_time),
               without=("The initiator took the handoff back before it was accepted.", _taken_back_unanswered)),),
    ),
    Measure(
        "no-follow-up-step", "Referrals with no follow-up step",
        "How often nobody followed through after the referral.", "proportion", False,
        (_rate("no-follow-up", "Handoffs without any follow-up step.",
               ("No appointment, outreach to the person, or closed follow-up is recorded.", _no_follow_up),
               without=("Given back or taken back; or requested less than 10 days ago and nothing recorded yet.",
                        _not_due_yet)),),
    ),
    Measure(
        "emergency-disclosures", "Disclosures in a medical emergency",
        "How often records under 42 CFR Part 2 were disclosed without Consent, because of a medical emergency.",
        "proportion", False,
        (_rate("emergency", "Handoffs disclosed in a medical emergency.",
               ("Records were disclosed in a medical emergency, without Consent.", _in_emergency)),),
    ),
)  # fmt: skip

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType({measure.id: measure for measure in _ROWS})


def group_codes() -> dict[str, str]:
    """Code of each group → what it says."""
    return {group.code: group.says for measure in _ROWS for group in measure.groups}
