"""What a migration says of a table that it makes: what the adapter does to it, and which of its rows a tenant sees.

https://www.postgresql.org/docs/current/ddl-rowsecurity.html. The start refuses a table without (`row_security.py`).
"""

from __future__ import annotations

from alembic import op

from adapter.storage.roles import READER, WRITER

TENANT = "(SELECT handoff_tenant())"
"""Who reads; null before a connection was told, so that no comparison with it holds. Asked once for a statement."""
TENANT_OR_EVERYONE = "(SELECT ARRAY[handoff_tenant(), '*'] WHERE handoff_tenant() IS NOT NULL)"


def protect(table: str, adapter: str, tenant: str | None = None) -> None:
    """`adapter`: the privileges of the adapter, as `SELECT, INSERT`. `tenant`: the condition on the rows that a tenant
    may see, made with TENANT or TENANT_OR_EVERYONE; without it no tenant sees any."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT {adapter} ON {table} TO {WRITER}")
    # The owner as well: migrations move rows.
    op.execute(f"CREATE POLICY adapter ON {table} TO {WRITER}, CURRENT_USER USING (true) WITH CHECK (true)")
    if tenant is not None:
        op.execute(f"GRANT SELECT ON {table} TO {READER}")
        op.execute(f"CREATE POLICY tenant ON {table} FOR SELECT TO {READER} USING ({tenant})")


def show(table: str, tenant: str) -> None:
    """Give tenants a view of the same name in place of the table, with the same condition on its rows. Again after a
    column was added.

    PostgreSQL looks at a row by no condition of the query before those of its policies, unless the condition's function
    is LEAKPROOF; those of arrays are not, so a policy keeps the planner from every index on an array. A view leaves it
    the choice. The schema is named as the role is, and so comes first in its search path."""
    op.execute(f"CREATE OR REPLACE VIEW {READER}.{table} AS SELECT * FROM {table} WHERE {tenant}")
    op.execute(f"GRANT SELECT ON {READER}.{table} TO {READER}")
