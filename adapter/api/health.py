"""/healthz (the process answers), /readyz (so do database and queue, rows are secured), /metrics (Prometheus)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from adapter.domain.errors import Unavailable


def health_routes(ready: Callable[[], Mapping[str, bool]]) -> Blueprint:
    """`ready` says of each part whether it answers; it may raise Unavailable."""
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
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return routes
