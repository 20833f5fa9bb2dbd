"""Every canonical URL that this project coins or relies on. Who publishes under another base changes `BASE`."""

from typing import Final

BASE: Final = "https://handoff.example/fhir"

FACT_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-fact"
STATUS_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-status"
REASON_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-reason"
ACTION_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-action"
ACCESS_NEED_SYSTEM: Final = f"{BASE}/CodeSystem/access-need"
RISK_TIER_SYSTEM: Final = f"{BASE}/CodeSystem/risk-tier"
TASK_CODE_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-task"
CARE_PLAN_CATEGORY_SYSTEM: Final = f"{BASE}/CodeSystem/care-plan-category"
EVENT_SYSTEM: Final = f"{BASE}/CodeSystem/handoff-event"
EVIDENCE_SECTION_SYSTEM: Final = f"{BASE}/CodeSystem/evidence-section"
PATHWAY_RULE_SYSTEM: Final = f"{BASE}/CodeSystem/pathway-rule"
COVERAGE_SYSTEM: Final = f"{BASE}/CodeSystem/coverage"
MEASURE_GROUP_SYSTEM: Final = f"{BASE}/CodeSystem/measure-group"
MEASURE_POPULATION_SYSTEM: Final = f"{BASE}/CodeSystem/measure-population"
MEASURE_STRATIFIER_SYSTEM: Final = f"{BASE}/CodeSystem/measure-stratifier"
PARTNER_SYSTEM: Final = f"{BASE}/NamingSystem/partner"

EXT_ACCEPTANCE_DEADLINE: Final = f"{BASE}/StructureDefinition/acceptance-deadline"
EXT_RESPONSIBLE: Final = f"{BASE}/StructureDefinition/responsible"
EXT_NEXT_ACTION: Final = f"{BASE}/StructureDefinition/next-action"
EXT_LACKING: Final = f"{BASE}/StructureDefinition/lacking"
EXT_OPENS: Final = f"{BASE}/StructureDefinition/opens"

PLAN_DEFINITION: Final = f"{BASE}/PlanDefinition/"
ACTIVITY_DEFINITION: Final = f"{BASE}/ActivityDefinition/"
MEASURE: Final = f"{BASE}/Measure/"
EVIDENCE_OPERATION: Final = f"{BASE}/OperationDefinition/evidence"
FIND_DESTINATION_OPERATION: Final = f"{BASE}/OperationDefinition/find-destination"
TOPIC_HANDOFF: Final = f"{BASE}/SubscriptionTopic/handoff"

FHIR_TASK_CODE_SYSTEM: Final = "http://hl7.org/fhir/CodeSystem/task-code"
EXT_REQUEST_STATUS_REASON: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
PARTICIPATION_MODE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
IDENTIFIER_TYPE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"


def event_code(kind: str) -> str:
    """The code of EVENT_SYSTEM for a kind of ledger event: `handoff-accepted` of `handoff:accepted`."""
    return kind.replace(":", "-")
