"""Which resource each interaction is about: by id, by condition, or a new one (https://hl7.org/fhir/R4/http.html#cond-update).

A resource of another organisation is as if it did not exist, in every branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from adapter.domain.errors import (
    Deleted,
    Invalid,
    MethodNotAllowed,
    MultipleMatches,
    NotFound,
    NotSupported,
    TooLarge,
    VersionConflict,
)
from adapter.use_cases.patch import apply_patch, version_decided_on
from adapter.use_cases.ports import NewIds, Reader, ResourceKey, StoredResource
from mappings.interaction import Interaction, version_in_etag
from mappings.json_codec import decode
from mappings.references import NO_LINKS, Links

Tree = dict[str, Any]


class Action(Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"
    """Nothing to write: a conditional create that found its resource, a delete of what is not there."""
    READ = "read"


@dataclass(slots=True)
class Change:
    """An interaction with its target found. `tree` is what will be written, `before` what is there now."""

    interaction: Interaction
    action: Action
    key: ResourceKey
    before: StoredResource | None = None
    tree: Tree | None = None
    before_tree: Tree | None = None
    links: Links = NO_LINKS
    """What `tree` points at, found once, by `link`."""
    handoffs: set[str] = field(default_factory=set)
    created_by_condition: str | None = None

    @property
    def at(self) -> str:
        return self.interaction.at

    @property
    def references(self) -> Sequence[Tree]:
        """The Reference elements within `tree`."""
        return self.links.references

    @property
    def writes(self) -> bool:
        return self.action is not Action.READ and self.action is not Action.KEEP


def find_targets(reader: Reader, interactions: Sequence[Interaction], new_id: NewIds) -> list[Change]:
    """One change an interaction, in the same order. Raises when a condition, a version or an identity forbids it."""
    direct = {
        ResourceKey(i.type, i.id or i.fixed_id or "")
        for i in interactions
        if (i.method in {"PUT", "PATCH", "DELETE"} and i.id) or i.fixed_id
    }
    stored = reader.read_many(direct) if direct else {}
    changes = [_target(reader, interaction, stored, new_id) for interaction in interactions]
    _refuse_identity_overlap(changes)
    return changes


def _target(
    reader: Reader, interaction: Interaction, stored: dict[ResourceKey, StoredResource], new_id: NewIds
) -> Change:
    if interaction.method in {"GET", "HEAD"}:
        return Change(interaction, Action.READ, ResourceKey(interaction.type, interaction.id or ""))
    if interaction.method == "POST":
        return _create(reader, interaction, stored, new_id)
    before = _named(reader, interaction, stored)
    if interaction.method == "DELETE":
        return _delete(interaction, before)
    if interaction.method == "PATCH":
        return _patch(interaction, before)
    return _update(interaction, before, new_id)


def _create(
    reader: Reader, interaction: Interaction, stored: dict[ResourceKey, StoredResource], new_id: NewIds
) -> Change:
    if interaction.if_none_exist:
        found = _one_match(reader, interaction, interaction.if_none_exist, "ifNoneExist")
        if found:
            return Change(interaction, Action.KEEP, found.key, before=found)
    if interaction.fixed_id:
        key = ResourceKey(interaction.type, interaction.fixed_id)
        if before := stored.get(key):
            return _write(interaction, before, key)
    key = ResourceKey(interaction.type, interaction.fixed_id or new_id())
    return Change(
        interaction, Action.CREATE, key, tree=interaction.resource, created_by_condition=interaction.if_none_exist
    )


def _named(
    reader: Reader, interaction: Interaction, stored: dict[ResourceKey, StoredResource]
) -> StoredResource | None:
    if interaction.id:
        return stored.get(ResourceKey(interaction.type, interaction.id))
    return _one_match(reader, interaction, interaction.criteria or "", "url")


def _one_match(reader: Reader, interaction: Interaction, criteria: str, element: str) -> StoredResource | None:
    is_address = element == "url" and not interaction.request_at
    at = interaction.at if is_address else interaction.condition_at(element)
    found = match_at(at, reader, interaction.type, criteria)
    if len(found) > 1:
        raise MultipleMatches(
            f"expected the criteria to match at most one {interaction.type}, got several; make them more specific",
            expression=at,
        )
    return found[0] if found else None


def match_at(at: str, reader: Reader, type_: str, criteria: str) -> Sequence[StoredResource]:
    """What the criteria match; a refusal of them is located where they stand in the request."""
    try:
        return reader.match(type_, criteria)
    except (Invalid, NotSupported, TooLarge) as refusal:
        raise refusal.at(at) from None


def _update(interaction: Interaction, before: StoredResource | None, new_id: NewIds) -> Change:
    sent_id = (interaction.resource or {}).get("id")
    if interaction.id:
        if sent_id != interaction.id:
            raise Invalid(
                "expected the id in the resource to equal the id in the url",
                expression=f"{interaction.at}.id",
                code="value",
            )
        if before is None:
            # The same answer for an id that is free and one that another organisation holds.
            raise MethodNotAllowed(
                f"expected an existing {interaction.type}; ids are assigned here, so create with POST",
                expression=f"{interaction.request_at or interaction.at}.url"
                if interaction.request_at
                else interaction.at,
            )
    if before is None:
        if sent_id:
            raise Invalid(
                "expected no id where nothing matches the criteria: ids are assigned here",
                expression=f"{interaction.at}.id",
                code="value",
            )
        return Change(
            interaction,
            Action.CREATE,
            ResourceKey(interaction.type, new_id()),
            tree=interaction.resource,
            created_by_condition=interaction.criteria,
        )
    return _write(interaction, before, before.key)


def _write(interaction: Interaction, before: StoredResource, key: ResourceKey) -> Change:
    check_version(interaction, before)
    if interaction.if_none_match == "*":
        at = interaction.condition_at("ifNoneMatch")
        raise VersionConflict("expected no resource (If-None-Match: *), got one", expression=at)
    return Change(interaction, Action.UPDATE, key, before=before, tree=interaction.resource)


def _patch(interaction: Interaction, before: StoredResource | None) -> Change:
    if before is None:
        raise NotFound(f"no such {interaction.type}", expression=interaction.at)
    if before.deleted:
        raise Deleted(f"this {interaction.type} was deleted", expression=interaction.at)
    stated = version_decided_on(interaction.patch)
    if interaction.if_match is None and stated is not None:
        interaction.if_match = f'W/"{stated}"'
        check_version(interaction, before, f"{interaction.at}.meta.versionId")
    check_version(interaction, before)
    tree = apply_patch(decode(before.body), interaction.patch, interaction.at)
    return Change(interaction, Action.UPDATE, before.key, before=before, tree=tree)


def _delete(interaction: Interaction, before: StoredResource | None) -> Change:
    if before is None or before.deleted:
        return Change(interaction, Action.KEEP, ResourceKey(interaction.type, interaction.id or ""))
    check_version(interaction, before)
    return Change(interaction, Action.DELETE, before.key, before=before)


def check_version(interaction: Interaction, before: StoredResource, at: str | None = None) -> None:
    """`at` is where the version was stated, when not in an If-Match."""
    if interaction.if_match is None:
        return
    at = at or interaction.condition_at("ifMatch")
    if version_in_etag(interaction.if_match, at) != before.version:
        raise VersionConflict(
            f'expected If-Match W/"{before.version}", the current version of this {before.key.type}; '
            "read it again and decide anew",
            expression=at,
        )


def _refuse_identity_overlap(changes: Sequence[Change]) -> None:
    seen: dict[ResourceKey, Change] = {}
    for change in changes:
        if change.action is Action.READ or not change.key.id:
            continue
        first = seen.setdefault(change.key, change)
        if first is not change and (first.writes or change.writes):
            raise Invalid(
                f"expected each resource once in a transaction, got a second entry for what {first.at} names",
                expression=change.interaction.request_at or change.at,
                code="invariant",
            )
    conditions: dict[tuple[str, str], Change] = {}
    for change in changes:
        if change.action is Action.CREATE and change.created_by_condition:
            asked = (change.key.type, change.created_by_condition.lstrip("?"))
            if (first := conditions.setdefault(asked, change)) is not change:
                raise Invalid(
                    f"expected each condition to create once in a transaction, got that of {first.at} again",
                    expression=change.interaction.request_at or change.at,
                    code="invariant",
                )
