"""Publish the pathways, as PlanDefinitions and ActivityDefinitions, and what of the package every partner reads here.

They are written when the adapter starts, and only where they differ from what is there; a pathway whose file is gone is
retired and not deleted, as handoffs still name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from adapter.domain.pathway import Pathway
from adapter.use_cases.ports import (
    NewVersion,
    Reader,
    ResourceKey,
    SearchQuery,
    Store,
    StoredResource,
    Tree,
    WriteSet,
    retrying_on_conflict,
)
from mappings import plan_definition
from mappings.json_codec import decode, encode
from mappings.times import format_time

AUTHOR: Final = "handoff-adapter"
_TYPES: Final = (
    "PlanDefinition",
    "ActivityDefinition",
    "Measure",
    "CodeSystem",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
)
"""What has a status and so can be retired."""
_MOST: Final = 1000


def publish_pathways(store: Store, pathways: Mapping[str, Pathway], now: datetime, others: Iterable[Tree] = ()) -> int:
    """Write what differs, in one change; how many resources that were. Safe when several servers start at once."""
    wanted = {
        ResourceKey(tree["resourceType"], tree["id"]): tree for tree in (*plan_definition.all_of(pathways), *others)
    }

    def decide_and_commit() -> int:
        reader = store.system_reader()
        stored = reader.read_many(wanted)
        write_set = WriteSet(AUTHOR)
        for key, tree in wanted.items():
            if not _is_the_same(stored.get(key), tree):
                write_set.resources.append(_version(key, tree, stored.get(key), now))
        for resource in _published(reader):
            if resource.key not in wanted:
                retired = {**_without_meta(decode(resource.body)), "status": "retired"}
                write_set.resources.append(_version(resource.key, retired, resource, now))
        if write_set:
            store.commit(write_set)
        return len(write_set.resources)

    return retrying_on_conflict(decide_and_commit)


def _published(reader: Reader) -> Iterator[StoredResource]:
    """What the adapter has published and not retired; a partner's own definitions are the partner's."""
    for type_ in _TYPES:
        page = reader.search(SearchQuery(type_, (("status", "draft,active"),), count=_MOST))
        yield from (resource for resource in page.matches if resource.author == AUTHOR)


def _is_the_same(stored: StoredResource | None, tree: Tree) -> bool:
    return stored is not None and not stored.deleted and _without_meta(decode(stored.body)) == tree


def _version(key: ResourceKey, tree: Tree, stored: StoredResource | None, now: datetime) -> NewVersion:
    version = stored.version + 1 if stored is not None else 1
    meta = {"versionId": str(version), "lastUpdated": format_time(now)}
    tree = {"resourceType": key.type, "id": key.id, "meta": meta, **tree}
    return NewVersion(key, version, AUTHOR, now, encode(tree), tree, public=True)


def _without_meta(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name != "meta"}
