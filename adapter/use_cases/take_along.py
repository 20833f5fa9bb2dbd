"""What is sent to a handoff later takes along what it points at, as what is sent with its Task does.

A clinician whom the recipient names is nobody to an initiator who may not read the PractitionerRole. Only the tenant's
own goes along: what it merely reads it may not pass on. What belongs to another handoff stays there, and nothing is
looked for behind it: to mention it here must not open that handoff to the readers of this one. Clinicians and places
are of many handoffs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from adapter.use_cases.decision import Decision
from adapter.use_cases.linking import NEVER_SHARED
from adapter.use_cases.ports import ResourceKey, StoredResource
from adapter.use_cases.targets import Change
from mappings.references import RELATIVE, literal_references

_STAYS: Final = NEVER_SHARED | {"Task"}
_OF_MANY_HANDOFFS: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "CareTeam"})


def take_along(decision: Decision, begun: Collection[str]) -> None:
    """Join to each handoff that a change belongs to what that change leads to; handoffs `begun` by the same request
    have taken their own along already."""
    written = {change.key: change for change in decision.changes if change.writes and change.tree is not None}
    for change in written.values():
        joining = change.handoffs.difference(begun)
        if joining:
            _take_along(decision, change, joining, written)


def _take_along(decision: Decision, change: Change, joining: set[str], written: dict[ResourceKey, Change]) -> None:
    known = decision.known
    seen = {str(change.key)}
    frontier = _targets(decision, str(change.key), seen)
    while frontier:
        unread = [key for key in frontier if known.tree(str(key)) is None]
        if unread:
            known.add(decision.reader.read_many(unread).values())
        following: list[ResourceKey] = []
        for key in frontier:
            stored = known.stored.get(key)
            if key in written:
                written[key].handoffs.update(joining)
            elif stored is not None and _may_come_along(decision, stored):
                decision.write_set.joined += [(key, id_) for id_ in sorted(joining.difference(stored.handoffs))]
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
    for element in literal_references(decision.known.tree(reference) or {}):
        target = element["reference"].partition("/_history/")[0]
        match = RELATIVE.match(target)
        if match is None or target in seen or match.group(1) in _STAYS or decision.known.is_published(target):
            continue
        seen.add(target)
        found.append(ResourceKey(match.group(1), match.group(2)))
    return found
