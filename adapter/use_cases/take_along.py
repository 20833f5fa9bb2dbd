"""What is sent with a handoff or to it later takes along what it points at, as its Task does.

A clinician whom the recipient names is nobody to an initiator who may not read the PractitionerRole. Only the tenant's
own goes along: what it merely reads it may not pass on. What belongs to another handoff stays there, and nothing is
looked for behind it: to mention it here must not open that handoff to the readers of this one. Clinicians and places
are of many handoffs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapter.use_cases.decision import Decision
from adapter.use_cases.linking import NEVER_SHARED
from adapter.use_cases.ports import ResourceKey, StoredResource
from adapter.use_cases.targets import Change
from mappings.references import RELATIVE

_STAYS: Final = NEVER_SHARED | {"Task"}
_OF_MANY_HANDOFFS: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "CareTeam"})


def take_along(decision: Decision, reached: Mapping[str, set[str]]) -> None:
    """Join to each handoff that a change belongs to what that change leads to. `reached`, by handoff that this request
    begins: what its Task leads to, which has come along already."""
    written = {change.key: change for change in decision.changes if change.writes and change.tree is not None}
    for change in written.values():
        name = str(change.key)
        for handoff in sorted(change.handoffs):
            seen = reached.get(handoff, set())
            if name not in seen:
                _take_along(decision, change, handoff, {name, *seen}, written)


def _take_along(
    decision: Decision, change: Change, handoff: str, seen: set[str], written: dict[ResourceKey, Change]
) -> None:
    known = decision.known
    frontier = _targets(decision, str(change.key), seen)
    while frontier:
        unread = [key for key in frontier if known.tree(str(key)) is None]
        if unread:
            known.add(decision.reader.read_many(unread).values())
        following: list[ResourceKey] = []
        for key in frontier:
            stored = known.stored.get(key)
            if key in written:
                written[key].handoffs.add(handoff)
            elif stored is not None and _may_come_along(decision, stored):
                decision.write_set.joined += [(key, handoff)] if handoff not in stored.handoffs else []
            else:
                continue
            following += _targets(decision, str(key), seen)
        frontier = following


def _may_come_along(decision: Decision, stored: StoredResource) -> bool:
    if stored.author != decision.tenant or stored.deleted:
        return False
    return not stored.handoffs or stored.key.type in _OF_MANY_HANDOFFS


def _targets(decision: Decision, reference: str, seen: set[str]) -> list[ResourceKey]:
    """What a resource points at and was not looked at yet, without Tasks and the public directory."""
    found = []
    for target in decision.known.targets(reference):
        match = RELATIVE.match(target)
        if match is None or target in seen or match.group(1) in _STAYS or decision.known.is_published(target):
            continue
        seen.add(target)
        found.append(ResourceKey(match.group(1), match.group(2)))
    return found
