"""What a resource can be found by, taken from its decoded tree by plain Python made once per type.

The index of a resource lives on its row:

- `search_keys`: one 64-bit key for every form that names a token, reference, identifier or URI of it (equality
  decides), and coarse ones, the first letters of texts and the month of dates, that only narrow (the row decides);
- `date_params`, `date_lows`, `date_highs`: intervals; `texts`: `parameter:comparable\\noriginal`;
- `owner_worklist`, `requester_worklist`: Task only, organisation and status in one key, kept in order by an index of
  their own, for they are what a partner asks all day.

Parameters are those of profiles/r4/search-parameters.json (https://hl7.org/fhir/R4/searchparameter-registry.html).
Parameters of the same elements share their keys: `Task.patient` and `Task.subject` are stored once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from adapter.storage import search_values
from adapter.storage.search_keys import key, parameter_number
from adapter.storage.search_paths import Branch, Collect, json_path
from adapter.storage.search_values import SearchValues, local_reference
from adapter.use_cases.ports import Tree

INDEXED = frozenset({"token", "reference", "string", "date", "uri"})
"""Parameter types that are looked up in the index of a row."""

SEARCHABLE = INDEXED | {"number", "quantity"}
"""Those, and the ones that are read out of the body; composite and special are not searched by."""

NOT_INDEXED = frozenset({"phonetic", "_id", "_lastUpdated"})
"""`phonetic` would need a phonetic algorithm; the other two are columns."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type. `slot` names the keys that it shares with parameters of the same elements."""

    type: str
    code: str
    kind: str
    slot: str
    number: int
    targets: frozenset[str]
    """Types a reference can point at; empty = any."""
    bare_codes: bool
    """Every value is a `code` (or string, boolean) without a system of its own."""
    paths: tuple[Mapping[str, Any], ...]

    @property
    def space(self) -> str:
        return f"{self.type}.{self.slot}"

    def json_paths(self) -> list[str]:
        """SQL/JSON paths of its elements, of which one exists when the parameter is not missing."""
        return [json_path(path) for path in self.paths]


class TypeIndex:
    """The search parameters of one resource type, and `values_of` a resource."""

    def __init__(self, type: str, definitions: Iterable[Mapping[str, Any]]):
        self.type = type
        self.parameters: dict[str, Parameter] = {}
        self._indexed = Branch()
        shared: dict[str, list[Mapping[str, Any]]] = {}
        for definition in definitions:
            if definition["type"] in SEARCHABLE and definition["code"] not in NOT_INDEXED:
                elements = sorted(json.dumps([path["steps"], path["type"]]) for path in definition["paths"])
                shared.setdefault(f"{definition['type']} {elements}", []).append(definition)
        for definitions_of_slot in shared.values():
            slot = definitions_of_slot[0]["code"]
            group = [self._parameter(definition, slot) for definition in definitions_of_slot]
            self.parameters.update((parameter.code, parameter) for parameter in group)
            for path in group[0].paths:
                if (collect := _collector(group, path["type"])) is not None:
                    self._indexed.add(path["steps"], collect)

    def _parameter(self, definition: Mapping[str, Any], slot: str) -> Parameter:
        return Parameter(
            type=self.type,
            code=definition["code"],
            kind=definition["type"],
            slot=slot,
            number=parameter_number(self.type, definition["code"]),
            targets=frozenset(definition.get("targets", ())),
            bare_codes={path["type"] for path in definition["paths"]} <= {"code", "string", "boolean", "id"},
            paths=tuple(definition["paths"]),
        )

    def values_of(self, tree: Tree) -> SearchValues:
        values = SearchValues()
        self._indexed.walk(values, tree)
        if self.type == "Task":
            values.owner_worklist = _worklist_of(tree, "owner")
            values.requester_worklist = _worklist_of(tree, "requester")
        return values


def _collector(group: list[Parameter], datatype: str) -> Collect | None:
    """How values of one datatype enter the index; None for a datatype that this kind of parameter cannot use."""
    kind, space = group[0].kind, group[0].space
    if kind not in INDEXED:
        return None
    if kind == "reference" and datatype == "Reference":
        return search_values.references(space, of_any_type=any(not parameter.targets for parameter in group))
    if kind == "token":
        return search_values.tokens(datatype, space)
    if kind == "date":
        return search_values.dates(datatype, space, [parameter.number for parameter in group])
    if kind == "string":
        return search_values.texts(datatype, space, group[0].slot)
    return search_values.uris(space) if datatype in {"uri", "url", "canonical", "oid", "uuid"} else None


@cache
def _definitions() -> Mapping[str, list[Mapping[str, Any]]]:
    definitions: dict[str, list[Mapping[str, Any]]] = json.loads(
        files("profiles").joinpath("r4/search-parameters.json").read_bytes()
    )
    return definitions


@lru_cache(maxsize=256)
def index_of(type: str) -> TypeIndex:
    """The index of a resource type; of an unknown type only what every resource has."""
    definitions = _definitions()
    own = definitions.get(type, []) if type != "Resource" else []
    return TypeIndex(type, [*definitions["Resource"], *own])


def references_in(parameter: Parameter, tree: Tree) -> list[str]:
    """What a reference parameter points at in this resource, as written there."""
    found: list[str] = []
    branch = Branch()
    for path in parameter.paths:
        if path["type"] == "Reference":
            branch.add(path["steps"], lambda into, value: into.append(value.get("reference", "")))
    branch.walk(found, tree)
    return [each for each in found if each and (not parameter.targets or each.partition("/")[0] in parameter.targets)]


def worklist_key(party: str, reference: str, status: str) -> int:
    """The key of all Tasks whose `party` (`owner`, `requester`) is `reference` (`Organization/x`) in this status."""
    return key(f"Task.{party}+status", f"{reference}|{status}")


def _worklist_of(tree: Tree, party: str) -> int | None:
    reference = tree.get(party, {}).get("reference")
    status = tree.get("status")
    return worklist_key(party, local_reference(reference), status) if reference and status else None
