"""Finding the live job of a lane by its lock, for the sweep and for every claim that must not overtake one."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX procrastinate_jobs_live_lock ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing')"
    )
