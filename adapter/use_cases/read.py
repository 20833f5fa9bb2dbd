"""Reading: one resource, one of its versions, its history, a search. What the reader may not see does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from adapter.domain.errors import Deleted, Invalid, NotFound, NotSupported, TooLarge
from adapter.use_cases.ports import HistoryPage, Reader, ResourceKey, SearchPage, SearchQuery, StoredResource
from mappings import searchset
from mappings.interaction import Interaction, Outcome
from mappings.subset import Subset
from mappings.times import parse_time

Disclose = Callable[[str, Sequence[StoredResource], str | None], None]
"""Writes down (interaction, what is shown, query) before it is shown. Raises Unavailable: then it must not be."""

DEFAULT_COUNT, MAX_COUNT = 50, 1000
_VERSION = re.compile(r"[0-9]{1,9}")
_COUNT = re.compile(r"[0-9]{1,18}")
_ANY: Mapping[str, Any] = {"since": None, "count": 0, "cursor": None}


def read_one(reader: Reader, key: ResourceKey, version: str | None = None) -> StoredResource:
    """The current version, or the one asked for. Raises NotFound or Deleted."""
    if version is None:
        found = reader.read(key)
    else:
        found = reader.read_version(key, int(version)) if _VERSION.fullmatch(version) else None
    if found is None:
        raise NotFound(f"no such {key.type}", expression=key.type)
    if found.deleted:
        raise Deleted(f"this {key.type} was deleted", expression=key.type)
    return found


def show_nobody(interaction: str, resources: Sequence[StoredResource], query: str | None) -> None:
    """The `Disclose` of a reading that is not answered."""


def read(reader: Reader, interaction: Interaction, disclose: Disclose) -> Outcome:
    """A GET inside a Bundle: a read, a version read or a search; a refusal is located at its url."""
    try:
        return _read(reader, interaction, disclose)
    except (Deleted, Invalid, NotFound, NotSupported, TooLarge) as refusal:
        raise refusal.at(f"{interaction.request_at}.url") from None


def _read(reader: Reader, interaction: Interaction, disclose: Disclose) -> Outcome:
    parameters = parse_qsl(interaction.criteria or "", keep_blank_values=True)
    if interaction.id:
        found = read_one(reader, ResourceKey(interaction.type, interaction.id), interaction.version)
        disclose("vread" if interaction.version else "read", [found], None)
        subset = Subset.asked_in(parameters)
        body = subset.of(found.body) if subset else found.body
        return Outcome(200, found.key.type, found.key.id, found.version, found.last_updated, body, True)
    query = search_query(interaction.type, parameters, lenient=True)
    subset = Subset.asked_in(query.parameters)
    page = reader.search(query)
    disclose("search-type", [*page.matches, *page.included], asked_in(query))
    asked = f"{interaction.type}?{urlencode(answered_by(query, page))}"
    return Outcome(200, "Bundle", body=searchset.to_fhir(page, self_link=asked, subset=subset), is_answer=True)


def answered_by(query: SearchQuery, page: SearchPage) -> list[tuple[str, str]]:
    """The parameters that shaped a page: those of the query without what was ignored, for the links."""
    used = [(name, value) for name, value in query.parameters if name not in page.ignored]
    return [*used, ("_count", str(query.count))]


def asked_in(query: SearchQuery) -> str:
    """What was searched for, as the audit trail keeps it."""
    return f"{query.type}?{urlencode(query.parameters)}"


def search_query(type_: str, parameters: list[tuple[str, str]], *, lenient: bool = False) -> SearchQuery:
    """A SearchQuery from decoded query parameters; `_count` and our paging cursor are taken out."""
    count, cursor, rest = DEFAULT_COUNT, None, []
    for name, value in parameters:
        if name == "_count":
            count = count_of(value)
        elif name == "_cursor":
            cursor = value
        elif name not in {"_format", "_pretty"}:
            rest.append((name, value))
    # _count=0 is "treated the same as _summary=count": https://hl7.org/fhir/R4/search.html#count
    if count == 0 or ("_summary", "count") in rest:
        count, rest = 0, [pair for pair in rest if pair[0] != "_total"] + [("_total", "accurate")]
    return SearchQuery(type_, tuple(rest), count, cursor, lenient)


def count_of(value: str) -> int:
    """How many a page shall hold. Raises Invalid."""
    if not _COUNT.fullmatch(value):
        raise Invalid("expected `_count` as a number from 0 on, got something else", expression="_count")
    return min(int(value), MAX_COUNT)


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """`since`: versions of that time or later. `asked`: the parameters again, for the links."""

    count: int = DEFAULT_COUNT
    cursor: str | None = None
    since: datetime | None = None
    asked: tuple[tuple[str, str], ...] = ()


def history_query(parameters: list[tuple[str, str]]) -> HistoryQuery:
    """https://hl7.org/fhir/R4/http.html#history. Raises Invalid or NotSupported naming the parameter."""
    count, cursor, since, asked = DEFAULT_COUNT, None, None, []
    for name, value in parameters:
        if name == "_count":
            count = count_of(value)
        elif name == "_cursor":
            cursor = value
            continue
        elif name == "_since":
            # A + of a zone that was not percent-encoded arrives as a space.
            since = parse_time(value.replace(" ", "+"))
            if since is None:
                raise Invalid("expected `_since` as an instant with its zone", expression="_since", code="value")
        elif name not in {"_format", "_pretty", "_summary", "_elements"}:
            raise NotSupported("expected _since, _count, _summary or _elements of a history", expression=f"http.{name}")
        asked.append((name, value))
    return HistoryQuery(count, cursor, since, tuple(asked))


def history(reader: Reader, type_: str, id_: str | None, query: HistoryQuery) -> HistoryPage:
    """Of one resource, or of a whole type. Raises NotFound when there never was such a resource."""
    page = reader.history_page(type_, id_, since=query.since, count=query.count, cursor=query.cursor)
    if id_ is not None and not page.versions and not reader.history_page(type_, id_, **_ANY).total:
        raise NotFound(f"no such {type_}", expression=type_)
    return page
