"""Procrastinate's own schema, so that a job commits with the change that needs it."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Sent to the driver as it is: the library's text has `:` and `%` of its own.
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
