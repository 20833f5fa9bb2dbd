"""A write set as one SQL statement: one round trip, one snapshot, all or nothing.

Every kind of row travels as one array per column and is put in by a WITH part of its own; the statement is made of
the parts that this write set has. PostgreSQL keeps the plan, since equal write sets give equal text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson

from adapter.domain.handoff import Handoff, LedgerEvent
from adapter.storage.pg_arrays import (
    BigintArray,
    BooleanArray,
    ByteaArray,
    IntArray,
    TextArray,
    TimeArray,
    number_literal,
    text_literal,
    time_literal,
)
from adapter.storage.search_index import SearchValues, index_of
from adapter.storage.search_keys import handoff_key
from adapter.use_cases.ports import Deadline, NewVersion, Notification, ResourceKey, WriteSet

Parameters = dict[str, Any]

DELIVERY_TASK = "drain_lane"
DELIVERY_QUEUE = "delivery"

PARTS: Mapping[str, str] = {
    "resources": """INSERT INTO resource_version
 (type,id,version,last_updated,is_current,deleted,author,handoffs,readers,search_keys,present,
 date_params,date_lows,date_highs,texts,owner_worklist,requester_worklist,body)
 SELECT t,i,v,u,true,d,a,h::text[],r::text[],k::bigint[],p::int[],
 dp::int[],dl::timestamptz[],dh::timestamptz[],tx::text[],ow,rw,b
 FROM unnest(%(r_type)s,%(r_id)s,%(r_version)s,%(r_updated)s,%(r_deleted)s,%(r_author)s,%(r_handoffs)s,%(r_readers)s,
 %(r_keys)s,%(r_present)s,%(r_date_params)s,%(r_date_lows)s,%(r_date_highs)s,%(r_texts)s,%(r_owner)s,%(r_requester)s,
 %(r_body)s) AS n(t,i,v,u,d,a,h,r,k,p,dp,dl,dh,tx,ow,rw,b)""",
    "handoffs": """INSERT INTO handoff
 (id,status,requester,owner,pathway,patient,focus,authored_on,updated_at,responsible,next_action_code,next_action_who,
 next_action_by,business_status,risk_tier,acceptance_deadline,part_of,flagged_for_review,escalated_to,correlation,readers)
 SELECT i,s,rq,ow,pw,pt,fo,au,up,re,nc,nw,nb,bs,rt,ad,po,fl,es::text[],co::text[],rd::text[]
 FROM unnest(%(h_id)s,%(h_status)s,%(h_requester)s,%(h_owner)s,%(h_pathway)s,%(h_patient)s,%(h_focus)s,%(h_authored)s,
 %(h_updated)s,%(h_responsible)s,%(h_action)s,%(h_who)s,%(h_by)s,%(h_business)s,%(h_tier)s,%(h_deadline)s,%(h_part)s,
 %(h_flagged)s,%(h_escalated)s,%(h_correlation)s,%(h_readers)s)
 AS n(i,s,rq,ow,pw,pt,fo,au,up,re,nc,nw,nb,bs,rt,ad,po,fl,es,co,rd)
 ON CONFLICT (id) DO UPDATE SET status=excluded.status,requester=excluded.requester,owner=excluded.owner,
 pathway=excluded.pathway,patient=excluded.patient,focus=excluded.focus,authored_on=excluded.authored_on,
 updated_at=excluded.updated_at,responsible=excluded.responsible,next_action_code=excluded.next_action_code,
 next_action_who=excluded.next_action_who,next_action_by=excluded.next_action_by,
 business_status=excluded.business_status,risk_tier=excluded.risk_tier,
 acceptance_deadline=excluded.acceptance_deadline,part_of=excluded.part_of,
 flagged_for_review=excluded.flagged_for_review,
 escalated_to=excluded.escalated_to,correlation=excluded.correlation,readers=excluded.readers""",
    "events": """INSERT INTO ledger_event
 (handoff,kind,actor,event_time,recorded_time,status_from,status_to,detail)
 SELECT h,k,a,e,r,sf,st,d::jsonb FROM unnest(%(e_handoff)s,%(e_kind)s,%(e_actor)s,%(e_event)s,%(e_recorded)s,%(e_from)s,
 %(e_to)s,%(e_detail)s) WITH ORDINALITY AS n(h,k,a,e,r,sf,st,d,o) ORDER BY o""",
    # A step that fired stays fired; one that was cancelled, or is only moved, is open again.
    "deadlines": """INSERT INTO deadline (handoff,step,due)
 SELECT * FROM unnest(%(d_handoff)s,%(d_step)s,%(d_due)s)
 ON CONFLICT (handoff,step) DO UPDATE SET due=excluded.due,cancelled_at=NULL WHERE deadline.fired_at IS NULL""",
    "notifications": """INSERT INTO notification (lane,subscriber,handoff,event,focus_type,focus_id,payload)
 SELECT l,s,h,e,ft,fi,p FROM unnest(%(n_lane)s,%(n_subscriber)s,%(n_handoff)s,%(n_event)s,%(n_type)s,%(n_id)s,
 %(n_payload)s) WITH ORDINALITY AS n(l,s,h,e,ft,fi,p,o) ORDER BY o""",
    # No queueing_lock: a job that is about to end may have missed this commit's notifications, so each gets its own.
    "jobs": f"""INSERT INTO procrastinate_jobs (queue_name,task_name,lock,args)
 SELECT '{DELIVERY_QUEUE}','{DELIVERY_TASK}',l,jsonb_build_object('lane',l) FROM unnest(%(j_lane)s) AS n(l)""",
    "requests": """INSERT INTO request_record (tenant,key,body_hash,status,headers,body)
 SELECT t,k,h,s,hd::jsonb,b FROM unnest(%(q_tenant)s,%(q_key)s,%(q_hash)s,%(q_status)s,%(q_headers)s,%(q_body)s)
 AS n(t,k,h,s,hd,b)""",
    "conditional_creates": """INSERT INTO conditional_create (tenant,type,criteria,id)
 SELECT %(c_tenant)s::text,t,c,i FROM unnest(%(c_type)s,%(c_criteria)s,%(c_id)s) AS n(t,c,i)""",
}


class Statement(NamedTuple):
    """SQL with `$1`, `$2`, … and the names of what belongs there."""

    sql: str
    names: tuple[str, ...]


_PLACE = re.compile(r"%\((\w+)\)s")


@cache
def statement_of(parts: tuple[str, ...]) -> Statement:
    """The statement with these parts, in the server's own placeholders: the driver has nothing to parse."""
    *first, last = [PARTS[part] for part in parts]
    sql = (
        "WITH " + ",".join(f"{name} AS ({sql})" for name, sql in zip(parts, first, strict=False)) if first else ""
    ) + last
    names = list(dict.fromkeys(_PLACE.findall(sql)))
    return Statement(_PLACE.sub(lambda place: f"${names.index(place[1]) + 1}", sql), tuple(names))


