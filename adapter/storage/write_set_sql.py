"""A write set as one SQL statement: one round trip, one snapshot, all or nothing.

Every kind of row travels as one JSON array of records (bodies beside it, as they are) and is put in by a WITH part of
its own; the statement is made of the parts that this write set has. Equal shapes give equal text, so that PostgreSQL
plans each once. JSON, because encoding it costs a tenth of converting a list for each column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson

from adapter.domain.handoff import Handoff
from adapter.storage import audit_trail
from adapter.storage.pg_arrays import ByteaArray
from adapter.storage.search_index import index_of
from adapter.storage.search_keys import handoff_key
from adapter.use_cases.ports import NewVersion, WriteSet

DELIVERY_TASK = "drain_lane"
DELIVERY_QUEUE = "delivery"

# In this order, but for what PostgreSQL runs first: the key that settles a race, before ten rows have been written.
PARTS: Mapping[str, str] = {
    "resources": """INSERT INTO resource_version
 (type, id, version, last_updated, is_current, deleted, author, handoffs, readers, search_keys,
  date_params, date_lows, date_highs, texts, owner_worklist, requester_worklist, body)
 SELECT type, id, version, last_updated, true, deleted, author, handoffs, readers, search_keys,
  date_params, date_lows, date_highs, texts, owner_worklist, requester_worklist, (%(bodies)s::bytea[])[n]
 FROM json_to_recordset(%(resources)s::json) AS new (n int, type text, id text, version int, last_updated timestamptz,
  deleted boolean, author text, handoffs text[], readers text[], search_keys bigint[], date_params int[],
  date_lows timestamptz[], date_highs timestamptz[], texts text[], owner_worklist bigint, requester_worklist bigint)""",
    "handoffs": """INSERT INTO handoff SELECT * FROM json_populate_recordset(NULL::handoff, %(handoffs)s::json)
 ON CONFLICT (id) DO UPDATE SET
 (status, requester, owner, pathway, patient, focus, authored_on, updated_at, responsible,
  next_action_code, next_action_who, next_action_by, business_status, risk_tier, acceptance_deadline, part_of,
  flagged_for_review, escalated_to, correlation, readers) = (excluded.status, excluded.requester, excluded.owner,
  excluded.pathway, excluded.patient, excluded.focus, excluded.authored_on, excluded.updated_at, excluded.responsible,
  excluded.next_action_code, excluded.next_action_who, excluded.next_action_by, excluded.business_status,
  excluded.risk_tier, excluded.acceptance_deadline, excluded.part_of, excluded.flagged_for_review,
  excluded.escalated_to, excluded.correlation, excluded.readers)""",
    "events": """INSERT INTO ledger_event
 (handoff, kind, actor, event_time, recorded_time, status_from, status_to, detail)
 SELECT handoff, kind, actor, event_time, recorded_time, status_from, status_to, detail
 FROM json_populate_recordset(NULL::ledger_event, %(events)s::json)""",
    # A step that fired stays fired; one that was cancelled, or is only moved, is open again.
    "deadlines": """INSERT INTO deadline (handoff, step, due)
 SELECT handoff, step, due FROM json_populate_recordset(NULL::deadline, %(deadlines)s::json)
 ON CONFLICT (handoff, step) DO UPDATE SET due = excluded.due, cancelled_at = NULL WHERE deadline.fired_at IS NULL""",
    "notifications": """INSERT INTO notification (lane, subscriber, handoff, event, focus_type, focus_id, payload)
 SELECT lane, subscriber, handoff, event, focus_type, focus_id, (%(payloads)s::bytea[])[id]
 FROM json_populate_recordset(NULL::notification, %(notifications)s::json)""",
    # No queueing_lock: a job that is about to end may have missed this commit's notifications, so each gets its own.
    "jobs": f"""INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
 SELECT '{DELIVERY_QUEUE}', '{DELIVERY_TASK}', lane, jsonb_build_object('lane', lane)
 FROM json_array_elements_text(%(lanes)s::json) AS lane""",
    # Events count from the transaction that makes it active. What failed is forgotten, as lanes forget it (changes.py).
    "subscriptions": """INSERT INTO subscription AS s (id, owner, status, heartbeat, ends, due, since)
 SELECT id, owner, status, heartbeat, ends,
  CASE status WHEN 'requested' THEN now() WHEN 'active' THEN now() + heartbeat * interval '1 second' END,
  CASE status WHEN 'active' THEN handoff_transaction() END
 FROM json_populate_recordset(NULL::subscription, %(subscriptions)s::json)
 ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, status = excluded.status, heartbeat = excluded.heartbeat,
  ends = excluded.ends, due = excluded.due, failures = 0,
  since = CASE excluded.status WHEN 'off' THEN NULL ELSE coalesce(s.since, excluded.since) END""",
    "audit": audit_trail.INSERT,
    "conditional_creates": """INSERT INTO conditional_create
 SELECT * FROM json_populate_recordset(NULL::conditional_create, %(conditional_creates)s::json)""",
    "requests": """INSERT INTO request_record (tenant, key, body_hash, status, headers, body)
 SELECT tenant, key, decode(hash, 'hex'), status, headers, (%(answers)s::bytea[])[n]
 FROM json_to_recordset(%(requests)s::json)
  AS new (n int, tenant text, key text, hash text, status smallint, headers jsonb)""",
}


class Statement(NamedTuple):
    """SQL with `$1`, `$2`, … and the names of what belongs there."""

    sql: bytes
    names: tuple[str, ...]


_PLACE = re.compile(r"%\((\w+)\)s")


@cache
def statement_of(parts: tuple[str, ...]) -> Statement:
    """The statement with these parts, in the server's own placeholders: the driver has nothing to parse."""
    *first, last = parts
    sql = f"WITH {', '.join(f'{part} AS ({PARTS[part]})' for part in first)} {PARTS[last]}" if first else PARTS[last]
    names = list(dict.fromkeys(_PLACE.findall(sql)))
    return Statement(_PLACE.sub(lambda place: f"${names.index(place[1]) + 1}", sql).encode(), tuple(names))


