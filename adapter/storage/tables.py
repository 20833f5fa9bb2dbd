"""The tables as SQLAlchemy sees them. What they are made of in PostgreSQL, with every index and trigger, is in
`migrations/versions/`; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


def texts(values: Iterable[str]) -> BindParameter[Any]:
    """Values to compare a `text[]` column with; SQLAlchemy would call them `varchar[]`, which is another type."""
    array: Any = ARRAY(Text)
    return bindparam(None, list(values), type_=array)


def bigints(values: Iterable[int]) -> BindParameter[Any]:
    """Values to compare a `bigint[]` column with, in one parameter however many there are."""
    array: Any = ARRAY(BigInteger)
    return bindparam(None, list(values), type_=array)


def _time(name: str, nullable: bool = True) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


resource_version = Table(
    "resource_version",
    metadata,
    Column("type", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _time("last_updated", nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("author", Text, nullable=False),
    Column("handoffs", ARRAY(Text), nullable=False),
    Column("readers", ARRAY(Text), nullable=False),
    Column("search_keys", ARRAY(BigInteger), nullable=False),
    Column("date_params", ARRAY(Integer)),
    Column("date_lows", ARRAY(DateTime(timezone=True))),
    Column("date_highs", ARRAY(DateTime(timezone=True))),
    Column("texts", ARRAY(Text)),
    Column("owner_worklist", BigInteger),
    Column("requester_worklist", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Column("disclosure", JSONB),
    PrimaryKeyConstraint("type", "id", "version", name="resource_version_pkey"),
)

handoff = Table(
    "handoff",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("pathway", Text, nullable=False),
    Column("patient", Text),
    Column("focus", Text),
    _time("authored_on", nullable=False),
    _time("updated_at", nullable=False),
    Column("responsible", Text, nullable=False),
    Column("next_action_code", Text),
    Column("next_action_who", Text),
    _time("next_action_by"),
    Column("business_status", Text),
    Column("risk_tier", Text),
    _time("acceptance_deadline"),
    Column("part_of", Text),
    Column("flagged_for_review", Boolean, nullable=False),
    Column("escalated_to", ARRAY(Text), nullable=False),
    Column("correlation", ARRAY(Text), nullable=False),
    Column("readers", ARRAY(Text), nullable=False),
    Column("disclosure", JSONB),
)

ledger_event = Table(
    "ledger_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("handoff", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _time("event_time", nullable=False),
    _time("recorded_time", nullable=False),
    Column("status_from", Text),
    Column("status_to", Text),
    Column("detail", JSONB, nullable=False),
    Column("txid", BigInteger, nullable=False),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _time("recorded", nullable=False),
    Column("tenant", Text, nullable=False),
    Column("interaction", Text, nullable=False),
    Column("server", Text),
    Column("address", Text),
    Column("request_id", Text),
    Column("query", LargeBinary),
    Column("others", ARRAY(Text), nullable=False),
    Column("patients", ARRAY(Text), nullable=False),
    Column("entities", JSON, nullable=False),
    Column("txid", BigInteger, nullable=False),
)

audit_seal = Table(
    "audit_seal",
    metadata,
    Column("trail", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    _time("sealed_at", nullable=False),
    Column("rows", ARRAY(BigInteger), nullable=False),
    Column("links", LargeBinary, nullable=False),
    PrimaryKeyConstraint("trail", "tenant", "number", name="audit_seal_pkey"),
)

audit_horizon = Table(
    "audit_horizon",
    metadata,
    Column("trail", Text, primary_key=True),
    Column("sealed_below", BigInteger, nullable=False),
)

deadline = Table(
    "deadline",
    metadata,
    Column("handoff", Text, nullable=False),
    Column("step", Text, nullable=False),
    _time("due", nullable=False),
    _time("fired_at"),
    _time("cancelled_at"),
    PrimaryKeyConstraint("handoff", "step", name="deadline_pkey"),
)

notification = Table(
    "notification",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("lane", Text, nullable=False),
    Column("subscriber", Text, nullable=False),
    Column("handoff", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("focus_type", Text, nullable=False),
    Column("focus_id", Text, nullable=False),
    Column("payload", LargeBinary),
    _time("created_at", nullable=False),
    Column("event_number", BigInteger),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    _time("next_attempt"),
    Column("last_error", Text),
    _time("delivered_at"),
    Column("receipt", JSONB),
)
"""`state` is `pending`, `delivered`, `parked` (given up until somebody retries) or `withheld` (no right to know)."""

subscriber_counter = Table(
    "subscriber_counter",
    metadata,
    Column("subscriber", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    _time("failing_since"),
    _time("paused_until"),
)
"""The last event number; how many sends in a row failed, since when, and until when nothing is sent (`lanes.py`)."""

subscription = Table(
    "subscription",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("heartbeat", Integer),
    _time("ends"),
    _time("due"),
    Column("failures", Integer, nullable=False),
    Column("since", BigInteger),
)
"""Those that partners created. `notification` and `subscriber_counter` call them by id where they call the standing
one by its partner; see `subscriptions.py`."""

subscription_cursor = Table(
    "subscription_cursor",
    metadata,
    Column("one", Boolean, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

request_record = Table(
    "request_record",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _time("created_at", nullable=False),
    PrimaryKeyConstraint("tenant", "key", name="request_record_pkey"),
)

conditional_create = Table(
    "conditional_create",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("criteria", Text, nullable=False),
    Column("id", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "type", "criteria", name="conditional_create_pkey"),
)

partner = Table(
    "partner",
    metadata,
    Column("id", Text, primary_key=True),
    Column("active", Boolean, nullable=False),
    Column("definition", JSONB, nullable=False),
    _time("updated_at", nullable=False),
)

assertion_seen = Table(
    "assertion_seen",
    metadata,
    Column("issuer", Text, nullable=False),
    Column("jti", Text, nullable=False),
    _time("expires_at", nullable=False),
    PrimaryKeyConstraint("issuer", "jti", name="assertion_seen_pkey"),
)
