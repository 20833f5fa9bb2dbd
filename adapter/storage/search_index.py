"""What a resource can be found by, taken from its decoded tree by plain Python compiled once per type.

The index of a resource lives on its row:

- `keys`: one 64-bit key for every token, reference, identifier and uri form that names it (equality decides), and
  coarse ones, the first letters of texts and the month of dates, that only narrow (the row decides);
- `date_params`, `date_lows`, `date_highs`: intervals; `texts`: `parameter:comparable\\noriginal`;
- `owner_worklist`, `requester_worklist`: Task only, organisation and status in one key, kept in order by an index of
  their own, for they are what a partner asks all day.

Parameters are those of profiles/r4/search-parameters.json (https://hl7.org/fhir/R4/searchparameter-registry.html).
Parameters of the same elements share their keys: `Task.patient` and `Task.subject` are stored once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from adapter.storage.search_keys import (
    EARLIEST,
    LATEST,
    PREFIX_LENGTH,
    comparable,
    interval,
    key,
    month,
    parameter_number,
    token_keys,
)
from adapter.use_cases.ports import Tree

INDEXED = frozenset({"token", "reference", "string", "date", "uri"})
"""Parameter types that can be searched; quantity, number, composite and special are not."""

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
    instants_only: bool
    """Every date is a point of some precision, never a Period: its month says when it both starts and ends."""

    @property
    def space(self) -> str:
        return f"{self.type}.{self.slot}"


@dataclass(slots=True)
class SearchValues:
    keys: set[int] = field(default_factory=set)
    dates: set[tuple[int, datetime, datetime]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    owner_worklist: int | None = None
    requester_worklist: int | None = None


Collect = Callable[[SearchValues, Any], None]
Step = str | Mapping[str, Any]


class TypeIndex:
    """The search parameters of one resource type, and `values_of` a resource."""

    def __init__(self, type: str, definitions: Iterable[Mapping[str, Any]]):
        self.type = type
        self.parameters: dict[str, Parameter] = {}
        self._by_element: dict[str, list[tuple[tuple[Step, ...], Collect]]] = {}
        self._on_resource: list[tuple[tuple[Step, ...], Collect]] = []
        self._paths: dict[str, list[Mapping[str, Any]]] = {}
        shared: dict[str, list[Mapping[str, Any]]] = {}
        for definition in definitions:
            if definition["type"] in INDEXED and definition["code"] not in NOT_INDEXED:
                elements = sorted(json.dumps([path["steps"], path["type"]]) for path in definition["paths"])
                shared.setdefault(f"{definition['type']} {elements}", []).append(definition)
        for group in shared.values():
            self._add([self._parameter(definition, group[0]["code"]) for definition in group], group[0])

    def _parameter(self, definition: Mapping[str, Any], slot: str) -> Parameter:
        types = {path["type"] for path in definition["paths"]}
        parameter = Parameter(
            type=self.type,
            code=definition["code"],
            kind=definition["type"],
            slot=slot,
            number=parameter_number(self.type, definition["code"]),
            targets=frozenset(definition.get("targets", ())),
            bare_codes=types <= {"code", "string", "boolean", "id"},
            instants_only=types <= {"date", "dateTime", "instant"},
        )
        self.parameters[parameter.code] = parameter
        self._paths[parameter.code] = definition["paths"]
        return parameter

    def references_in(self, code: str, tree: Tree) -> Iterable[str]:
        """What the reference parameter `code` points at in this resource, as written there."""
        parameter = self.parameters[code]
        for path in self._paths[code]:
            if path["type"] != "Reference":
                continue
            for value in _follow(tree, tuple(path["steps"])):
                reference = value.get("reference", "")
                if reference and (not parameter.targets or reference.partition("/")[0] in parameter.targets):
                    yield reference

    def json_paths(self, code: str) -> list[str]:
        """SQL/JSON paths of the parameter's elements, of which one exists when the parameter is not missing."""
        return [_json_path(path) for path in self._paths[code]]

    def _add(self, group: list[Parameter], definition: Mapping[str, Any]) -> None:
        for path in definition["paths"]:
            collect = _collector(group, path["type"])
            if collect is None:
                continue
            first, *rest = path["steps"] or [{}]
            if isinstance(first, str):
                self._by_element.setdefault(first, []).append((tuple(rest), collect))
            else:
                self._on_resource.append((tuple(path["steps"]), collect))

    def values_of(self, tree: Tree) -> SearchValues:
        values = SearchValues()
        by_element = self._by_element
        for element, content in tree.items():
            for steps, collect in by_element.get(element, ()):
                if not steps and not isinstance(content, list):
                    collect(values, content)
                    continue
                for value in _follow(content, steps):
                    collect(values, value)
        for steps, collect in self._on_resource:
            for value in _follow(tree, steps):
                collect(values, value)
        if self.type == "Task":
            values.owner_worklist = _worklist_of(tree, "owner")
            values.requester_worklist = _worklist_of(tree, "requester")
        return values


