"""Bidirectional Services eReferral (BSeR) with IHE 360X: decline is possible after acceptance, and outcome from it.

https://hl7.org/fhir/us/bser/
"""

from mappings.dialects.dialect import STRAIGHT_TO_THE_OUTCOME, Dialect

BSER = Dialect(
    name="bser",
    source="https://hl7.org/fhir/us/bser/",
    steps={
        **STRAIGHT_TO_THE_OUTCOME,
        # Declining what was accepted gives the person back: here that is `failed`.
        ("accepted", "rejected"): ("failed",),
        ("in-progress", "rejected"): ("failed",),
    },
)
