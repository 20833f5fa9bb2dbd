"""A Task that a pathway's clock opens beside a handoff: some days later somebody has to look what became of it.

https://hl7.org/fhir/R4/task.html. It is work of one side and no handoff; `restriction.period` says by when.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapter.domain.handoff import Handoff
from mappings.canonicals import TASK_CODE_SYSTEM
from mappings.task import organization
from mappings.times import format_time

Tree = dict[str, Any]


def handoff_of(task: Tree) -> str | None:
    """The id of the handoff beside which a Task was opened; None when it is part of nothing."""
    part_of = str((task.get("partOf") or [{}])[0].get("reference", ""))
    return part_of.removeprefix("Task/") if part_of.startswith("Task/") else None


def clock_of(task: Tree) -> str:
    """The clock that opened a Task, by its code; empty for a Task of another kind."""
    codings = (task.get("code") or {}).get("coding") or ()
    return next((coding.get("code", "") for coding in codings if coding.get("system") == TASK_CODE_SYSTEM), "")


def to_fhir(handoff: Handoff, *, owner: str, clock: str, says: str, at: datetime, until: datetime) -> Tree:
    """A `requested` Task to `owner` (partner id), without id and meta; `says` is the pathway's own sentence."""
    from fhir.resources.R4B.task import Task  # the models take half a second to import; follow-ups are rare

    parent = {"reference": f"Task/{handoff.id}"}
    task = Task.model_validate(
        {
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": TASK_CODE_SYSTEM, "code": clock}]},
            "description": says,
            "partOf": [parent],
            "focus": parent,
            **({"for": {"reference": handoff.patient}} if handoff.patient else {}),
            "requester": organization(handoff.requester),
            "owner": organization(owner),
        }
    )
    tree: Tree = task.model_dump(mode="json", exclude_none=True, by_alias=True)
    tree["authoredOn"] = tree["lastModified"] = format_time(at)
    tree["restriction"] = {"period": {"end": format_time(until)}}
    return tree
