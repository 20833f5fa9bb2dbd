"""Notifications in lanes, kept beside the state that they tell about: implements `use_cases.delivery_ports.Lanes`.

A lane that is due has a job in the queue: the commit that wrote the notification put one there, and after a failure the
sweep puts the next. Retries are rows here and not jobs scheduled ahead, because every claim of a job walks past those:
a dead subscriber with 1e5 handoffs would slow down everybody. What waits of a paused subscriber is not even looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Engine

from adapter.domain.handoff import LedgerEvent
from adapter.storage.connections import Driver, Reading, driver_of
from adapter.storage.failures import unavailable_when_down
from adapter.storage.pg_arrays import text_literal
from adapter.use_cases.delivery_ports import CREATED, Listed, Pending, Turn
from adapter.use_cases.ports import ResourceKey

QUEUE: Final = "delivery"
DRAIN_TASK: Final = "drain_lane"

_COLUMNS = """id, lane, subscriber, handoff, event, focus_type, focus_id, payload, created_at, event_number, attempts"""

_HEAD = f"""
    SELECT {_COLUMNS}, state = 'pending' AND (attempts = 0 OR next_attempt <= now())
      FROM notification
     WHERE lane = $1 AND state IN ('pending', 'parked')
     ORDER BY id
     LIMIT 1
"""

# One statement: the counter's row is locked for no longer than it takes to count.
_BEGIN = """
    WITH turn AS (
        INSERT INTO subscriber_counter AS c (subscriber, events) VALUES ($1, $3::bigint)
        ON CONFLICT (subscriber) DO UPDATE
           SET events = c.events + $3::bigint,
               paused_until = CASE WHEN c.paused_until IS NULL THEN NULL ELSE now() + $4::interval END
         WHERE c.paused_until IS NULL OR c.paused_until <= now()
        RETURNING events, failures
    ), numbered AS (
        UPDATE notification SET event_number = turn.events FROM turn WHERE id = $2 AND event_number IS NULL
    )
    SELECT events, failures FROM turn
"""

# What follows a change of `done (subscriber, …)`: its line in the ledger; and, because the subscriber answered, the end
# of its failures in a row. After a pause all that waits for it is due at once, whatever it was waiting for.
_NOTED = """
    noted AS (
        INSERT INTO ledger_event (handoff, kind, actor, event_time, recorded_time, status_from, status_to, detail)
        SELECT $3, $4, $5, $6::timestamptz, $7::timestamptz, $8, $9, $10::jsonb FROM done WHERE $4::text IS NOT NULL
    )
"""
_ANSWERS_AGAIN = """
    failing AS (
        SELECT c.subscriber, c.paused_until FROM subscriber_counter c JOIN done USING (subscriber)
         WHERE c.failures > 0 FOR UPDATE OF c
    ), answers AS (
        UPDATE subscriber_counter c SET failures = 0, failing_since = NULL, paused_until = NULL
          FROM failing WHERE c.subscriber = failing.subscriber
    ), due AS (
        UPDATE notification n SET next_attempt = now()
          FROM failing
         WHERE n.subscriber = failing.subscriber AND failing.paused_until IS NOT NULL
           AND n.state = 'pending' AND coalesce(n.next_attempt, n.created_at) > now() AND n.id <> $1
    )
"""
_DELIVERED = f"""
    WITH done AS (
        UPDATE notification
           SET state = 'delivered', delivered_at = now(), receipt = jsonb_build_object('detail', $2::text),
               last_error = NULL
         WHERE id = $1 AND state IN ('pending', 'parked')
        RETURNING subscriber
    ), {_NOTED}, {_ANSWERS_AGAIN}
    SELECT count(*) FROM done
"""
_WITHHELD = f"""
    WITH done AS (
        UPDATE notification SET state = 'withheld', receipt = jsonb_build_object('detail', $2::text)
         WHERE id = $1 AND state IN ('pending', 'parked')
        RETURNING subscriber
    ), {_NOTED}
    SELECT count(*) FROM done
"""
_PARKED = f"""
    WITH done AS (
        UPDATE notification SET state = 'parked', attempts = attempts + 1, last_error = $2
         WHERE id = $1 AND state = 'pending'
        RETURNING subscriber
    ), {_NOTED}
    SELECT count(*) FROM done
"""
_TRY_LATER = """
    UPDATE notification SET attempts = attempts + 1, next_attempt = now() + $3::interval, last_error = $2
     WHERE id = $1 AND state = 'pending'
    RETURNING subscriber
"""
_REFUSED = f"WITH done AS ({_TRY_LATER}), {_ANSWERS_AGAIN} SELECT count(*) FROM done"
_UNREACHABLE = f"""
    WITH done AS ({_TRY_LATER})
    UPDATE subscriber_counter c
       SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
           paused_until = coalesce(now() + $4::interval, paused_until)
      FROM done WHERE c.subscriber = done.subscriber
"""
_POSTPONED = "UPDATE notification SET next_attempt = now() + $2::interval WHERE id = $1 AND state = 'pending'"

_JOBS = f"""
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
    SELECT '{QUEUE}', '{DRAIN_TASK}', lane, jsonb_build_object('lane', lane)
