"""Subscriptions that partners created, as the worker sees them: implements `use_cases.delivery_ports.Subscriptions`.

What they ask for is read from their resources; what is due of them, and how far the ledger was gone through for them,
is in tables of their own. Their notifications lie in lanes like all others (`lanes.py`), under the Subscription's id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Engine

from adapter.domain.errors import BusinessRule
from adapter.domain.subscription import TOLD, Subscription
from adapter.storage.connections import Driver, driver_of
from adapter.storage.failures import unavailable_when_down
from adapter.storage.lanes import DRAIN_TASK, QUEUE
from adapter.storage.pg_arrays import text_literal
from adapter.use_cases.delivery_ports import CREATED, Counting, HandoffEvent, News
from mappings.json_codec import decode
from mappings.subscription import from_fhir

log = logging.getLogger(__name__)

STATUS_TASK: Final = "tell_status"
STRIDE: Final = 1000
"""So many transactions in which nothing concerned anybody are gone past before that is written down."""

_BODY = "resource_version r ON r.type = 'Subscription' AND r.id = s.id AND r.is_current AND NOT r.deleted"
_GET = f"SELECT s.id, s.owner, s.status, s.since, r.version, r.body FROM subscription s JOIN {_BODY}"

# Transactions below the oldest that still runs have all ended: what they wrote is there, and nothing joins it later.
_WINDOW = """
    SELECT position, handoff_horizon(),
           (SELECT min(since) FROM subscription WHERE since IS NOT NULL)
      FROM subscription_cursor
"""
_EVENTS = """
    SELECT e.txid, e.handoff, e.kind, e.recorded_time, h.requester, h.owner, h.pathway, h.status, h.readers
      FROM ledger_event e JOIN handoff h ON h.id = e.handoff
     WHERE e.txid >= $1 AND e.txid < $2 AND e.kind = ANY($3::text[])
       AND (h.readers && $4::text[] OR (h.status = 'entered-in-error' AND h.owner = ANY($4::text[])))
     ORDER BY e.id
"""
_TASKS = """
    SELECT k.n, t.body
      FROM json_to_recordset($1::json) AS k (n int, handoff text, at timestamptz)
     CROSS JOIN LATERAL (SELECT r.body FROM resource_version r
                          WHERE r.type = 'Task' AND r.id = k.handoff AND NOT r.deleted AND r.last_updated <= k.at
                          ORDER BY r.version DESC LIMIT 1) AS t
"""
# Compare and swap: of workers that looked at the same time, one queues. Numbers are given here, so that what happens
# while an endpoint is away counts too; notification and number are told apart from the first moment by one statement.
_QUEUE = f"""
    WITH moved AS (
        UPDATE subscription_cursor SET position = $2 WHERE position = $1 RETURNING 1
    ), new AS (
        SELECT n.* FROM moved, json_to_recordset($3::json)
            AS n (n int, subscription text, handoff text, event text, at timestamptz)
    ), counted AS (
        INSERT INTO subscriber_counter AS c (subscriber, events) SELECT subscription, count(*) FROM new GROUP BY 1
        ON CONFLICT (subscriber) DO UPDATE SET events = c.events + excluded.events
        RETURNING subscriber, events, paused_until
    ), told AS (
        INSERT INTO notification
            (lane, subscriber, handoff, event, focus_type, focus_id, created_at, next_attempt, event_number)
        SELECT '{CREATED}' || subscription || ':' || handoff, subscription, handoff, event, 'Task', handoff, at, now(),
               events - count(*) OVER (PARTITION BY subscription) + row_number() OVER in_order
          FROM new JOIN counted ON subscriber = subscription
        WINDOW in_order AS (PARTITION BY subscription ORDER BY n)
         ORDER BY n
        RETURNING lane, subscriber
    ), jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
        SELECT DISTINCT '{QUEUE}', '{DRAIN_TASK}', lane, jsonb_build_object('lane', lane)
          FROM told JOIN counted USING (subscriber) WHERE paused_until IS NULL
    )
    SELECT count(*) FROM moved
"""

_CLAIM = "UPDATE subscription SET due = now() + $2::interval WHERE id = $1 AND due <= now() RETURNING failures"
_AGAIN = "UPDATE subscription SET due = now() + $4::interval, failures = $3 WHERE id = $1 AND status = $2"
_SWEEP = f"""
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
    SELECT '{QUEUE}', '{STATUS_TASK}', '{CREATED}' || s.id, jsonb_build_object('subscription', s.id)
      FROM subscription s
     WHERE s.due <= now()
       AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                        WHERE j.lock = '{CREATED}' || s.id AND j.status IN ('todo', 'doing'))
     ORDER BY s.due
     LIMIT 50
