"""What a profile demands beyond the base specification, as rules, and how a resource is held against them.

Cardinality, types, fixed and pattern values, slices, required bindings, reference targets, and invariants in native
form (https://hl7.org/fhir/R4/profiling.html). `snapshot.py` makes the rules; only what a profile narrows becomes one.
The resource is sound by the base specification when it comes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adapter.domain.errors import Issue
from adapter.use_cases.ports import Tree
from adapter.validation.package import Code
from adapter.validation.references import Container, Entries, fault_of

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Constraint:
    key: str
    says: str
    holds: Callable[[Tree], bool]
    severity: str


@dataclass(slots=True)
class Slice:
    """Items for which all `tests` (the discriminators) are true, how many there may be, and what each must be."""

    name: str
    tests: tuple[Test, ...]
    minimum: int
    maximum: int | None
    rule: ElementRule

    def has(self, item: Any) -> bool:
        return all(test(item) for test in self.tests)


@dataclass
class ElementRule:
    """One element. `minimum`, `maximum`, `types` are those of the profile where it narrows, else no bound. Not changed
    once it is used."""

    name: str
    properties: Mapping[str, str] = field(default_factory=dict)
    """JSON property → datatype: several for a choice."""
    minimum: int = 0
    maximum: int | None = None
    types: frozenset[str] | None = None
    value: tuple[Test, str] | None = None
    """A fixed or pattern value: how to compare, and which of the two."""
    codes: frozenset[Code] | None = None
    targets: frozenset[str] = frozenset()
    profile: str | None = None
    """The canonical of the profile that a value (an extension, a resource in an entry) must meet."""
    constraints: tuple[Constraint, ...] = ()
    children: tuple[ElementRule, ...] = ()
    slices: tuple[Slice, ...] = ()
    closed: bool = False

    @property
    def demands(self) -> bool:
        """Whether it can refuse anything at all."""
        bounds = self.minimum > 0 or self.maximum is not None or self.types is not None
        return bounds or self.looks_at_values

    @cached_property
    def looks_at_values(self) -> bool:
        return bool(
            self.value or self.codes is not None or self.targets or self.profile or self.constraints or self.children
            or self.slices
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reference may mean: the Bundle around the resource, the resource around a contained one."""

    entries: Entries
    container: Container


@dataclass(slots=True)
class Check:
    """Holds one resource against one profile. `title` names it in texts; `root_of` finds the rules of others."""

    title: str
    around: Surroundings
    root_of: Callable[[str], ElementRule]

    def object(self, node: Tree, rule: ElementRule, path: str) -> Iterator[Issue]:
        """A resource, datatype or nested element: its invariants and its elements."""
        for constraint in rule.constraints:
            if not constraint.holds(node):
                yield Issue("invariant", f"{constraint.says} ({constraint.key})", path, constraint.severity)
        for child in rule.children:
            yield from self._element(node, child, path)

    def _element(self, node: Tree, rule: ElementRule, path: str) -> Iterator[Issue]:
        values: list[tuple[Any, str, str]] = []  # value, datatype, where
        count = 0
        for name, type_ in rule.properties.items():
            if name not in node:
                count += f"_{name}" in node  # a primitive of which there are extensions only
                continue
            value = node[name]
            where = f"{path}.{rule.name}"
            if rule.types is not None and type_ not in rule.types:
                expected = ", ".join(sorted(rule.types))
                yield self._fault("structure", f"expected {rule.name} of type {expected}; got {type_}",
                                  f"{path}.{rule.name}")  # fmt: skip
            if isinstance(value, list):
                count += len(value)
                values += ((item, type_, f"{where}[{n}]") for n, item in enumerate(value))
            else:
                count += 1
                values.append((value, type_, where))
        if count < rule.minimum or rule.maximum is not None:
            yield from self._counted(count, rule.minimum, rule.maximum, rule.name, f"{path}.{rule.name}")
        if not values or not rule.looks_at_values:
            return
        for value, type_, where in values:
            if value is not None:
                yield from self._value(value, type_, rule, where)
        if rule.slices:
            yield from self._sliced(values, rule, f"{path}.{rule.name}")

    def _counted(self, count: int, minimum: int, maximum: int | None, name: str, path: str) -> Iterator[Issue]:
        if count < minimum:
            expected = f"at least {minimum} {name}" if minimum > 1 or count else name
            yield self._fault("required", f"expected {expected}, got {count or 'none'}", path)
        elif maximum is not None and count > maximum:
            expected = f"at most {maximum} {name}" if maximum else f"no {name}"
            yield self._fault("structure", f"expected {expected}, got {count}", path)

    def _value(self, value: Any, type_: str, rule: ElementRule, path: str) -> Iterator[Issue]:
        if rule.value and not rule.value[0](value):
            yield self._fault("value", f"expected the {rule.value[1]} value that is defined for it, got another", path)
        if rule.codes is not None and not _is_coded(value, type_, rule.codes):
            systems = ", ".join(sorted({system for system, _ in rule.codes}))
            yield self._fault("code-invalid", f"expected a code of the value set that is required here, out of "
                              f"{systems}; got none of them", path)  # fmt: skip
        if rule.targets and type_ == "Reference":
            fault = fault_of(value.get("reference"), rule.targets, self.around.entries, self.around.container)
            if fault:
                yield self._fault(fault[0], fault[1], f"{path}.reference")
        if rule.profile:
            yield from self.object(value, self.root_of(rule.profile), path)
        if rule.children or rule.constraints:
            yield from self.object(value, rule, path)

    def _sliced(self, values: list[tuple[Any, str, str]], rule: ElementRule, path: str) -> Iterator[Issue]:
        counts = [0] * len(rule.slices)
        for value, type_, where in values:
            for number, slice_ in enumerate(rule.slices):
                if value is not None and slice_.has(value):
                    counts[number] += 1
                    yield from self._value(value, type_, slice_.rule, where)
                    break
            else:
                if rule.closed:
                    yield self._fault("structure", f"expected only the kinds of {rule.name} that are defined, got "
                                      "another", where)  # fmt: skip
        for count, slice_ in zip(counts, rule.slices, strict=True):
            if count == 0 == slice_.minimum:
                continue
            yield from self._counted(count, slice_.minimum, slice_.maximum, f"{rule.name} {slice_.name}", path)

    def _fault(self, code: str, text: str, path: str) -> Issue:
        return Issue(code, f"{text} (profile {self.title})", path)


def _is_coded(value: Any, type_: str, codes: frozenset[Code]) -> bool:
    """Whether a coded value carries one of the codes; a `code` has no system, so that its code alone counts."""
    match type_:
        case "Coding" | "Quantity":
            return (value.get("system", ""), value.get("code", "")) in codes
        case "CodeableConcept":
            return any((c.get("system", ""), c.get("code", "")) in codes for c in value.get("coding", ()))
        case "code" | "uri" | "string":
            return any(value == code for _, code in codes)
    return True
