"""What alembic runs: the migrations, on the connection that `upgrade` (or a developer's alembic.ini) hands over."""

from alembic import context

from adapter.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
