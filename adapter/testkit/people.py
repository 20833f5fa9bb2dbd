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
PERINATAL_REASONS = (
    "Positive postpartum depression screen at six weeks; little sleep, cries daily, no thoughts of harm",
    "Intrusive, frightening thoughts since the birth, and fear to tell anybody",
    "Anxiety since the second trimester, panic at night; stopped her medication in pregnancy",
    "Birth was traumatic; avoids everything that reminds her of it",
)
HOUSING = (
    "Notice of eviction for the end of the month; sleeps on a friend's sofa since Monday",
    "Shelter place ends on Friday, no other address",
)
TRANSPORT = (
    "The transition coordinator has booked a taxi for the first appointment",
    "Her sister drives; if she cannot, the clinic sends a bus ticket by text",
)
MEDICATION = (
    "Prescription is ready at the pharmacy next door and paid for",
    "Thirty days' supply handed out at discharge",
)
REMAINING_RISKS = (
    "Stops medication when alone for days; isolates before it gets worse",
    "Passive thoughts of death in the evening, none of acting on them",
)
ACCESS_NEEDS = ("limited-phone-access", "unstable-housing", "language-need", "transportation-barrier")
DUTIES = (
    "Reminder by text the day before",
    "Weekly check of medication",
    "Call within a day when an appointment is missed",
)
TIERS = ("low", "moderate", "high")
# LOINC code, UCUM unit, lowest and highest value: heart rate, respiratory rate, PHQ-9 total score.
VITALS = (("8867-4", "/min", 58, 110), ("9279-1", "/min", 12, 24), ("44261-6", "{score}", 0, 27))
