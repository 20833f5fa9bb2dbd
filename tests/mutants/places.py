"""Where something stands in a body, and what R4 says that it is: the places that a mutation may touch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from mappings.shapes import ANY_RESOURCE, Element, elements_of

Tree = dict[str, Any]
Path = tuple[str | int, ...]
"""JSON property names and indexes, from the root of the body."""


@dataclass(frozen=True, slots=True)
class Place:
    """`holder[key]` is the value. An item of a list has the element of the list."""

    path: Path
    holder: Any
    key: Any
    shape: str
    """Of the object that has the element: `Task`, `HumanName`."""
    element: Element

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def is_item(self) -> bool:
        return isinstance(self.key, int)

    @property
    def is_primitive(self) -> bool:
        return self.element.type != ANY_RESOURCE and not elements_of(self.element.type)

    def replace(self, value: Any) -> None:
        self.holder[self.key] = value

    def remove(self) -> None:
        del self.holder[self.key]


def places(tree: Tree) -> list[Place]:
    """Every element of a resource and of the resources in it; of a list the list itself and each item."""
    return list(_in_object(tree, str(tree.get("resourceType")), ()))


def _in_object(node: Tree, shape: str, path: Path) -> Iterator[Place]:
    for name, value in node.items():
        element = elements_of(shape).get(name)
        if element is None:
            continue
        here = (*path, name)
        yield Place(here, node, name, shape, element)
        items = enumerate(value) if isinstance(value, list) else ()
        for index, item in items:
            yield Place((*here, index), value, index, shape, element)
            yield from _below(item, element, (*here, index))
        yield from _below(value, element, here)


def _below(value: Any, element: Element, path: Path) -> Iterator[Place]:
    if isinstance(value, dict):
        shape = str(value.get("resourceType")) if element.type == ANY_RESOURCE else element.type
        yield from _in_object(value, shape, path)


def resources(tree: Tree) -> list[tuple[Path, Tree]]:
    """The body itself and every resource in it."""
    below = [(p.path, p.value) for p in places(tree) if p.element.type == ANY_RESOURCE and isinstance(p.value, dict)]
    return [((), tree), *below]


def chosen(chance: random.Random, found: list[Place], wanted: Callable[[Place], bool] = lambda _: True) -> Place | None:
    """One of those that are wanted. First the kind of element, then one of its kind: else every second mutant would
    be of a tag, which every resource has."""
    kinds: dict[tuple[str, str, bool], list[Place]] = {}
    for place in found:
        if wanted(place):
            kinds.setdefault((place.shape, place.element.name, place.is_item), []).append(place)
    return chance.choice(chance.choice(list(kinds.values()))) if kinds else None


@cache
def _definitions() -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((files("profiles") / "r4" / "schema.json").read_bytes())
    return content


def is_required(place: Place) -> bool:
    """Whether R4 wants this element, in this very form, wherever its shape stands."""
    rules = _definitions().get(place.shape, {})
    name = place.element.name
    groups = [group["anyOf"] for group in rules.get("allOf", ()) if "anyOf" in group]
    alternatives = [{option["required"][0] for option in group} for group in groups]
    return name in rules.get("required", ()) or any(name in names for names in alternatives)


def codes_of(place: Place) -> list[str]:
    """The codes that R4 allows here; empty when it leaves them open."""
    rule = _definitions().get(place.shape, {}).get("properties", {}).get(place.element.name, {})
    listed = rule.get("enum") or rule.get("items", {}).get("enum") or ()
    return [code for code in listed if code]
