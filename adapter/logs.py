"""Logs: one JSON line an event, of codes, ids and counts. Patient data has no way in: nothing logs a body or a URL."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(level: str) -> None:
    number = getattr(logging, level.upper())
    logging.basicConfig(level=number, stream=sys.stderr, format="%(message)s")
    for noisy in ("procrastinate", "urllib3", "alembic", "werkzeug"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
