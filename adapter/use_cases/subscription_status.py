"""What becomes of a created Subscription that its owner did not ask for: active, in error, off.

Each is a new version of the resource, so its owner reads it there and in `$status`.
"""

from __future__ import annotations

from dataclasses import replace

from adapter.domain.subscription import Status, Subscription
from adapter.use_cases.ports import Clock, NewVersion, ResourceKey, Store, WriteConflict, WriteSet
from mappings.json_codec import decode, encode
from mappings.subscription import set_status
from mappings.times import format_time


def change_status(
    store: Store, clock: Clock, subscription: Subscription, status: Status, error: str | None = None
) -> bool:
    """Give it a status, with the reason where that is `error`. False when somebody changed it in the meantime: then
    whatever this was decided on no longer holds."""
    key = ResourceKey("Subscription", subscription.id)
    stored = store.reader(subscription.owner).read(key)
    if stored is None or stored.deleted or stored.version != subscription.version:
        return False
    now, tree = clock.now(), decode(stored.body)
    set_status(tree, status, error)
    version = stored.version + 1
    tree["meta"] = {**tree.get("meta", {}), "versionId": str(version), "lastUpdated": format_time(now)}
    write_set = WriteSet(subscription.owner)
    write_set.resources.append(NewVersion(key, version, stored.author, now, encode(tree), tree))
    write_set.subscriptions.append(replace(subscription, status=status, error=error))
    try:
        store.commit(write_set)
    except WriteConflict:
        return False
    return True
