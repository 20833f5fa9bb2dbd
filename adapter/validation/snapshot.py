"""A StructureDefinition's snapshot → the rules by which it narrows its base (https://hl7.org/fhir/R4/elementdefinition.html).

What an element of the snapshot demands is compared with R4 itself (`base` of the element, `profiles/r4/elements.json`);
what is the same has been checked already and becomes no rule. What cannot be checked natively is refused here, when a
profile is compiled, and never overlooked when a resource is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from adapter.use_cases.ports import Tree
from adapter.validation import shapes
from adapter.validation.package import BASE_DEFINITIONS, codes_of, structures
from adapter.validation.profile_invariants import NATIVE
from adapter.validation.profile_rules import Constraint, ElementRule, Slice, Test


class UnsupportedProfile(ValueError):
    """A profile that says something for which there is no native rule."""


def root_rule(definition: Tree) -> ElementRule:
    """The rules of a whole profile. Raises UnsupportedProfile, Unenumerable."""
    return _Snapshot(definition).root()


class _Snapshot:
    def __init__(self, definition: Tree):
        self.type: str = definition["type"]
        self.url: str = definition["url"]
        self.elements: dict[str, Tree] = {e["id"]: e for e in definition["snapshot"]["element"]}
        self.added = {c["key"] for e in definition["differential"]["element"] for c in e.get("constraint", ())}
        self.children: dict[str, list[str]] = {}
        self.slices: dict[str, list[str]] = {}
        for id_ in self.elements:
            parent, dot, last = id_.rpartition(".")
            stem, colon, _ = last.partition(":")
            if colon:
                self.slices.setdefault(f"{parent}{dot}{stem}", []).append(id_)
            elif dot:
                self.children.setdefault(parent, []).append(id_)

    def root(self) -> ElementRule:
        rule = ElementRule(self.type)
        rule.constraints = self._constraints(self.elements[self.type])
        rule.children = self._children(self.type, self.type)
        return rule

    def _children(self, id_: str, shape: str) -> tuple[ElementRule, ...]:
        rules = (self._rule(child, shape) for child in self.children.get(id_, ()))
        return tuple(rule for rule in rules if rule.demands)

    def _rule(self, id_: str, shape: str) -> ElementRule:
        """An element that is not a slice, `shape` being the shape that it is an element of."""
        raw = self.elements[id_]
        name = raw["path"].rpartition(".")[2]
        stem = name.removesuffix("[x]")
        defined = shapes.elements_of(shape)
        if name == stem:
            properties = {name: defined[name].type} if name in defined else {}
        else:
            properties = {key: element.type for key, element in defined.items() if element.choice == stem}
        if not properties:
            if name in ("url", "id"):  # attributes in XML; Extension.url is a discriminator and checked as one
                properties = {name: "uri" if name == "url" else "string"}
            else:
                raise UnsupportedProfile(f"{self.url}: no element {id_} in R4")
        rule = ElementRule(stem, properties)
        base = raw["base"]
        if raw["min"] > base["min"]:
            rule.minimum = raw["min"]
        if raw["max"] != base["max"] and raw["max"] != "*":
            rule.maximum = int(raw["max"])
        allowed = frozenset(_type_name(t) for t in raw.get("type", ()))
        if name != stem and allowed < frozenset(properties.values()):
            rule.types = allowed
        self._demands_on_value(rule, id_, raw, base_type=next(iter(properties.values())), shape=shape)
        self._slicing(rule, id_, raw, shape)
        return rule

    def _demands_on_value(self, rule: ElementRule, id_: str, raw: Tree, base_type: str, shape: str) -> None:
        rule.value = _fixed_or_pattern(raw)
        rule.constraints = self._constraints(raw)
        binding = raw.get("binding", {})
        if binding.get("strength") == "required" and not binding["valueSet"].startswith(
            "http://hl7.org/fhir/ValueSet/"
        ):
            rule.codes = codes_of(binding["valueSet"])
        types = raw.get("type", [])
        profiles = [p for t in types for p in t.get("profile", ()) if not p.startswith(BASE_DEFINITIONS)]
        if len(profiles) > 1:
            raise UnsupportedProfile(f"{self.url}: a choice of profiles at {id_}")
        rule.profile = profiles[0] if profiles else None
        references = [t for t in types if t["code"] == "Reference"]
        if references and (targets := references[0].get("targetProfile")):
            names = frozenset(_target(url) for url in targets)
            narrowed = names != _base_targets(shape, rule)
            rule.targets = names if narrowed and shapes.ANY_RESOURCE not in names else frozenset()
        rule.children = self._children(id_, base_type) if self.children.get(id_) else ()

    def _slicing(self, rule: ElementRule, id_: str, raw: Tree, shape: str) -> None:
        if not (names := self.slices.get(id_)):
            return
        slicing = raw["slicing"]
        if slicing.get("rules") == "openAtEnd" or slicing.get("ordered"):
            raise UnsupportedProfile(f"{self.url}: order among slices at {id_}")
        rule.closed = slicing.get("rules") == "closed"
        rule.slices = tuple(self._slice(slice_id, slicing["discriminator"], rule, shape) for slice_id in names)

    def _slice(self, id_: str, discriminators: list[Tree], sliced: ElementRule, shape: str) -> Slice:
        raw = self.elements[id_]
        rule = ElementRule(sliced.name, sliced.properties)
        self._demands_on_value(rule, id_, raw, base_type=next(iter(sliced.properties.values())), shape=shape)
        tests = tuple(self._test(id_, d["type"], d["path"]) for d in discriminators)
        maximum = None if raw["max"] == "*" else int(raw["max"])
        return Slice(raw["sliceName"], tests, raw["min"], maximum, rule)

    def _test(self, id_: str, kind: str, path: str) -> Test:
        """Whether an item is of this slice, by one discriminator."""
        at = id_ if path == "$this" else f"{id_}.{path}"
        steps = [] if path == "$this" else path.split(".")
        raw = self.elements.get(at, {})
        if kind == "type":
            return _is_of_type(steps, frozenset(t["code"] for t in raw.get("type", ())))
        if kind == "exists":
            wanted = raw.get("max") != "0"
            return lambda item: bool(list(_values_at(item, steps))) is wanted
        if kind not in ("value", "pattern"):
            raise UnsupportedProfile(f"{self.url}: discriminator {kind} at {id_}")
        if path == "url" and not raw:
            url = next(p for t in self.elements[id_]["type"] for p in t["profile"])
            return lambda item: item.get("url") == url
        value = _fixed_or_pattern(raw)
        if value is None:
            raise UnsupportedProfile(f"{self.url}: nothing fixed at {at}, by which slices are told apart")
        test = value[0]
        return lambda item: any(test(found) for found in _values_at(item, steps))

    def _constraints(self, raw: Tree) -> tuple[Constraint, ...]:
        """Those that the profile adds; those of R4 have been checked."""
        own = [c for c in raw.get("constraint", ()) if c["key"] in self.added]
        if missing := [c["key"] for c in own if c["key"] not in NATIVE]:
            raise UnsupportedProfile(f"{self.url}: no native form of {', '.join(missing)}")
        return tuple(Constraint(c["key"], c["human"], NATIVE[c["key"]], c["severity"]) for c in own)


def _type_name(raw: Mapping[str, Any]) -> str:
    code: str = raw["code"]
    return "string" if code.endswith("System.String") else code


def _target(url: str) -> str:
    """The resource type that a target profile is for. Whether the target meets the profile is its own check."""
    if url.startswith(BASE_DEFINITIONS):
        return url.removeprefix(BASE_DEFINITIONS)
    target: str = structures()[url]["type"]
    return target


def _base_targets(shape: str, rule: ElementRule) -> frozenset[str]:
    key = next((key for key, type_ in rule.properties.items() if type_ == "Reference"), None)
    element = shapes.elements_of(shape).get(key or "")
    return element.targets if element else frozenset()


def _fixed_or_pattern(raw: Mapping[str, Any]) -> tuple[Test, str] | None:
    for key, value in raw.items():
        if key.startswith("fixed"):
            return partial(_equals, value), "fixed"
        if key.startswith("pattern"):
            return _fitting(value), "pattern"
    return None


def _equals(fixed: Any, found: Any) -> bool:
    return bool(found == fixed)


def _fitting(pattern: Any) -> Test:
    """https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_; made once, because every
    item of a sliced element is tried against the pattern of every slice."""
    if isinstance(pattern, dict):
        return partial(_fits_object, tuple((name, _fitting(wanted)) for name, wanted in pattern.items()))
    if isinstance(pattern, list):
        return partial(_fits_array, tuple(_fitting(wanted) for wanted in pattern))
    return partial(_equals, pattern)


def _fits_object(parts: tuple[tuple[str, Test], ...], found: Any) -> bool:
    if not isinstance(found, dict):
        return False
    # A loop: this is the innermost of the check, and a generator would double its cost.
    for name, fits in parts:  # noqa: SIM110
        if name not in found or not fits(found[name]):
            return False
    return True


def _fits_array(wanted: tuple[Test, ...], found: Any) -> bool:
    return isinstance(found, list) and all(any(map(fits, found)) for fits in wanted)


def _values_at(item: Any, steps: list[str]) -> list[Any]:
    values = [item]
    for step in steps:
        found = [value[step] for value in values if isinstance(value, dict) and step in value]
        values = [v for value in found for v in (value if isinstance(value, list) else [value])]
    return values


def _is_of_type(steps: list[str], types: frozenset[str]) -> Test:
    """Of resources only: a datatype does not say its name in JSON."""
    return lambda item: any(
        isinstance(value, dict) and value.get("resourceType") in types for value in _values_at(item, steps)
    )
