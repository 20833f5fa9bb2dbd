"""Which mutations fit which sample; `mutants` makes one after the other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from mappings.json_codec import decode, encode
from tests.mutants import bad_values, bundles, elements, patches, wires
from tests.mutants.bodies import BYTES
from tests.mutants.mutation import Change, Mutant, Sent, Touched, TreeMutation
from tests.mutants.places import Tree
from tests.mutants.samples import PATCHED_BY_FHIRPATH, Sample

ELEMENTS: Final[dict[str, TreeMutation]] = {
    "a required element removed": elements.required_removed,
    "another element removed": elements.removed,
    "an unknown element": elements.unknown,
    "a misspelt element": elements.misspelt,
    "another JSON type": bad_values.json_type,
    "null": bad_values.null,
    "nothing in it": bad_values.empty,
    "a bad value of its datatype": bad_values.value,
    "a bad date or time": bad_values.time,
    "a bad value in an extension": bad_values.of_extension,
    "an unknown code": bad_values.code,
    "another code of the same list": bad_values.other_code,
    "an array for one": elements.list_for_one,
    "one for an array": elements.one_for_list,
    "an item repeated": elements.item_repeated,
    "a choice with two types": elements.choice_doubled,
    "_name beside name, broken": elements.sibling,
    "_name of an object": elements.sibling_of_object,
    "a broken extension": elements.extension,
    "a modifierExtension or implicitRules": elements.modifier,
    "a broken contained resource": elements.contained,
    "a narrative that does something": elements.narrative,
    "another resourceType": elements.resource_type,
    "a huge number": bad_values.huge_number,
    "strange text": bad_values.strange_text,
    "deep nesting": elements.deep,
    "another element's value": elements.moved,
    "a reference to nowhere": bundles.reference,
    "a Reference that is none": bundles.reference_shape,
}
SEVERAL: Final = "several at once"
BUNDLES: Final[dict[str, TreeMutation]] = {
    "a fullUrl twice": bundles.full_url_repeated,
    "another fullUrl": bundles.full_url,
    "an entry removed": bundles.entry_removed,
    "an entry twice": bundles.entry_repeated,
    "an entry of nothing": bundles.entry_of_nothing,
    "another type of Bundle": bundles.type_,
    "total, search or response": bundles.total,
    "another request": bundles.request,
    "a request removed": bundles.request_removed,
    "a resource removed": bundles.resource_removed,
}
_OF_SAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "transaction": ("elements", "elements", "elements", "bundles", "bytes", "header"),
    "batch": ("elements", "elements", "elements", "bundles", "bytes", "header"),
    "message": ("elements", "elements", "elements", "bundles", "bytes", "header"),
    "resource": ("elements", "elements", "elements", "bytes", "header", "address"),
    "$validate": ("elements", "elements", "elements", "bytes"),
    "FHIRPath Patch": ("elements", "elements", "bytes", "header"),
    "JSON Patch": ("patch", "patch", "patch", "bytes", "header"),
    "plain JSON": ("plain", "plain", "plain", "bytes", "header"),
    "search": ("search", "search", "search", "search", "header", "address"),
    "read": ("address", "header", "search"),
}


def mutants(chance: random.Random, sample: Sample) -> Iterator[Mutant]:
    """Mutants of a good request, without end; each with an X-Request-ID of its own."""
    while True:
        made = _mutant(chance, sample)
        if made is not None:
            yield made


def _mutant(chance: random.Random, sample: Sample) -> Mutant | None:
    sent = replace(sample.sent, headers={**sample.sent.headers, "X-Request-ID": str(uuid4())})
    match chance.choice(_OF_SAMPLES[sample.kind]):
        case "elements":
            made = _of_tree(chance, sent, ELEMENTS)
            return _in_what_is_patched(made) if made and sample.kind == "FHIRPath Patch" else made
        case "bundles":
            return _of_tree(chance, sent, BUNDLES)
        case "bytes":
            return _of_bytes(chance, sent)
        case "header":
            return wires.header(chance, sent)
        case "address":
            return wires.address(chance, sent) if chance.random() < 0.7 else wires.method(chance, sent)
        case "search":
            return wires.search(chance, sent)
        case "patch":
            return _of_document(chance, sent, "an operation of a JSON Patch", patches.operation)
        case other:
            assert other == "plain"
            return _of_document(chance, sent, "a member of plain JSON", patches.plain)


def _in_what_is_patched(mutant: Mutant) -> Mutant:
    """Once an operation has been carried out, what it did is located in the resource that it was done to."""
    operations = {path[1] for path in mutant.change.touched if isinstance(path, tuple) and len(path) > 1}
    patched = [path for index, path in enumerate(PATCHED_BY_FHIRPATH) if index in operations]
    return replace(mutant, change=replace(mutant.change, touched=(*mutant.change.touched, *patched)))


def _of_tree(chance: random.Random, sent: Sent, mutations: dict[str, TreeMutation]) -> Mutant | None:
    kind = chance.choice([*mutations, SEVERAL])
    return _of_document(chance, sent, kind, _several if kind == SEVERAL else mutations[kind])


def _several(chance: random.Random, tree: Tree) -> Change | None:
    """Two to five mutations of elements: what one has broken meets what the next does."""
    touched: list[Touched] = []
    for _ in range(chance.randint(2, 5)):
        # What an earlier one has left may not have the form that a later one looks for.
        with suppress(AttributeError, IndexError, KeyError, TypeError, ValueError):
            change = chance.choice(list(ELEMENTS.values()))(chance, tree)
            touched += change.touched if change else ()
    return Change(tuple(touched), forbidden=False) if touched else None


def _of_document(chance: random.Random, sent: Sent, kind: str, mutation: Any) -> Mutant | None:
    assert sent.raw is not None
    tree = decode(sent.raw)
    change: Change | None = mutation(chance, tree)
    raw = encode(tree)
    return Mutant(kind, replace(sent, raw=raw), change) if change is not None and raw != sent.raw else None


def _of_bytes(chance: random.Random, sent: Sent) -> Mutant | None:
    assert sent.raw is not None
    name = chance.choice(list(BYTES))
    made = BYTES[name](chance, sent.raw)
    if made is None or made[0] == sent.raw:
        return None
    return Mutant(name, replace(sent, raw=made[0]), made[1])
