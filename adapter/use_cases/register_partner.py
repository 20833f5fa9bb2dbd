"""Add, change and disable partners: the register decides who they are, public resources tell the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from adapter.domain.errors import Invalid, Issue
from adapter.domain.partner import Partner
from adapter.use_cases.ports import (
    NewVersion,
    Register,
    ResourceKey,
    Store,
    StoredResource,
    Tree,
    WriteSet,
    retrying_on_conflict,
)
from mappings import organization
from mappings.json_codec import decode, encode
from mappings.times import format_time


class EditableRegister(Register, Protocol):
    def put(self, *partners: Partner) -> None:
        """Add or replace, all or none. Raises domain.errors.Invalid when two could be taken for one another."""
        ...

    def disable(self, partner_id: str) -> Partner:
        """The partner as it is now. Raises domain.errors.NotFound."""
        ...


def register_partners(
    store: Store,
    register: EditableRegister,
    partners: Sequence[Partner],
    now: datetime,
    *,
    channel_types: Collection[str],
    dialects: Collection[str],
) -> None:
    """Add or replace partners and publish their Organization, HealthcareServices and Endpoints.

    Raises Invalid for a channel or dialect that this server does not have, and for an ambiguous register; then nothing
    is changed. Running it again writes nothing, or what a crash between the two steps left out.
    """
    refuse_unknown(partners, channel_types, dialects)
    before = register.directory()
    register.put(*partners)
    for partner in partners:
        publish(store, partner, before.get(partner.id), now)


def disable_partner(store: Store, register: EditableRegister, partner_id: str, now: datetime) -> Partner:
    """Shut a partner out first, tell the others second. Handoffs that name it stay; its rows are never deleted."""
    partner = register.disable(partner_id)
    publish(store, partner, None, now)
    return partner


def publish(store: Store, partner: Partner, before: Partner | None, now: datetime) -> None:
    """Write the public resources that differ from what is stored, and delete those that only `before` had."""
    wanted = {ResourceKey(tree["resourceType"], tree["id"]): tree for tree in organization.to_fhir(partner)}
    gone = [ResourceKey(tree["resourceType"], tree["id"]) for tree in organization.to_fhir(before)] if before else []

    def decide_and_commit() -> None:
        stored = store.system_reader().read_many([*wanted, *gone])
        write_set = WriteSet(tenant=partner.id)
        for key in {*wanted, *gone}:
            version = _next_version(key, wanted.get(key), stored.get(key), partner.id, now)
            if version is not None:
                write_set.resources.append(version)
        if write_set:
            store.commit(write_set)

    retrying_on_conflict(decide_and_commit)


def _next_version(
    key: ResourceKey, tree: Tree | None, stored: StoredResource | None, author: str, now: datetime
) -> NewVersion | None:
    exists = stored is not None and not stored.deleted
    if tree is None and not exists:
        return None
    if tree is not None and stored is not None and exists and _without_meta(decode(stored.body)) == tree:
        return None
    version = stored.version + 1 if stored is not None else 1
    if tree is not None:
        meta = {"versionId": str(version), "lastUpdated": format_time(now)}
        tree = {"resourceType": key.type, "id": key.id, "meta": meta, **tree}
    body = encode(tree) if tree is not None else b""
    return NewVersion(key, version, author, now, body, tree, public=True)


def _without_meta(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name != "meta"}


def refuse_unknown(partners: Sequence[Partner], channel_types: Collection[str], dialects: Collection[str]) -> None:
    """Raises Invalid: a partner whose channel nobody serves would never be told of a handoff."""
    issues = []
    for partner in partners:
        for index, channel in enumerate(partner.channels):
            if channel.type not in channel_types:
                issues.append(
                    Issue(
                        "not-supported",
                        f"partner {partner.id}: expected a channel out of {', '.join(sorted(channel_types))},"
                        f" got `{channel.type}`",
                        f"Partner.channels[{index}].type",
                    )
                )
        if partner.dialect not in dialects:
            known = ", ".join(sorted(dialects))
            text = f"partner {partner.id}: expected a dialect out of {known}, got `{partner.dialect}`"
            issues.append(Issue("not-supported", text, "Partner.dialect"))
    if issues:
        raise Invalid(issues)
