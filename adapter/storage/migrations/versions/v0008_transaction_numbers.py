"""Numbers of transactions that go on where they were when a dump is restored into another server (transactions.py)."""

from alembic import op

revision = "0008"
down_revision = "0007"

FUNCTIONS = """
CREATE FUNCTION handoff_counted_before() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE RETURN 0::bigint;
CREATE FUNCTION handoff_transaction() RETURNS bigint LANGUAGE sql STABLE
    RETURN txid_current() + handoff_counted_before();
CREATE FUNCTION handoff_horizon() RETURNS bigint LANGUAGE sql STABLE
    RETURN txid_snapshot_xmin(txid_current_snapshot()) + handoff_counted_before();
ALTER TABLE audit_event ALTER COLUMN txid SET DEFAULT handoff_transaction();
ALTER TABLE ledger_event ALTER COLUMN txid SET DEFAULT handoff_transaction();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
