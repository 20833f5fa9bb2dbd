"""One pass over a sound resource for all that a schema cannot say: invariants, choices, references, narratives.

What happens at which JSON property is looked up in a table a shape (`_Table`), made from `profiles/r4/elements.json` on
first use; a property that needs nothing costs one dict lookup. A path is a chain `(parent path, element, index)`,
turned into an expression only for a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from adapter.domain.errors import Issue
from adapter.use_cases.ports import Tree
from adapter.validation import bundle_rules, contained, narrative, references, shapes, structure
from adapter.validation.invariants import INVARIANTS, Invariant

Path = tuple[Any, str, int | None]
MAX_ISSUES = 100
"""In one answer: whoever sends 10,000 faults learns the first hundred."""


def check(tree: Tree) -> list[Issue]:
    """Every fault of the base specification, at most 100: code, expression, and a text free of patient data."""
    type_ = tree.get("resourceType")
    if not isinstance(type_, str):
        return [Issue("structure", "expected a resource with its resourceType, got none", "Resource")]
    walk = Walk()
    walk.resource(tree, (None, type_ if type_ in shapes.resource_types() else "Resource", None))
    return walk.issues


def expression(path: Path) -> str:
    """`Bundle.entry[2].resource.status`."""
    parts: list[str] = []
    step: Path | None = path
    while step is not None:
        parent, element, index = step
        parts.append(element if index is None else f"{element}[{index}]")
        step = parent
    return ".".join(reversed(parts))


class Walk:
    """Goes through one body; `issues` is the result."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.entries = references.NO_ENTRIES
        """What a reference between entries of the current Bundle means."""
        self.root: Tree = {}
        """The resource that holds the contained ones, not itself contained."""
        self.container = references.Container(None, {})
        """What a `#id` means."""

    def fault(self, code: str, path: Path, text: str, severity: str = "error") -> None:
        if len(self.issues) < MAX_ISSUES:
            self.issues.append(Issue(code, text, expression(path), severity))

    def resource(self, tree: Tree, path: Path) -> None:
        """A resource that is its own root: the body, or one in a Bundle entry or a parameter."""
        outer = self.root, self.container, self.entries
        self.root, self.container = tree, references.Container.of(tree)
        if tree.get("resourceType") == "Bundle":
            self.entries = references.Entries.of(tree)
        self.typed(tree, path)
        self.root, self.container, self.entries = outer

    def typed(self, tree: Tree, path: Path) -> None:
        """A resource, contained or not, by the table of its type."""
        type_ = tree.get("resourceType")
        if len(self.issues) >= MAX_ISSUES:
            return
        if not isinstance(type_, str):
            return  # it was located as a fault of what holds it
        if type_ not in shapes.resource_types():
            self.fault("not-supported", path, "expected a resource type of R4, got another")
        elif structure.is_sound(tree, type_):
            if type_ == "Bundle":
                for code, at, text in bundle_rules.faults(tree):
                    self.fault(code, (path, at, None), text)
            self.node(tree, _table(type_), path)
        else:
            where = expression(path)
            located = [issue.below(where) for issue in structure.faults(tree, type_)]
            self.issues += located[: MAX_ISSUES - len(self.issues)]
            if type_ == "Bundle":
                self._entries_of_broken(tree, path)

    def _entries_of_broken(self, bundle: Tree, path: Path) -> None:
        """A fault in the shell of a Bundle must not hide those of its entries."""
        entries = bundle.get("entry")
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                self.resource(entry["resource"], ((path, "entry", position), "resource", None))

    def node(self, node: Tree, table: _Table, path: Path) -> None:
        """An object of a known shape, sound so far."""
        for rule in table.invariants:
            if not rule.holds(node):
                at = table.shown.get(rule.at, rule.at)
                self.fault(
                    "invariant", (path, at, None) if at else path, f"{rule.expected} ({rule.key})", rule.severity
                )
        if table.choices and len(chosen := node.keys() & table.choices.keys()) > 1:
            self._one_of_each(chosen, table.choices, path)
        steps = table.steps
        for key in node:
            if key in steps:
                steps[key](self, node[key], path, node)

    def _one_of_each(self, chosen: set[str], choices: Mapping[str, str], path: Path) -> None:
        names: dict[str, set[str]] = {}
        for key in chosen:
            names.setdefault(choices[key], set()).add(key.removeprefix("_"))
        for stem, given in sorted(names.items()):
            if len(given) > 1:
                self.fault(
                    "structure", (path, stem, None), f"expected one {stem}[x], got {' and '.join(sorted(given))}"
                )


_Step = Callable[[Walk, Any, Path, Tree], None]
"""What to do at a property: (walk, its value, the path of the object, the object)."""


@dataclass(slots=True)
class _Table:
    made: bool = False
    invariants: tuple[Invariant, ...] = ()
    choices: dict[str, str] = field(default_factory=dict)
    """JSON property (and its sibling) → stem of the choice."""
    shown: dict[str, str] = field(default_factory=dict)
    """JSON property → how an expression names it."""
    steps: dict[str, _Step] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    """All properties that matter: most objects (a Coding, a name) have none of them and need no visit."""


@cache
def _blank(shape: str) -> _Table:
    return _Table()


