"""Invented people and circumstances for generated bundles. Nobody here exists; phone numbers are of a fictional range.

https://terminology.hl7.org/CodeSystem-v3-ActReason.html#v3-ActReason-HTEST marks test health data.
"""

from __future__ import annotations

from typing import Any, Final

HTEST: Final[dict[str, Any]] = {
    "tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]
}

GIVEN = ("Rowan", "Amara", "Idris", "Noor", "Tamsin", "Ezra", "Yuki", "Delphine", "Mateo", "Saoirse", "Kofi", "Lena")
FAMILY = (
    "Samplewood",
    "Testerly",
    "Mockford",
    "Examplar",
    "Fixtura",
    "Dummondson",
    "Stubbs-Test",
    "Pretendez",
)
CLINICIANS = ("J. Placeholder, LCSW", "R. Simulant, RN", "P. Trialman, PsyD", "M. Rehearsal, LPC", "S. Drill, MD")
TRIGGERS = (
    "Panic after an eviction notice; thoughts of self-harm without current intent",
    "Argument with a family member, sleeplessness for four nights",
    "Medication ran out a week ago, returning voices",
    "Loss of a close friend, isolation since then",
)
BARRIERS = (
    "Could not get through on the clinic's phone line",
    "Shift work collides with clinic hours",
    "No money for the bus to the clinic",
    "Afraid of being judged after two missed appointments",
)
SAFETY_PLANS = (
    "Warning signs: pacing, not eating. Calls sister first, then 988. Medication locked in the hallway cabinet.",
    "Walks to the neighbour when the panic starts; keeps the crisis line on speed dial; no alcohol at home.",
    "Breathing exercise, cold water, text to the peer supporter; partner keeps the keys overnight.",
)
TIERS = ("low", "moderate", "high")
# LOINC code, UCUM unit, lowest and highest value: heart rate, respiratory rate, PHQ-9 total score.
VITALS = (("8867-4", "/min", 58, 110), ("9279-1", "/min", 12, 24), ("44261-6", "{score}", 0, 27))
