"""The invariants of our own profiles in native form, by the key that they have in `profiles/fsh`.

FHIRPath would cost a hundred times as much in the path of every request. A profile with an invariant that is not here
is refused when it is compiled; each is tried against the same examples as by the HL7 validator (docs/validation.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from adapter.use_cases.ports import Tree
from adapter.validation.invariants import has

_UNOWNED: Final = frozenset({"draft", "entered-in-error"})
_EXPLAINED: Final = frozenset({"rejected", "on-hold", "failed", "cancelled"})

NATIVE: Final[Mapping[str, Callable[[Tree], bool]]] = {
    "handoff-owner": lambda task: task.get("status") in _UNOWNED or has(task, "owner"),
    "handoff-reason": lambda task: task.get("status") not in _EXPLAINED or has(task, "statusReason"),
    "handoff-risk": lambda risk: any("qualitativeRisk" in p for p in risk.get("prediction", ())),
    "handoff-contact-of": lambda contact: any(has(contact, name) for name in ("basedOn", "about", "partOf")),
    "handoff-contact-failed": lambda contact: contact.get("status") != "not-done" or has(contact, "statusReason"),
    "handoff-contact-sent": lambda contact: contact.get("status") != "completed" or has(contact, "sent"),
}
