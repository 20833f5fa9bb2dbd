"""/healthz (the process answers), /readyz (so do database and queue, rows are secured), /metrics (Prometheus)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from adapter.domain.errors import Unavailable


class Backlog(Protocol):
    """Notifications that are still to be sent (adapter.storage.lanes.Backlog)."""

    @property
    def pending(self) -> int: ...
    @property
    def parked(self) -> int: ...
    @property
    def oldest_pending(self) -> datetime | None: ...


def health_routes(
    ready: Callable[[], Mapping[str, bool]], backlog: Callable[[], Backlog], now: Callable[[], datetime]
) -> Blueprint:
    """`ready` says of each part whether it answers; it and `backlog` may raise Unavailable."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def is_ready() -> tuple[Response, int]:
        try:
            parts = dict(ready())
        except Unavailable:
            parts = {"database": False}
        return jsonify(parts), 200 if all(parts.values()) else 503

    @routes.get("/metrics")
    def metrics() -> Response:
        # What a process counts for itself, then what the database knows, which is the same whichever process is asked.
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_FromDatabase(backlog, now))
        return Response(generate_latest() + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes


class _FromDatabase:
    def __init__(self, backlog: Callable[[], Backlog], now: Callable[[], datetime]):
        self._backlog, self._now = backlog, now

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("handoff_database_up", "Whether the database answers")
        try:
            found = self._backlog()
        except Unavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        waiting = GaugeMetricFamily(
            "handoff_notifications_waiting", "Notifications that are not delivered yet, by state", labels=["state"]
        )
        waiting.add_metric(["pending"], found.pending)
        waiting.add_metric(["parked"], found.parked)
        yield waiting
        oldest = found.oldest_pending
        age = max((self._now() - oldest).total_seconds(), 0.0) if oldest else 0.0
        yield GaugeMetricFamily(
            "handoff_oldest_notification_seconds", "How long the oldest pending notification waits", value=age
        )
