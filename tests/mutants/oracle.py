"""Does a refusal say where? Holds the expressions of an OperationOutcome against the place that was changed.

`issue.expression` is a FHIRPath of simple steps (https://hl7.org/fhir/R4/operationoutcome.html). Read here by rules of
its own, not by the code that writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

from adapter.domain.errors import Malformed
from mappings.json_codec import decode
from tests.mutants.mutation import Named, Offset, Touched
from tests.mutants.places import Path

Tree = dict[str, Any]


class Where(Enum):
    """What the best of the issues says of the changed place."""

    AT = "at the place"
    """The element itself, or one within it; of what was taken away, what it was taken from; the header or parameter by
    name; of what is no JSON any more, a line and column that are not before it."""
    AROUND = "around it"
    """An element that holds it: within the same resource, or of the Bundle where the Bundle itself was changed."""
    ELSEWHERE = "elsewhere"
    NOWHERE = "nowhere"
    """No expression, and no position."""


_STEP = re.compile(r"(?P<name>[^.\[\]()]+)(?:\[(?P<index>\d+)\])?")
_WHERE = re.compile(r"\.where\([^)]*\)")
"""`Task.input.where(type.coding.code='coverage')`: which one is missing."""
_OF_TYPE = re.compile(r"\.ofType\((?P<type>\w+)\)")
_POSITION = re.compile(r"at line (?P<line>\d+) column (?P<column>\d+)")


def path_of(expression: str) -> Path:
    """`Bundle.entry[2].resource.value.ofType(Quantity).unit` → `("entry", 2, "resource", "valueQuantity", "unit")`."""
    # What is told as `…` is the name of a member that nobody knows.
    if expression == "…":
        return ()
    plain = _OF_TYPE.sub(lambda match: match["type"][0].upper() + match["type"][1:], expression).removesuffix(".…")
    plain = _WHERE.sub("", plain)
    found: list[str | int] = []
    for step in _STEP.finditer(plain):
        found.append(step["name"])
        if step["index"] is not None:
            found.append(int(step["index"]))
    return tuple(found[1:] if found and str(found[0])[:1].isupper() else found)


def where(issues: Iterable[Tree], touched: Iterable[Touched], raw: bytes = b"", status: int = 400) -> Where:
    """The best of all issues and all touched places. `raw` is what was sent."""
    best = Where.NOWHERE
    body = _decoded(raw)
    places = [(place, isinstance(place, tuple) and _is_gone(body, place)) for place in touched]
    for issue in issues:
        expressions = issue.get("expression") or []
        for place, is_gone in places:
            found = _relation(expressions, str(issue["details"]["text"]), place, raw, is_gone)
            if place in ADDRESSED and (status in ABOUT_THE_ADDRESS or (expressions and not path_of(expressions[0]))):
                found = Where.AT  # a status that speaks of the address, or the resource that stands there
            if _RANK.index(found) < _RANK.index(best):
                best = found
    return best


ADDRESSED = (Named("address"), Named("method"))
ABOUT_THE_ADDRESS = (404, 405, 410)
_RANK = [Where.AT, Where.AROUND, Where.ELSEWHERE, Where.NOWHERE]


def _decoded(raw: bytes) -> Any:
    try:
        return decode(raw)
    except Malformed:
        return None


def _is_gone(body: Any, place: Path) -> bool:
    """Whether a place is not there any more in what was sent."""
    for step in place:
        try:
            body = body[step]
        except (IndexError, KeyError, TypeError):
            return True
    return False


def _relation(expressions: list[str], text: str, place: Touched, raw: bytes, is_gone: bool) -> Where:
    if isinstance(place, Offset):
        position = _POSITION.search(text)
        if position is None:
            return Where.ELSEWHERE if expressions else Where.NOWHERE
        return Where.AT if _offset(position, raw) >= place.at - 1 else Where.ELSEWHERE
    if isinstance(place, Named):
        return _named(expressions, place.name)
    if not place and (position := _POSITION.search(text)) and _offset(position, raw) == 0:
        return Where.AT
    relations = [_of_paths(path_of(expression), place, is_gone) for expression in expressions]
    return min(relations, key=_RANK.index, default=Where.NOWHERE)


def _offset(position: re.Match[str], raw: bytes) -> int:
    """The byte at a line and column, both from 1; a byte order mark is not counted by who counts columns."""
    lines = raw.split(b"\n")[: int(position["line"]) - 1]
    return sum(len(line) + 1 for line in lines) + int(position["column"]) - 1


def _named(expressions: list[str], name: str) -> Where:
    """A parameter by its name, or by a part of it: of a chain, the link that does not hold."""
    parts = {name.lower(), *re.split(r"[:.]", name.lower())} - {""}
    for expression in expressions:
        whole = expression.lower().removeprefix("http.")
        if parts & {whole, *re.split(r"[.\[\]]", whole)}:
            return Where.AT
    return Where.ELSEWHERE if expressions else Where.NOWHERE


def _of_paths(found: Path, place: Path, is_gone: bool) -> Where:
    found, place = _plain(found), _plain(place)
    if not place:
        return Where.AT if not found else Where.ELSEWHERE
    shared = min(len(found), len(place))
    if not all(_same(f, p) for f, p in zip(found[:shared], place[:shared], strict=True)):
        return Where.ELSEWHERE
    if len(found) >= len(place) - is_gone:
        return Where.AT
    return Where.AROUND if len(found) >= _smallest(place) else Where.ELSEWHERE


def _smallest(place: Path) -> int:
    """How many steps an expression must have to be more than the name of the whole Bundle: to the resource, or to the
    entry when that was changed beside its resource."""
    if place[0] != "entry" or len(place) < 2:
        return 0
    return 3 if len(place) > 2 and place[2] == "resource" else 2


def _plain(path: Path) -> Path:
    """`_birthDate` is the element `birthDate`."""
    return tuple(step.removeprefix("_") if isinstance(step, str) else step for step in path)


def _same(found: str | int, place: str | int) -> bool:
    if found == place:
        return True
    # A choice is named by its stem when two of its types are there, or none.
    return (
        isinstance(found, str)
        and isinstance(place, str)
        and place.startswith(found)
        and place[len(found) : len(found) + 1].isupper()
    )
