"""The audit trail: a row for each request that wrote or disclosed something, and the seals that chain them."""

from alembic import op

revision = "0004"
down_revision = "0003"

EVENTS = """
CREATE TABLE audit_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded timestamptz NOT NULL DEFAULT now(),
    tenant text NOT NULL,
    interaction text NOT NULL,
    server text,
    address text,
    request_id text,
    query bytea,
    -- Other organisations whose resources this touched: they may see that part of it.
    others text[] NOT NULL,
    patients text[] NOT NULL,
    entities json NOT NULL,
    -- What a seal goes by: rows of transactions below the oldest that still runs are all there (see audit_chain.py).
    txid bigint NOT NULL DEFAULT txid_current()
);
CREATE INDEX audit_event_tenant ON audit_event (tenant, id);
CREATE INDEX audit_event_others ON audit_event USING gin (others) WHERE others <> '{}';
CREATE INDEX audit_event_txid ON audit_event USING brin (txid) WITH (autosummarize = on);

ALTER TABLE ledger_event ADD COLUMN txid bigint NOT NULL DEFAULT txid_current();
CREATE INDEX ledger_event_txid ON ledger_event USING brin (txid) WITH (autosummarize = on);
"""

SEALS = """
CREATE TABLE audit_seal (
    trail text NOT NULL,
    tenant text NOT NULL,
    number bigint NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    -- The rows of this seal in order, and the hash of each with all before it: 32 bytes a row, the last is the head.
    rows bigint[] NOT NULL,
    links bytea NOT NULL,
    CONSTRAINT audit_seal_pkey PRIMARY KEY (trail, tenant, number)
);
CREATE TABLE audit_horizon (
    trail text PRIMARY KEY,
    sealed_below bigint NOT NULL
);
INSERT INTO audit_horizon VALUES ('audit', 0), ('ledger', 0);
"""

APPEND_ONLY = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
"""


def upgrade() -> None:
    for part in (EVENTS, SEALS, APPEND_ONLY):
        op.execute(part)
