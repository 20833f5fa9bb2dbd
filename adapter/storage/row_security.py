"""Whether PostgreSQL itself keeps each row from those whom it is foreign to: asked before anybody is served.

https://www.postgresql.org/docs/current/ddl-rowsecurity.html. A new table says in its migration what may be done with it
and who sees what of it (`migrations/protection.py`). Until it does, neither role has any right on it; where one has got
a right in another way, the table is named here.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from adapter.config import InvalidSettings
from adapter.storage.roles import READER, WRITER

_EXPECTED: Final = {
    "role": "a role that row-level security binds, got a superuser or BYPASSRLS",
    "member": f"a role of its own, got a member of another, whose rows {READER} would see",
    "open": "row-level security enabled and forced: `protect(table, …)` in its migration",
    "closed": f"a policy for {WRITER} and for its owner, who else see no row: `protect(table, …)` in its migration, or"
    f" after a change of owner ALTER POLICY adapter ON … TO {WRITER}, <owner>",
    "written": f"that {READER} only reads, got more rights",
    "read": f"that {READER} sees what handoff_tenant() may, got more: `protect(table, …, tenant=…)` in its migration",
    "stale": "the same columns in the view that stands before it: `show(table, …)` in the migration that changed it",
    "made": f"a schema in which {READER} and {WRITER} make nothing: REVOKE CREATE ON SCHEMA … FROM PUBLIC, as its owner"
    " or a superuser",
    "path": f'one that begins with "$user", which leads {READER} to its views: its reads would be slow',
    "definer": f"that {READER} runs no function with the rights of another",
}
"""What is expected of a role, table, view or function; by the kind of its fault."""

# Without the queue (lanes by name, nothing of a person) and alembic's own table, on which tenants have no right. `home`
# is the schema of our tables, `front` the one of the views that tenants see in their place.
_FAULTS: Final = f"""
WITH home (oid) AS (SELECT relnamespace FROM pg_class WHERE oid = 'procrastinate_jobs'::regclass),
front (oid) AS (SELECT oid FROM pg_namespace WHERE nspname = '{READER}'),
relation AS (
 SELECT c.oid, c.oid::regclass::text AS name, relname, relowner AS owner, relkind IN ('r', 'p') AS is_table,
  relkind = 'v' AS is_view, relrowsecurity AND relforcerowsecurity AS forced,
  relnamespace IN (SELECT oid FROM home) AND relkind IN ('r', 'p')
  AND relname <> 'alembic_version' AND NOT starts_with(relname, 'procrastinate_')
  AND has_table_privilege('{WRITER}', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS ours
 FROM pg_class c WHERE relnamespace IN (SELECT oid FROM home UNION SELECT oid FROM front)
  AND relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
),
policy AS (
 SELECT polrelid, polroles, polcmd, coalesce(pg_get_expr(polqual, polrelid), 'true') AS condition FROM pg_policy
)
SELECT 'role', rolname FROM pg_roles WHERE rolname IN ('{READER}', '{WRITER}') AND (rolsuper OR rolbypassrls)
UNION ALL SELECT 'member', member::regrole::text FROM pg_auth_members WHERE member = '{READER}'::regrole
UNION ALL SELECT 'open', name FROM relation WHERE ours AND NOT forced
UNION ALL SELECT 'closed', name FROM relation WHERE ours AND NOT EXISTS (
 SELECT FROM policy WHERE polrelid = relation.oid AND polcmd = '*' AND '{WRITER}'::regrole = ANY(polroles)
  AND EXISTS (SELECT FROM unnest(polroles) AS role WHERE role <> 0 AND pg_has_role(owner, role, 'USAGE')))
UNION ALL SELECT 'written', name FROM relation
 WHERE has_table_privilege('{READER}', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
UNION ALL SELECT 'read', name FROM relation WHERE has_any_column_privilege('{READER}', oid, 'SELECT') AND NOT CASE
 WHEN is_table THEN forced AND NOT EXISTS (SELECT FROM policy WHERE polrelid = relation.oid AND polcmd IN ('r', '*')
  AND polroles && ARRAY[0::oid, '{READER}'::regrole] AND strpos(condition, 'handoff_tenant()') = 0)
 ELSE is_view AND strpos(pg_get_viewdef(oid), 'handoff_tenant()') > 0 END
UNION ALL SELECT 'stale', t.name FROM relation t JOIN relation v ON v.relname = t.relname AND v.is_view
 WHERE t.is_table AND EXISTS (
  SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
  EXCEPT SELECT attname FROM pg_attribute WHERE attrelid = v.oid)
UNION ALL SELECT 'made', nspname FROM pg_namespace WHERE oid IN (SELECT oid FROM home UNION SELECT oid FROM front)
 AND (has_schema_privilege('{READER}', oid, 'CREATE') OR has_schema_privilege('{WRITER}', oid, 'CREATE'))
UNION ALL SELECT 'path', 'search_path ' || path FROM current_setting('search_path') AS path
 WHERE NOT starts_with(path, '"$user"')
UNION ALL SELECT 'definer', p.oid::regprocedure::text FROM pg_proc p
 WHERE prosecdef AND pronamespace IN (SELECT oid FROM home UNION SELECT oid FROM front)
  AND has_function_privilege('{READER}', p.oid, 'EXECUTE')
"""


def faults(connection: psycopg.Connection[Any]) -> list[str]:
    """What is not as it must be, by name; reads the catalogue only."""
    found = connection.execute(_FAULTS).fetchall()
    return [f"database: {name}: expected {_EXPECTED[kind]}" for kind, name in sorted(found)]


def refuse_without_row_security(connection: psycopg.Connection[Any]) -> None:
    """Raises InvalidSettings naming everything that is not as it must be."""
    if found := faults(connection):
        raise InvalidSettings(found)
