"""The kinds of event that the ledger of a handoff may hold, named `subject:action`; each with what it says.

The ledger is append-only: what happened stays, also when it was a mistake, and a late record shows as late.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DRAFTED: Final = "handoff:drafted"
REQUESTED: Final = "handoff:requested"
RECEIVED: Final = "handoff:received"
ACCEPTED: Final = "handoff:accepted"
REJECTED: Final = "handoff:rejected"
STARTED: Final = "handoff:started"
PUT_ON_HOLD: Final = "handoff:put-on-hold"
FAILED: Final = "handoff:failed"
COMPLETED: Final = "handoff:completed"
CANCELLED: Final = "handoff:cancelled"
ENTERED_IN_ERROR: Final = "handoff:entered-in-error"
UPDATED: Final = "handoff:updated"
ABORT_REQUESTED: Final = "handoff:abort-requested"
REPLACED: Final = "handoff:replaced"

GATE_REFUSED: Final = "gate:refused"

CONTACT_MADE: Final = "contact:made"
CONTACT_FAILED: Final = "contact:failed"
PERSON_INFORMED: Final = "contact:person-informed"
OUTREACH_MADE: Final = "contact:outreach-made"

APPOINTMENT_BOOKED: Final = "appointment:booked"
APPOINTMENT_MISSED: Final = "appointment:missed"
APPOINTMENT_ATTENDED: Final = "appointment:attended"

ACCEPTANCE_MISSED: Final = "deadline:acceptance-missed"
CLOCK_MISSED: Final = "deadline:clock-missed"
FOLLOW_UP_OPENED: Final = "deadline:follow-up-opened"
FOLLOW_UP_CLOSED: Final = "follow-up:closed"

ALTERNATE_TOLD: Final = "ladder:alternate-told"
ESCALATED: Final = "ladder:escalated"
FLAGGED_FOR_REVIEW: Final = "ladder:flagged-for-review"

DISCLOSURE_PERMITTED: Final = "disclosure:permitted"
DISCLOSURE_WITHHELD: Final = "disclosure:withheld"
DISCLOSURE_ENDED: Final = "disclosure:ended"
DISCLOSURE_EMERGENCY: Final = "disclosure:emergency"

DELIVERED: Final = "delivery:delivered"
DELIVERY_AVAILABLE: Final = "delivery:available"
DELIVERY_WITHHELD: Final = "delivery:withheld"
DELIVERY_FAILED: Final = "delivery:failed"
DELIVERY_PARKED: Final = "delivery:parked"

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        DRAFTED: "The initiator prepares a handoff; nobody else sees it.",
        REQUESTED: "The initiator asks the recipient to take the person over.",
        RECEIVED: "The recipient has read the request; it has not accepted.",
        ACCEPTED: "The recipient holds the person from now on.",
        REJECTED: "The recipient refused; the initiator still holds the person.",
        STARTED: "The recipient works on it, for the first time or again after a pause.",
        PUT_ON_HOLD: "The recipient paused, still holding the person.",
        FAILED: "The recipient could not go on; the initiator holds the person again.",
        COMPLETED: "The first contact took place; the handoff is closed.",
        CANCELLED: "The initiator took the handoff back; it holds the person.",
        ENTERED_IN_ERROR: "The handoff should never have been recorded.",
        UPDATED: "The content of the handoff changed, its status did not.",
        ABORT_REQUESTED: "The initiator asked the recipient to stop a handoff in progress.",
        REPLACED: "A new handoff was opened in the place of this one.",
        GATE_REFUSED: "A step was refused because facts were missing or a gate was shut.",
        CONTACT_MADE: "The two sides spoke live.",
        CONTACT_FAILED: "An attempt to reach the other side failed; the ladder starts.",
        PERSON_INFORMED: "The person was told who will contact them, when, and what to do until then.",
        OUTREACH_MADE: "The recipient reached out to the person.",
        APPOINTMENT_BOOKED: "A first appointment is booked and confirmed.",
        APPOINTMENT_MISSED: "The person did not come to the first appointment.",
        APPOINTMENT_ATTENDED: "The first visit took place.",
        ACCEPTANCE_MISSED: "The acceptance deadline passed without acceptance; the ladder starts.",
        CLOCK_MISSED: "Another clock of the pathway ran out; the detail names it.",
        FOLLOW_UP_OPENED: "A follow-up Task of the pathway was opened; the detail names its clock.",
        FOLLOW_UP_CLOSED: "A follow-up Task was closed; the detail names its clock and the status that it has.",
        ALTERNATE_TOLD: "Ladder, first rung: the alternate contact was told.",
        ESCALATED: "Ladder, second rung: a child Task went to the escalation owner.",
        FLAGGED_FOR_REVIEW: "Ladder, third rung: the handoff was flagged for governance review.",
        DISCLOSURE_PERMITTED: "The person's Consent lets an organisation read the handoff; the detail names both.",
        DISCLOSURE_WITHHELD: "No Consent of the person lets an organisation read the handoff; the detail says why.",
        DISCLOSURE_EMERGENCY: "An organisation may read the handoff for a time without Consent: a medical emergency.",
        DISCLOSURE_ENDED: "The Consent by which an organisation read the handoff has ended; the detail says why.",
        DELIVERED: "A notification reached its subscriber.",
        DELIVERY_AVAILABLE: "A notification has no channel to go out by; its subscriber reads when it asks.",
        DELIVERY_WITHHELD: "A notification was not sent, because its subscriber may no longer read the handoff.",
        DELIVERY_FAILED: "A notification did not reach its subscriber and will be tried again.",
        DELIVERY_PARKED: "A notification is given up until a person retries it.",
    }
)

OF_STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "draft": DRAFTED,
        "requested": REQUESTED,
        "received": RECEIVED,
        "accepted": ACCEPTED,
        "rejected": REJECTED,
        "in-progress": STARTED,
        "on-hold": PUT_ON_HOLD,
        "failed": FAILED,
        "completed": COMPLETED,
        "cancelled": CANCELLED,
        "entered-in-error": ENTERED_IN_ERROR,
    }
)
"""Task.status → the event that reaching it writes."""
