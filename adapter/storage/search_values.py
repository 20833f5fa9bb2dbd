"""What a value of each datatype adds to the index of its resource.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapter.storage.search_keys import (
    EARLIEST,
    LATEST,
    PREFIX_LENGTH,
    comparable,
    digest,
    interval,
    month,
    salt,
    token_keys,
)
from adapter.storage.search_paths import Collect


@dataclass(slots=True)
class SearchValues:
    """The index of one resource, as it lies on its row (see `search_index.py`)."""

    keys: set[int] = field(default_factory=set)
    dates: set[tuple[int, datetime, datetime]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    owner_worklist: int | None = None
    requester_worklist: int | None = None


def local_reference(reference: str) -> str:
    """`Patient/1` of `Patient/1/_history/2`; anything else as it is."""
    return reference.partition("/_history/")[0]


def references(space: str, of_any_type: bool) -> Collect:
    """`of_any_type`: a bare id cannot be asked for type by type, so it has a key of its own."""
    salted, identifiers = salt(space), f"{space}:identifier"

    def collect(values: SearchValues, value: Any) -> None:
        if reference := value.get("reference"):
            if "/_history/" in reference:
                reference = local_reference(reference)
            if not reference.startswith("#"):
                values.keys.add(salted ^ digest(reference))
                if of_any_type and ":" not in reference:
                    values.keys.add(salted ^ digest(reference.rpartition("/")[2]))
        if identifier := value.get("identifier"):
            values.keys.update(token_keys(identifiers, identifier.get("system"), identifier.get("value")))

    return collect


def tokens(datatype: str, space: str) -> Collect | None:
    salted, of_types = salt(space), salt(f"{space}:of-type")

    def coding(values: SearchValues, value: Any) -> None:
        values.keys.update(token_keys(space, value.get("system"), value.get("code")))

    def concept(values: SearchValues, value: Any) -> None:
        for each in value.get("coding", ()):
            values.keys.update(token_keys(space, each.get("system"), each.get("code")))

    def identifier(values: SearchValues, value: Any) -> None:
        values.keys.update(token_keys(space, value.get("system"), value.get("value")))
        if kind := value.get("type"):
            for each in kind.get("coding", ()):
                of_type = f"{each.get('system', '')}|{each.get('code', '')}|{value.get('value', '')}"
                values.keys.add(of_types ^ digest(of_type))

    def contact_point(values: SearchValues, value: Any) -> None:
        if contact := value.get("value"):
            values.keys.add(salted ^ digest(contact))

    def bare(values: SearchValues, value: Any) -> None:
        values.keys.add(salted ^ digest(str(value).lower() if isinstance(value, bool) else str(value)))

    return {
        "Coding": coding,
        "CodeableConcept": concept,
        "Identifier": identifier,
        "ContactPoint": contact_point,
        **dict.fromkeys(("code", "string", "id", "boolean", "uri", "canonical"), bare),
    }.get(datatype)


def dates(datatype: str, space: str, numbers: Sequence[int]) -> Collect | None:
    salted = salt(f"{space}~month")

    def add(values: SearchValues, start: str | None, end: str | None) -> None:
        try:
            low = interval(start)[0] if start else EARLIEST
            high = interval(end)[1] if end else LATEST
        except ValueError:  # the validator's to refuse; a resource is not lost for one of its dates
            return
        for number in numbers:
            values.dates.add((number, low, high))
        values.keys.add(salted ^ digest(month(low)))

    def point(values: SearchValues, value: Any) -> None:
        add(values, value, value)

    def period(values: SearchValues, value: Any) -> None:
        if "start" in value or "end" in value:
            add(values, value.get("start"), value.get("end"))

    def timing(values: SearchValues, value: Any) -> None:
        for event in value.get("event", ()):
            add(values, event, event)
        if bounds := value.get("repeat", {}).get("boundsPeriod"):
            period(values, bounds)

    return {
        **dict.fromkeys(("date", "dateTime", "instant"), point),
        "Period": period,
        "Timing": timing,
    }.get(datatype)


_TEXT_PARTS: Mapping[str, tuple[str, ...]] = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
}


def texts(datatype: str, space: str, slot: str) -> Collect | None:
    salted = salt(f"{space}~prefix")

    def text(values: SearchValues, value: Any) -> None:
        plain = comparable(value)
        values.texts.add(f"{slot}:{plain}\n{value}")
        values.keys.add(salted ^ digest(plain[:PREFIX_LENGTH]))

    def parts(values: SearchValues, value: Any) -> None:
        for part in _TEXT_PARTS[datatype]:
            content = value.get(part, ())
            for each in content if isinstance(content, list | tuple) else (content,):
                if each is not None:
                    text(values, each)

    return parts if datatype in _TEXT_PARTS else text if datatype in {"string", "markdown"} else None


def uris(space: str) -> Collect:
    salted = salt(space)

    def collect(values: SearchValues, value: Any) -> None:
        values.keys.add(salted ^ digest(value))
        if "|" in value:  # a canonical is also found without its version
            values.keys.add(salted ^ digest(value.partition("|")[0]))

    return collect
