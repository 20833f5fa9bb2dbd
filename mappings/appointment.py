"""Appointment (https://hl7.org/fhir/R4/appointment.html): what its status says about the first visit."""

from typing import Final

from adapter.domain import events

EVENTS: Final = {
    "booked": events.APPOINTMENT_BOOKED,
    "noshow": events.APPOINTMENT_MISSED,
    "arrived": events.APPOINTMENT_ATTENDED,
    "checked-in": events.APPOINTMENT_ATTENDED,
    "fulfilled": events.APPOINTMENT_ATTENDED,
}
"""Appointment.status → the ledger event that it is recorded as."""
