"""The resources of one handoff as a whole: what its Task names, and which side each person in them stands on.

A Bundle may carry several handoffs, so nothing counts for a Task merely because it came along: a resource counts when
the Task or its ServiceRequest names it, or when it names one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final

from mappings.canonicals import FACT_SYSTEM
from mappings.references import Tree
from mappings.times import parse_time

OrganisationOf = Callable[[str], str | None]
"""A literal reference (`Organization/x`, `PractitionerRole/y`), or a logical one as `system|value`, → the partner id of
the organisation that it is or belongs to; None when it is none of the register."""

PERSON: Final = "person"
"""The side of the Patient whom the handoff is about; beside partner ids, which are never written so."""

_DEAD: Final = frozenset({"entered-in-error", "cancelled", "revoked", "superseded"})
_NOTHING: Final[Tree] = {}


class HandoffContext:
    """Built for one Task and asked once. `requester` and `owner` are partner ids, None when unknown."""

    def __init__(
        self,
        task: Tree,
        related: Mapping[str, Tree],
        organisation_of: OrganisationOf,
        requester: str | None = None,
        owner: str | None = None,
    ):
        self.task = task
        self.related = related
        self._organisation_of = organisation_of
        self.requester = requester or self.organisation(task.get("requester"), task)
        self.owner = owner or self.organisation(task.get("owner"), task)
        self.inputs = _by_fact(task.get("input"), "Task.input")
        self.outputs = _by_fact(task.get("output"), "Task.output")
        based_on = next(self.resolve_all(task.get("basedOn"), task), _NOTHING)
        self.request = self.resolve(task.get("focus"), task) or based_on
        self.patient = self.resolve(task.get("for"), task)
        addresses = {f"Task/{task.get('id')}", (task.get("focus") or _NOTHING).get("reference", "#")}
        self._own_addresses = {address for address in addresses if address[0] != "#"}
        self._belonging: dict[str, list[Tree]] = {}
        self._sides: dict[str, str | None] = {}

    def resolve(self, element: Tree | None, container: Tree) -> Tree | None:
        """The resource that a Reference element standing in `container` points at, None when it is not at hand."""
        reference = element.get("reference") if element else None
        if reference is None:
            return None
        found = self.related.get(reference)
        if reference[:1] == "#":
            return next((c for c in container.get("contained", ()) if c.get("id") == reference[1:]), found)
        if found is None and "/_history/" in reference:
            return self.related.get(reference.partition("/_history/")[0])
        return found

    def resolve_all(self, elements: list[Tree] | None, container: Tree) -> Iterator[Tree]:
        for element in elements or ():
            tree = self.resolve(element, container)
            if tree is not None:
                yield tree

    def resource_type(self, element: Tree | None, container: Tree) -> str | None:
        """The type of what a Reference element points at, from the resource or else from the reference itself."""
        tree = self.resolve(element, container)
        if tree is not None:
            return tree.get("resourceType")
        if not element:
            return None
        return element.get("type") or element.get("reference", "").rpartition("/")[0].rpartition("/")[2] or None

    @cached_property
    def _of_type(self) -> dict[str, list[Tree]]:
        found: dict[str, list[Tree]] = {}
        # A tree may be known by several addresses.
        for tree in {id(tree): tree for tree in self.related.values()}.values():
            found.setdefault(tree.get("resourceType", ""), []).append(tree)
        return found

    def of_type(self, resource_type: str) -> list[Tree]:
        return self._of_type.get(resource_type, [])

    def is_patient(self, element: Tree | None, container: Tree) -> bool:
        """Whether a Reference element means the person whom the handoff is about."""
        if not element:
            return False
        tree = self.resolve(element, container)
        if tree is not None and self.patient is not None:
            return tree is self.patient
        subject = self.task.get("for") or _NOTHING
        return "reference" in element and element["reference"] == subject.get("reference")

    def is_about_this(self, tree: Tree) -> bool:
        """Whether a resource names this Task or its ServiceRequest as what it is based on or about."""
        for element in _links_of(tree):
            if element.get("reference") in self._own_addresses:
                return True
            target = self.resolve(element, tree)
            if target is not None and (target is self.task or target is self.request):
                return True
        return False

    @cached_property
    def named_by_task(self) -> list[Tree]:
        """What Task.input and Task.output refer to, dead records left out."""
        elements = [*(self.task.get("input") or ()), *(self.task.get("output") or ())]
        references = [element["valueReference"] for element in elements if "valueReference" in element]
        return [tree for tree in self.resolve_all(references, self.task) if tree.get("status") not in _DEAD]

    @cached_property
    def supporting(self) -> list[Tree]:
        """What ServiceRequest.supportingInfo names, and what the Task itself names; dead records left out."""
        named = self.resolve_all(self.request.get("supportingInfo"), self.request)
        return [tree for tree in named if tree.get("status") not in _DEAD] + self.named_by_task

    def belonging(self, resource_type: str) -> list[Tree]:
        """The resources of a type that belong to this handoff: they name it, or the Task names them."""
        if resource_type not in self._belonging:
            named = {id(tree) for tree in self.named_by_task}
            self._belonging[resource_type] = [
                tree
                for tree in self.of_type(resource_type)
                if tree.get("status") not in _DEAD and (id(tree) in named or self.is_about_this(tree))
            ]
        return self._belonging[resource_type]

    @cached_property
    def visits(self) -> list[Tree]:
        """The Encounters in which the handoff is made: those that the Task or its ServiceRequest names."""
        elements = ((self.task.get("encounter"), self.task), (self.request.get("encounter"), self.request))
        found = (self.resolve(element, container) for element, container in elements)
        return [tree for tree in found if tree is not None]

    @cached_property
    def visit_ends(self) -> list[tuple[Tree, datetime]]:
        """The visits that have an end, planned or actual, with it."""
        ends = ((tree, parse_time((tree.get("period") or {}).get("end"))) for tree in self.visits)
        return [(tree, end) for tree, end in ends if end is not None]

    def organisation(self, element: Tree | None, container: Tree) -> str | None:
        """The partner id that a Reference element is or belongs to; a contained role or organisation counts as well."""
        if not element:
            return None
        reference = element.get("reference")
        if reference is None:
            return self._by_identifiers([element.get("identifier") or _NOTHING])
        tree = self.resolve(element, container)
        if tree is not None:
            if tree.get("resourceType") == "PractitionerRole":
                # A contained role's `#…` is contained beside it, in the same container.
                inner = container if reference[:1] == "#" else tree
                return self.organisation(tree.get("organization"), inner)
            if reference[:1] == "#":
                return self._by_identifiers(tree.get("identifier") or ())
        return self._organisation_of(reference)

    def side(self, element: Tree | None, container: Tree) -> str | None:
        """PERSON, or the partner id on whose side somebody stands; None when that cannot be told."""
        reference = element.get("reference", "#") if element else "#"
        if reference[:1] == "#":
            return self._side(element, container)  # what `#…` means depends on the container
        if reference not in self._sides:
            self._sides[reference] = self._side(element, container)
        return self._sides[reference]

    def _side(self, element: Tree | None, container: Tree) -> str | None:
        if self.is_patient(element, container):
            return PERSON
        organisation = self.organisation(element, container)
        if organisation is not None:
            return organisation
        tree = self.resolve(element, container)
        return self._employers.get(id(tree)) if tree is not None else None

    @cached_property
    def _employers(self) -> dict[int, str]:
        """Practitioner (by identity of its tree) → partner id, from roles and from who named whom as its own."""
        found: dict[int, str] = {}

        def learn(element: Tree | None, container: Tree, organisation: str | None) -> None:
            tree = self.resolve(element, container)
            if tree is not None and organisation is not None:
                found.setdefault(id(tree), organisation)

        for role in self.of_type("PractitionerRole"):
            learn(role.get("practitioner"), role, self.organisation(role.get("organization"), role))
        learn(self.request.get("requester"), self.request, self.requester)
        for element in self.request.get("performer") or ():
            learn(element, self.request, self.owner)
        for _, output in self.outputs.get("recipient-clinician", ()):
            learn(output.get("valueReference"), self.task, self.owner)
        return found

    def _by_identifiers(self, identifiers: object) -> str | None:
        for identifier in identifiers if isinstance(identifiers, list | tuple) else ():
            found = self._organisation_of(f"{identifier.get('system', '')}|{identifier.get('value', '')}")
            if found is not None:
                return found
        return None


def key_of(tree: Tree) -> str | None:
    """`Type/id`; None before the resource has an id."""
    return f"{tree['resourceType']}/{tree['id']}" if "id" in tree else None


_LINKS: Final = ("basedOn", "about", "partOf", "inResponseTo", "focus")


def _links_of(tree: Tree) -> Iterator[Tree]:
    for name in _LINKS:
        value = tree.get(name)
        if value is None:
            continue
        yield from value if type(value) is list else (value,)


def _by_fact(elements: list[Tree] | None, at: str) -> dict[str, list[tuple[str, Tree]]]:
    """Fact code → (expression, Task.input or Task.output element), in order."""
    found: dict[str, list[tuple[str, Tree]]] = {}
    for index, element in enumerate(elements or ()):
        for coding in (element.get("type") or _NOTHING).get("coding") or ():
            if coding.get("system") == FACT_SYSTEM:
                found.setdefault(coding.get("code", ""), []).append((f"{at}[{index}]", element))
    return found
