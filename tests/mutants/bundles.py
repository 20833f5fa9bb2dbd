"""Mutations of a Bundle: its entries, what they ask for, and how they refer to each other.

https://hl7.org/fhir/R4/bundle.html, https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from tests.mutants.mutation import CANARY, Change, Named, at
from tests.mutants.places import Path, Place, Tree, chosen, places

_CARRIED_OUT: Final = ("transaction", "batch")


def _entry(chance: random.Random, tree: Tree, *needs: str) -> tuple[int, Tree] | None:
    found = [(i, e) for i, e in enumerate(tree.get("entry", ())) if all(name in e for name in needs)]
    return chance.choice(found) if found else None


def _nobody(chance: random.Random) -> str:
    """A urn:uuid that no entry has; the same for the same seed."""
    return UUID(int=chance.getrandbits(128), version=4).urn


def referring_to(tree: Tree, full_url: str) -> Iterator[Path]:
    """Every place that refers to an entry by its fullUrl: what is said of it there is said of it too."""
    for place in places(tree):
        if place.value == full_url and place.element.name != "fullUrl":
            yield place.path


def reference(chance: random.Random, tree: Tree) -> Change | None:
    """A reference that leads nowhere, to the wrong type, or is none."""
    place = chosen(chance, places(tree), lambda p: p.shape == "Reference" and p.element.name == "reference")
    if place is None:
        return None
    nowhere = [_nobody(chance), "urn:uuid:", f"#{CANARY}", "#", f"Patient/{CANARY}", "Patient/", "/Patient/x"]
    odd = [
        "Patient?identifier=",
        "Patient?",
        f"Patient?identifier=urn:x|{CANARY}",
        "Patient?nonsense=1",
        "../Patient/x",
    ]
    odd += [CANARY, "Slot/x", "Medication/x", f"https://{CANARY}.example/Slot/1", "Task/x/_history/²", "Patient/x y"]
    odd += ["Organization/nobody", "urn:oid:1.2.3", "http://127.0.0.1:8080/fhir/Patient/x", "Patient/%00", "patient/x"]
    place.replace(chance.choice(nowhere + odd))
    return at(place.path, forbidden=place.value == f"#{CANARY}")


def reference_shape(chance: random.Random, tree: Tree) -> Change | None:
    """A Reference of something else than a reference."""
    place = chosen(chance, places(tree), lambda p: p.element.type == "Reference" and not p.is_list)
    if place is None:
        return None
    place.replace(chance.choice([
        {"reference": 7}, {"reference": [CANARY]}, {}, {"reference": ""}, {"ref": CANARY}, CANARY,
        {"reference": {"reference": CANARY}}, {"identifier": {"value": 7}}, {"type": 7}, {"identifier": CANARY},
    ]))  # fmt: skip
    return at(place.path)


def full_url_repeated(chance: random.Random, tree: Tree) -> Change | None:
    one, other = _entry(chance, tree, "fullUrl"), _entry(chance, tree, "fullUrl", "resource")
    if one is None or other is None or one[0] == other[0] or one[1]["fullUrl"] == other[1]["fullUrl"]:
        return None
    was = other[1]["fullUrl"]
    other[1]["fullUrl"] = one[1]["fullUrl"]
    first, second = sorted((one[0], other[0]))
    return at(("entry", second, "fullUrl"), ("entry", first, "fullUrl"), *referring_to(tree, was))


def full_url(chance: random.Random, tree: Tree) -> Change | None:
    """A fullUrl that is none, or that says something else than the resource."""
    found = _entry(chance, tree, "fullUrl")
    if found is None:
        return None
    index, entry = found
    was = entry["fullUrl"]
    wrong, forbidden = chance.choice([
        (CANARY, True), ("Patient/1", True), (f"http://x.example/Patient/{CANARY}/_history/2", True), ("", True),
        ("urn:uuid: x", True), (7, True), ("https://x.example/fhir/Slot/9", False), (f"urn:uuid:{CANARY}", False),
        (_nobody(chance), False),
    ])  # fmt: skip
    entry["fullUrl"] = wrong
    return at(("entry", index, "fullUrl"), *referring_to(tree, was), forbidden=forbidden)


def entry_removed(chance: random.Random, tree: Tree) -> Change | None:
    found = _entry(chance, tree)
    if found is None:
        return None
    index, entry = found
    referring = [_after_removal(path, index) for path in referring_to(tree, str(entry.get("fullUrl")))]
    del tree["entry"][index]
    # What a pathway misses is told by the type of what is missing.
    type_ = Named(str((entry.get("resource") or {}).get("resourceType")))
    touched = (("entry", index), *(path for path in referring if path), type_)
    return Change(touched, forbidden=not tree["entry"])


def _after_removal(path: Path, index: int) -> Path:
    position = path[1]
    assert isinstance(position, int)
    if path[0] != "entry" or position == index:
        return ()
    return ("entry", position - (position > index), *path[2:])


def entry_repeated(chance: random.Random, tree: Tree) -> Change | None:
    found = _entry(chance, tree)
    if found is None:
        return None
    index, entry = found
    tree["entry"].append(copy.deepcopy(entry))
    has_url = "fullUrl" in entry
    last = len(tree["entry"]) - 1
    return at(("entry", last), ("entry", index), forbidden=has_url and tree.get("type") != "history")


def entry_of_nothing(chance: random.Random, tree: Tree) -> Change | None:
    found = _entry(chance, tree)
    if found is None:
        return None
    index, _ = found
    tree["entry"][index] = chance.choice([{}, None, CANARY, 7, [], {"resource": None}, {"x": CANARY}, {"request": {}}])
    return at(("entry", index), *_dangling(tree))


def _dangling(tree: Tree) -> Iterator[Path]:
    """What refers to an entry that is not there any more."""
    known = {entry.get("fullUrl") for entry in tree["entry"] if isinstance(entry, dict)}
    for place in places_of_sound_entries(tree):
        if isinstance(place.value, str) and place.value.startswith("urn:uuid:") and place.value not in known:
            yield place.path


def places_of_sound_entries(tree: Tree) -> list[Place]:
    shell = {**tree, "entry": [entry if isinstance(entry, dict) else {} for entry in tree["entry"]]}
    return [place for place in places(shell) if place.element.name == "reference"]


def type_(chance: random.Random, tree: Tree) -> Change | None:
    """Another type of Bundle, or none."""
    others = ["transaction", "batch", "message", "document", "collection", "searchset", "history"]
    others += ["transaction-response", CANARY, "Transaction", ""]
    wrong = chance.choice([each for each in others if each != tree.get("type")])
    tree["type"] = wrong
    inside = (p.path for p in places(tree) if p.element.name in {"request", "reference"})
    return at(("type",), *inside, forbidden=wrong in {CANARY, "Transaction", ""})


def total(chance: random.Random, tree: Tree) -> Change | None:
    """What belongs into answers only: a total, search, response."""
    found = _entry(chance, tree)
    kind = chance.choice(["total", "search", "response"])
    if kind == "total" or found is None:
        tree["total"] = chance.choice([1, -1, "1"])
        return at(("total",))
    index, entry = found
    entry[kind] = {"mode": "match"} if kind == "search" else {"status": "200"}
    return at(("entry", index, kind))


def request(chance: random.Random, tree: Tree) -> Change | None:
    """What an entry asks for: another method, an address that is none, conditions that say nothing."""
    found = _entry(chance, tree, "request")
    if found is None or tree.get("type") not in _CARRIED_OUT:
        return None
    index, entry = found
    asked: Tree = entry["request"]
    name, value, forbidden = chance.choice(_REQUESTS)
    asked[name] = value
    here: Path = ("entry", index, "request")
    # What becomes of the resource follows from what is asked: a PUT needs its id, a DELETE leaves references behind.
    follows: list[Path] = [("entry", index, "resource", "id"), ("entry", index, "resource")]
    follows += referring_to(tree, str(entry.get("fullUrl")))
    return at((*here, name), *(((*here, "url"), *follows) if name in {"method", "url"} else ()), forbidden=forbidden)


_REQUESTS: Final[tuple[tuple[str, Any, bool], ...]] = (
    ("method", "PUT", False), ("method", "DELETE", False), ("method", "PATCH", False), ("method", "GET", False),
    ("method", "HEAD", False), ("method", CANARY, True), ("method", "post", True), ("method", 7, True),
    ("url", "", True), ("url", f"https://{CANARY}.example/Patient", True), ("url", "../Patient", True),
    ("url", f"{CANARY}/1", True), ("url", "Patient?", False), ("url", f"Patient?identifier={CANARY}", False),
    ("url", "Patient?identifier=%00", False), ("url", f"Patient/{CANARY}/x/y", True), ("url", "Slot", False),
    ("url", "Patient/%2e%2e", False), ("url", "Task/x", False), ("url", "$everything", False), ("url", " ", True),
    ("url", "Patient/_history", False), ("url", "//Patient", True), ("url", "Patient\\x", False), ("url", "?", False),
    ("ifMatch", 'W/"²"', False), ("ifMatch", CANARY, False), ("ifMatch", 'W/"99999999999999999999"', False),
    ("ifNoneExist", "nonsense=1", False), ("ifNoneExist", "?", False), ("ifNoneExist", "_id=x,y", False),
    ("ifNoneExist", f"identifier=%00{CANARY}", False), ("ifNoneExist", f"patient.identifier={CANARY}", False),
    ("ifNoneExist", "", True), ("ifNoneMatch", "*", False), ("ifNoneMatch", CANARY, False),
    ("ifModifiedSince", "2026-01-01", True), ("ifModifiedSince", CANARY, True), ("verb", CANARY, True),
)  # fmt: skip


def request_removed(chance: random.Random, tree: Tree) -> Change | None:
    found = _entry(chance, tree, "request")
    if found is None or tree.get("type") not in _CARRIED_OUT:
        return None
    del found[1]["request"]
    return at(("entry", found[0], "request"))


def resource_removed(chance: random.Random, tree: Tree) -> Change | None:
    found = _entry(chance, tree, "resource", "request")
    if found is None or found[1]["request"].get("method") not in {"POST", "PUT", "PATCH"}:
        return None
    del found[1]["resource"]
    return at(("entry", found[0], "resource"))