"""
_WAKE = f"{_JOBS} FROM unnest($1::text[]) AS lane"

# Subscriber by subscriber (a skip scan over the index), so that the backlog of one that is paused costs one look-up.
# A fresh notification came with a job: it is looked after here only when that job must have been lost.
_SWEEP = f"""
    WITH RECURSIVE waiting (subscriber) AS (
        SELECT min(subscriber) FROM notification WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(n.subscriber) FROM notification n WHERE n.state = 'pending' AND n.subscriber > w.subscriber)
          FROM waiting w WHERE w.subscriber IS NOT NULL
    ), due AS (
        SELECT head.lane
          FROM waiting w
          LEFT JOIN subscriber_counter c ON c.subscriber = w.subscriber
         CROSS JOIN LATERAL (
            SELECT n.lane FROM notification n
             WHERE n.subscriber = w.subscriber AND n.state = 'pending'
               AND coalesce(n.next_attempt, n.created_at) <= now()
               AND (n.next_attempt IS NOT NULL OR n.created_at <= now() - $1::interval)
               AND NOT EXISTS (SELECT 1 FROM notification e
                                WHERE e.lane = n.lane AND e.id < n.id AND e.state IN ('pending', 'parked'))
               AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                                WHERE j.lock = n.lane AND j.status IN ('todo', 'doing'))
             ORDER BY coalesce(n.next_attempt, n.created_at)
             LIMIT CASE WHEN c.paused_until IS NULL THEN $2::bigint ELSE 1 END
         ) AS head
         WHERE w.subscriber IS NOT NULL AND (c.paused_until IS NULL OR c.paused_until <= now())
    )
    {_JOBS} FROM due
"""

# A job is `doing` for good when its worker died, or when the database was away just as the job was to be ended.
_RESCUE = f"""
    SELECT procrastinate_retry_job_v2(j.id, now(), NULL, NULL, NULL)
      FROM procrastinate_jobs j
      LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
     WHERE j.status = 'doing' AND j.queue_name = '{QUEUE}'
       AND (w.id IS NULL OR w.last_heartbeat < now() - $1::interval
            OR (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started')
               < now() - $2::interval)
"""

_LIST = f"""
    SELECT n.lane, n.subscriber, n.handoff,
           CASE WHEN bool_or(n.state = 'parked') THEN 'parked' WHEN min(c.paused_until) > now() THEN 'paused'
                ELSE 'pending' END,
           count(*), min(n.created_at) AS oldest,
           (array_agg(n.attempts ORDER BY n.id))[1],
           (array_agg(greatest(n.next_attempt, c.paused_until) ORDER BY n.id))[1],
           (array_agg(n.last_error ORDER BY n.id))[1]
      FROM notification n
      LEFT JOIN subscriber_counter c ON c.subscriber = n.subscriber
     WHERE n.state IN ('pending', 'parked')
       AND ($1::text IS NULL OR n.subscriber = $1) AND ($2::text IS NULL OR n.handoff = $2)
       AND ($4::text IS NULL OR n.subscriber = $4
            OR (NOT starts_with(n.lane, '{CREATED}')
                AND $4 IN (SELECT unnest(ARRAY[h.requester, h.owner]) FROM handoff h WHERE h.id = n.handoff)))
     GROUP BY n.lane, n.subscriber, n.handoff
     ORDER BY oldest
     LIMIT $3
"""
_RETRY = f"""
    WITH woken AS (
        UPDATE notification SET state = 'pending', attempts = 0, next_attempt = now()
         WHERE state IN ('pending', 'parked')
           AND ($1::text IS NULL OR lane = $1) AND ($2::text IS NULL OR subscriber = $2)
        RETURNING lane, subscriber
    ), unpaused AS (
        UPDATE subscriber_counter SET failures = 0, failing_since = NULL, paused_until = NULL
         WHERE subscriber IN (SELECT subscriber FROM woken)
    ), jobs AS (
        {_JOBS} FROM (SELECT DISTINCT lane FROM woken) AS lanes
    )
    SELECT DISTINCT lane FROM woken ORDER BY lane
"""
_BACKLOG = """
    SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'parked'),
           min(created_at) FILTER (WHERE state = 'pending')
      FROM notification WHERE state IN ('pending', 'parked')
