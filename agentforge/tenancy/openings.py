"""Find what passes the tables' own protection by: views of them, and privileges on objects to come.

A view reads its tables with its owner's rights, so row level security does not hold there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from .declarations import GRANTEES, Exposure

# Views of the forge's tables in any schema, views of those views, and whatever else lies in its own schema.
_VIEWS = """
WITH RECURSIVE reading(oid) AS (
    SELECT unnest(%(tables)s::oid[])
    UNION
    SELECT w.ev_class FROM reading t JOIN pg_depend d ON d.refobjid = t.oid
        AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid
)
SELECT c.oid::regclass::text,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END,
    array_agg(r.rolname::text ORDER BY r.rolname)
FROM pg_class c, pg_roles r
WHERE c.relkind IN ('v', 'm', 'f') AND r.rolname IN ('anon', 'authenticated')
  AND pg_has_role(c.relowner, 'USAGE')
  AND NOT coalesce(c.reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on']
  AND (c.oid IN (SELECT oid FROM reading)
       OR c.relnamespace = current_schema()::regnamespace AND current_schema() <> 'public')
  AND (has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
       OR has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE, TRIGGER'))
GROUP BY c.oid, c.relkind ORDER BY 1
"""
_DEFAULTS = """
SELECT DISTINCT quote_ident(m.rolname),
    CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
        ELSE 'TYPES' END
FROM pg_default_acl d JOIN pg_roles m ON m.oid = d.defaclrole, aclexplode(d.defaclacl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE d.defaclnamespace = current_schema()::regnamespace AND current_schema() <> 'public'
  AND d.defaclobjtype IN ('r', 'S', 'f', 'T') AND pg_has_role(m.oid, 'USAGE')
  AND (a.grantee = 0 OR r.rolname IN ('anon', 'authenticated'))
ORDER BY 1, 2
"""


def views(connection: BaseDatabaseWrapper, tables: Sequence[int]) -> Iterator[Exposure]:
    """Yield views of the tables with these oids that the API's roles may use; only those that are ours."""
    with connection.cursor() as cursor:
        cursor.execute(_VIEWS, {"tables": list(tables)})
        rows = cursor.fetchall()
    for name, kind, roles in rows:
        statement = f"REVOKE ALL ON {name} FROM {GRANTEES}"
        yield Exposure(f"{kind} {name}", f"open to {', '.join(roles)}", (statement,))


def defaults(connection: BaseDatabaseWrapper, schema: str) -> Iterator[Exposure]:
    """Yield default privileges that would open what is made in the forge's own schema next."""
    with connection.cursor() as cursor:
        cursor.execute(_DEFAULTS)
        rows = cursor.fetchall()
    for role, kind in rows:
        revoke = f"REVOKE ALL ON {kind} FROM {GRANTEES}"
        statement = f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA {schema} {revoke}"
        yield Exposure(f"schema {schema}", f"new {kind.lower()} of {role} would be open", (statement,))
