"""Simple paths into a FHIR answer: the few FHIRPath forms a tester needs (https://hl7.org/fhirpath/N1/).

Task.status                                    a leading resource type must be the type of the answer
entry[1].response.status                       [n] takes the n-th of a list, from 0
entry.resource.id                              a name on a list looks into all of its members
extension.where(url='https://…').valueCode     keeps the members whose path has that value
input.where(type.coding.code='x').valueString
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_STEP = re.compile(
    r"(?:where\(\s*(?P<key>[\w.]+)\s*=\s*'(?P<value>[^']*)'\s*\)|(?P<name>[A-Za-z_]\w*))(?:\[(?P<index>\d+)\])?(?:\.|$)"
)


class _Step(NamedTuple):
    name: str | None
    key: str
    value: str
    position: int | None


def find(tree: Any, path: str) -> list[Any]:
    """All values at `path`; empty when there is none. Raises ValueError when the path is not of the forms above."""
    steps = _parse(path)
    found = [tree]
    if steps[0].name and steps[0].name[0].isupper():
        if not isinstance(tree, dict) or tree.get("resourceType") != steps[0].name:
            return []
        steps = steps[1:]
    for step in steps:
        found = _members(found, step)
    return found


def _parse(path: str) -> list[_Step]:
    steps, position = [], 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ValueError(f"expected a path such as `entry[0].response.status`, got `{path}`")
        index = match["index"]
        steps.append(_Step(match["name"], match["key"] or "", match["value"] or "", int(index) if index else None))
        position = match.end()
    if not steps or path.endswith("."):
        raise ValueError(f"expected a path such as `entry[0].response.status`, got `{path}`")
    return steps


def _members(values: list[Any], step: _Step) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if step.name is None:
            if any(str(item) == step.value for item in find(value, step.key)):
                found.append(value)
        elif isinstance(value, dict) and step.name in value:
            member = value[step.name]
            found.extend(member) if isinstance(member, list) else found.append(member)
    return found if step.position is None else found[step.position : step.position + 1]


def assign(tree: Any, path: str, value: Any) -> None:
    """Set the one element at `path` (names and [n] only); `value` None removes it. The parent must exist."""
    *parents, last = _parse(path)
    for step in parents:
        if step.name is None:
            raise ValueError(f"expected names and [n] only in a change, got `{path}`")
        tree = tree[step.name] if step.position is None else tree[step.name][step.position]
    if last.name is None:
        raise ValueError(f"expected names and [n] only in a change, got `{path}`")
    holder, key = (tree, last.name) if last.position is None else (tree[last.name], last.position)
    if value is None:
        del holder[key]
    elif isinstance(holder, list) and key == len(holder):
        holder.append(value)
    else:
        holder[key] = value
