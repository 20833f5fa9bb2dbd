"""Resources with their search index, handoffs, ledger, clock, notifications, and what makes requests repeatable."""

from alembic import op

revision = "0001"
down_revision = None

RESOURCES = """
CREATE TABLE resource_version (
    type text NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    last_updated timestamptz NOT NULL,
    is_current boolean NOT NULL,
    deleted boolean NOT NULL,
    author text NOT NULL,
    handoffs text[] NOT NULL,
    readers text[] NOT NULL,
    -- The search index lives on the row (see search_index.py): one GIN entry list per resource is far cheaper to write
    -- than a row per indexed value, and a search needs no join.
    search_keys bigint[] NOT NULL,
    date_params integer[],
    date_lows timestamptz[],
    date_highs timestamptz[],
    texts text[],
    owner_worklist bigint,
    requester_worklist bigint,
    body bytea NOT NULL,
    CONSTRAINT resource_version_pkey PRIMARY KEY (type, id, version)
);
-- New keys wait in a list that every look-up reads through and that is merged when it is full. At the default of 4 MB a
-- look-up took 13 ms; at 256 kB half a millisecond, and a write costs the same. Without the list a write costs double.
CREATE INDEX resource_version_keys ON resource_version USING gin (search_keys) WITH (gin_pending_list_limit = 256);
CREATE INDEX resource_version_recent ON resource_version (type, last_updated DESC, id DESC)
    WHERE is_current AND NOT deleted;
CREATE INDEX resource_version_owner_worklist ON resource_version (owner_worklist, last_updated DESC, id DESC)
    WHERE owner_worklist IS NOT NULL;
CREATE INDEX resource_version_requester_worklist ON resource_version (requester_worklist, last_updated DESC, id DESC)
    WHERE requester_worklist IS NOT NULL;
"""

HANDOFFS = """
CREATE TABLE handoff (
    id text PRIMARY KEY,
    status text NOT NULL,
    requester text NOT NULL,
    owner text NOT NULL,
    pathway text NOT NULL,
    patient text,
    focus text,
    authored_on timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    responsible text NOT NULL,
    next_action_code text,
    next_action_who text,
    next_action_by timestamptz,
    business_status text,
    risk_tier text,
    acceptance_deadline timestamptz,
    part_of text,
    flagged_for_review boolean NOT NULL,
    escalated_to text[] NOT NULL,
    correlation text[] NOT NULL,
    readers text[] NOT NULL
);
CREATE INDEX handoff_owner ON handoff (owner, status, updated_at DESC);
CREATE INDEX handoff_requester ON handoff (requester, status, updated_at DESC);
CREATE INDEX handoff_overdue ON handoff (next_action_by) WHERE next_action_by IS NOT NULL;
CREATE INDEX handoff_correlation ON handoff USING gin (correlation) WITH (gin_pending_list_limit = 256);

CREATE TABLE ledger_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handoff text NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    event_time timestamptz NOT NULL,
    recorded_time timestamptz NOT NULL,
    status_from text,
    status_to text,
    detail jsonb NOT NULL
);
CREATE INDEX ledger_event_handoff ON ledger_event (handoff, id);

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END;
$$;
-- Per statement, so that an append (the hot path) pays nothing for it.
CREATE TRIGGER ledger_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

CREATE TABLE deadline (
    handoff text NOT NULL,
    step text NOT NULL,
    due timestamptz NOT NULL,
    fired_at timestamptz,
    cancelled_at timestamptz,
    CONSTRAINT deadline_pkey PRIMARY KEY (handoff, step)
);
CREATE INDEX deadline_open ON deadline (due) WHERE fired_at IS NULL AND cancelled_at IS NULL;
"""

NOTIFICATIONS = """
CREATE TABLE notification (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane text NOT NULL,
    subscriber text NOT NULL,
    handoff text NOT NULL,
    event text NOT NULL,
    focus_type text NOT NULL,
    focus_id text NOT NULL,
    payload bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    event_number bigint,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'parked', 'withheld')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt timestamptz,
    last_error text,
    delivered_at timestamptz,
    receipt jsonb
);
-- The head of a lane, and what of a subscriber is due again (see lanes.py).
CREATE INDEX notification_lane ON notification (lane, id) WHERE state IN ('pending', 'parked');
CREATE INDEX notification_due ON notification (subscriber, (coalesce(next_attempt, created_at)))
    WHERE state = 'pending';
CREATE UNIQUE INDEX notification_number ON notification (subscriber, event_number) WHERE event_number IS NOT NULL;

CREATE TABLE subscriber_counter (
    subscriber text PRIMARY KEY,
    events bigint NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    paused_until timestamptz
);
"""

REQUESTS = """
CREATE TABLE request_record (
    tenant text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT request_record_pkey PRIMARY KEY (tenant, key)
);
CREATE TABLE conditional_create (
    tenant text NOT NULL,
    type text NOT NULL,
    criteria text NOT NULL,
    id text NOT NULL,
    CONSTRAINT conditional_create_pkey PRIMARY KEY (tenant, type, criteria)
);
"""

PARTNERS = """
CREATE TABLE partner (
    id text PRIMARY KEY,
    active boolean NOT NULL DEFAULT true,
    definition jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE assertion_seen (
    issuer text NOT NULL,
    jti text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT assertion_seen_pkey PRIMARY KEY (issuer, jti)
);
CREATE INDEX assertion_seen_expired ON assertion_seen (expires_at);
"""


def upgrade() -> None:
    for part in (RESOURCES, HANDOFFS, NOTIFICATIONS, REQUESTS, PARTNERS):
        op.execute(part)
