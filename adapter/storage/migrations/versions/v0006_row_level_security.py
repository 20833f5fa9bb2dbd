"""Row-level security on every table: behind the predicate of each statement, PostgreSQL itself shows no foreign row."""

from alembic import op

from adapter.storage.migrations.protection import TENANT, TENANT_OR_EVERYONE, protect, show
from adapter.storage.roles import READER, WRITER

revision = "0006"
down_revision = "0005"

HOUSE = f"""
CREATE FUNCTION handoff_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('handoff.tenant', true), '');
CREATE SCHEMA {READER};
GRANT USAGE ON SCHEMA {READER} TO {READER};
DO $$ BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO {READER}, {WRITER}', current_schema());
END $$;
"""

# The queue holds names of lanes and nothing of a person; tenants have no right on it.
QUEUE = f"""
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers,
    procrastinate_workers TO {WRITER};
DO $$ DECLARE queue text; BEGIN
    FOR queue IN SELECT quote_ident(sequencename) FROM pg_sequences
        WHERE schemaname = current_schema() AND starts_with(sequencename, 'procrastinate_')
    LOOP EXECUTE format('GRANT USAGE ON SEQUENCE %s TO {WRITER}', queue); END LOOP;
END $$;
GRANT SELECT ON alembic_version TO {WRITER};
"""

# Looked up by arrays, so shown through views. coalesce: without it PostgreSQL, which knows nothing of who asks, takes
# what a tenant sees to be rare, and sorts a whole type instead of walking it in order.
RESOURCES = f"coalesce(readers && {TENANT_OR_EVERYONE}, false)"
HANDOFFS = f"coalesce(readers @> ARRAY[{TENANT}], false)"
AUDIT = f"coalesce(tenant = {TENANT} OR others @> ARRAY[{TENANT}], false)"

# Asked row by row, by key: PostgreSQL may turn an EXISTS into a walk through the whole other table.
OF_HANDOFF = f"coalesce((SELECT h.readers @> ARRAY[{TENANT}] FROM handoff h WHERE h.id = {{table}}.handoff), false)"
# A transition may be read with the version of the Task that it made, also by who may no longer read the handoff.
OF_TASK = f"""coalesce((SELECT bool_or(r.readers && {TENANT_OR_EVERYONE}) FROM resource_version r WHERE r.type = 'Task'
    AND r.id = ledger_event.handoff AND r.last_updated = ledger_event.recorded_time), false)"""
# A partner by its id, or one of its Subscriptions by that one's.
OF_SUBSCRIBER = f"""{TENANT} IN ({{table}}.subscriber, (SELECT s.owner FROM subscription s
    WHERE s.id = {{table}}.subscriber))"""


def upgrade() -> None:
    op.execute(HOUSE)
    for table, adapter, tenant in (
        ("resource_version", "SELECT, INSERT, UPDATE", RESOURCES),
        ("handoff", "SELECT, INSERT, UPDATE", HANDOFFS),
        ("audit_event", "SELECT, INSERT", AUDIT),
    ):
        protect(table, adapter, tenant)
        show(table, tenant)
    protect("ledger_event", "SELECT, INSERT", f"{OF_HANDOFF.format(table='ledger_event')} OR {OF_TASK}")
    protect("deadline", "SELECT, INSERT, UPDATE", OF_HANDOFF.format(table="deadline"))
    protect("notification", "SELECT, INSERT, UPDATE", OF_SUBSCRIBER.format(table="notification"))
    protect("subscriber_counter", "SELECT, INSERT, UPDATE", OF_SUBSCRIBER.format(table="subscriber_counter"))
    protect("request_record", "SELECT, INSERT", f"tenant = {TENANT}")
    protect("conditional_create", "SELECT, INSERT, DELETE")
    protect("partner", "SELECT, INSERT, UPDATE")
    protect("assertion_seen", "SELECT, INSERT, UPDATE, DELETE")
    protect("subscription", "SELECT, INSERT, UPDATE, DELETE", f"owner = {TENANT}")
    protect("subscription_cursor", "SELECT, UPDATE")
    protect("audit_seal", "SELECT, INSERT")
    protect("audit_horizon", "SELECT, UPDATE")
    op.execute(QUEUE)
