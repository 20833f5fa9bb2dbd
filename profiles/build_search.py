"""Distils the official SearchParameters into paths that need no FHIRPath: see `profiles/r4/README.md` for the format.

Source: https://hl7.org/fhir/R4/searchparameter-registry.html. Every R4 expression is compiled; one that this compiler
does not know raises, so that nothing is dropped in silence. Used by `profiles/build_r4.py` only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profiles.r4_definitions import Definitions, Element, Type, resources

_CAST = re.compile(r"^\(\s*(?P<inner>.+?) as (?P<type>\w+)\s*\)(?P<rest>.*)$")
_STEP = re.compile(
    r"\.?(?:where\(resolve\(\) is (?P<resolves>\w+)\)"
    r"|where\((?P<key>\w+)='(?P<value>[^']*)'\)"
    r"|as\((?P<as>\w+)\)"
    r"|ofType\((?P<of>\w+)\)"
    r"|\[(?P<index>\d+)\]"
    r"|(?P<name>\w+))"
)
_LOOKS_BACK = "%resource"
_SO_MANY_THAT_IT_MEANS_ANY = 100

Json = dict[str, Any]


@dataclass(frozen=True)
class _Path:
    """A place reached so far: steps from the root, the type there, and the resource type a reference must have."""

    steps: tuple[Any, ...]
    type: Type
    element: Element | None = None
    target: str | None = None

    def as_json(self) -> Json:
        found: Json = {"steps": list(self.steps), "type": self.type.name}
        if self.target:
            found["target"] = self.target
        return found


def search_parameters(source: Path, definitions: Definitions) -> dict[str, list[Json]]:
    """Resource type → its parameters by code; `Resource` holds those that every type has."""
    official = [p for p in resources(source, "SearchParameter") if _is_of_r4(p)]
    types_by_url = {p["url"]: p["type"] for p in official}
    result: dict[str, list[Json]] = {name: [] for name in ("Resource", *definitions.resource_types)}
    for parameter in official:
        for base in parameter["base"]:
            if _is_a_path(parameter):
                result[base].append(_Compiler(definitions, base).parameter(parameter, types_by_url))
    return {base: sorted(items, key=lambda p: p["code"]) for base, items in result.items()}


def _is_of_r4(parameter: Json) -> bool:
    """Of the registry itself: no example, and none of an extension."""
    expression = parameter.get("expression", "")
    return parameter.get("version") == "4.0.1" and "base" in parameter and "xtension(" not in expression


def _is_a_path(parameter: Json) -> bool:
    """Not: `_text`, `_content`, `_query` (no expression: they search text) and the composites of MolecularSequence
    that compare an element with one elsewhere in the resource."""
    return "expression" in parameter and not any(
        _LOOKS_BACK in component["expression"] for component in parameter.get("component", ())
    )


class _Compiler:
    def __init__(self, definitions: Definitions, base: str):
        self.shapes = definitions.shapes
        self.base = base

    def parameter(self, official: Json, types_by_url: dict[str, str]) -> Json:
        every = (a if re.match(r"\(*[A-Z]", a) else f"{self.base}.{a}" for a in _alternatives(official["expression"]))
        mine = [a for a in every if re.match(rf"\(*{self.base}\b", a)]
        compiled: Json = {"code": official["code"], "type": official["type"], "expression": " | ".join(mine)}
        if not mine:
            raise ValueError(f"no expression for {self.base} in {official['url']}")
        paths = [p for a in mine for p in self._compile(a, _Path((), Type(self.base)))]
        compiled["paths"] = [p.as_json() for p in paths]
        if official["type"] == "reference":
            compiled["targets"] = _targets(paths, official.get("target", []))
        if official["type"] == "composite":
            compiled["components"] = [
                {
                    "type": types_by_url[c["definition"]],
                    "expression": c["expression"],
                    "paths": [
                        found.as_json()
                        for a in _alternatives(c["expression"])
                        for found in self._compile(f"_.{a}", _Path((), paths[0].type))
                    ],
                }
                for c in official["component"]
            ]
        return compiled

    def _compile(self, expression: str, start: _Path) -> list[_Path]:
        if present := re.fullmatch(r"\w+\.(\w+)\.exists\(\) and \w+\.\1 != false", expression):
            element = self.shapes[start.type.name].element(present[1])
            assert element is not None
            return [_Path(({"present": list(element.json_names())},), Type("boolean"))]
        if cast := _CAST.match(expression):
            expression = f"{cast['inner']}.as({cast['type']}){cast['rest']}"
        _, dot, rest = expression.partition(".")
        paths, position = [start], 0
        while dot and position < len(rest):
            step = _STEP.match(rest, position)
            if step is None:
                raise ValueError(f"cannot compile {expression!r} at {rest[position:]!r}")
            position = step.end()
            paths = [after for before in paths for after in self._follow(before, step.groupdict())]
        if not paths:
            raise ValueError(f"{expression!r} leads nowhere")
        return [whole for p in paths for whole in self._every_type(p)]

    def _follow(self, path: _Path, step: dict[str, str | None]) -> list[_Path]:
        if wanted := step["as"] or step["of"]:
            # The official expressions write as(DateTime) once; FHIR's type is dateTime.
            return [p for p in self._every_type(path) if p.type.name.lower() == wanted.lower()]
        if step["resolves"]:
            return [_Path(path.steps, path.type, path.element, step["resolves"])]
        if step["key"]:
            return [_Path((*path.steps, {"where": {step["key"]: step["value"]}}), path.type, path.element)]
        if step["index"]:
            return [_Path((*path.steps, {"index": int(step["index"])}), path.type, path.element)]
        found: list[_Path] = []
        for before in self._every_type(path):
            shape = self.shapes.get(before.type.name)
            element = shape.element(step["name"] or "") if shape else None
            if element is not None:
                found.append(_Path(before.steps, before.type, element))
        return [self._step_into(p) for p in found]

    @staticmethod
    def _step_into(path: _Path) -> _Path:
        element = path.element
        assert element is not None
        if element.is_choice:
            return path  # the JSON name is known once the type is
        return _Path((*path.steps, element.name), element.types[0])

    @staticmethod
    def _every_type(path: _Path) -> list[_Path]:
        """A choice becomes one path per type, named as in JSON; anything else is itself."""
        if path.element is None or not path.element.is_choice:
            return [path]
        return [
            _Path((*path.steps, name), type_, None, path.target)
            for name, type_ in path.element.json_names().items()
            if path.target is None or type_.name == "Reference"
        ]


def _alternatives(expression: str) -> list[str]:
    """Split at `|` outside parentheses."""
    parts, depth = [""], 0
    for letter in expression:
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _targets(paths: list[_Path], stated: list[str]) -> list[str]:
    """Resource types that this parameter can really point at for this base type; empty = any."""
    if all(p.target for p in paths):
        return sorted({p.target for p in paths if p.target})
    if len(stated) > _SO_MANY_THAT_IT_MEANS_ANY:
        return []
    references = [p.type for p in paths if p.type.name == "Reference"]
    allowed = {t for reference in references for t in reference.targets}
    narrowed = bool(references) and all(reference.targets for reference in references)
    return sorted(t for t in stated if not narrowed or t in allowed)