@lru_cache(maxsize=1)
def _definitions() -> Mapping[str, list[Mapping[str, Any]]]:
    loaded: dict[str, list[Mapping[str, Any]]] = json.loads(
        files("profiles").joinpath("r4/search-parameters.json").read_bytes()
    )
    return loaded


@cache
def index_of(type: str) -> TypeIndex:
    """The index of a resource type; of an unknown type only what every resource has."""
    definitions = _definitions()
    own = definitions.get(type, []) if type != "Resource" else []
    return TypeIndex(type, [*definitions["Resource"], *own])


def worklist_key(party: str, reference: str, status: str) -> int:
    """The key of all Tasks whose `party` (`owner`, `requester`) is `reference` (`Organization/x`) in this status."""
    return key(f"Task.{party}+status", f"{reference}|{status}")


def _worklist_of(tree: Tree, party: str) -> int | None:
    reference = tree.get(party, {}).get("reference")
    status = tree.get("status")
    return worklist_key(party, local_reference(reference), status) if reference and status else None


def local_reference(reference: str) -> str:
    """`Patient/1` of `Patient/1/_history/2`; anything else as it is."""
    return reference.partition("/_history/")[0]


def _follow(value: Any, steps: tuple[Step, ...]) -> Iterable[Any]:
    if isinstance(value, list):
        if steps and isinstance(steps[0], Mapping) and "index" in steps[0]:
            return _follow(value[steps[0]["index"]], steps[1:]) if len(value) > steps[0]["index"] else ()
        return [found for item in value for found in _follow(item, steps)]
    if not steps:
        return () if value is None else (value,)
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        return _follow(value[step], rest) if isinstance(value, dict) and step in value else ()
    if "present" in step:
        return (any(value.get(name) not in (None, False) for name in step["present"]),)
    if "where" in step:
        return _follow(value, rest) if all(value.get(n) == v for n, v in step["where"].items()) else ()
    return _follow(value, rest)  # {"index": 0} of something that does not repeat, or {} for the resource itself


def _json_path(path: Mapping[str, Any]) -> str:
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


def _collector(group: list[Parameter], datatype: str) -> Collect | None:
    """How values of one datatype enter the index; None for a datatype that this kind of parameter cannot use."""
    kind, space = group[0].kind, group[0].space
    if kind == "reference" and datatype == "Reference":
        return _references(space, of_any_type=any(not parameter.targets for parameter in group))
    if kind == "token":
        return _tokens(datatype, space)
    if kind == "date":
        return _dates(datatype, space, [parameter.number for parameter in group])
    if kind == "string":
        return _texts(datatype, space, group[0].slot)
    if datatype in {"uri", "url", "canonical", "oid", "uuid"}:
        return _uris(space)
    return None


