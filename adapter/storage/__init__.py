"""The database room: everything that is kept, and the only SQLAlchemy. See `store.py` for what it can do."""

from adapter.storage.embedded_postgres import EmbeddedPostgres, database_url
from adapter.storage.migrations import upgrade
from adapter.storage.store import PostgresStore, open_store

__all__ = ["EmbeddedPostgres", "PostgresStore", "database_url", "open_store", "upgrade"]
