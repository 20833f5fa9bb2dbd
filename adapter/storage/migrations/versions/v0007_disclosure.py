"""What of a handoff is restricted by 42 CFR Part 2, by which Consents it is open to whom, and until when."""

from alembic import op

from adapter.storage.migrations.protection import TENANT, TENANT_OR_EVERYONE, show

revision = "0007"
down_revision = "0006"

# Null on nearly every row, where it costs one bit. On a handoff its restrictions and permits; on a resource its own
# restrictions, and for each organisation that reads it by a Consent, which and until when (see disclosures.py).
COLUMNS = """
ALTER TABLE handoff ADD COLUMN disclosure jsonb;
ALTER TABLE resource_version ADD COLUMN disclosure jsonb;
CREATE INDEX handoff_disclosure ON handoff USING gin (disclosure jsonb_path_ops) WHERE disclosure IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    show("resource_version", f"coalesce(readers && {TENANT_OR_EVERYONE}, false)")
    show("handoff", f"coalesce(readers @> ARRAY[{TENANT}], false)")
