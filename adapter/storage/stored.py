"""A row of `resource_version` as the rooms below know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapter.storage.kept_disclosure import basis_from, restrictions_from
from adapter.use_cases.ports import ResourceKey, StoredResource

STORED = "r.type, r.id, r.version, r.author, r.last_updated, r.body, r.deleted, r.handoffs, r.disclosure"
"""What is selected for a `StoredResource`, in the order of `stored_resource`; more may follow it."""
COLUMNS = 9
"""How many these are."""


def stored_resource(row: Sequence[Any], tenant: str | None) -> StoredResource:
    """As `tenant` gets it; None is the adapter itself."""
    type, id, version, author, last_updated, body, deleted, handoffs, disclosure = row[:COLUMNS]
    key = ResourceKey(type, id)
    if disclosure is None:
        return StoredResource(key, version, author, last_updated, body, deleted, tuple(handoffs))
    restrictions, basis = restrictions_from(disclosure), basis_from(disclosure, tenant)
    return StoredResource(key, version, author, last_updated, body, deleted, tuple(handoffs), restrictions, basis)
