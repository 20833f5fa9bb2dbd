"""A resource of every type of R4, full of values that are searched by, made from the definitions: no type is listed.

Every value is drawn from a `Mark`, so that one look tells whose resource an answer speaks of. References lead to the
other specimens of the same set, and so does every chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final
from uuid import uuid4

from adapter.domain.errors import HandoffError
from adapter.validation import refuse_invalid
from mappings.json_codec import decode, encode
from mappings.shapes import Element, elements_of

Tree = dict[str, Any]

SYSTEM: Final = "urn:example:canary"
_TEXTS: Final = frozenset({"string", "markdown", "id", "code"})
_ADDRESSES: Final = frozenset({"uri", "url", "canonical"})
_NEVER_FILLED: Final = frozenset({"Resource", "Narrative", "Extension", "xhtml", "Meta"})


@dataclass(frozen=True)
class Mark:
    """What the values of one set of specimens are made of. `text` stands in all of them but dates and numbers."""

    text: str
    date: str
    number: int

    @property
    def moment(self) -> str:
        return f"{self.date}T10:00:00Z"


@dataclass(frozen=True)
class Searched:
    """A search parameter, and one way to its values."""

    code: str
    kind: str
    steps: tuple[Any, ...]
    datatype: str
    targets: frozenset[str]


@cache
def _read(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((files("profiles") / "r4" / name).read_bytes())
    return content


@cache
def searched(type_: str) -> tuple[Searched, ...]:
    """The search parameters of a type and those of every type, as the official definitions have them."""
    defined = [*_read("search-parameters.json")["Resource"], *_read("search-parameters.json").get(type_, ())]
    return tuple(
        Searched(
            each["code"],
            each["type"],
            tuple(_hashable(step) for step in path["steps"]),
            path["type"],
            frozenset({path["target"]} if "target" in path else each.get("targets", ())),
        )
        for each in defined
        if each["type"] not in {"composite", "special"}
        for path in each["paths"]
    )


def _hashable(step: Any) -> Any:
    if isinstance(step, str):
        return step
    ((kind, content),) = step.items()
    if isinstance(content, dict):
        return kind, tuple(content.items())
    return kind, tuple(content) if isinstance(content, list) else content


def values_at(tree: Tree, steps: Iterable[Any]) -> list[Any]:
    """What stands there in a resource."""
    values: list[Any] = [tree]
    for step in steps:
        if isinstance(step, str):
            found = [value[step] for value in values if isinstance(value, dict) and step in value]
            values = [each for value in found for each in (value if isinstance(value, list) else [value])]
        elif step[0] == "where":
            values = [v for v in values if isinstance(v, dict) and all(v.get(n) == w for n, w in step[1])]
        elif step[0] == "index":
            values = values[step[1] : step[1] + 1]
        else:
            values = [any(value.get(name) not in (None, False) for name in step[1]) for value in values]
    return values


def specimens(types: Iterable[str], mark: Mark, given: Mapping[str, Tree]) -> list[Tree]:
    """The entries of a transaction that creates one resource of each type. `given` are elements that some types must
    have beyond what R4 says, because of what this server does with them."""
    urls = {type_: f"urn:uuid:{uuid4()}" for type_ in sorted(types)}
    made = []
    for type_, url in urls.items():
        own = {name: _placed(element, urls) for name, element in given.get(type_, {}).items()}
        tree = _sound(_Specimen(type_, mark, urls).tree(own))
        made.append({"fullUrl": url, "resource": tree, "request": {"method": "POST", "url": type_}})
    return made


def _placed(element: Any, urls: Mapping[str, str]) -> Any:
    """`@Patient` stands for the set's own Patient."""
    if isinstance(element, dict):
        return {name: _placed(inner, urls) for name, inner in element.items()}
    return urls[element[1:]] if isinstance(element, str) and element.startswith("@") else element


def bare(type_: str, given: Tree) -> Tree:
    """A sound resource of that type that nobody is looking for, without a literal reference."""
    return _sound(_Specimen(type_, Mark("bare", "2001-01-01", 1), {}).tree(given))


