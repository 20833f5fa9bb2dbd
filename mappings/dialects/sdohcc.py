"""Gravity SDOH Clinical Care: no `received`, the target may complete from accepted and may cancel.

https://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition-SDOHCC-TaskForReferralManagement.html
"""

from mappings.dialects.dialect import STRAIGHT_TO_THE_OUTCOME, Dialect

SDOHCC = Dialect(
    name="sdohcc",
    source="https://hl7.org/fhir/us/sdoh-clinicalcare/",
    steps={
        **STRAIGHT_TO_THE_OUTCOME,
        # A target that cancels gives the person back: here that is `failed`, or `rejected` before acceptance.
        ("requested", "cancelled"): ("rejected",),
        ("accepted", "cancelled"): ("failed",),
        ("in-progress", "cancelled"): ("failed",),
        ("on-hold", "cancelled"): ("failed",),
        ("requested", "failed"): ("rejected",),
    },
)
