"""A store that is already full: handoffs written by the adapter's own commit, many in one write set.

Each is what a small referral leaves behind: Patient, ServiceRequest and Task with their bodies, index and readers, the
handoff's row, a line of the ledger, and the clock's row while it is open. Nobody is told of them, and no answers are
kept, for these tables are emptied as they are worked off. Requesters and owners are the demo partners in turn; one in
ten is open, as `requested` or `received`, the others went on or are over; they came in evenly over 90 days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from adapter.demo_partners import DEMO_PARTNERS
from adapter.domain.handoff import Handoff, LedgerEvent, NextAction
from adapter.domain.responsibility import responsible
from adapter.storage import PostgresStore
from adapter.testkit.generator import generate
from adapter.use_cases.ports import Deadline, NewVersion, ResourceKey, Tree, WriteSet
from mappings.json_codec import encode
from mappings.references import links_in
from mappings.times import format_time

SET = 200
_STATUSES = ("requested", "received", *["accepted", "in-progress", "rejected", "completed"] * 2, *["completed"] * 10)
_KEPT = ("Patient", "ServiceRequest", "Task")
RESOURCES = len(_KEPT)
"""Of each handoff."""


def fill(store: PostgresStore, count: int, *, seed: int) -> None:
    """Write `count` handoffs that no other seed writes."""
    partners = sorted(DEMO_PARTNERS)
    now = datetime.now(UTC)
    for first in range(0, count, SET):
        numbers = range(first, min(first + SET, count))
        # A write set is of one tenant, and so is what it writes.
        requester = partners[first // SET % len(partners)]
        write_set = WriteSet(requester)
        at = now - timedelta(days=90) * (1 - first / count)
        bundles = generate("referral", seed * 1_000_000 + first, len(numbers), at=at)
        for number, bundle in zip(numbers, bundles, strict=True):
            owner = partners[(first // SET + 1 + number % (len(partners) - 1)) % len(partners)]
            _add(write_set, bundle, requester, owner, _STATUSES[number % len(_STATUSES)], at)
        store.commit(write_set)


def _add(write_set: WriteSet, bundle: Tree, requester: str, owner: str, status: str, at: datetime) -> None:
    trees = dict(_kept(bundle, at))
    patient, request, task = trees.values()
    task |= {
        "status": status,
        "requester": {"reference": f"Organization/{requester}"},
        "owner": {"reference": f"Organization/{owner}"},
    }
    id = task["id"]
    is_open = status in {"requested", "received"}
    due = at + timedelta(days=120)
    write_set.resources += [
        NewVersion(ResourceKey(type, tree["id"]), 1, requester, at, encode(tree), tree, (id,))
        for type, tree in trees.items()
    ]
    write_set.handoffs.append(
        Handoff(
            id=id,
            status=status,
            requester=requester,
            owner=owner,
            pathway="referral",
            patient=f"Patient/{patient['id']}",
            focus=f"ServiceRequest/{request['id']}",
            authored_on=at,
            updated_at=at,
            responsible=responsible(status, requester, owner),
            next_action=NextAction("accept", owner, due) if is_open else None,
            acceptance_deadline=due,
        )
    )
    write_set.events.append(LedgerEvent(id, "handoff:requested", requester, at, at, status_to="requested"))
    if is_open:
        write_set.deadlines.append(Deadline(id, "acceptance", due))


def _kept(bundle: Tree, at: datetime) -> Iterator[tuple[str, Tree]]:
    """The three resources as they are kept: with id and meta, and references to each other only."""
    entries = {e["resource"]["resourceType"]: e for e in bundle["entry"] if e["resource"]["resourceType"] in _KEPT}
    ids = {type: str(uuid4()) for type in _KEPT}
    addresses = {entries[type]["fullUrl"]: f"{type}/{ids[type]}" for type in _KEPT}
    for type in _KEPT:
        tree = entries[type]["resource"]
        tree["id"] = ids[type]
        tree["meta"] = {**tree.get("meta", {}), "versionId": "1", "lastUpdated": format_time(at)}
        for element in links_in(tree).references:
            element["reference"] = addresses.get(element["reference"], element["reference"])
        if type == "ServiceRequest":
            for name in ("encounter", "supportingInfo", "requester", "performer"):
                del tree[name]
        yield type, tree
