"""What the database and who we log in as are, for `config.refuse_insecure`."""

from __future__ import annotations

from sqlalchemy import Engine, text

from adapter.config import DatabaseFacts
from adapter.storage.failures import unavailable_when_down

_FACTS = text(
    "SELECT rolsuper, rolbypassrls, current_setting('synchronous_commit'), current_setting('fsync') = 'on',"
    " current_setting('full_page_writes') = 'on' FROM pg_roles WHERE rolname = session_user"
)


def database_facts(engine: Engine) -> DatabaseFacts:
    """Asked through the very engine that the server uses. Raises Unavailable."""
    with unavailable_when_down(), engine.connect() as connection:
        return DatabaseFacts(*connection.execute(_FACTS).one())
