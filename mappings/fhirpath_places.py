"""Simple FHIRPath over a decoded resource, resolved to places that can be changed, not only to values.

A FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html) needs navigation and little else: `Task.input`, `input[0]`,
`first()`, `last()`, `where(type.coding.code = 'x' and system = 'y')`, `ofType(Quantity)`, `as(Quantity)` and
`extension('url')`. Choices are named as FHIRPath names them: `value`, not `valueQuantity`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mappings.shapes import ANY_RESOURCE, Element, elements_of

Tree = dict[str, Any]

LONGEST = 1000
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*|`[^`]+`)"
    r"|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<sign>[.\[\]()=]))"
)
_ESCAPE = re.compile(r"\\(.)")


class NoPath(ValueError):
    """What was written is no path of this part of FHIRPath; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands: in `holder[key]`, where `holder` is an object or an array; the root has no holder.
    `shape` is the shape of what lies here (`Task.input`), and `element` the one that it is an instance of."""

    value: Any
    shape: str
    holder: Any = None
    key: Any = None
    parent: Place | None = None
    element: Element | None = None


def places(resource: Tree, path: str) -> list[Place]:
    """Every place that `path` leads to, in order. Raises NoPath."""
    if len(path) > LONGEST:
        raise NoPath(f"expected a path of at most {LONGEST} characters")
    reader = _Tokens(path)
    type_: str = resource["resourceType"]
    found = [Place(resource, type_)]
    if reader.peek() != type_:
        found = _step(found, reader)
    else:
        reader.take()
    while not reader.at_end:
        found = _step_after(found, reader)
    return found


def items_of(place: Place, name: str) -> tuple[list[Place], Element | None]:
    """The children of one place called `name`, and the element definition of that name."""
    if not isinstance(place.value, dict):
        return [], None
    return list(_children(place, name)), element_called(place.shape, name)


def element_called(shape: str, name: str) -> Element | None:
    """By its JSON name or, for a choice, by its stem; None when the shape has no such element."""
    elements = elements_of(shape)
    return elements.get(name) or next((e for e in elements.values() if e.choice == name), None)


def _children(place: Place, name: str) -> Iterator[Place]:
    tree: Tree = place.value
    for property_, element in elements_of(place.shape).items():
        if property_ in tree and name == (element.choice or property_):
            value = tree[property_]
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield Place(item, _shape_of(item, element), value, index, place, element)
            else:
                yield Place(value, _shape_of(value, element), tree, property_, place, element)


def _shape_of(value: Any, element: Element) -> str:
    """What lies in a place for any resource (`contained`) has the shape of its own type."""
    return str(value["resourceType"]) if element.type == ANY_RESOURCE and isinstance(value, dict) else element.type


def _step_after(found: list[Place], reader: _Tokens) -> list[Place]:
    if reader.peek() == "[":
        reader.take()
        index = reader.take()
        reader.expect("]")
        if not index.isdigit():
            raise NoPath("expected a number in [ ]")
        return found[int(index) : int(index) + 1] if len(index) < 9 else []
    reader.expect(".")
    return _step(found, reader)


def _step(found: list[Place], reader: _Tokens) -> list[Place]:
    name = reader.name()
    if reader.peek() != "(":
        if name.startswith("_"):
            raise NoPath("expected the name of an element, got a JSON property of a primitive's extensions")
        return [child for place in found for child in _children_of(place, name)]
    reader.take()
    return _function(found, name, reader)


def _children_of(place: Place, name: str) -> Iterable[Place]:
    return _children(place, name) if isinstance(place.value, dict) else ()


def _function(found: list[Place], name: str, reader: _Tokens) -> list[Place]:
    if name in {"first", "last"}:
        reader.expect(")")
        return found[:1] if name == "first" else found[-1:]
    if name in {"ofType", "as"}:
        wanted = reader.name()
        reader.expect(")")
        return [place for place in found if _is_of(place, wanted)]
    if name == "extension":
        url = reader.literal()
        reader.expect(")")
        every = (child for place in found for child in _children_of(place, "extension"))
        return [place for place in every if place.value.get("url") == url]
    if name == "where":
        conditions = [reader.condition()]
        while reader.peek() == "and":
            reader.take()
            conditions.append(reader.condition())
        reader.expect(")")
        return [place for place in found if all(_holds(place, *condition) for condition in conditions)]
    raise NoPath(f"expected where, first, last, ofType, as or extension, got the function `{name[:40]}`")


def _is_of(place: Place, type_: str) -> bool:
    return place.shape == type_


def _holds(place: Place, names: Sequence[str], wanted: str) -> bool:
    found: list[Place] = [place]
    for name in names:
        found = [child for each in found for child in _children_of(each, name)]
    return any(_as_text(each.value) == wanted for each in found)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Tokens:
    def __init__(self, path: str):
        self._tokens: list[str] = []
        position, end = 0, len(path.rstrip())
        while position < end:
            matched = _TOKEN.match(path, position)
            if matched is None:
                raise NoPath("expected a path of names, [index], where(), first(), last(), ofType() or extension()")
            self._tokens.append(matched[0].strip())
            position = matched.end()
        if not self._tokens:
            raise NoPath("expected a path, got none")
        self._next = 0

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def peek(self) -> str:
        return "" if self.at_end else self._tokens[self._next]

    def take(self) -> str:
        token = self.peek()
        self._next += 1
        return token

    def expect(self, sign: str) -> None:
        if self.take() != sign:
            raise NoPath(f"expected `{sign}` in the path")

    def name(self) -> str:
        token = self.take()
        if not token or not (token[0].isalpha() or token[0] in "_`"):
            raise NoPath("expected the name of an element or a function in the path")
        return token.strip("`")

    def literal(self) -> str:
        """A text, number or boolean, as text."""
        token = self.take()
        if token.startswith("'"):
            return _ESCAPE.sub(r"\1", token[1:-1])
        if token in {"true", "false"} or token[:1].isdigit():
            return token
        raise NoPath("expected a literal such as 'text', 1 or true in the path")

    def condition(self) -> tuple[list[str], str]:
        names = [self.name()]
        while self.peek() == ".":
            self.take()
            names.append(self.name())
        self.expect("=")
        return names, self.literal()
