"""Reading: one resource, one of its versions, its history, a search. What the reader may not see does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl, urlencode

from adapter.domain.errors import Deleted, Invalid, NotFound, NotSupported, TooLarge
from adapter.use_cases.ports import Reader, ResourceKey, SearchQuery, StoredResource
from mappings import searchset
from mappings.interaction import Interaction, Outcome

Disclose = Callable[[str, Sequence[StoredResource], str | None], None]
"""Writes down (interaction, what is shown, query) before it is shown. Raises Unavailable: then it must not be."""

DEFAULT_COUNT, MAX_COUNT = 50, 1000
_VERSION = re.compile(r"[0-9]{1,9}")
_COUNT = re.compile(r"[0-9]{1,18}")


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
    if interaction.id:
        found = read_one(reader, ResourceKey(interaction.type, interaction.id), interaction.version)
        disclose("vread" if interaction.version else "read", [found], None)
        return Outcome(200, found.key.type, found.key.id, found.version, found.last_updated, found.body, True)
    query = search_query(interaction.type, parse_qsl(interaction.criteria or "", keep_blank_values=True))
    page = reader.search(query)
    disclose("search-type", [*page.matches, *page.included], asked_in(query))
    asked = f"{interaction.type}?{interaction.criteria or ''}"
    return Outcome(200, "Bundle", body=searchset.to_fhir(page, self_link=asked), is_answer=True)


def asked_in(query: SearchQuery) -> str:
    """What was searched for, as the audit trail keeps it."""
    return f"{query.type}?{urlencode(query.parameters)}"


def search_query(type_: str, parameters: list[tuple[str, str]]) -> SearchQuery:
    """A SearchQuery from decoded query parameters; `_count` and our paging cursor are taken out."""
    count, cursor, rest = DEFAULT_COUNT, None, []
    for name, value in parameters:
        if name == "_count":
            if not _COUNT.fullmatch(value):
                raise Invalid("expected `_count` as a number from 0 on, got something else", expression="_count")
            count = min(int(value), MAX_COUNT)
        elif name == "_cursor":
            cursor = value
        elif name not in {"_format", "_pretty"}:
            rest.append((name, value))
    return SearchQuery(type_, tuple(rest), count, cursor)
