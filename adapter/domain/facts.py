"""The facts that a pathway may demand, each with its one home in FHIR, and the evidence found for them.

A fact is a required field of a warm handoff. CATALOGUE is the list; `mappings/facts.py` finds each where FHIR puts it;
pathways (profiles/pathways) say which are needed at which stage. Codes are those of the handoff-fact code system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Supplier = Literal["initiator", "recipient", "either"]
SUPPLIERS: Final[tuple[Supplier, ...]] = ("initiator", "recipient", "either")


class FactKind(NamedTuple):
    """One row of the catalogue. `element` is where a sender puts the fact, and where its absence is reported."""

    code: str
    supplier: Supplier
    element: str
    meaning: str
    values: frozenset[str] = frozenset()
    """The codes that evidence of this fact can carry, for gates that demand one of them."""
    timed: bool = False
    """Evidence carries a time, so that gates may compare it."""


HANDOFF_METHODS: Final = frozenset(
    {
        "phone",
        "video",
        "in-room-call",
        "three-way-call",
        "shared-note",
        "peer-introduction",
        "digital-form",
        "portal-link",
        "same-day-appointment",
    }
)
COVERAGES: Final = frozenset({"insured", "medicaid", "uninsured", "unknown"})
RISK_TIERS: Final = ("low", "moderate", "high")
"""Weakest control first."""
ACCESS_NEEDS: Final = frozenset(
    {
        "limited-phone-access",
        "unstable-housing",
        "language-need",
        "cognitive-disability",
        "transportation-barrier",
        "co-occurring-substance-use",
    }
)

INPUT, OUTPUT = "Task.input", "Task.output"
"""A fact that lives there is told apart by its type, a code of the handoff-fact code system."""

# fmt: off
_ROWS: Final = (
    # What happened, and how dangerous it still is
    FactKind("current-risk-level", "initiator", "RiskAssessment.prediction.qualitativeRisk",
        "the current risk level, in a RiskAssessment named by ServiceRequest.supportingInfo",
        values=frozenset(RISK_TIERS)),
    FactKind("crisis-trigger", "initiator", "ServiceRequest.reasonCode",
        "what set off the crisis, as code or text"),
    FactKind("brief-summary", "initiator", "ServiceRequest.reasonCode",
        "a brief summary of why the person is handed over"),
    FactKind("safety-plan-summary", "initiator", "CarePlan.description",
        "the safety plan: a CarePlan of category safety-plan with description, named by ServiceRequest.supportingInfo"),
    FactKind("agreed-next-steps", "initiator", "CarePlan.activity",
        "the steps that were agreed with the person"),
    FactKind("risk-concerns-transferred", "initiator", INPUT,
        "the risk concerns that remain, as text or reference to a RiskAssessment"),
    FactKind("housing-risk-summary", "initiator", INPUT,
        "what threatens the person's housing, as text"),
    FactKind("medication-access", "initiator", INPUT,
        "whether the person can get the medication, as a coded concept or its text"),
    FactKind("transportation-plan", "initiator", INPUT,
        "how the person gets to the appointment, as text"),
    FactKind("missed-appointment-barrier", "initiator", INPUT,
        "what kept the person from earlier appointments, as text"),
    FactKind("discharge-summary", "initiator", INPUT,
        "the discharge summary that was sent: a DocumentReference with the time in its date", timed=True),
    # Who is who, and how to reach them
    FactKind("named-recipient", "initiator", "Task.owner",
        "a named, registered practice as Task.owner, never a directory"),
    FactKind("recipient-contact", "initiator", "Task.owner.resolve().telecom",
        "how to reach the recipient: telecom of the Task.owner or of a contact that comes with the request"),
    FactKind("preferred-contact", "initiator", INPUT,
        "the way in which the person wants to be reached: Patient.telecom with rank or use, or an input"),
    FactKind("follow-up-owner", "either", OUTPUT,
        "the named person (Practitioner or PractitionerRole) who owns the follow-up"),
    FactKind("recipient-clinician", "recipient", OUTPUT,
        "the named clinician of the recipient (Practitioner or PractitionerRole)"),
    FactKind("alternate-contact", "initiator", INPUT,
        "the backup route when the recipient does not answer, as a reference"),
    FactKind("escalation-owner", "initiator", INPUT,
        "who takes the escalation (Practitioner, PractitionerRole or Organization)"),
    FactKind("delegate", "initiator", INPUT,
        "the person to whom sending was delegated, as a reference"),
    FactKind("questions-contact", "initiator", INPUT,
        "whom the person can ask until the first appointment, as a ContactPoint"),
    # How the handoff was made
    FactKind("handoff-method", "initiator", INPUT,
        "how the handoff was made, as code", values=HANDOFF_METHODS),
    FactKind("submitted-in-presence", "initiator", INPUT,
        "`true` when the person saw it being sent", values=frozenset({"false", "true"})),
    FactKind("person-informed", "initiator", "Communication.recipient",
        "a completed Communication to the Patient: who will contact them, when, what to do if things change",
        timed=True),
    FactKind("phone-confirmation", "initiator", "Communication.sent",
        "a completed Communication from the initiator to the Patient's phone, with its time in sent", timed=True),
    FactKind("coverage", "initiator", INPUT,
        "the coverage of the person, as code", values=COVERAGES),
    FactKind("immediate-resource", "initiator", INPUT,
        "an immediate resource that the person was given (such as 988), as input or Communication"),
    FactKind("access-needs", "initiator", INPUT,
        "what makes the usual handoff unfit for the person, as code", values=ACCESS_NEEDS),
    # Contact between the two sides
    FactKind("live-contact", "either", OUTPUT,
        "a completed Communication by phone, video or in person, with sent, sender and recipient on both sides"
        " (and the Patient, when three-way)", values=frozenset({"clinicians", "three-way"}), timed=True),
    FactKind("failed-contact", "either", "Communication.statusReason",
        "a Communication `not-done` with statusReason, recipient and time", timed=True),
    FactKind("bridge-contact", "initiator", INPUT,
        "the planned bridge contact: an input dateTime and who makes it, or an Appointment", timed=True),
    FactKind("same-day-outreach", "recipient", OUTPUT,
        "the recipient's outreach to the person: a dateTime when planned, a completed Communication when made",
        values=frozenset({"made", "planned"}), timed=True),
    # What the recipient answers
    FactKind("risk-acknowledged", "recipient", OUTPUT,
        "the time-sensitive risk, read back in the recipient's own words"),
    FactKind("responsibilities-accepted", "recipient", OUTPUT,
        "each follow-up duty that the recipient takes over"),
    FactKind("appointment-time", "recipient", "Appointment.start",
        "the time of the first appointment, on an Appointment basedOn the ServiceRequest", timed=True),
    FactKind("appointment-confirmed", "recipient", "Appointment.participant.status",
        "an Appointment `booked` whose participant of the recipient has `accepted`", timed=True),
    FactKind("appointment-place", "recipient", "Appointment.participant.actor",
        "a Location among Appointment.participant, or telehealth instructions as output",
        values=frozenset({"location", "telehealth"})),
    FactKind("person-has-appointment", "recipient", OUTPUT,
        "the recipient's confirmation that the person has the appointment"),
    FactKind("discharge-instructions", "initiator", INPUT,
        "discharge instructions that carry the appointment (DocumentReference.context.related names it)"),
    FactKind("first-contact-attended", "recipient", "Appointment.status",
        "the first visit took place: an Appointment `fulfilled` or a finished Encounter, from the recipient",
        timed=True),
    # Clocks
    FactKind("acceptance-deadline", "initiator", "Task.extension.where(url.endsWith('acceptance-deadline'))",
        "by when the recipient must have accepted, as extension acceptance-deadline of the Task", timed=True),
    FactKind("discharge-time", "initiator", "Encounter.period.end",
        "when the person is discharged, planned or actual", timed=True),
    FactKind("last-session-time", "initiator", "Encounter.period.end",
        "when the last session ends, planned or actual", timed=True),
    FactKind("visit-end", "initiator", "Encounter.period.end",
        "when the visit of the handoff ends, planned or actual", timed=True),
    FactKind("visit-context", "initiator", "ServiceRequest.encounter",
        "the visit in which the handoff is made, as ServiceRequest.encounter",
        values=frozenset({"own-visit", "visit-of-another"})),
)
# fmt: on


def _placed(row: FactKind) -> FactKind:
    if row.element in (INPUT, OUTPUT):
        return row._replace(element=f"{row.element}.where(type.coding.code='{row.code}')")
    return row


CATALOGUE: Final[Mapping[str, FactKind]] = MappingProxyType({row.code: _placed(row) for row in _ROWS})


class FactEvidence(NamedTuple):
    """Where a fact was found. `expression` is the element, `reference` the resource (`Type/id`) that carries it,
    `value` a code of a closed list, `at` an aware UTC time. Never free text, never a name."""

    expression: str
    reference: str | None = None
    value: str | None = None
    at: datetime | None = None


class Facts(Mapping[str, tuple[FactEvidence, ...]]):
    """Fact code → the evidence found, at least one each; a fact without evidence is not a key. Immutable."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[str, tuple[FactEvidence, ...]] | None = None):
        self._found = {code: evidence for code, evidence in (found or {}).items() if evidence}

    def __getitem__(self, code: str) -> tuple[FactEvidence, ...]:
        return self._found[code]

    def __contains__(self, code: object) -> bool:
        return code in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Facts({', '.join(self._found)})"

    def values_of(self, code: str) -> frozenset[str]:
        """The codes that the evidence of a fact carries; empty when it is absent or carries none."""
        return frozenset(evidence.value for evidence in self._found.get(code, ()) if evidence.value is not None)

    @property
    def risk_tier(self) -> str | None:
        """The highest risk that any evidence states: `low`, `moderate` or `high`; None when none is stated."""
        return max(self.values_of("current-risk-level"), key=RISK_TIERS.index, default=None)

    def time_of(self, code: str) -> datetime | None:
        """The earliest time that the evidence of a fact carries."""
        return min((evidence.at for evidence in self._found.get(code, ()) if evidence.at is not None), default=None)


NO_FACTS: Final = Facts()
