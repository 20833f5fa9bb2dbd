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

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import Row

from adapter.domain.handoff import LedgerEvent
from adapter.storage.failures import unavailable_when_down
from adapter.storage.tables import ledger_event
from adapter.use_cases.delivery_ports import Listed, Pending, Turn
from adapter.use_cases.ports import ResourceKey

QUEUE: Final = "delivery"
DRAIN_TASK: Final = "drain_lane"

_HEAD = text("""
    SELECT id, lane, subscriber, handoff, event, focus_type, focus_id, payload, created_at, event_number, attempts,
           state = 'pending' AND (attempts = 0 OR next_attempt <= now()) AS due
      FROM notification
     WHERE lane = :lane AND state IN ('pending', 'parked')
     ORDER BY id
     LIMIT 1
""")

# One statement: the counter's row is locked for no longer than it takes to count.
_BEGIN = text("""
    WITH turn AS (
        INSERT INTO subscriber_counter AS c (subscriber, events) VALUES (:subscriber, :fresh)
        ON CONFLICT (subscriber) DO UPDATE
           SET events = c.events + :fresh,
               paused_until = CASE WHEN c.paused_until IS NULL THEN NULL ELSE now() + :lease END
         WHERE c.paused_until IS NULL OR c.paused_until <= now()
        RETURNING events, failures
    ), numbered AS (
        UPDATE notification SET event_number = turn.events FROM turn WHERE id = :id AND event_number IS NULL
    )
    SELECT events, failures FROM turn
""")

_SETTLE = text("""
    UPDATE notification
       SET state = :state, delivered_at = now(), receipt = jsonb_build_object('detail', CAST(:receipt AS text)),
           last_error = NULL
     WHERE id = :id AND state IN ('pending', 'parked')
""")
_ANSWERS_AGAIN = text("""
    WITH before AS (SELECT paused_until FROM subscriber_counter WHERE subscriber = :subscriber FOR UPDATE)
    UPDATE subscriber_counter c
       SET failures = 0, failing_since = NULL, paused_until = NULL
      FROM before
     WHERE c.subscriber = :subscriber AND c.failures > 0
    RETURNING before.paused_until IS NOT NULL AS was_paused
""")
_DUE_NOW = text("""
    UPDATE notification SET next_attempt = now()
     WHERE subscriber = :subscriber AND state = 'pending' AND coalesce(next_attempt, created_at) > now()
""")
_TRY_LATER = text("""
    UPDATE notification SET attempts = attempts + :counted, next_attempt = now() + :wait, last_error = :error
     WHERE id = :id AND state = 'pending'
""")
_FAILS = text("""
    UPDATE subscriber_counter
       SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
           paused_until = coalesce(now() + :pause, paused_until)
     WHERE subscriber = :subscriber
""")
_PARK = text("""
    UPDATE notification SET state = 'parked', attempts = attempts + 1, last_error = :error
     WHERE id = :id AND state = 'pending'
""")

_JOBS = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
    SELECT :queue, :task, lane, jsonb_build_object('lane', lane)
"""
_WAKE = text(f"{_JOBS} FROM unnest(CAST(:lanes AS text[])) AS lane")

# Subscriber by subscriber (a skip scan over the index), so that the backlog of one that is paused costs one look-up.
# A fresh notification came with a job: it is looked after here only when that job must have been lost.
_SWEEP = text(f"""
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
               AND (n.next_attempt IS NOT NULL OR n.created_at <= now() - CAST(:grace AS interval))
               AND NOT EXISTS (SELECT 1 FROM notification e
                                WHERE e.lane = n.lane AND e.id < n.id AND e.state IN ('pending', 'parked'))
               AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                                WHERE j.lock = n.lane AND j.status IN ('todo', 'doing'))
             ORDER BY coalesce(n.next_attempt, n.created_at)
             LIMIT CASE WHEN c.paused_until IS NULL THEN CAST(:most AS bigint) ELSE 1 END
         ) AS head
         WHERE w.subscriber IS NOT NULL AND (c.paused_until IS NULL OR c.paused_until <= now())
    )
    {_JOBS} FROM due
