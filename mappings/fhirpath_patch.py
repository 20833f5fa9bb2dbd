"""FHIRPath Patch: a Parameters resource of operations → the patched resource (https://hl7.org/fhir/R4/fhirpatch.html)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapter.domain.errors import BusinessRule, Invalid, Issue
from mappings.fhirpath_places import NoPath, Place, items_of, places
from mappings.shapes import elements_of

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Operation:
    """One parameter `operation` on `resource`; `at` is its expression in the request."""

    parts: Mapping[str, Tree]
    at: str
    resource: Tree

    def text(self, name: str) -> str:
        part = self.parts.get(name, {})
        value = part.get("valueString", part.get("valueCode"))
        if not isinstance(value, str):
            raise self.invalid(f"expected the part `{name}` with a valueString", "required")
        return value

    def index(self, name: str) -> int:
        value = self.parts.get(name, {}).get("valueInteger")
        if not isinstance(value, int) or value < 0:
            raise self.invalid(f"expected the part `{name}` with a valueInteger from 0 on", "required")
        return value

    @property
    def value(self) -> tuple[Any, str | None]:
        """The value, and the datatype that it was given as; None for an object made of parts."""
        part = self.parts.get("value")
        if part is None:
            raise self.invalid("expected the part `value`", "required")
        for name, value in part.items():
            element = elements_of("Parameters.parameter").get(name)
            if element is not None and element.choice == "value":
                return value, element.type
        if "resource" in part:
            return part["resource"], None
        if "part" in part:
            return part["part"], None
        raise self.invalid("expected a value[x], a resource or parts in `value`", "required")

    @property
    def places(self) -> list[Place]:
        try:
            return places(self.resource, self.text("path"))
        except NoPath as error:
            raise self.invalid(str(error), "value") from None

    def the_one_place(self) -> Place:
        found = self.places
        if len(found) != 1:
            seen = "none" if not found else str(len(found))
            raise self.refused(f"expected the path to lead to exactly one element, it leads to {seen}")
        return found[0]

    def the_list(self) -> tuple[list[Any], Place]:
        """The array whose items the path leads to: that of the whole element, also when one item is there."""
        found = self.places
        holders = {id(place.holder): place for place in found}
        first = found[0] if found else None
        if len(holders) != 1 or first is None or not isinstance(first.holder, list):
            raise self.refused("expected the path to lead to the items of one list that is there")
        return first.holder, first

    def invalid(self, text: str, code: str) -> Invalid:
        return Invalid([Issue(code, text, self.at)])

    def refused(self, text: str) -> BusinessRule:
        return BusinessRule([Issue("business-rule", text, self.at)])


def apply(resource: Tree, patch: Tree, at: str) -> Tree:
    """`resource`, changed in place. `at` is the expression of the Parameters in the request.

    Raises Invalid for what is no FHIRPath Patch, BusinessRule for one that does not apply to this version."""
    operations = patch.get("parameter") or ()
    if not operations or not isinstance(operations, list):
        raise Invalid("expected Parameters with at least one operation", expression=f"{at}.parameter", code="required")
    for index, parameter in enumerate(operations):
        where = f"{at}.parameter[{index}]"
        parts = parameter.get("part") if isinstance(parameter, dict) else None
        if not isinstance(parts, list) or parameter.get("name") != "operation":
            raise Invalid("expected a parameter `operation` with parts", expression=where, code="structure")
        named = {part["name"]: part for part in parts if isinstance(part, dict) and isinstance(part.get("name"), str)}
        operation = _Operation(named, where, resource)
        type_ = operation.text("type")
        carry_out = _OPERATIONS.get(type_)
        if carry_out is None:
            raise operation.invalid("expected the type add, insert, delete, replace or move", "value")
        carry_out(operation)
    return resource


def _add(operation: _Operation) -> None:
    place, name = operation.the_one_place(), operation.text("name")
    there, element = items_of(place, name)
    if element is None or not isinstance(place.value, dict):
        raise operation.invalid(f"expected the name of an element of {place.shape}", "value")
    value, type_ = operation.value
    property_ = _property(place.shape, element.choice or element.name, element.name, type_, operation)
    made = _made(value, elements_of(place.shape)[property_].type, type_, operation)
    if element.many:
        place.value.setdefault(property_, []).append(made)
    elif there:
        raise operation.refused("expected an element that is not there yet: it occurs once; replace it instead")
    else:
        place.value[property_] = made


def _insert(operation: _Operation) -> None:
    items, first = operation.the_list()
    index = operation.index("index")
    if index > len(items):
        raise operation.refused(f"expected an index of at most {len(items)}, the length of the list")
    value, type_ = operation.value
    items.insert(index, _made(value, first.shape, type_, operation))


def _delete(operation: _Operation) -> None:
    found = operation.places
    if not found:  # "the delete operation SHALL succeed if the element does not exist"
        return
    if len(found) > 1:
        raise operation.refused(f"expected the path to lead to at most one element, it leads to {len(found)}")
    _remove(found[0], operation)


def _replace(operation: _Operation) -> None:
    place = operation.the_one_place()
    if place.holder is None:
        raise operation.refused("expected the path of an element, got the resource itself; use PUT for that")
    value, type_ = operation.value
    if isinstance(place.holder, list):
        place.holder[place.key] = _made(value, place.shape, type_, operation)
        return
    assert place.parent is not None and place.element is not None
    element = place.element
    property_ = _property(place.parent.shape, element.choice or element.name, element.name, type_, operation)
    made = _made(value, elements_of(place.parent.shape)[property_].type, type_, operation)
    if property_ != place.key:  # a choice that changes its type, as valueString to valueQuantity
        del place.holder[place.key]
    place.holder.pop(f"_{place.key}", None)  # extensions of the value that was
    place.holder[property_] = made


def _move(operation: _Operation) -> None:
    items, _ = operation.the_list()
    source, destination = operation.index("source"), operation.index("destination")
    if source >= len(items) or destination >= len(items):
        raise operation.refused(f"expected source and destination below {len(items)}, the length of the list")
    items.insert(destination, items.pop(source))


_OPERATIONS: Final[Mapping[str, Callable[[_Operation], None]]] = {
    "add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move,
}  # fmt: skip


def _remove(place: Place, operation: _Operation) -> None:
    if place.holder is None:
        raise operation.refused("expected the path of an element, got the resource itself; use DELETE for that")
    if isinstance(place.holder, dict):
        del place.holder[place.key]
        place.holder.pop(f"_{place.key}", None)
        return
    del place.holder[place.key]
    assert place.parent is not None and place.element is not None
    extensions = place.parent.value.get(f"_{place.element.name}")
    if isinstance(extensions, list) and place.key < len(extensions):
        del extensions[place.key]
    if not place.holder:  # FHIR has no empty arrays
        del place.parent.value[place.element.name]


def _property(shape: str, stem: str, name: str, type_: str | None, operation: _Operation) -> str:
    """The JSON property of an element: of a choice, the one for the type of the value."""
    options = [e for e in elements_of(shape).values() if e.choice == stem]
    if not options:
        return name
    for element in options:
        if element.type == type_:
            return element.name
    raise operation.invalid(f"expected a value of a type that `{stem}` can have, got another", "value")


def _made(value: Any, shape: str, type_: str | None, operation: _Operation) -> Any:
    """The value as it stands in the resource; an element without a datatype of its own is made of parts."""
    if type_ is not None or not isinstance(value, list):
        return value
    made: Tree = {}
    for part in value:
        name = part.get("name") if isinstance(part, dict) else None
        element = elements_of(shape).get(str(name)) or next(
            (e for e in elements_of(shape).values() if e.choice == name), None
        )
        if element is None:
            raise operation.invalid(f"expected parts that are elements of {shape}", "value")
        inner, inner_type = _Operation({"value": part}, operation.at, operation.resource).value
        property_ = _property(shape, element.choice or element.name, element.name, inner_type, operation)
        item = _made(inner, elements_of(shape)[property_].type, inner_type, operation)
        if element.many:
            made.setdefault(property_, []).append(item)
        else:
            made[property_] = item
    return made
