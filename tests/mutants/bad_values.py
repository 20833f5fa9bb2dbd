"""Values that R4 forbids for each primitive datatype (https://hl7.org/fhir/R4/datatypes.html)."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any, Final

from mappings.shapes import Element, elements_of
from tests.mutants.mutation import CANARY, Change, at
from tests.mutants.places import Path, Place, Tree, chosen, codes_of, places, resources

_DATES: Final = ("2026-02-30", "2026-13-01", "26-01-01", "2026-1-1", "20260101", "0000-01-01", "2026-W03", CANARY)
_BLANK: Final = ("", " ", "\t\n")

FORBIDDEN: Final[dict[str, tuple[Any, ...]]] = {
    "date": (*_DATES, "2026-01-01T00:00:00Z", *_BLANK),
    "dateTime": (
        *_DATES, "2026-02-29T00:00:00Z", "2026-01-01T10:00:00", "2026-01-01T24:00:00Z", "2026-01-01T10:00Z",
        "2026-01-01 10:00:00Z", "2026-01-01T10:00:00+15:00", "2026-01-01T10:60:00Z", *_BLANK,
    ),
    "instant": (*_DATES, "2026-01-01", "2026", "2026-01-01T10:00:00", "2026-01-01T10:00:61Z", *_BLANK),
    "time": ("25:00:00", "10:00", "10:00:00Z", "10:60:00", CANARY, *_BLANK),
    "boolean": ("true", 1, 0, "yes", CANARY),
    "integer": (Decimal("1.5"), 2**31, -(2**31) - 1, "1", Decimal("1e2"), CANARY),
    "positiveInt": (0, -1, 2**31, "1", Decimal("1.0"), CANARY),
    "unsignedInt": (-1, 2**31, "0", Decimal("0.5"), CANARY),
    "decimal": ("1.5", CANARY, True, ""),
    "base64Binary": ("@@@@", "abc", f"{CANARY}!", "YQ=", "=", ""),
    "uri": (f"http://{CANARY} x", " urn:x", "urn:x ", *_BLANK),
    "url": (f"http://{CANARY} x", "a b", *_BLANK),
    "canonical": (f"http://{CANARY} x|1", "a b", *_BLANK),
    "oid": ("urn:oid:3.1", "1.2.3", "urn:oid:1", f"urn:oid:{CANARY}", *_BLANK),
    "uuid": ("urn:uuid:x", f"urn:uuid:{CANARY}", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", *_BLANK),
    "id": ("x" * 65, f"{CANARY} x", "a/b", "é", "a_b", *_BLANK),
    "code": (f" {CANARY}", f"{CANARY} ", f"{CANARY}  x", *_BLANK),
    "string": (*_BLANK, "\u0001", f"{CANARY}\u0007"),
    "markdown": (*_BLANK, f"{CANARY}\u0000", "\u001f"),
}  # fmt: skip

_OTHER_JSON: Final[tuple[Any, ...]] = (True, 7, Decimal("1.50"), CANARY, [CANARY], [], {}, {"x": CANARY}, [[]], [{}])


def value(chance: random.Random, tree: Tree) -> Change | None:
    """A primitive with a value that its datatype does not have."""
    place = chosen(chance, places(tree), lambda p: p.is_primitive and not p.is_list and p.element.type in FORBIDDEN)
    if place is None:
        return None
    place.replace(chance.choice(FORBIDDEN[place.element.type]))
    return at(place.path)


def time(chance: random.Random, tree: Tree) -> Change | None:
    """A date, dateTime or instant that is none: what is most often wrong."""
    kinds = {"date", "dateTime", "instant"}
    place = chosen(chance, places(tree), lambda p: p.element.type in kinds and not p.is_list)
    if place is None:
        return None
    place.replace(chance.choice(FORBIDDEN[place.element.type]))
    return at(place.path)


def code(chance: random.Random, tree: Tree) -> Change | None:
    """A code that the required value set does not have."""
    place = chosen(chance, places(tree), lambda p: bool(codes_of(p)) and not p.is_list)
    if place is None:
        return None
    wrong = (CANARY, place.value.upper() if isinstance(place.value, str) else "X", "unknown-code", "bogus")
    place.replace(chance.choice([each for each in wrong if each not in codes_of(place)]))
    return at(place.path)


def other_code(chance: random.Random, tree: Tree) -> Change | None:
    """Another code of the same value set: legal, and it may mean something that must not be."""
    place = chosen(chance, places(tree), lambda p: _is_free(p) and not p.is_list)
    if place is None:
        return None
    place.replace(chance.choice([each for each in codes_of(place) if each != place.value]))
    return at(place.path, forbidden=False)


def _is_free(place: Place) -> bool:
    """Whether another code is no more than another code: that of a request is a mutation of its own."""
    return len(codes_of(place)) > 1 and place.shape != "Bundle.entry.request"


def of_extension(chance: random.Random, tree: Tree) -> Change | None:
    """A bad value of any datatype, in an extension: also of datatypes that the resource does not use."""
    found = _extensible(tree)
    if not found:
        return None
    path, resource = chance.choice(found)
    type_ = chance.choice(sorted(FORBIDDEN))
    name = f"value{type_[0].upper()}{type_[1:]}"
    extensions = resource.setdefault("extension", [])
    extensions.append({"url": "https://mutants.example/fhir/x", name: chance.choice(FORBIDDEN[type_])})
    return at((*path, "extension", len(extensions) - 1, name))


def _extensible(tree: Tree) -> list[tuple[Path, Tree]]:
    return [(p, r) for p, r in resources(tree) if "extension" in elements_of(str(r.get("resourceType")))]


def json_type(chance: random.Random, tree: Tree) -> Change | None:
    """Another JSON type than the element has."""
    place = chosen(chance, places(tree))
    if place is None:
        return None
    place.replace(chance.choice([each for each in _OTHER_JSON if _is_other(each, place)]))
    return at(place.path)


def _is_other(value: Any, place: Place) -> bool:
    if isinstance(value, bool) or isinstance(place.value, bool):
        return isinstance(value, bool) != isinstance(place.value, bool)
    if isinstance(value, int | Decimal) and _takes_numbers(place.element):
        return False
    return not isinstance(value, type(place.value))


def _takes_numbers(element: Element) -> bool:
    return element.type in {"decimal", "integer", "positiveInt", "unsignedInt"}


def null(chance: random.Random, tree: Tree) -> Change | None:
    """null: R4 has it in lists of primitives only, beside an extension."""
    place = chosen(chance, places(tree))
    if place is None:
        return None
    place.replace(None)
    return at(place.path)


def empty(chance: random.Random, tree: Tree) -> Change | None:
    """Nothing in the place of something: "", [] or {}."""
    place = chosen(chance, places(tree))
    if place is None:
        return None
    kinds = {str: "", list: [], dict: {}}
    place.replace(kinds.get(type(place.value), ""))
    return at(place.path)


def huge_number(chance: random.Random, tree: Tree) -> Change | None:
    """A number that no machine has. A decimal may be long, so a number with many digits is not surely forbidden."""
    found = _extensible(tree)
    if not found:
        return None
    path, resource = chance.choice(found)
    given, forbidden = chance.choice(
        (
            (Decimal("1e400"), False), (Decimal("-1E+999999"), False), (10**400, False), (Decimal("1e-5000"), False),
            (Decimal("0." + "1" * 3000), False), (10**30, False),
        )
    )  # fmt: skip
    extensions = resource.setdefault("extension", [])
    extensions.append({"url": "https://mutants.example/fhir/x", "valueDecimal": given})
    return at((*path, "extension", len(extensions) - 1, "valueDecimal"), forbidden=forbidden)


def strange_text(chance: random.Random, tree: Tree) -> Change | None:
    """Text that is legal and odd: direction marks, unpaired accents, letters beyond 16 bits, a great length."""
    place = chosen(chance, places(tree), lambda p: p.element.type in {"string", "markdown"} and not p.is_list)
    if place is None:
        return None
    place.replace(chance.choice((
        f"\u202e{CANARY}\u202c", f"\ufeff{CANARY}", f"{CANARY}\u0301", "😀" * 20, f"{CANARY}\u200b", "x" * 200_000,
        f"'; DROP TABLE {CANARY}; --", f"<script>{CANARY}</script>", "{{run}}", "\uffff", "%00", "\\u0000",
    )))  # fmt: skip
    return at(place.path, forbidden=False)
