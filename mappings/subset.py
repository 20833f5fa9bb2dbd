"""`_summary` and `_elements`: less of a resource, marked as less.

https://hl7.org/fhir/R4/search.html#summary and #elements.

What must be there stays, so that the rest is still valid; the tag SUBSETTED says that it is not the whole, and must not
be sent back as if it were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from adapter.domain.errors import Invalid
from mappings.json_codec import decode, encode
from mappings.shapes import elements_of

Tree = dict[str, Any]

SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
SUMMARIES: Final = ("true", "text", "data", "count", "false")
_ALWAYS: Final = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True, slots=True)
class Subset:
    """`summary`: `true`, `text`, `data` or None. `elements`: names at the root; `Type.name` is for that type alone."""

    summary: str | None = None
    elements: tuple[str, ...] = ()

    @classmethod
    def asked_in(cls, parameters: Sequence[tuple[str, str]]) -> Subset | None:
        """None when everything is wanted. Raises Invalid naming the parameter."""
        summary, elements = None, []
        for name, value in parameters:
            if name == "_summary":
                if value not in SUMMARIES:
                    raise Invalid(f"expected _summary out of {', '.join(SUMMARIES)}", expression=name, code="value")
                summary = value if value in {"true", "text", "data"} else None
            elif name == "_elements":
                elements += [each.strip() for each in value.split(",") if each.strip()]
        if summary and elements:
            raise Invalid("expected one of _summary and _elements, got both", expression="_elements", code="value")
        return cls(summary, tuple(elements)) if summary or elements else None

    def of(self, body: bytes, *, is_match: bool = True) -> bytes:
        """The part of a resource that is wanted. What comes along with the matches is cut only when it is named."""
        tree = decode(body)
        type_ = tree["resourceType"]
        if self.elements:
            names = {e.removeprefix(f"{type_}.") for e in self.elements if e.startswith(f"{type_}.")}
            if is_match:
                names |= {e for e in self.elements if "." not in e}
            if not names:
                return body
            kept = _some(tree, names | set(_lists(type_)["mandatory"]))
        elif self.summary == "data":
            kept = {name: value for name, value in tree.items() if name != "text"}
        elif self.summary == "text":
            kept = _some(tree, {"text", *_lists(type_)["mandatory"]})
        else:
            kept = _summary(tree, type_)
        kept["meta"] = _marked(kept.get("meta", {}))
        return encode(kept)


def _some(tree: Tree, names: set[str]) -> Tree:
    choices = {n for n, e in elements_of(tree["resourceType"]).items() if e.choice in names}
    wanted = names | choices | _ALWAYS
    return {name: value for name, value in tree.items() if name.removeprefix("_") in wanted}


def _summary(tree: Tree, shape: str) -> Tree:
    """What is marked isSummary, all the way down; datatypes are whole."""
    lists = _lists(shape)
    wanted = {*lists["summary"], *lists["mandatory"], "resourceType"}
    kept: Tree = {}
    for name, value in tree.items():
        if name.removeprefix("_") not in wanted:
            continue
        element = elements_of(shape).get(name)
        if element is not None and element.type in _subsets():
            value = [_summary(v, element.type) for v in value] if element.many else _summary(value, element.type)
        kept[name] = value
    return kept


def _marked(meta: Tree) -> Tree:
    return {**meta, "tag": [*meta.get("tag", ()), SUBSETTED]}


def _lists(shape: str) -> Mapping[str, Sequence[str]]:
    return _subsets().get(shape) or {"summary": (), "mandatory": ()}


@cache
def _subsets() -> Mapping[str, Mapping[str, Sequence[str]]]:
    content: dict[str, dict[str, list[str]]] = orjson.loads((files("profiles") / "r4" / "subsets.json").read_bytes())
    return content