class Written(NamedTuple):
    """What decides who may read a new version: computed before, put in with it."""

    version: NewVersion
    handoffs: Sequence[str]
    readers: Sequence[str]


def statement_for(write_set: WriteSet, versions: Sequence[Written]) -> tuple[str, list[Any]] | None:
    """The statement and its parameters; None when there is nothing to insert."""
    parameters: Parameters = {}
    parts: list[str] = []

    def part(name: str, rows: Sequence[Any], columns: Callable[[Sequence[Any]], Parameters]) -> None:
        if rows:
            parts.append(name)
            parameters.update(columns(rows))

    # The key that settles a race comes first: a duplicate is to be found out before it has written ten rows.
    part("requests", write_set.requests, _requests)
    part("conditional_creates", write_set.conditional_creates, _conditional_creates)
    part("resources", versions, _resources)
    part("handoffs", write_set.handoffs, _handoffs)
    part("events", write_set.events, _events)
    part("deadlines", write_set.deadlines, _deadlines)
    part("notifications", write_set.notifications, _notifications)
    part("jobs", write_set.notifications, _jobs)
    if "conditional_creates" in parts:
        parameters["c_tenant"] = write_set.tenant
    if not parts:
        return None
    sql, names = statement_of(tuple(parts))
    return sql, [parameters[name] for name in names]


def lane_of(subscriber: str, handoff: str) -> str:
    """Notifications of one lane are delivered one after the other; lanes do not wait for each other."""
    return f"{subscriber}:{handoff}"


def _resources(rows: Sequence[Written]) -> Parameters:
    new = [row.version for row in rows]
    found = [_search_values(version) for version in new]
    dates = [sorted(values.dates) for values in found]
    return {
        "r_type": TextArray.of([v.key.type for v in new]),
        "r_id": TextArray.of([v.key.id for v in new]),
        "r_version": IntArray.of([v.version for v in new]),
        "r_updated": TimeArray.of([v.last_updated for v in new]),
        "r_deleted": BooleanArray.of([v.tree is None for v in new]),
        "r_author": TextArray.of([v.author for v in new]),
        "r_handoffs": TextArray.of([text_literal(row.handoffs) for row in rows]),
        "r_readers": TextArray.of([text_literal(row.readers) for row in rows]),
        "r_keys": TextArray.of(
            [number_literal([*s.keys, *map(handoff_key, row.handoffs)]) for s, row in zip(found, rows, strict=True)]
        ),
        "r_present": TextArray.of([number_literal(s.present) for s in found]),
        "r_date_params": TextArray.of([number_literal([d[0] for d in each]) for each in dates]),
        "r_date_lows": TextArray.of([time_literal([d[1] for d in each]) for each in dates]),
        "r_date_highs": TextArray.of([time_literal([d[2] for d in each]) for each in dates]),
        "r_texts": TextArray.of([text_literal(sorted(s.texts)) for s in found]),
        "r_owner": BigintArray.of([s.owner_worklist for s in found]),
        "r_requester": BigintArray.of([s.requester_worklist for s in found]),
        "r_body": ByteaArray.of([v.body for v in new]),
    }


