"""R4's shapes as `profiles/r4/elements.json` tells them: which datatype stands where, what a Reference may point at.

Parsed on first use, shape by shape, and kept. The notation is described in `profiles/r4/README.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

ANY_RESOURCE = "Resource"
_ELEMENT = re.compile(r"_?[a-z][A-Za-z0-9_]{0,62}")
_NOTATION = re.compile(r"^(?P<type>[\w.]+)(\((?P<targets>[\w|]+)\))?(?P<many>\*)?( (?P<choice>\w+)\[x\])?$")


@dataclass(frozen=True, slots=True)
class Element:
    """One JSON property of a shape. `targets` empty = any type; `choice` is the stem (`value`) of `value[x]`."""

    name: str
    type: str
    many: bool
    targets: frozenset[str]
    choice: str | None

    @property
    def path(self) -> str:
        """As FHIRPath says it: `status`, but `value.ofType(Quantity)` for the property `valueQuantity`."""
        return f"{self.choice}.ofType({self.type})" if self.choice else self.name


@cache
def _notations() -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = orjson.loads((files("profiles") / "r4" / "elements.json").read_bytes())
    return content


@cache
def elements_of(shape: str) -> Mapping[str, Element]:
    """JSON property → element; empty for a primitive or an unknown shape."""
    return {name: _parse(name, notation) for name, notation in _notations().get(shape, {}).items()}


def _parse(name: str, notation: str) -> Element:
    match = _NOTATION.match(notation)
    assert match, notation
    targets = frozenset((match["targets"] or "").split("|")) - {""}
    return Element(name, match["type"], bool(match["many"]), targets, match["choice"])


@cache
def resource_types() -> frozenset[str]:
    """Every concrete resource type of R4."""
    abstract = {ANY_RESOURCE, "DomainResource"}
    return frozenset(s for s, e in _notations().items() if "." not in s and "implicitRules" in e and s not in abstract)


def expression(root: str, steps: Sequence[str | int]) -> str:
    """The FHIRPath of a JSON location in a resource: Patient, `["name", 0, "_family"]` → `Patient.name[0].family`."""
    text, shape = root, root
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        element = elements_of(shape).get(step.removeprefix("_"))
        if element is None:
            # Told when it looks like an element that is misspelt; anything else may be called after a person.
            return f"{text}.{step}" if _ELEMENT.fullmatch(step) else text
        text += f".{element.path}"
        shape = "Element" if step.startswith("_") else element.type
    return text