def _table(shape: str) -> _Table:
    """The table of a shape. Shapes hold each other (Extension, Identifier), so one is known before it is made."""
    table = _blank(shape)
    if not table.made:
        table.made = True
        _make(table, shape)
    return table


def _make(table: _Table, shape: str) -> None:
    table.invariants = INVARIANTS.get(shape, ())
    for name, element in shapes.elements_of(shape).items():
        table.shown[name] = element.path
        is_primitive = element.type != shapes.ANY_RESOURCE and not shapes.elements_of(element.type)
        if element.choice:
            table.choices[name] = table.choices[f"_{name}"] = element.choice
        if step := _step(element, is_primitive):
            table.steps[name] = step
        if is_primitive:
            table.steps[f"_{name}"] = _sibling_step(element)
    table.watched |= table.steps.keys() | table.choices.keys()


def _step(element: shapes.Element, is_primitive: bool) -> _Step | None:
    if element.name == "contained":
        return _contained
    if element.name in _REFUSED:
        return _refused_step(element.name)
    if element.type == "xhtml":
        return _narrative
    if element.type == shapes.ANY_RESOURCE:
        return _each(element, Walk.resource)
    if element.type == "Reference":
        return _each(element, _reference_visitor(element.targets))
    if not is_primitive:
        return _object_step(element)
    return _nulls_step(element) if element.many else None


def _each(element: shapes.Element, visit: Callable[[Walk, Any, Path], None]) -> _Step:
    shown = element.path

    def one(walk: Walk, value: Any, path: Path, _: Tree) -> None:
        visit(walk, value, (path, shown, None))

    def many(walk: Walk, value: Any, path: Path, _: Tree) -> None:
        for position, item in enumerate(value):
            visit(walk, item, (path, shown, position))

    return many if element.many else one


def _object_step(element: shapes.Element) -> _Step:
    table, shown = _table(element.type), element.path
    always, watched = element.type in INVARIANTS, table.watched

    def one(walk: Walk, value: Any, path: Path, _: Tree) -> None:
        if always or not watched.isdisjoint(value):
            walk.node(value, table, (path, shown, None))

    def many(walk: Walk, value: Any, path: Path, _: Tree) -> None:
        for position, item in enumerate(value):
            if always or not watched.isdisjoint(item):
                walk.node(item, table, (path, shown, position))

    return many if element.many else one


_PLAIN_REFERENCE = frozenset({"reference", "type", "display"})


def _reference_visitor(targets: frozenset[str]) -> Callable[[Walk, Any, Path], None]:
    table = _table("Reference")

    def visit(walk: Walk, value: Any, path: Path) -> None:
        fault = references.fault_of(value.get("reference"), targets, walk.entries, walk.container)
        if fault:
            walk.fault(fault[0], (path, "reference", None), fault[1])
        elif (stated := value.get("type")) and (text := references.type_fault(stated, value.get("reference"), targets)):
            walk.fault("value", (path, "type", None), text)
        if not value.keys() <= _PLAIN_REFERENCE:
            walk.node(value, table, path)

    return visit


def _nulls_step(element: shapes.Element) -> _Step:
    name, sibling = element.name, f"_{element.name}"

    def step(walk: Walk, value: Any, path: Path, node: Tree) -> None:
        if None in value:
            extended = node.get(sibling, ())
            for position, item in enumerate(value):
                if item is None and (position >= len(extended) or extended[position] is None):
                    walk.fault("structure", (path, name, position), "expected a value or an extension, got neither")

    return step


def _sibling_step(element: shapes.Element) -> _Step:
    table, name, shown = _table("Element"), element.name, element.path

    def one(walk: Walk, value: Any, path: Path, _: Tree) -> None:
        walk.node(value, table, (path, shown, None))

    def many(walk: Walk, value: Any, path: Path, node: Tree) -> None:
        if len(node.get(name, value)) != len(value):
            text = f"expected {name} and _{name} of the same length, got different ones"
            walk.fault("structure", (path, shown, None), text)
        for position, item in enumerate(value):
            if item is not None:
                walk.node(item, table, (path, shown, position))

    return many if element.many else one


_REFUSED = {
    "modifierExtension": "none is understood here, and ignoring one may change the meaning",
    "implicitRules": "none are understood here, and ignoring them may change the meaning",
}


def _refused_step(name: str) -> _Step:
    def step(walk: Walk, value: Any, path: Path, _: Tree) -> None:
        walk.fault("extension", (path, name, None), f"expected no {name}: {_REFUSED[name]}")

    return step


def _narrative(walk: Walk, value: Any, path: Path, _: Tree) -> None:
    if fault := narrative.fault_of(value):
        severity, text = fault
        walk.fault("invariant", (path, "div", None), text, severity)


def _contained(walk: Walk, value: Any, path: Path, node: Tree) -> None:
    if node is not walk.root:
        walk.fault(
            "invariant", (path, "contained", None), "expected no contained resource within a contained one (dom-2)"
        )
        return
    for position, at, text in contained.faults(node):
        here = (path, "contained", position)
        walk.fault("invariant", (here, at, None) if at else here, text)
    for position, item in enumerate(value):
        walk.typed(item, (path, "contained", position))
