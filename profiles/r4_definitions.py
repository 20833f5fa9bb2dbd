"""The R4 StructureDefinitions as one small model: shapes (types and nested elements), elements, and code lists.

A shape is anything with children: a resource, a datatype, or a nested element named by its path
(`Task.restriction`). Source: https://hl7.org/fhir/R4/structuredefinition.html. Used by the builders only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SYSTEM = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_VERSION = "4.0.1"
ANY = "Resource"


@dataclass(frozen=True)
class Type:
    """A datatype that an element may have; `targets` are resource types (of Reference and canonical), empty = any."""

    name: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Element:
    name: str
    """As in the definition; `value[x]` for a choice."""
    minimum: int
    many: bool
    types: tuple[Type, ...]
    codes: tuple[str, ...] = ()
    """Allowed codes of a required binding; empty = not bound, or bound to a set too open to list (currencies)."""

    @property
    def is_choice(self) -> bool:
        return self.name.endswith("[x]")

    @property
    def stem(self) -> str:
        return self.name.removesuffix("[x]")

    def json_names(self) -> dict[str, Type]:
        """JSON property name → type; one item unless the element is a choice."""
        if not self.is_choice:
            return {self.name: self.types[0]}
        return {self.stem + t.name[0].upper() + t.name[1:]: t for t in self.types}


@dataclass
class Shape:
    name: str
    kind: str
    """`primitive`, `datatype`, `nested` or `resource`."""
    elements: list[Element] = field(default_factory=list)

    def element(self, stem: str) -> Element | None:
        return next((e for e in self.elements if e.stem == stem), None)


class Definitions:
    """All concrete R4 shapes by name, plus the code lists of required bindings."""

    def __init__(self, shapes: dict[str, Shape]):
        self.shapes = shapes

    @classmethod
    def read(cls, folder: Path) -> Definitions:
        code_lists = _CodeLists(folder)
        shapes: dict[str, Shape] = {}
        for definition in resources(folder, "StructureDefinition"):
            if _is_base_definition(definition):
                shapes.update(_shapes_of(definition, code_lists))
        return cls(dict(sorted(shapes.items())))

    @property
    def resource_types(self) -> list[str]:
        return [s.name for s in self.shapes.values() if s.kind == "resource" and s.name not in (ANY, "DomainResource")]

    def elements_by_shape(self) -> dict[str, dict[str, str]]:
        """Shape → JSON property → type notation; format in `profiles/r4/README.md`."""
        return {
            s.name: {
                name: _notation(element, type_)
                for element in s.elements
                for name, type_ in element.json_names().items()
            }
            for s in self.shapes.values()
            if s.kind != "primitive"
        }


def _is_base_definition(definition: dict[str, Any]) -> bool:
    """Of R4 itself: no profile, no extension, no logical model and no example."""
    return (
        definition["kind"] != "logical"
        and definition.get("derivation") != "constraint"
        and definition["url"] == _STRUCTURE + definition["type"]
        and definition.get("fhirVersion") == _VERSION
    )


def _notation(element: Element, type_: Type) -> str:
    targets = f"({'|'.join(type_.targets)})" if type_.targets else ""
    return type_.name + targets + ("*" if element.many else "") + (f" {element.name}" if element.is_choice else "")


def _shapes_of(definition: dict[str, Any], code_lists: _CodeLists) -> dict[str, Shape]:
    root: str = definition["type"]
    kind = {"primitive-type": "primitive", "complex-type": "datatype", "resource": "resource"}[definition["kind"]]
    shapes = {root: Shape(root, kind)}
    snapshot = definition["snapshot"]["element"][1:]
    if kind == "primitive":
        return shapes
    parents = {e["path"].rpartition(".")[0] for e in snapshot}
    for raw in snapshot:
        path: str = raw["path"]
        parent, _, name = path.rpartition(".")
        if path in parents:
            shapes[path] = Shape(path, "nested")
            types: tuple[Type, ...] = (Type(path),)
        elif "contentReference" in raw:
            types = (Type(raw["contentReference"].removeprefix("#")),)
        else:
            types = tuple(_type(t) for t in raw["type"])
        codes = code_lists.of(raw.get("binding", {})) if any(t.name == "code" for t in types) else ()
        shapes[parent].elements.append(Element(name, raw["min"], raw["max"] != "1", types, codes))
    return shapes


def _type(raw: dict[str, Any]) -> Type:
    name: str = raw["code"]
    if name.startswith(_SYSTEM):
        stated = [e.get("valueUrl") or e.get("valueUri") for e in raw.get("extension", ()) if e["url"] == _FHIR_TYPE]
        return Type(stated[0] if stated else name.removeprefix(_SYSTEM).lower())
    if name != "Reference":
        return Type(name)
    targets = {t.removeprefix(_STRUCTURE) for t in raw.get("targetProfile", ())}
    return Type(name, () if ANY in targets else tuple(sorted(targets)))


class _CodeLists:
    """Value sets of required bindings, enumerated from the code systems they include."""

    def __init__(self, folder: Path):
        self.sets: dict[str, dict[str, Any]] = {}
        self.systems: dict[str, dict[str, Any]] = {}
        self.sets.update((r["url"], r) for r in resources(folder, "ValueSet"))
        self.systems.update((r["url"], r) for r in resources(folder, "CodeSystem") if "url" in r)

    def of(self, binding: dict[str, Any]) -> tuple[str, ...]:
        if binding.get("strength") != "required":
            return ()
        return tuple(self._codes(binding.get("valueSet", "").partition("|")[0]) or ())

    def _codes(self, url: str) -> list[str] | None:
        """None when the set cannot be enumerated from the definitions alone (BCP 13, BCP 47, UCUM, ISO 4217)."""
        compose = self.sets.get(url, {}).get("compose")
        if compose is None or compose.get("exclude"):
            return None
        codes: dict[str, None] = {}
        for include in compose["include"]:
            part = self._included(include)
            if part is None:
                return None
            codes.update(dict.fromkeys(part))
        return list(codes)

    def _included(self, include: dict[str, Any]) -> list[str] | None:
        if "filter" in include:
            return None
        if "concept" in include:
            return [c["code"] for c in include["concept"]]
        if "valueSet" in include:
            parts = [self._codes(v) for v in include["valueSet"]]
            return None if None in parts else [c for part in parts for c in part or ()]
        system = self.systems.get(include["system"])
        if system is None or system.get("content") != "complete":
            return None
        return list(_flattened(system.get("concept", [])))


def _flattened(concepts: list[dict[str, Any]]) -> list[str]:
    return [code for c in concepts for code in (c["code"], *_flattened(c.get("concept", [])))]


def resources(folder: Path, type_: str) -> list[dict[str, Any]]:
    """Every resource of that type in the unpacked package (`StructureDefinition-Task.json`, …), by file name."""
    files = sorted(folder.glob(f"{type_}-*.json"))
    if not files:
        raise SystemExit(f"no {type_} in {folder}: expected the package folder of the R4 definitions")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]
