"""NHS Booking and Referral Standard: messages without a Task; the answer is told by Encounter, ServiceRequest or
Appointment status, and names the request by its Bundle.id.

https://simplifier.net/guide/nhsbookingandreferralstandard
"""

from mappings.dialects.dialect import STRAIGHT_TO_THE_OUTCOME, Dialect

_EVENTS = "https://fhir.nhs.uk/CodeSystem/message-events-bars"

BARS = Dialect(
    name="bars",
    source="https://simplifier.net/guide/nhsbookingandreferralstandard",
    steps={
        **STRAIGHT_TO_THE_OUTCOME,
        ("accepted", "rejected"): ("failed",),
        ("in-progress", "rejected"): ("failed",),
    },
    answers={
        ("ServiceRequest", "revoked"): "rejected",
        ("ServiceRequest", "entered-in-error"): "rejected",
        ("Encounter", "cancelled"): "rejected",
        ("Encounter", "entered-in-error"): "rejected",
        ("Appointment", "cancelled"): "rejected",
        ("Encounter", "finished"): "completed",
        ("ServiceRequest", "completed"): "completed",
        ("Encounter", "in-progress"): "in-progress",
        ("Encounter", "onleave"): "in-progress",
        ("Encounter", "arrived"): "accepted",
        ("Encounter", "triaged"): "accepted",
        ("Encounter", "planned"): "accepted",
        ("Appointment", "booked"): "accepted",
        ("Appointment", "fulfilled"): "completed",
    },
    answers_name_bundle=True,
    request_event=(_EVENTS, "servicerequest-request"),
    answer_event=(_EVENTS, "servicerequest-response"),
)
