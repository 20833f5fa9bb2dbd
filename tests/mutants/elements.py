"""Mutations of any resource: elements that are missing, unknown, doubled, too many or too few.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import copy
import random
from typing import Any, Final

from mappings.shapes import ANY_RESOURCE, elements_of, resource_types
from tests.mutants.mutation import CANARY, Change, at
from tests.mutants.places import Place, Tree, chosen, is_required, places, resources

_EXTENSION: Final = {"url": "https://mutants.example/fhir/x", "valueString": CANARY}
_NARRATIVES: Final = (
    f"<div xmlns='http://www.w3.org/1999/xhtml'><script>{CANARY}</script></div>",
    f"<div xmlns='http://www.w3.org/1999/xhtml'><p>{CANARY}</div>",
    f"<div xmlns='http://www.w3.org/1999/xhtml' onclick='{CANARY}()'>x</div>",
    f"<div xmlns='http://www.w3.org/1999/xhtml'><a href='javascript:{CANARY}'>x</a></div>",
    f"<!DOCTYPE x [<!ENTITY e '{CANARY}'>]><div xmlns='http://www.w3.org/1999/xhtml'>&e;</div>",
    f"<p>{CANARY}</p>",
    CANARY,
    f"<div xmlns='http://www.w3.org/1999/xhtml'><iframe src='https://{CANARY}.example'/></div>",
    f"<div xmlns='http://www.w3.org/1999/xhtml'>{CANARY} & co < x</div>",
    f"<div>{CANARY}</div>",
)


def required_removed(chance: random.Random, tree: Tree) -> Change | None:
    place = chosen(chance, places(tree), lambda p: not p.is_item and is_required(p))
    if place is None:
        return None
    place.remove()
    return at(place.path)


def removed(chance: random.Random, tree: Tree) -> Change | None:
    """An element that R4 does not demand; the pathway or our profiles may."""
    place = chosen(chance, places(tree), lambda p: not is_required(p))
    if place is None:
        return None
    place.remove()
    # The holder has nothing left, which R4 forbids.
    return at(place.path, forbidden=not place.holder)


def unknown(chance: random.Random, tree: Tree) -> Change | None:
    """A property that the shape does not have."""
    path, node, shape = _object(chance, tree)
    name = chance.choice(["zanzibarella", "_zanzibarella", "Status", "extra", "x-y", "", "ü", "a b", "$ref", "@id"])
    if name in elements_of(shape):
        return None
    node[name] = chance.choice([CANARY, {"x": 1}, [1], {}])
    return at((*path, name))


def misspelt(chance: random.Random, tree: Tree) -> Change | None:
    place = chosen(chance, places(tree), lambda p: not p.is_item)
    if place is None:
        return None
    name = str(place.key)
    other = chance.choice([name.upper(), name[0].upper() + name[1:], name + "s", name[:-1], f"{name}x"])
    if not other or other in elements_of(place.shape):
        return None
    place.holder[other] = place.holder.pop(name)
    return at((*place.path[:-1], other), place.path)


def list_for_one(chance: random.Random, tree: Tree) -> Change | None:
    """An array where the element occurs once."""
    place = chosen(chance, places(tree), lambda p: not p.element.many)
    if place is None:
        return None
    place.replace([place.value, copy.deepcopy(place.value)][: chance.randint(1, 2)])
    return at(place.path)


def one_for_list(chance: random.Random, tree: Tree) -> Change | None:
    """A single value where the element is a list."""
    place = chosen(chance, places(tree), lambda p: p.element.many and p.is_list and bool(p.value))
    if place is None:
        return None
    place.replace(place.value[0])
    return at(place.path)


def choice_doubled(chance: random.Random, tree: Tree) -> Change | None:
    """Two types of one choice[x]."""
    place = chosen(chance, places(tree), lambda p: bool(p.element.choice))
    if place is None:
        return None
    others = {"String": CANARY, "DateTime": "2026-01-01", "Boolean": True, "CodeableConcept": {"text": CANARY}}
    stem = str(place.element.choice)
    fitting = [stem + t for t in others if stem + t in elements_of(place.shape) and stem + t != place.key]
    if not fitting:
        return None
    name = chance.choice(fitting)
    place.holder[name] = others[name.removeprefix(stem)]
    return at((*place.path[:-1], name), place.path)


def sibling(chance: random.Random, tree: Tree) -> Change | None:
    """`_name` beside `name`, wrongly built."""
    place = chosen(chance, places(tree), lambda p: p.is_primitive and not p.is_item and p.element.type != "xhtml")
    if place is None:
        return None
    name = f"_{place.key}"
    good = {"extension": [copy.deepcopy(_EXTENSION)]}
    wrong: list[Any] = [CANARY, 7, None, {}, {"x": CANARY}, {"extension": []}]
    if place.is_list:
        wrong += [[good] * (len(place.value) + 1), good, [], [None] * (len(place.value) + 1)]
    else:
        wrong += [[good], [None]]
    place.holder[name] = chance.choice(wrong)
    return at(place.path)


def sibling_of_object(chance: random.Random, tree: Tree) -> Change | None:
    """`_name` of an element that is no primitive."""
    place = chosen(chance, places(tree), lambda p: not p.is_primitive and not p.is_item)
    if place is None:
        return None
    place.holder[f"_{place.key}"] = {"extension": [copy.deepcopy(_EXTENSION)]}
    return at(place.path)


def extension(chance: random.Random, tree: Tree) -> Change | None:
    """An extension without its url, without content, with two, or one that changes the meaning."""
    path, node, _ = _object(chance, tree, lambda s: "extension" in elements_of(s) and s != "Extension")
    wrong: dict[str, Any] = chance.choice([
        {"valueString": CANARY},
        {"url": "https://mutants.example/fhir/x"},
        {**_EXTENSION, "extension": [copy.deepcopy(_EXTENSION)]},
        {**_EXTENSION, "valueBoolean": True},
        {**_EXTENSION, "value": CANARY},
        {"url": "https://mutants.example/fhir/x", "extension": [{"url": "y"}]},
        {"url": "https://mutants.example/fhir/x", "extension": []},
        {"url": "https://mutants.example/fhir/x", "valueNonsense": CANARY},
        {"url": 7, "valueString": CANARY},
    ])  # fmt: skip
    listed = node.setdefault("extension", [])
    listed.append(wrong)
    return at((*path, "extension", len(listed) - 1))


def modifier(chance: random.Random, tree: Tree) -> Change | None:
    """A modifierExtension or implicitRules, which must not be ignored and is understood by nobody here."""
    found = [(p, r) for p, r in resources(tree) if "modifierExtension" in elements_of(str(r.get("resourceType")))]
    if not found:
        return None
    path, resource = chance.choice(found)
    name, value = chance.choice([
        ("modifierExtension", [copy.deepcopy(_EXTENSION)]),
        ("implicitRules", f"https://{CANARY}.example/rules"),
    ])  # fmt: skip
    resource[name] = value
    return at((*path, name))


def contained(chance: random.Random, tree: Tree) -> Change | None:
    """A contained resource that nobody refers to, that contains another, or that has a version."""
    found = [(p, r) for p, r in resources(tree) if "contained" in elements_of(str(r.get("resourceType")))]
    if not found:
        return None
    path, resource = chance.choice(found)
    inner: Tree = {"resourceType": "Patient", "id": "mutant", "name": [{"family": CANARY}]}
    wrong = chance.choice([
        inner,
        {**inner, "contained": [{**inner, "id": "deeper"}]},
        {**inner, "meta": {"versionId": "1"}, "link": [{"other": {"reference": "#"}, "type": "seealso"}]},
        {**inner, "status": CANARY},
        {"resourceType": CANARY, "id": "mutant"},
        {"id": "mutant"},
        CANARY,
        [],
    ])  # fmt: skip
    listed = resource.setdefault("contained", [])
    listed.append(wrong)
    return at((*path, "contained", len(listed) - 1))


def narrative(chance: random.Random, tree: Tree) -> Change | None:
    """A narrative that is not well-formed XHTML, or that does something."""
    found = [(p, r) for p, r in resources(tree) if "text" in elements_of(str(r.get("resourceType")))]
    if not found:
        return None
    path, resource = chance.choice(found)
    div = chance.choice(_NARRATIVES)
    resource["text"] = {"status": "generated", "div": div}
    # txt-1 says nothing of the namespace; R4 shows it, and takes it for granted.
    return at((*path, "text", "div"), forbidden=not div.startswith("<div>"))


def deep(chance: random.Random, tree: Tree) -> Change | None:
    """Extensions in extensions, deeper than anybody needs."""
    path, node, _ = _object(chance, tree, lambda s: "extension" in elements_of(s) and s != "Extension")
    inner: Tree = copy.deepcopy(_EXTENSION)
    for _ in range(chance.choice([10, 31, 40, 90])):
        inner = {"url": "https://mutants.example/fhir/x", "extension": [inner]}
    listed = node.setdefault("extension", [])
    listed.append(inner)
    return at((*path, "extension", len(listed) - 1), forbidden=False)


def resource_type(chance: random.Random, tree: Tree) -> Change | None:
    """Another resourceType, one that R4 does not have, or none."""
    path, resource = chance.choice(resources(tree))
    others = [t for t in ("Basic", "Patient", "Medication", "Slot", "Binary") if t != resource.get("resourceType")]
    wrong: list[Any] = [chance.choice(others), CANARY, "patient", "Resource", "DomainResource", "", None, 7, [], {}]
    value = chance.choice(wrong)
    if value is None and chance.random() < 0.5:
        resource.pop("resourceType", None)
    else:
        resource["resourceType"] = value
    # What it says may fit the other type too.
    return at((*path, "resourceType"), path, forbidden=not isinstance(value, str) or value not in resource_types())


def moved(chance: random.Random, tree: Tree) -> Change | None:
    """What stands in one place is put into another."""
    found = places(tree)
    one, other = chosen(chance, found), chosen(chance, found)
    if one is None or other is None or one.value == other.value:
        return None
    other.replace(copy.deepcopy(one.value))
    return at(other.path, forbidden=False)


def item_repeated(chance: random.Random, tree: Tree) -> Change | None:
    place = chosen(chance, places(tree), lambda p: p.is_list and bool(p.value) and p.element.type != ANY_RESOURCE)
    if place is None:
        return None
    place.value.append(copy.deepcopy(place.value[0]))
    return at((*place.path, len(place.value) - 1), forbidden=False)


def _object(chance: random.Random, tree: Tree, wanted: Any = lambda _: True) -> tuple[Any, Tree, str]:
    """(path, object, shape) of a resource, datatype or part of one."""
    found = [(path, node, str(node.get("resourceType"))) for path, node in resources(tree)]
    found += [(p.path, p.value, p.element.type) for p in _objects(tree)]
    return chance.choice([each for each in found if wanted(each[2])] or found[:1])


def _objects(tree: Tree) -> list[Place]:
    return [p for p in places(tree) if isinstance(p.value, dict) and p.element.type != ANY_RESOURCE]