def _references(space: str, of_any_type: bool) -> Collect:
    """`of_any_type`: a bare id cannot be asked for type by type, so it has a key of its own."""
    identifier_space = f"{space}:identifier"

    def collect(values: SearchValues, value: Any) -> None:
        if reference := value.get("reference"):
            if "/_history/" in reference:
                reference = local_reference(reference)
            if not reference.startswith("#"):
                values.keys.add(key(space, reference))
                if of_any_type and ":" not in reference:
                    values.keys.add(key(space, reference.rpartition("/")[2]))
        if identifier := value.get("identifier"):
            values.keys.update(token_keys(identifier_space, identifier.get("system"), identifier.get("value")))

    return collect


def _tokens(datatype: str, space: str) -> Collect | None:
    def coding(values: SearchValues, value: Any) -> None:
        values.keys.update(token_keys(space, value.get("system"), value.get("code")))

    def concept(values: SearchValues, value: Any) -> None:
        for each in value.get("coding", ()):
            values.keys.update(token_keys(space, each.get("system"), each.get("code")))

    def identifier(values: SearchValues, value: Any) -> None:
        values.keys.update(token_keys(space, value.get("system"), value.get("value")))

    def contact_point(values: SearchValues, value: Any) -> None:
        if contact := value.get("value"):
            values.keys.add(key(space, contact))

    def bare(values: SearchValues, value: Any) -> None:
        if value is not None:
            values.keys.add(key(space, str(value).lower() if isinstance(value, bool) else str(value)))

    return {
        "Coding": coding,
        "CodeableConcept": concept,
        "Identifier": identifier,
        "ContactPoint": contact_point,
        **dict.fromkeys(("code", "string", "id", "boolean", "uri", "canonical"), bare),
    }.get(datatype)


def _dates(datatype: str, space: str, numbers: Sequence[int]) -> Collect | None:
    months = f"{space}~month"

    def add(values: SearchValues, start: str | None, end: str | None) -> None:
        try:
            low = interval(start)[0] if start else EARLIEST
            high = interval(end)[1] if end else LATEST
        except ValueError:  # the validator's to refuse; a resource is not lost for one of its dates
            return
        for number in numbers:
            values.dates.add((number, low, high))
        values.keys.add(key(months, month(low)))

    def point(values: SearchValues, value: Any) -> None:
        if value is not None:
            add(values, value, value)

    def period(values: SearchValues, value: Any) -> None:
        if "start" in value or "end" in value:
            add(values, value.get("start"), value.get("end"))

    def timing(values: SearchValues, value: Any) -> None:
        for event in value.get("event", ()):
            point(values, event)
        if bounds := value.get("repeat", {}).get("boundsPeriod"):
            period(values, bounds)

    return {
        **dict.fromkeys(("date", "dateTime", "instant"), point),
        "Period": period,
        "Timing": timing,
    }.get(datatype)


_TEXT_PARTS: Mapping[str, tuple[str, ...]] = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
}


def _texts(datatype: str, space: str, slot: str) -> Collect | None:
    prefixes = f"{space}~prefix"

    def text(values: SearchValues, value: Any) -> None:
        if value:
            plain = comparable(value)
            values.texts.add(f"{slot}:{plain}\n{value}")
            values.keys.add(key(prefixes, plain[:PREFIX_LENGTH]))

    def parts(values: SearchValues, value: Any) -> None:
        for part in _TEXT_PARTS[datatype]:
            content = value.get(part)
            if isinstance(content, list):
                for each in content:
                    text(values, each)
            else:
                text(values, content)

    return parts if datatype in _TEXT_PARTS else text if datatype in {"string", "markdown"} else None


def _uris(space: str) -> Collect:
    def collect(values: SearchValues, value: Any) -> None:
        if value:
            values.keys.add(key(space, value))
            if "|" in value:  # a canonical is also found without its version
                values.keys.add(key(space, value.partition("|")[0]))

    return collect