def _search_values(version: NewVersion) -> SearchValues:
    return SearchValues() if version.tree is None else index_of(version.key.type).values_of(version.tree)


def _handoffs(rows: Sequence[Handoff]) -> Parameters:
    return {
        "h_id": TextArray.of([h.id for h in rows]),
        "h_status": TextArray.of([h.status for h in rows]),
        "h_requester": TextArray.of([h.requester for h in rows]),
        "h_owner": TextArray.of([h.owner for h in rows]),
        "h_pathway": TextArray.of([h.pathway for h in rows]),
        "h_patient": TextArray.of([h.patient for h in rows]),
        "h_focus": TextArray.of([h.focus for h in rows]),
        "h_authored": TimeArray.of([h.authored_on for h in rows]),
        "h_updated": TimeArray.of([h.updated_at for h in rows]),
        "h_responsible": TextArray.of([h.responsible for h in rows]),
        "h_action": TextArray.of([h.next_action.code if h.next_action else None for h in rows]),
        "h_who": TextArray.of([h.next_action.who if h.next_action else None for h in rows]),
        "h_by": TimeArray.of([h.next_action.by if h.next_action else None for h in rows]),
        "h_business": TextArray.of([h.business_status for h in rows]),
        "h_tier": TextArray.of([h.risk_tier for h in rows]),
        "h_deadline": TimeArray.of([h.acceptance_deadline for h in rows]),
        "h_part": TextArray.of([h.part_of for h in rows]),
        "h_flagged": BooleanArray.of([h.flagged_for_review for h in rows]),
        "h_escalated": TextArray.of([text_literal(h.escalated_to) for h in rows]),
        "h_correlation": TextArray.of([text_literal(h.correlation) for h in rows]),
        "h_readers": TextArray.of([text_literal(sorted(h.readers)) for h in rows]),
    }


def _events(rows: Sequence[LedgerEvent]) -> Parameters:
    return {
        "e_handoff": TextArray.of([e.handoff for e in rows]),
        "e_kind": TextArray.of([e.kind for e in rows]),
        "e_actor": TextArray.of([e.actor for e in rows]),
        "e_event": TimeArray.of([e.event_time for e in rows]),
        "e_recorded": TimeArray.of([e.recorded_time for e in rows]),
        "e_from": TextArray.of([e.status_from for e in rows]),
        "e_to": TextArray.of([e.status_to for e in rows]),
        "e_detail": TextArray.of([orjson.dumps(e.detail).decode() for e in rows]),
    }


def _deadlines(rows: Sequence[Deadline]) -> Parameters:
    return {
        "d_handoff": TextArray.of([d.handoff for d in rows]),
        "d_step": TextArray.of([d.step for d in rows]),
        "d_due": TimeArray.of([d.due for d in rows]),
    }


def _notifications(rows: Sequence[Notification]) -> Parameters:
    return {
        "n_lane": TextArray.of([lane_of(n.subscriber, n.handoff) for n in rows]),
        "n_subscriber": TextArray.of([n.subscriber for n in rows]),
        "n_handoff": TextArray.of([n.handoff for n in rows]),
        "n_event": TextArray.of([n.event for n in rows]),
        "n_type": TextArray.of([n.focus.type for n in rows]),
        "n_id": TextArray.of([n.focus.id for n in rows]),
        "n_payload": ByteaArray.of([n.payload for n in rows]),
    }


def _jobs(rows: Sequence[Notification]) -> Parameters:
    return {"j_lane": TextArray.of(list(dict.fromkeys(lane_of(n.subscriber, n.handoff) for n in rows)))}


def _requests(rows: Sequence[Any]) -> Parameters:
    return {
        "q_tenant": TextArray.of([r.tenant for r in rows]),
        "q_key": TextArray.of([r.key for r in rows]),
        "q_hash": ByteaArray.of([r.body_hash for r in rows]),
        "q_status": IntArray.of([r.answer.status for r in rows]),
        "q_headers": TextArray.of([orjson.dumps(dict(r.answer.headers)).decode() for r in rows]),
        "q_body": ByteaArray.of([r.answer.body for r in rows]),
    }


def _conditional_creates(rows: Sequence[tuple[str, str, ResourceKey]]) -> Parameters:
    return {
        "c_type": TextArray.of([type for type, _, _ in rows]),
        "c_criteria": TextArray.of([criteria for _, criteria, _ in rows]),
        "c_id": TextArray.of([key.id for _, _, key in rows]),
    }