"""
_PAST = f"""
    SELECT {_COLUMNS}, false FROM notification
     WHERE subscriber = $1 AND event_number BETWEEN $2 AND $3 ORDER BY event_number
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, for metrics: notifications by state, and the creation time of the oldest pending one."""

    pending: int
    parked: int
    oldest_pending: datetime | None


class LaneStore:
    """All of it in PostgreSQL; `engine` is `PostgresStore.engine`. Each method is one statement, so all or nothing, and
    raises domain.errors.Unavailable when the database is down."""

    def __init__(self, engine: Engine):
        self._engine = engine

    @contextmanager
    def _driver(self) -> Iterator[Driver]:
        with unavailable_when_down(), driver_of(self._engine) as driver:
            yield driver

    def _rows(self, sql: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with self._driver() as driver:
            return driver.rows(sql, *values)

    def _run(self, sql: str, *values: Any) -> int:
        with self._driver() as driver:
            return driver.run(sql, *values)

    def head(self, lane: str) -> Pending | None:
        rows = self._rows(_HEAD, lane)
        return _pending(rows[0]) if rows else None

    def begin(self, head: Pending, lease: timedelta) -> Turn | None:
        fresh = int(head.event_number is None)
        for number, failures in self._rows(_BEGIN, head.subscriber, head.id, fresh, lease):
            return Turn(head.event_number or number, failures)
        return None

    def settled(self, head: Pending, state: str, receipt: str, event: LedgerEvent | None) -> bool:
        sql = _DELIVERED if state == "delivered" else _WITHHELD
        return bool(self._rows(sql, head.id, receipt, *_line(event))[0][0])

    def unreachable(self, head: Pending, error: str, wait: timedelta, pause: timedelta | None) -> None:
        self._run(_UNREACHABLE, head.id, error, wait, pause)

    def refused(self, head: Pending, error: str, wait: timedelta) -> None:
        self._rows(_REFUSED, head.id, error, wait)

    def postpone(self, head: Pending, wait: timedelta) -> None:
        self._run(_POSTPONED, head.id, wait)

    def parked(self, head: Pending, error: str, event: LedgerEvent | None) -> None:
        self._rows(_PARKED, head.id, error, *_line(event))

    def wake(self, lanes: Sequence[str]) -> None:
        self._run(_WAKE, text_literal(lanes))

    def sweep(self, grace: timedelta, most: int = 50) -> int:
        """Queue a job for each lane that is due and has none, at most `most` a subscriber; the number of jobs.

        Safe to run anywhere at any time: two jobs for a lane wait for each other, and the second finds nothing."""
        return self._run(_SWEEP, grace, most)

    def rescue(self, silent: timedelta, longest: timedelta) -> int:
        """Queue again the jobs of workers that gave no sign for `silent`, and those that last longer than `longest`,
        which none does by itself; how many."""
        return len(self._rows(_RESCUE, silent, longest))

    def listing(
        self,
        *,
        subscriber: str | None = None,
        handoff: str | None = None,
        side: str | None = None,
        limit: int = 200,
    ) -> Sequence[Listed]:
        """Lanes with unsettled notifications, the oldest first; `state` is `parked`, `paused` or `pending`.

        `side`: only those to this partner, and those about handoffs of which it is a side (it may have lost the right
        to read them); not those of Subscriptions that were created, which are nobody else's."""
        return [Listed(*row) for row in self._rows(_LIST, subscriber, handoff, limit, side)]

    def retry(self, *, lane: str | None = None, subscriber: str | None = None) -> Sequence[str]:
        """Try again now, parked or not, with a fresh count of attempts; the lanes. One of the two must be given."""
        if lane is None and subscriber is None:
            raise ValueError("expected a lane or a subscriber to retry")
        return [name for (name,) in self._rows(_RETRY, lane, subscriber)]

    def backlog(self) -> Backlog:
        return Backlog(*self._rows(_BACKLOG)[0])


class Told:
    """What a subscriber has been told so far and what waits for it, for `Subscription/$status` and `$events`; `driver`
    is `PostgresStore.reading_as` the organisation that asks."""

    def __init__(self, driver: Reading):
        self._driver = driver

    def _rows(self, sql: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with unavailable_when_down(), self._driver() as driver:
            return driver.rows(sql, *values)

    def last_event(self, subscriber: str) -> int:
        """The number of the last event; 0 before the first. The standing Subscription counts what it began to send, a
        created one all that it is to be told."""
        rows = self._rows("SELECT events FROM subscriber_counter WHERE subscriber = $1", subscriber)
        return int(rows[0][0]) if rows else 0

    def past_events(self, subscriber: str, first: int, last: int) -> Sequence[Pending]:
        """Events `first` to `last` (both included) by number."""
        return [_pending(row) for row in self._rows(_PAST, subscriber, first, last)]

    def waiting(self, subscriber: str, limit: int = 200) -> Sequence[Listed]:
        """Its lanes with unsettled notifications, as `LaneStore.listing`."""
        return [Listed(*row) for row in self._rows(_LIST, subscriber, None, limit, None)]


def _pending(row: tuple[Any, ...]) -> Pending:
    id, lane, subscriber, handoff, event, focus_type, focus_id, payload, created_at, number, attempts, due = row
    focus = ResourceKey(focus_type, focus_id)
    return Pending(id, lane, subscriber, handoff, event, focus, payload, created_at, number, attempts, due)


def _line(event: LedgerEvent | None) -> tuple[Any, ...]:
    if event is None:
        return (None,) * 8
    return (
        event.handoff,
        event.kind,
        event.actor,
        event.event_time,
        event.recorded_time,
        event.status_from,
        event.status_to,
        orjson.dumps(event.detail).decode(),
    )
