"""Subscriptions that partners create: what of them is due, from when events count, how far these were gone through."""

from alembic import op

revision = "0005"
down_revision = "0004"

SUBSCRIPTIONS = """
CREATE TABLE subscription (
    id text PRIMARY KEY,
    owner text NOT NULL,
    status text NOT NULL,
    heartbeat integer,
    ends timestamptz,
    -- When a handshake or a heartbeat is to be sent; handshakes and heartbeats that failed in a row.
    due timestamptz,
    failures integer NOT NULL DEFAULT 0,
    -- Events of later transactions count; none while it was never active, or is off.
    since bigint
);
CREATE INDEX subscription_due ON subscription (due) WHERE due IS NOT NULL;
CREATE INDEX subscription_ends ON subscription (ends) WHERE ends IS NOT NULL;
CREATE INDEX subscription_counting ON subscription (since) WHERE since IS NOT NULL;
CREATE TABLE subscription_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
);
INSERT INTO subscription_cursor (position) VALUES (0);
"""


def upgrade() -> None:
    op.execute(SUBSCRIPTIONS)
