"""A change to what exists: look, lock, verify, write, and let the readers follow, in one short transaction.

Locks are always taken in the same order, handoffs by id, then resources by key; so two changes wait for each other or
one of them fails at once, and what somebody may read never lags behind who holds the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from adapter.storage.connections import Driver
from adapter.storage.disclosures import settle
from adapter.storage.pg_arrays import bigint_literal, text_literal
from adapter.storage.search_keys import handoff_key
from adapter.storage.write_set_sql import Written, statement_for
from adapter.use_cases.ports import EVERYONE, NewVersion, ResourceKey, WriteConflict, WriteSet

LOOK = """SELECT type, id, r.version, r.handoffs FROM resource_version r
 JOIN json_to_recordset($1::json) AS k (type text, id text) USING (type, id) WHERE r.is_current ORDER BY type, id"""

READERS = "SELECT id, readers, disclosure IS NOT NULL FROM handoff WHERE id = ANY($1::text[]) ORDER BY id"

SIBLINGS = """SELECT DISTINCT unnest(handoffs) FROM resource_version
 WHERE search_keys && $1::bigint[] AND handoffs && $2::text[]"""

# What was current keeps only the keys of its handoffs: it is found as part of those, and by nothing else.
RETIRE = """UPDATE resource_version r SET is_current = false, search_keys = k.search_keys,
  date_params = NULL, date_lows = NULL, date_highs = NULL, texts = NULL, owner_worklist = NULL,
  requester_worklist = NULL
 FROM json_to_recordset($1::json) AS k (type text, id text, version int, search_keys bigint[])
 WHERE r.type = k.type AND r.id = k.id AND r.version = k.version AND r.is_current"""

JOIN = """UPDATE resource_version r SET handoffs = r.handoffs || k.handoff, search_keys = r.search_keys || k.search_key
 FROM json_to_recordset($1::json) AS k (type text, id text, handoff text, search_key bigint)
 WHERE r.type = k.type AND r.id = k.id AND NOT r.handoffs @> ARRAY[k.handoff]"""

FIRE = """UPDATE deadline d SET fired_at = coalesce($2::timestamptz, now())
 FROM json_to_recordset($1::json) AS k (handoff text, step text)
 WHERE d.handoff = k.handoff AND d.step = k.step AND d.fired_at IS NULL AND d.cancelled_at IS NULL"""

CANCEL = """UPDATE deadline d SET cancelled_at = coalesce($2::timestamptz, now())
 FROM json_to_recordset($1::json) AS k (handoff text, prefix text)
 WHERE d.handoff = k.handoff AND starts_with(d.step, k.prefix) AND d.fired_at IS NULL AND d.cancelled_at IS NULL"""

# What waits for a Subscription that may not be sent to yet, or not any more, waits until its owner has seen to that.
HOLD = """INSERT INTO subscriber_counter (subscriber, events, paused_until)
 SELECT id, 0, now() + interval '100 years' FROM unnest($1::text[]) AS id
 ON CONFLICT (subscriber) DO UPDATE SET paused_until = excluded.paused_until"""
RELEASE = """WITH released AS (
 UPDATE subscriber_counter SET failures = 0, failing_since = NULL, paused_until = NULL
  WHERE subscriber = ANY($1::text[]))
 UPDATE notification SET state = 'pending', attempts = 0, next_attempt = now()
  WHERE subscriber = ANY($1::text[]) AND state IN ('pending', 'parked')"""

RECOMPUTE = f"""UPDATE resource_version r SET readers = ARRAY(
 SELECT r.author UNION SELECT unnest(h.readers) FROM handoff h WHERE h.id = ANY(r.handoffs)
 UNION SELECT '{EVERYONE}' WHERE '{EVERYONE}' = ANY(r.readers) ORDER BY 1)
 WHERE r.search_keys && $1::bigint[] AND r.handoffs && $2::text[]"""


class Current(NamedTuple):
    version: int
    handoffs: tuple[str, ...]


class Held(NamedTuple):
    readers: frozenset[str]
    restricted: bool = False


def is_all_new(write_set: WriteSet) -> bool:
    """Whether nothing that exists is touched: every version is a first one, and every handoff comes with its Task."""
    if write_set.joined or write_set.fired_deadlines or write_set.cancelled_deadlines or write_set.disclosures:
        return False
    handoffs = {handoff.id for handoff in write_set.handoffs}
    for version in write_set.resources:
        if version.version != 1 or version.restrictions or not handoffs.issuperset(version.handoffs):
            return False
    return handoffs <= {version.key.id for version in write_set.resources if version.key.type == "Task"}


def commit_change(driver: Driver, write_set: WriteSet) -> None:
    """Runs within a transaction of its caller. Raises WriteConflict when what was decided on is no longer so."""
    changing = _keys_that_must_exist(write_set)
    before = _look(driver, changing)
    named = _handoffs_of(write_set, before)
    readers = _readers(driver, named)
    following = {h.id for h in write_set.handoffs if h.id in readers and readers[h.id].readers != h.readers}
    following.update(handoff for _, handoff in write_set.joined)
    following.update(change.handoff for change in write_set.disclosures if change.handoff in readers)
    # A resource may belong to other handoffs too. Those are locked as well, else two handoffs of one resource that
    # change at the same moment would each recompute with the other's old readers.
    locked = named | _siblings(driver, following)
    held = _readers(driver, locked, lock=True)
    if {id: held[id] for id in named if id in held} != readers or _look(driver, changing, lock=True) != before:
        raise WriteConflict("something changed while it was being locked")
    if any(key not in before or before[key].version != version for key, version in write_set.relied_on):
        raise WriteConflict("what was decided on, and is not written, was changed")
    if not _revised(write_set, before, held) <= {change.handoff for change in write_set.disclosures}:
        raise WriteConflict("a handoff became restricted while a Consent of it was being revised")
    if not locked.issuperset(_siblings(driver, following)):
        raise WriteConflict("a resource became part of another handoff while its handoffs were being locked")

    _retire(driver, write_set.resources, before)
    _join(driver, write_set)
    _fire_and_cancel(driver, write_set)
    readers |= {handoff.id: Held(handoff.readers) for handoff in write_set.handoffs}
    statement = statement_for(write_set, [_written(v, before, readers, write_set) for v in write_set.resources])
    if statement is not None:
        driver.run(statement[0], *statement[1])
    if following:
        driver.run(RECOMPUTE, *_affected(following))
    settle(driver, write_set, {id for id, handoff in held.items() if handoff.restricted})
    _hold_or_release(driver, write_set)


def _hold_or_release(driver: Driver, write_set: WriteSet) -> None:
    """What waits for a Subscription that is off is released too: to be found withheld, and to wait no longer."""
    held = [each.id for each in write_set.subscriptions if each.status in ("requested", "error")]
    released = [each.id for each in write_set.subscriptions if each.status in ("active", "off")]
    if held:
        driver.run(HOLD, text_literal(held))
    if released:
        driver.run(RELEASE, text_literal(released))


def _keys_that_must_exist(write_set: WriteSet) -> list[ResourceKey]:
    created = {version.key for version in write_set.resources if version.version == 1}
    replaced = {version.key for version in write_set.resources if version.version > 1}
    beside = {key for key, _ in [*write_set.joined, *write_set.relied_on]}
    return sorted((replaced | beside) - created)


def _look(driver: Driver, keys: Sequence[ResourceKey], lock: bool = False) -> dict[ResourceKey, Current]:
    if not keys:
        return {}
    rows = driver.rows(LOOK + (" FOR UPDATE OF r" if lock else ""), _json(key._asdict() for key in keys))
    return {ResourceKey(type, id): Current(version, tuple(handoffs)) for type, id, version, handoffs in rows}


def _json(records: Iterable[Mapping[str, object]]) -> str:
    return orjson.dumps(list(records)).decode()


def _handoffs_of(write_set: WriteSet, before: Mapping[ResourceKey, Current]) -> set[str]:
    named = {handoff.id for handoff in write_set.handoffs}
    named.update(handoff for _, handoff in write_set.joined)
    named.update(change.handoff for change in write_set.disclosures)
    named.update(handoff for version in write_set.resources for handoff in version.handoffs)
    named.update(handoff for current in before.values() for handoff in current.handoffs)
    return named


def _revised(write_set: WriteSet, before: Mapping[ResourceKey, Current], held: Mapping[str, Held]) -> frozenset[str]:
    """Restricted handoffs with a Consent that this change replaces: each must have been looked at."""
    of_these = {handoff for key in write_set.opening if key in before for handoff in before[key].handoffs}
    return frozenset(handoff for handoff in of_these if handoff in held and held[handoff].restricted)


def _readers(driver: Driver, handoffs: Iterable[str], lock: bool = False) -> dict[str, Held]:
    """Readers by handoff, of those that exist; with `lock`, nobody changes them until this transaction ends."""
    ids = sorted(handoffs)
    rows = driver.rows(READERS + (" FOR UPDATE" if lock else ""), text_literal(ids)) if ids else ()
    return {id: Held(frozenset(readers), restricted) for id, readers, restricted in rows}


def _siblings(driver: Driver, handoffs: Iterable[str]) -> set[str]:
    """Every handoff that some resource of these handoffs belongs to."""
    ids = sorted(handoffs)
    return {id for (id,) in driver.rows(SIBLINGS, *_affected(ids))} if ids else set()


def _affected(handoffs: Iterable[str]) -> tuple[str, str]:
    ids = sorted(handoffs)
    return bigint_literal([handoff_key(id) for id in ids]), text_literal(ids)


def _retire(driver: Driver, versions: Sequence[NewVersion], before: Mapping[ResourceKey, Current]) -> None:
    replacing = [version for version in versions if version.version > 1]
    for version in replacing:
        current = before.get(version.key)
        if current is None or current.version != version.version - 1:
            raise WriteConflict(f"expected {version.key.type} to be at version {version.version - 1}")
    if replacing:
        records = (
            {
                **version.key._asdict(),
                "version": version.version - 1,
                "search_keys": [handoff_key(handoff) for handoff in before[version.key].handoffs],
            }
            for version in replacing
        )
        driver.run(RETIRE, _json(records))


def _join(driver: Driver, write_set: WriteSet) -> None:
    joined = sorted(set(write_set.joined))
    if joined:
        records = ({**key._asdict(), "handoff": handoff, "search_key": handoff_key(handoff)} for key, handoff in joined)
        driver.run(JOIN, _json(records))


def _fire_and_cancel(driver: Driver, write_set: WriteSet) -> None:
    """In this order: a prefix does not mean what the same change fires, nor what it sets (the insert comes last)."""
    at = write_set.events[-1].recorded_time if write_set.events else None
    fired = [{"handoff": handoff, "step": step} for handoff, step in write_set.fired_deadlines]
    if fired and driver.run(FIRE, _json(fired), at) != len(fired):
        raise WriteConflict("a deadline that was to fire is not open")
    if write_set.cancelled_deadlines:
        cancelled = [{"handoff": handoff, "prefix": prefix} for handoff, prefix in write_set.cancelled_deadlines]
        driver.run(CANCEL, _json(cancelled), at)


def _written(
    version: NewVersion,
    before: Mapping[ResourceKey, Current],
    readers: Mapping[str, Held],
    write_set: WriteSet,
) -> Written:
    """A new version stays part of every handoff that the version before it was part of."""
    handoffs = dict.fromkeys(version.handoffs)
    if version.key in before:
        handoffs |= dict.fromkeys(before[version.key].handoffs)
    handoffs |= dict.fromkeys(handoff for key, handoff in write_set.joined if key == version.key)
    may_read = {version.author}.union(*[readers[handoff].readers for handoff in handoffs if handoff in readers])
    if version.public:
        may_read.add(EVERYONE)
    return Written(version, list(handoffs), sorted(may_read))
