"""What each resource type can be searched by, as a CapabilityStatement lists it."""

from __future__ import annotations

from typing import NamedTuple

from adapter.storage import audit_search
from adapter.storage.search_index import index_of


class Searchable(NamedTuple):
    """`kind` is a code of http://hl7.org/fhir/search-param-type."""

    code: str
    kind: str


def searchable(type: str) -> list[Searchable]:
    """The parameters of a resource type; of `Resource`, those that every type has."""
    columns = [Searchable("_id", "token"), Searchable("_lastUpdated", "date")]
    indexed = [Searchable(each.code, each.kind) for each in index_of(type).parameters.values()]
    return sorted(
        each for each in columns + indexed if type != audit_search.TYPE or each.code in audit_search.PARAMETERS
    )
