"""Keep the forge's tables, sequences and functions out of reach of the roles that Supabase's API acts as.

A Supabase project grants `anon` and `authenticated` every privilege on each new object in `public`, so a
migration, a restored dump or a stray GRANT opens tables to the key that is meant to be public. Every table of
the forge therefore has row level security, and privileges are exactly what its migrations declare:
`exposures` compares, `secure` mends. So it is with policies, and with views of the tables. In `public`,
objects of other programs are left alone; any other schema belongs to the forge as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from .declarations import API_ROLES, GRANTEES, Exposure, declared_access
from .openings import defaults, views
from .policies import policy_exposures
from .roles import ROLES
from .search_path import has_forge

# The forge's tables: those of its models, and procrastinate's, whose models are unmanaged.
_TABLES = r"""
SELECT c.oid::bigint, c.relname, c.relrowsecurity,
    ARRAY(
        SELECT r.rolname || ' ' || p.verb FROM pg_roles r,
            unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER']) AS p(verb)
        WHERE r.rolname IN ('anon', 'authenticated') AND has_table_privilege(r.oid, c.oid, p.verb)
    ),
    ARRAY(
        SELECT r.rolname || ' ' || p.verb || ' ' || a.attname FROM pg_roles r, pg_attribute a,
            unnest(ARRAY['SELECT','INSERT','UPDATE','REFERENCES']) AS p(verb)
        WHERE r.rolname IN ('anon', 'authenticated')
          AND a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND has_column_privilege(r.oid, c.oid, a.attnum, p.verb)
          AND NOT has_table_privilege(r.oid, c.oid, p.verb)
    )
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
  AND (n.nspname <> 'public' OR c.relname = ANY(%(tables)s) OR c.relname LIKE 'procrastinate\_%%')
ORDER BY c.relname
"""
_SEQUENCES = """
SELECT q.relname, array_agg(r.rolname::text ORDER BY r.rolname)
FROM pg_class q JOIN pg_depend d ON d.objid = q.oid, pg_roles r
WHERE q.relkind = 'S' AND d.refobjid = ANY(%(tables)s) AND d.deptype IN ('a', 'i')
  AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  AND r.rolname IN ('anon', 'authenticated') AND has_sequence_privilege(r.oid, q.oid, 'USAGE, SELECT, UPDATE')
GROUP BY q.relname ORDER BY q.relname
"""
_MAKERS = """
SELECT rolname FROM pg_roles
WHERE rolname = ANY(%s) AND current_schema() <> 'public'
  AND has_schema_privilege(oid, current_schema()::regnamespace, 'CREATE')
ORDER BY rolname
"""
_SHUT_OUT = """
SELECT rolname FROM pg_roles
WHERE rolname = ANY(%s) AND NOT has_schema_privilege(oid, current_schema()::regnamespace, 'USAGE')
ORDER BY rolname
"""
# In `public` the forge's functions are known by the prefix of the app that made them.
_FUNCTIONS = """
SELECT f.oid::regprocedure::text,
    ARRAY(
        SELECT r.rolname::text FROM pg_roles r
        WHERE r.rolname IN ('anon', 'authenticated') AND has_function_privilege(r.oid, f.oid, 'EXECUTE')
        ORDER BY 1
    ),
    %(search_path)s = ANY(coalesce(f.proconfig, '{}'))
FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
WHERE n.nspname = current_schema() AND f.prokind IN ('f', 'p') AND pg_has_role(f.proowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e')
  AND (n.nspname <> 'public' OR f.proname ~ %(prefixes)s)
ORDER BY 1
"""


def secure(connection: BaseDatabaseWrapper) -> list[Exposure]:
    """Bring privileges to what the migrations declare, in the caller's transaction; return what changed."""
    closed = list(exposures(connection))
    with connection.cursor() as cursor:
        for exposure in closed:
            for statement in exposure.statements:
                cursor.execute(statement)
    return closed


def exposures(connection: BaseDatabaseWrapper) -> Iterator[Exposure]:
    """Yield what differs from the migrations' declarations; nothing before the roles are made."""
    if connection.vendor != "postgresql":
        return
    schema = _schema(connection)
    if schema is None:
        return
    names = [*connection.introspection.django_table_names(), "django_migrations"]
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, {"tables": names})
        tables = cursor.fetchall()
        cursor.execute(_SEQUENCES, {"tables": [oid for oid, *_ in tables]})
        sequences = cursor.fetchall()
        # Named last, the temporary schema can't shadow a table: PostgreSQL's advice for SECURITY DEFINER.
        search_path = f"{schema}, pg_temp"
        wanted = {"search_path": f"search_path={search_path}", "prefixes": forge_names(connection)}
        cursor.execute(_FUNCTIONS, wanted)
        functions = cursor.fetchall()
    quote = connection.ops.quote_name
    for _, *table in tables:
        yield from _of_table(*table, quote=quote)
    oids = [oid for oid, *_ in tables]
    yield from policy_exposures(connection, oids)
    yield from views(connection, oids)
    yield from _of_schema(connection, schema)
    yield from defaults(connection, schema)
    for name, roles in sequences:
        statement = f"REVOKE ALL ON SEQUENCE {quote(name)} FROM {GRANTEES}"
        yield Exposure(f"sequence {name}", f"open to {', '.join(roles)}", (statement,))
    for function in functions:
        yield from _of_function(*function, search_path=search_path)


