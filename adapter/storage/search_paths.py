"""Walking a decoded resource along the paths of its search parameters, all of them at once, each element visited once.

The form of a path is that of profiles/r4/search-parameters.json (profiles/r4/README.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Collect = Callable[[Any, Any], None]
"""Called with what is being filled and a value that was found."""
Step = str | Mapping[str, Any]


class Branch:
    """Where paths have come to: what collects here, and where they go on to."""

    __slots__ = ("_collectors", "_elements", "_filtered", "_indexed", "_present")

    def __init__(self) -> None:
        self._collectors: list[Collect] = []
        self._elements: dict[str, Branch] = {}
        self._filtered: list[tuple[Mapping[str, str], Branch]] = []
        self._indexed: list[tuple[int, Branch]] = []
        self._present: list[tuple[Sequence[str], Branch]] = []

    def add(self, steps: Sequence[Step], collect: Collect) -> None:
        """Let `collect` have what is found at the end of `steps`."""
        if not steps:
            self._collectors.append(collect)
            return
        step, rest = steps[0], steps[1:]
        if isinstance(step, str):
            branch = self._elements.setdefault(step, Branch())
        else:
            branch = Branch()
            if "where" in step:
                self._filtered.append((step["where"], branch))
            elif "index" in step:
                self._indexed.append((step["index"], branch))
            else:
                self._present.append((step["present"], branch))
        branch.add(rest, collect)

    def walk(self, into: Any, value: Any) -> None:
        if isinstance(value, list):
            for index, branch in self._indexed:
                if index < len(value):
                    branch.walk(into, value[index])
            for item in value:
                self._visit(into, item)
        else:
            self._visit(into, value)

    def _visit(self, into: Any, value: Any) -> None:
        if value is None:  # a primitive that has only extensions
            return
        for collect in self._collectors:
            collect(into, value)
        if self._elements and isinstance(value, dict):
            elements = self._elements
            for name, content in value.items():
                if name in elements:
                    elements[name].walk(into, content)
        for conditions, branch in self._filtered:
            if all(value.get(name) == wanted for name, wanted in conditions.items()):
                branch.walk(into, value)
        for names, branch in self._present:
            branch.walk(into, any(value.get(name) not in (None, False) for name in names))


def json_path(path: Mapping[str, Any]) -> str:
    """The same path in SQL/JSON, for PostgreSQL to see whether anything is there."""
    steps = "$"
    for step in path["steps"]:
        if isinstance(step, str):
            steps += f'."{step}"'
        elif "index" in step:
            steps += f"[{step['index']}]"
        elif "where" in step:
            steps += "".join(f' ? (@."{name}" == {json.dumps(value)})' for name, value in step["where"].items())
    if target := path.get("target"):
        steps += f' ? (@.reference starts with "{target}/" || @.type == "{target}")'
    return steps
