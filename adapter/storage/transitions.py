"""Provenance of every transition, rendered from the ledger and the versions of the Task: nothing is stored twice.

The version that a transition made is the one recorded at the same moment. Who may read that version may read where it
comes from. https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from adapter.domain.handoff import LedgerEvent
from adapter.storage.access import Access
from adapter.storage.connections import Driver
from adapter.storage.sql import Values
from adapter.use_cases.ports import ResourceKey, SearchPage, SearchQuery, StoredResource
from mappings import provenance
from mappings.json_codec import decode, encode

TYPE: Final = "Provenance"
_PLACE = re.compile(r"([A-Za-z0-9\-.]{1,62})\.([1-9][0-9]{0,8})")
_TARGET = re.compile(r"(?:Task/)?([A-Za-z0-9\-.]{1,64})")
_CURSOR = re.compile(r"transition\.([0-9]{1,6})")
_CONTROLS: Final = frozenset({"_total", "_sort", "_summary", "_elements"})

# Who may still read a version may no longer be shown the handoff: then it is not known who acted for which side.
# A dialect may take two steps at once: the last of them is what the version says.
_SELECT = """SELECT DISTINCT ON (e.handoff, r.version) r.version, r.author, r.body, h.requester, h.owner,
  e.handoff, e.kind, e.actor, e.event_time, e.recorded_time, e.status_from, e.status_to
 FROM ledger_event e LEFT JOIN handoff h ON h.id = e.handoff
 JOIN resource_version r ON r.type = 'Task' AND r.id = e.handoff AND r.last_updated = e.recorded_time
 WHERE e.status_to IS NOT NULL AND """


def is_transition(key: ResourceKey) -> bool:
    return key.type == TYPE and "." in key.id


def read(driver: Driver, access: Access, id: str) -> StoredResource | None:
    place = _PLACE.fullmatch(id)
    if place is None:
        return None
    values = Values(place[1], int(place[2]))
    found = _found(driver, f"e.handoff = $1 AND r.version = $2 AND {access.resources(values)}", values)
    return found[0] if found else None


def of_tasks(driver: Driver, access: Access, tasks: Iterable[str]) -> list[StoredResource]:
    """The transitions of these Tasks, by id, as far as they may be read; oldest first."""
    values = Values()
    named = f"e.handoff = ANY({values.texts(sorted(set(tasks)))})"
    return _found(driver, f"{named} AND {access.resources(values)}", values)


def search(
    driver: Driver, access: Access, query: SearchQuery, stored: Callable[[SearchQuery], SearchPage]
) -> SearchPage:
    """A search of Provenance: what partners `stored`, then the transitions of the Tasks that are asked for as target;
    a search of Task with `_revinclude=Provenance:target` includes its transitions."""
    if query.type != TYPE:
        page = stored(query)
        if ("_revinclude", "Provenance:target") not in query.parameters:
            return page
        tasks = [match.key.id for match in page.matches]
        return replace(page, included=[*page.included, *of_tasks(driver, access, tasks)])
    place = _CURSOR.fullmatch(query.cursor or "")
    page = SearchPage((), (), None, None) if place else stored(query)
    tasks = _targets(query)
    if not tasks or page.next_cursor:
        return page
    skipped = int(place[1]) if place else 0
    all_of_them = of_tasks(driver, access, tasks)
    room = max(0, query.count - len(page.matches))
    shown = all_of_them[skipped : skipped + room]
    more = skipped + len(shown) < len(all_of_them) and query.count > 0
    return SearchPage(
        matches=[*page.matches, *shown],
        included=page.included,
        total=page.total + len(all_of_them) if page.total is not None else None,
        next_cursor=f"transition.{skipped + len(shown)}" if more else None,
    )


def _targets(query: SearchQuery) -> list[str]:
    """Ids of the Tasks that are asked for, when that is all that is asked."""
    asked = [(name, value) for name, value in query.parameters if name not in _CONTROLS]
    if len(asked) != 1 or asked[0][0] not in {"target", "target:Task"}:
        return []
    return [found[1] for each in asked[0][1].split(",") if (found := _TARGET.fullmatch(each))]


def _found(driver: Driver, where: str, values: Values) -> list[StoredResource]:
    rows: Sequence[tuple[object, ...]] = driver.rows(
        f"{_SELECT}{where} ORDER BY e.handoff, r.version, e.id DESC", *values.bound
    )
    return [_stored(*row) for row in rows]  # type: ignore[arg-type]


def _stored(
    version: int, author: str, body: bytes, requester: str | None, owner: str | None, *event: object
) -> StoredResource:
    line = LedgerEvent(*event)  # type: ignore[arg-type]
    task = decode(bytes(body)) if body else {}
    sides = {partner: side for partner, side in ((owner, "owner"), (requester, "requester")) if partner is not None}
    tree = provenance.to_fhir(line, version, task, sides)
    # It counts as the Task's: whoever wrote that is told who looked.
    return StoredResource(ResourceKey(TYPE, tree["id"]), 1, author, line.recorded_time, encode(tree))