class Written(NamedTuple):
    """A new version with what decides who may read it, computed before and put in with it."""

    version: NewVersion
    handoffs: Sequence[str]
    readers: Sequence[str]


def statement_for(write_set: WriteSet, versions: Sequence[Written]) -> tuple[bytes, list[Any]] | None:
    """The statement and its parameters; None when there is nothing to insert."""
    values: dict[str, Any] = {}
    parts: list[str] = []

    def part(name: str, records: Iterable[Mapping[str, Any]], **beside: Any) -> None:
        parts.append(name)
        values[name] = _json(records)
        values.update(beside)

    if versions:
        bodies = ByteaArray([each.version.body for each in versions])
        part("resources", [_resource(n, each) for n, each in enumerate(versions, 1)], bodies=bodies)
    if write_set.handoffs:
        part("handoffs", [_handoff(handoff) for handoff in write_set.handoffs])
    if write_set.events:
        fields = ("handoff", "kind", "actor", "event_time", "recorded_time", "status_from", "status_to", "detail")
        part("events", [{name: getattr(event, name) for name in fields} for event in write_set.events])
    if write_set.deadlines:
        part("deadlines", [{"handoff": d.handoff, "step": d.step, "due": d.due} for d in write_set.deadlines])
    if notifications := write_set.notifications:
        lanes = [lane_of(each.subscriber, each.handoff) for each in notifications]
        part(
            "notifications",
            [
                {
                    "id": n,  # of its payload; the table gives its own
                    "lane": lane,
                    "subscriber": each.subscriber,
                    "handoff": each.handoff,
                    "event": each.event,
                    "focus_type": each.focus.type,
                    "focus_id": each.focus.id,
                }
                for n, (lane, each) in enumerate(zip(lanes, notifications, strict=True), 1)
            ],
            payloads=ByteaArray([each.payload for each in notifications]),
        )
        parts.append("jobs")
        values["lanes"] = _json(dict.fromkeys(lanes))
    if write_set.subscriptions:
        asked = ("id", "owner", "status", "heartbeat", "ends")
        part("subscriptions", [{name: getattr(each, name) for name in asked} for each in write_set.subscriptions])
    if audited := audit_trail.written(write_set):
        parts.append("audit")
        values.update(audited)
    if write_set.conditional_creates:
        part(
            "conditional_creates",
            [
                {"tenant": write_set.tenant, "type": type, "criteria": criteria, "id": key.id}
                for type, criteria, key in write_set.conditional_creates
            ],
        )
    if write_set.requests:
        part(
            "requests",
            [
                {
                    "n": n,
                    "tenant": request.tenant,
                    "key": request.key,
                    "hash": request.body_hash.hex(),
                    "status": request.answer.status,
                    "headers": dict(request.answer.headers),
                }
                for n, request in enumerate(write_set.requests, 1)
            ],
            answers=ByteaArray([request.answer.body for request in write_set.requests]),
        )
    if not parts:
        return None
    sql, names = statement_of(tuple(parts))
    return sql, [values[name] for name in names]


def disclosure(values: Mapping[str, Any]) -> tuple[bytes, list[Any]]:
    """The statement that writes one row of the audit trail, and its parameters."""
    sql, names = statement_of(("audit",))
    return sql, [values[name] for name in names]


def lane_of(subscriber: str, handoff: str) -> str:
    """Notifications of one lane are delivered one after the other; lanes do not wait for each other."""
    return f"{subscriber}:{handoff}"


def _json(records: Iterable[Any]) -> str:
    return orjson.dumps(list(records)).decode()


def _resource(n: int, written: Written) -> dict[str, Any]:
    version, handoffs, readers = written
    record = {
        "n": n,
        "type": version.key.type,
        "id": version.key.id,
        "version": version.version,
        "last_updated": version.last_updated,
        "deleted": version.tree is None,
        "author": version.author,
        "handoffs": handoffs,
        "readers": readers,
    }
    keys = {handoff_key(handoff) for handoff in handoffs}
    if version.tree is not None:
        found = index_of(version.key.type).values_of(version.tree)
        keys |= found.keys
        if found.dates:
            record["date_params"], record["date_lows"], record["date_highs"] = zip(*found.dates, strict=True)
        if found.texts:
            record["texts"] = list(found.texts)
        if found.owner_worklist is not None:
            record["owner_worklist"] = found.owner_worklist
        if found.requester_worklist is not None:
            record["requester_worklist"] = found.requester_worklist
    record["search_keys"] = list(keys)
    return record


def _handoff(handoff: Handoff) -> dict[str, Any]:
    action = handoff.next_action
    return {
        "id": handoff.id,
        "status": handoff.status,
        "requester": handoff.requester,
        "owner": handoff.owner,
        "pathway": handoff.pathway,
        "patient": handoff.patient,
        "focus": handoff.focus,
        "authored_on": handoff.authored_on,
        "updated_at": handoff.updated_at,
        "responsible": handoff.responsible,
        "next_action_code": action.code if action else None,
        "next_action_who": action.who if action else None,
        "next_action_by": action.by if action else None,
        "business_status": handoff.business_status,
        "risk_tier": handoff.risk_tier,
        "acceptance_deadline": handoff.acceptance_deadline,
        "part_of": handoff.part_of,
        "flagged_for_review": handoff.flagged_for_review,
        "escalated_to": handoff.escalated_to,
        "correlation": handoff.correlation,
        "readers": sorted(handoff.readers),
    }
