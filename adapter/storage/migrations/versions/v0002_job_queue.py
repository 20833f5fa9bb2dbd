"""Procrastinate's own schema, so that a job commits with the change that needs it."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Sent to the driver as it is: the library's text has `:` and `%` of its own. A newer library on a database that
    # has this schema needs its `procrastinate/sql/migrations` in a version of ours (a test holds the two together).
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    # NOTIFY takes one lock for the whole server from commit until the commit is on disk, so that commits no longer
    # share a flush: 8 clients inserting jobs did 3,549 a second with this trigger and 8,928 without. Every write of
    # the adapter defers a job. Workers poll instead (0.2 s).
    op.execute("DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs")
