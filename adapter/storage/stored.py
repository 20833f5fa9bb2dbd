"""A row of `resource_version` as the rooms below know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapter.use_cases.ports import ResourceKey, StoredResource

STORED = "r.type, r.id, r.version, r.author, r.last_updated, r.body, r.deleted, r.handoffs"
"""What is selected for a `StoredResource`, in the order of `stored_resource`; more may follow it."""


def stored_resource(row: Sequence[Any]) -> StoredResource:
    type, id, version, author, last_updated, body, deleted, handoffs = row[:8]
    return StoredResource(ResourceKey(type, id), version, author, last_updated, body, deleted, tuple(handoffs))