class _Specimen:
    def __init__(self, type_: str, mark: Mark, urls: Mapping[str, str]):
        self._type = type_
        self._mark = mark
        self._urls = urls

    def tree(self, given: Tree) -> Tree:
        tree: Tree = {"resourceType": self._type, **given}
        self.fill_mandatory(tree, self._type)
        fixed = frozenset(given)
        for parameter in searched(self._type):
            if parameter.steps and parameter.steps[0] not in fixed | {"id"} and "lastUpdated" not in parameter.steps:
                self._plant(tree, self._type, parameter.steps, parameter)
        return tree

    def fill_mandatory(self, tree: Tree, shape: str) -> None:
        chosen = {element.choice for name, element in elements_of(shape).items() if name in tree and element.choice}
        for name in _read("subsets.json").get(shape, {}).get("mandatory", _required(shape)):
            element = elements_of(shape).get(name)
            if element is None or name in tree or name == "id" or (element.choice and element.choice in chosen):
                continue
            if element.choice:
                chosen.add(element.choice)
            self._put(tree, shape, element, None)

    def _put(self, tree: Tree, shape: str, element: Element, parameter: Searched | None) -> None:
        value = self._value(shape, element, parameter)
        if value is not None:
            tree[element.name] = [value] if element.many else value

    def _plant(self, tree: Tree, shape: str, steps: tuple[Any, ...], parameter: Searched) -> None:
        step, rest = steps[0], steps[1:]
        if not isinstance(step, str):
            if step[0] == "where":
                tree.update(step[1])
            if rest:
                self._plant(tree, shape, rest, parameter)
            return
        element = elements_of(shape).get(step)
        if element is None or element.type in _NEVER_FILLED - {"Meta"}:
            return
        others = {e.name for e in elements_of(shape).values() if element.choice and e.choice == element.choice}
        if others & tree.keys() - {step}:
            return  # the choice is made already
        conditions = dict(rest[0][1]) if rest and not isinstance(rest[0], str) and rest[0][0] == "where" else {}
        if not any(isinstance(each, str) for each in rest) and not conditions:
            if step not in tree:
                self._put(tree, shape, element, parameter)
            return
        there = tree.get(step)
        items = there if isinstance(there, list) else [there] if there else []
        inner = next((i for i in items if all(i.get(n, w) == w for n, w in conditions.items())), None)
        if inner is None:
            if items and not element.many:
                return
            inner = self._value(shape, element, parameter) if conditions else {}
            inner.update(conditions)
            tree[step] = [*items, inner] if element.many else inner
        self._plant(inner, element.type, rest, parameter) if not conditions else None
        self.fill_mandatory(inner, element.type)

    def _value(self, shape: str, element: Element, parameter: Searched | None) -> Any:
        if (codes := _codes(shape, element)) is not None:
            return codes[-1] if element.name == "use" else codes[0]
        if element.type == "Reference":
            return self._reference(element, parameter)
        return self._of_type(element.type)

    def _of_type(self, type_: str) -> Any:
        mark = self._mark
        if type_ in _TEXTS:
            return mark.text
        if type_ in _ADDRESSES:
            return f"{SYSTEM}:{mark.text}"
        simple = {
            "boolean": True,
            "oid": f"urn:oid:1.2.{mark.number}",
            "uuid": f"urn:uuid:{uuid4()}",
            **dict.fromkeys(("integer", "positiveInt", "unsignedInt", "decimal"), mark.number),
            "date": mark.date,
            "time": "10:00:00",
            **dict.fromkeys(("dateTime", "instant"), mark.moment),
            "base64Binary": "Y2FuYXJ5",
            "Identifier": {"system": SYSTEM, "value": mark.text},
            "Coding": {"system": SYSTEM, "code": mark.text, "display": mark.text},
            "CodeableConcept": {"coding": [{"system": SYSTEM, "code": mark.text, "display": mark.text}]},
            "ContactPoint": {"system": "phone", "value": mark.text},
            "HumanName": {"family": mark.text, "given": [mark.text]},
            "Address": {"city": mark.text, "line": [mark.text]},
            "Period": {"start": mark.moment, "end": mark.moment},
            "Timing": {"event": [mark.moment]},
            "Money": {"value": mark.number, "currency": "USD"},
            "Range": {"low": {"value": mark.number}, "high": {"value": mark.number}},
            "Attachment": {"contentType": "text/plain", "url": f"{SYSTEM}:{mark.text}", "title": mark.text},
            "Signature": {
                "type": [{"system": SYSTEM, "code": mark.text}],
                "when": mark.moment,
                "who": {"display": mark.text},
            },
        }
        if type_ in simple:
            return simple[type_]
        if type_ in {"Quantity", "Age", "Duration", "Count", "Distance"}:
            return {"value": mark.number, "unit": mark.text, "system": "http://unitsofmeasure.org", "code": "d"}
        tree: Tree = {}
        if type_ not in _NEVER_FILLED:
            self.fill_mandatory(tree, type_)
            if not tree:
                plain = (e for e in elements_of(type_).values() if e.type in _TEXTS and e.name != "id")
                if (first := next(plain, None)) is not None:
                    self._put(tree, type_, first, None)
        return tree or None

    def _reference(self, element: Element, parameter: Searched | None) -> Tree:
        """To another specimen of the set, to a Patient where that may be; else by identifier."""
        allowed = element.targets or frozenset(self._urls)
        wanted = allowed & parameter.targets if parameter and parameter.targets else allowed
        for among in (wanted, allowed):
            targets = sorted(among & self._urls.keys() - {self._type}, key=lambda type_: (type_ != "Patient", type_))
            if targets:
                return {"reference": self._urls[targets[0]], "display": self._mark.text}
        return {"identifier": {"system": SYSTEM, "value": self._mark.text}}


def _required(shape: str) -> list[str]:
    return [name for name in _read("schema.json").get(shape, {}).get("required", ()) if name != "resourceType"]


def _codes(shape: str, element: Element) -> list[str] | None:
    defined = _read("schema.json").get(shape, {}).get("properties", {}).get(element.name, {})
    codes = defined.get("enum") or defined.get("items", {}).get("enum")
    return list(codes) if codes else None


_UNSOUND: dict[str, set[str]] = {}
"""By type, the elements that had to be left out."""


def _sound(tree: Tree) -> Tree:
    """What R4's own rules allow of it: an element that breaks one is left out again."""
    for name in _UNSOUND.get(tree["resourceType"], ()):
        tree.pop(name, None)
    for _ in range(30):
        try:
            refuse_invalid(decode(encode(tree)))
        except HandoffError as refusal:
            for issue in refusal.issues:
                _leave_out(tree, issue.expression or "")
        else:
            return tree
    raise AssertionError(f"no sound {tree['resourceType']} could be made: {tree}")


def _leave_out(tree: Tree, expression: str) -> None:
    name = expression.removeprefix(f"{tree['resourceType']}.").partition(".")[0].partition("[")[0]
    for each in [name, *(e.name for e in elements_of(tree["resourceType"]).values() if e.choice == name)]:
        if tree.pop(each, None) is not None:
            _UNSOUND.setdefault(tree["resourceType"], set()).add(each)