""")

# A job is `doing` for good when its worker died, or when the database was away just as the job was to be ended.
_RESCUE = text("""
    SELECT procrastinate_retry_job_v2(j.id, now(), NULL, NULL, NULL)
      FROM procrastinate_jobs j
      LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
     WHERE j.status = 'doing' AND j.queue_name = :queue
       AND (w.id IS NULL OR w.last_heartbeat < now() - CAST(:silent AS interval)
            OR (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started')
               < now() - CAST(:longest AS interval))
""")

_LIST = """
    SELECT n.lane, n.subscriber, n.handoff, count(*) AS waiting, min(n.created_at) AS oldest,
           CASE WHEN bool_or(n.state = 'parked') THEN 'parked' WHEN min(c.paused_until) > now() THEN 'paused'
                ELSE 'pending' END AS state,
           (array_agg(n.attempts ORDER BY n.id))[1] AS attempts,
           (array_agg(greatest(n.next_attempt, c.paused_until) ORDER BY n.id))[1] AS next_attempt,
           (array_agg(n.last_error ORDER BY n.id))[1] AS last_error
      FROM notification n
      LEFT JOIN subscriber_counter c ON c.subscriber = n.subscriber
     WHERE n.state IN ('pending', 'parked') {only}
     GROUP BY n.lane, n.subscriber, n.handoff
     ORDER BY oldest
     LIMIT :limit
"""
_RETRY = """
    WITH woken AS (
        UPDATE notification SET state = 'pending', attempts = 0, next_attempt = now()
         WHERE state IN ('pending', 'parked') {only}
        RETURNING lane, subscriber
    ), unpaused AS (
        UPDATE subscriber_counter SET failures = 0, failing_since = NULL, paused_until = NULL
         WHERE subscriber IN (SELECT subscriber FROM woken)
    )
    SELECT DISTINCT lane FROM woken
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, for metrics: notifications by state, and the creation time of the oldest pending one."""

    pending: int
    parked: int
    oldest_pending: datetime | None


class LaneStore:
    """All of it in PostgreSQL; `engine` is `PostgresStore.engine`. Each method is one transaction of its own and raises
    domain.errors.Unavailable when the database is down."""

    def __init__(self, engine: Engine):
        self._engine = engine

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with unavailable_when_down(), self._engine.begin() as connection:
            yield connection

    def head(self, lane: str) -> Pending | None:
        with self._transaction() as connection:
            row = connection.execute(_HEAD, {"lane": lane}).one_or_none()
        return _pending(row) if row else None

    def begin(self, head: Pending, lease: timedelta) -> Turn | None:
        values = {"subscriber": head.subscriber, "id": head.id, "lease": lease, "fresh": int(head.event_number is None)}
        with self._transaction() as connection:
            row = connection.execute(_BEGIN, values).one_or_none()
        return Turn(head.event_number or row.events, row.failures) if row else None

    def settled(self, head: Pending, state: str, receipt: str, event: LedgerEvent) -> bool:
        with self._transaction() as connection:
            done = connection.execute(_SETTLE, {"id": head.id, "state": state, "receipt": receipt}).rowcount == 1
            if done:
                _append(connection, event)
                if state == "delivered":
                    _answers_again(connection, head.subscriber)
        return done

    def unreachable(self, head: Pending, error: str, wait: timedelta, pause: timedelta | None) -> None:
        with self._transaction() as connection:
            connection.execute(_TRY_LATER, {"id": head.id, "counted": 1, "wait": wait, "error": error})
            connection.execute(_FAILS, {"subscriber": head.subscriber, "pause": pause})

    def refused(self, head: Pending, error: str, wait: timedelta) -> None:
        with self._transaction() as connection:
            connection.execute(_TRY_LATER, {"id": head.id, "counted": 1, "wait": wait, "error": error})
            _answers_again(connection, head.subscriber)

    def postpone(self, head: Pending, wait: timedelta) -> None:
        with self._transaction() as connection:
            connection.execute(_TRY_LATER, {"id": head.id, "counted": 0, "wait": wait, "error": None})

    def parked(self, head: Pending, error: str, event: LedgerEvent) -> None:
        with self._transaction() as connection:
            if connection.execute(_PARK, {"id": head.id, "error": error}).rowcount == 1:
                _append(connection, event)

    def wake(self, lanes: Sequence[str]) -> None:
        with self._transaction() as connection:
            connection.execute(_WAKE, {"lanes": list(lanes), "queue": QUEUE, "task": DRAIN_TASK})

    def sweep(self, grace: timedelta, most: int = 50) -> int:
        """Queue a job for each lane that is due and has none, at most `most` a subscriber; the number of jobs.

        Safe to run anywhere at any time: two jobs for a lane wait for each other, and the second finds nothing."""
        with self._transaction() as connection:
            values = {"queue": QUEUE, "task": DRAIN_TASK, "grace": grace, "most": most}
            return connection.execute(_SWEEP, values).rowcount

    def rescue(self, silent: timedelta, longest: timedelta) -> int:
        """Queue again the jobs of workers that gave no sign for `silent`, and those that last longer than `longest`,
        which none does by itself; how many."""
        with self._transaction() as connection:
            return len(connection.execute(_RESCUE, {"queue": QUEUE, "silent": silent, "longest": longest}).all())

    def listing(
        self, *, subscriber: str | None = None, handoff: str | None = None, limit: int = 200
    ) -> Sequence[Listed]:
        """Lanes with unsettled notifications, the oldest first; `state` is `parked`, `paused` or `pending`."""
        only, values = _only("n.", subscriber=subscriber, handoff=handoff)
        with self._transaction() as connection:
            rows = connection.execute(text(_LIST.format(only=only)), {**values, "limit": limit}).all()
        return [Listed(**row._mapping) for row in rows]

    def retry(self, *, lane: str | None = None, subscriber: str | None = None) -> Sequence[str]:
        """Try again now, parked or not, with a fresh count of attempts; the lanes. One of the two must be given."""
        if lane is None and subscriber is None:
            raise ValueError("expected a lane or a subscriber to retry")
        only, values = _only("", lane=lane, subscriber=subscriber)
        with self._transaction() as connection:
            lanes = [row.lane for row in connection.execute(text(_RETRY.format(only=only)), values)]
            connection.execute(_WAKE, {"lanes": lanes, "queue": QUEUE, "task": DRAIN_TASK})
        return lanes

    def backlog(self) -> Backlog:
        with self._transaction() as connection:
            row = connection.execute(
                text("""
                    SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
                           count(*) FILTER (WHERE state = 'parked') AS parked,
                           min(created_at) FILTER (WHERE state = 'pending') AS oldest_pending
                      FROM notification WHERE state IN ('pending', 'parked')
                """)
            ).one()
        return Backlog(row.pending, row.parked, row.oldest_pending)

    def last_event(self, subscriber: str) -> int:
        """The number of the last event that was sent or is being sent; 0 before the first."""
        with self._transaction() as connection:
            statement = text("SELECT events FROM subscriber_counter WHERE subscriber = :subscriber")
            return connection.execute(statement, {"subscriber": subscriber}).scalar_one_or_none() or 0

    def past_events(self, subscriber: str, first: int, last: int) -> Sequence[Pending]:
        """Events `first` to `last` (both included) by number, for `Subscription/$events`."""
        statement = text("""
            SELECT id, lane, subscriber, handoff, event, focus_type, focus_id, payload, created_at, event_number,
                   attempts, false AS due
              FROM notification WHERE subscriber = :subscriber AND event_number BETWEEN :first AND :last
             ORDER BY event_number
        """)
        with self._transaction() as connection:
            rows = connection.execute(statement, {"subscriber": subscriber, "first": first, "last": last}).all()
        return [_pending(row) for row in rows]


def _pending(row: Row[Any]) -> Pending:
    return Pending(
        id=row.id,
        lane=row.lane,
        subscriber=row.subscriber,
        handoff=row.handoff,
        event=row.event,
        focus=ResourceKey(row.focus_type, row.focus_id),
        payload=bytes(row.payload) if row.payload is not None else None,
        created_at=row.created_at,
        event_number=row.event_number,
        attempts=row.attempts,
        due=row.due,
    )


def _append(connection: Connection, event: LedgerEvent) -> None:
    connection.execute(
        ledger_event.insert(),
        {
            "handoff": event.handoff,
            "kind": event.kind,
            "actor": event.actor,
            "event_time": event.event_time,
            "recorded_time": event.recorded_time,
            "status_from": event.status_from,
            "status_to": event.status_to,
            "detail": event.detail,
        },
    )


def _answers_again(connection: Connection, subscriber: str) -> None:
    """The row of failures in a row ends; after a pause all that waits is due at once, whatever it was waiting for."""
    was_paused = connection.execute(_ANSWERS_AGAIN, {"subscriber": subscriber}).scalar_one_or_none()
    if was_paused:
        connection.execute(_DUE_NOW, {"subscriber": subscriber})


def _only(table: str, **wanted: str | None) -> tuple[str, dict[str, str]]:
    values = {name: value for name, value in wanted.items() if value is not None}
    return "".join(f" AND {table}{name} = :{name}" for name in values), values