"""
_ENDED = "SELECT id FROM subscription WHERE ends <= $1 AND status <> 'off' LIMIT 50"
_IN_ERROR = f"{_GET} WHERE s.status = 'error' ORDER BY s.owner, s.id"


class SubscriptionStore:
    """`engine` is `PostgresStore.engine`; `base_url` the FHIR base that filters may name. Each method is one statement
    or a row of those that only read, and raises domain.errors.Unavailable when the database is down."""

    def __init__(self, engine: Engine, base_url: str):
        self._engine = engine
        self._base_url = base_url

    @contextmanager
    def _driver(self) -> Iterator[Driver]:
        with unavailable_when_down(), driver_of(self._engine) as driver:
            yield driver

    def _rows(self, sql: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with self._driver() as driver:
            return driver.rows(sql, *values)

    def get(self, id: str) -> Subscription | None:
        """As it is now; None when it was deleted. Raises BusinessRule when it asks for what is not done any more."""
        rows = self._rows(f"{_GET} WHERE s.id = $1", id)
        return self._subscription(rows[0]) if rows else None

    def in_error(self) -> Sequence[Subscription]:
        """Those to which nothing is sent until their owner asks for it again."""
        return [each.subscription for each in self._served(self._rows(_IN_ERROR))]

    def last_event(self, id: str) -> int:
        """The number of the last event that it is told or is to be told; 0 before the first."""
        rows = self._rows("SELECT events FROM subscriber_counter WHERE subscriber = $1", id)
        return int(rows[0][0]) if rows else 0

    def news(self) -> News | None:
        """What happened since the last look that a Subscription may be about; None when there is nobody to tell."""
        with self._driver() as driver:
            position, horizon, since = driver.rows(_WINDOW)[0]
            if since is None:
                return None
            # Read after the window: one that became active meanwhile counts from a later transaction.
            counting = list(self._served(driver.rows(f"{_GET} WHERE s.since IS NOT NULL")))
            owners = text_literal({each.subscription.owner for each in counting})
            rows = driver.rows(_EVENTS, max(position, since + 1), horizon, text_literal(sorted(TOLD)), owners)
        return News(position, horizon, [HandoffEvent(*row) for row in rows], counting)

    def tasks_at(self, moments: Sequence[tuple[str, datetime]]) -> Sequence[bytes | None]:
        """The Task of each handoff as it stood at each time."""
        asked = [{"n": n, "handoff": handoff, "at": at} for n, (handoff, at) in enumerate(moments)]
        found = dict(self._rows(_TASKS, orjson.dumps(asked).decode()))
        return [found.get(n) for n in range(len(moments))]

    def queue(self, news: News, told: Sequence[tuple[str, HandoffEvent]]) -> bool:
        """Write a numbered notification for each (Subscription, event), and that all `news` were gone through. False
        when another worker did so first."""
        if not news.events and news.horizon - news.position < STRIDE:
            return False
        records = [
            {"n": n, "subscription": id, "handoff": event.handoff, "event": event.kind, "at": event.recorded_time}
            for n, (id, event) in enumerate(told)
        ]
        return bool(self._rows(_QUEUE, news.position, news.horizon, orjson.dumps(records).decode())[0][0])

    def any_live(self) -> bool:
        """Whether there is one that is not off; without any there is nothing to look after."""
        return bool(self._rows("SELECT EXISTS (SELECT FROM subscription WHERE status <> 'off')")[0][0])

    def claim(self, id: str, lease: timedelta) -> int | None:
        """How many handshakes or heartbeats failed before, when one is due; nobody else gets it within `lease`."""
        for (failures,) in self._rows(_CLAIM, id, lease):
            return int(failures)
        return None

    def again(self, subscription: Subscription, failures: int, wait: timedelta) -> None:
        """Due again after `wait`, as long as it has the same status; `failures` in a row by now."""
        with self._driver() as driver:
            driver.run(_AGAIN, subscription.id, subscription.status, failures, wait)

    def sweep(self) -> int:
        """Queue a job for each whose handshake or heartbeat is due and that has none; how many."""
        with self._driver() as driver:
            return driver.run(_SWEEP)

    def ended(self, now: datetime) -> Sequence[str]:
        return [id for (id,) in self._rows(_ENDED, now)]

    def _served(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Counting]:
        for row in rows:
            try:
                yield Counting(self._subscription(row), row[3])
            except BusinessRule:
                # Taken by an earlier version that did more: it must not keep the others from their events.
                log.error("Subscription/%s asks for what is not done any more", row[0])

    def _subscription(self, row: tuple[Any, ...]) -> Subscription:
        id, owner, status, _, version, body = row
        return replace(from_fhir(decode(body), owner, self._base_url), id=id, status=status, version=version)
