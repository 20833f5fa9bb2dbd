"""A transition of a handoff → Provenance of that version of its Task (https://hl7.org/fhir/R4/provenance.html)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from adapter.domain.handoff import LedgerEvent
from mappings.canonicals import EVENT_SYSTEM, event_code
from mappings.task import organization
from mappings.times import format_time

Tree = dict[str, Any]

_AUTHOR: Final = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "author"}]
}
_OPERATION_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def to_fhir(event: LedgerEvent, version: int, task: Tree, sides: Mapping[str, str]) -> Tree:
    """`task` is the version that the transition made, empty when that was a deletion. `sides` maps the partner ids of
    the initiator and the recipient to the elements (`requester`, `owner`) that name who acted for them."""
    tree: Tree = {
        "resourceType": "Provenance",
        "id": provenance_id(event.handoff, version),
        "meta": {"versionId": "1", "lastUpdated": format_time(event.recorded_time)},
        "target": [{"reference": f"Task/{event.handoff}/_history/{version}"}],
        "occurredDateTime": format_time(event.event_time),
        "recorded": format_time(event.recorded_time),
        "activity": {
            "coding": [
                {"system": EVENT_SYSTEM, "code": event_code(event.kind)},
                {"system": _OPERATION_SYSTEM, "code": _operation(version, task)},
            ]
        },
        "agent": [_agent(event.actor, task.get(sides.get(event.actor, ""), {}))],
    }
    if reason := task.get("statusReason"):
        tree["reason"] = [reason]
    return tree


def provenance_id(task_id: str, version: int) -> str:
    """`<task>.<version>`: no id that is assigned here has a dot in it."""
    return f"{task_id}.{version}"


def _operation(version: int, task: Tree) -> str:
    return "DELETE" if not task else "CREATE" if version == 1 else "UPDATE"


def _agent(actor: str, named: Tree) -> Tree:
    """The organisation; where the Task names one of its people or roles, that one on its behalf."""
    ours = organization(actor)
    reference = named.get("reference", "")
    if reference.startswith(("Practitioner/", "PractitionerRole/")):
        return {"type": _AUTHOR, "who": {"reference": reference}, "onBehalfOf": ours}
    return {"type": _AUTHOR, "who": ours}