def forge_names(connection: BaseDatabaseWrapper) -> str:
    """Return a regular expression for the names of the forge's tables, functions and types."""
    names = [*connection.introspection.django_table_names(), "procrastinate_jobs"]
    return f"^({'|'.join(sorted({name.partition('_')[0] for name in names}))})_"


def _schema(connection: BaseDatabaseWrapper) -> str | None:
    """Return the quoted name of the schema in which the forge's tables lie.

    None before the roles exist, or before there is an installation: what `public` has then isn't the forge's.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(current_schema()), count(*) FROM pg_roles WHERE rolname = ANY(%s)",
            [list(API_ROLES)],
        )
        schema, roles = cursor.fetchone()
        is_new = connection.settings_dict["SCHEMA"] not in ("", schema) and not has_forge(cursor)
    return schema if roles == len(API_ROLES) and not is_new else None


def _of_schema(connection: BaseDatabaseWrapper, schema: str) -> Iterator[Exposure]:
    """Name the roles that can't use the forge's schema, as which it acts, and those that can add to it."""
    with connection.cursor() as cursor:
        cursor.execute(_SHUT_OUT, [list(ROLES)])
        roles = [role for (role,) in cursor.fetchall()]
        cursor.execute(_MAKERS, [list(API_ROLES)])
        makers = [role for (role,) in cursor.fetchall()]
    if makers:
        statement = f"REVOKE CREATE ON SCHEMA {schema} FROM {GRANTEES}"
        yield Exposure(f"schema {schema}", f"open to {', '.join(makers)} (CREATE)", (statement,))
    if roles:
        names = ", ".join(roles)
        yield Exposure(
            f"schema {schema}", f"not usable by {names}", (f"GRANT USAGE ON SCHEMA {schema} TO {names}",)
        )


def _of_table(
    table: str,
    has_security: bool,
    on_table: list[str],
    on_columns: list[str],
    *,
    quote: Callable[[str], str],
) -> Iterator[Exposure]:
    operation = declared_access().get(table)
    wanted = operation.privileges() if operation else set()
    grants = operation.grants(quote) if operation else []
    granted = {*on_table, *on_columns}
    if not has_security:
        statement = f"ALTER TABLE {quote(table)} ENABLE ROW LEVEL SECURITY"
        yield Exposure(f"table {table}", "no row level security", (statement,))
    if granted - wanted:
        revoke = f"REVOKE ALL ON {quote(table)} FROM {GRANTEES}"
        yield Exposure(f"table {table}", f"open to {_summary(granted - wanted)}", (revoke, *grants))
    elif wanted - granted:
        yield Exposure(f"table {table}", f"not granted to {_summary(wanted - granted)}", tuple(grants))


def _of_function(
    signature: str, roles: list[str], has_search_path: bool, *, search_path: str
) -> Iterator[Exposure]:
    if roles:
        statement = f"REVOKE ALL ON FUNCTION {signature} FROM {GRANTEES}"
        yield Exposure(f"function {signature}", f"executable by {', '.join(roles)}", (statement,))
    if not has_search_path:
        statement = f"ALTER FUNCTION {signature} SET search_path = {search_path}"
        yield Exposure(f"function {signature}", "no fixed search_path", (statement,))


def _summary(privileges: set[str]) -> str:
    """Return privileges by role: `anon (DELETE, SELECT)`."""
    verbs: dict[str, set[str]] = {}
    for privilege in privileges:
        role, verb = privilege.split(" ")[:2]
        verbs.setdefault(role, set()).add(verb)
    return ", ".join(f"{role} ({', '.join(sorted(each))})" for role, each in sorted(verbs.items()))
