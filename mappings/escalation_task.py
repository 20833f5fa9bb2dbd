"""The child Task by which somebody is asked to step in for a handoff that nobody answers.

https://hl7.org/fhir/R4/task.html: `partOf` and `focus` are the Task of the handoff, the code is our own `escalate`
because task-code has none for it; the owner is the organisation, and the person that was named stands in `input`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapter.domain.handoff import Handoff
from mappings.canonicals import FACT_SYSTEM, REASON_SYSTEM, STATUS_SYSTEM, TASK_CODE_SYSTEM
from mappings.task import organization, write_handoff
from mappings.times import format_time

Tree = dict[str, Any]

AWAITING_ACCEPTANCE = "awaiting-acceptance"
ANSWERED = "handoff-answered"
"""The handoff-reason for cancelling an escalation: what it was about has been answered."""


def to_fhir(child: Handoff, *, named: Tree | None, reason: str, at: datetime) -> Tree:
    """A `requested` Task for `child`, whose `part_of` is the handoff that it rescues; `named` is the Reference by which
    the request named the escalation owner, if it did; `reason` a handoff-reason code. Without id and meta."""
    from fhir.resources.R4B.task import Task  # the models take half a second to import; escalations are rare

    parent = {"reference": f"Task/{child.part_of}"}
    fact = {"coding": [{"system": FACT_SYSTEM, "code": "escalation-owner"}]}
    task = Task.model_validate(
        {
            "status": child.status,
            "intent": "order",
            "priority": "urgent",
            "code": {"coding": [{"system": TASK_CODE_SYSTEM, "code": "escalate"}]},
            "partOf": [parent],
            "focus": parent,
            **({"for": {"reference": child.patient}} if child.patient else {}),
            "requester": organization(child.requester),
            "owner": organization(child.owner),
            "reasonCode": {"coding": [{"system": REASON_SYSTEM, "code": reason}]},
            "businessStatus": {"coding": [{"system": STATUS_SYSTEM, "code": AWAITING_ACCEPTANCE}]},
            **({"input": [{"type": fact, "valueReference": named}]} if named else {}),
        }
    )
    tree: Tree = task.model_dump(mode="json", exclude_none=True, by_alias=True)
    tree["authoredOn"] = tree["lastModified"] = format_time(at)
    write_handoff(tree, child)
    return tree


def cancel(task: Tree, *, at: datetime) -> None:
    """Cancel an escalation that nobody has taken over, in place."""
    task["status"] = "cancelled"
    task["statusReason"] = {"coding": [{"system": REASON_SYSTEM, "code": ANSWERED}]}
    task["lastModified"] = format_time(at)
    task.pop("businessStatus", None)


def input_reference(task: Tree, fact: str) -> Tree | None:
    """The Reference of Task.input whose type is our fact `fact`; the first, when there are several."""
    for item in task.get("input", ()):
        codings = item.get("type", {}).get("coding", ())
        if any(c.get("system") == FACT_SYSTEM and c.get("code") == fact for c in codings):
            reference = item.get("valueReference")
            if isinstance(reference, dict):
                return reference
    return None
