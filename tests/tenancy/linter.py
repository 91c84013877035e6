"""The errors and warnings of Supabase's database linter, as queries of our own.

What each rule is about: https://supabase.com/docs/guides/database/database-advisors
"""

from __future__ import annotations

import psycopg

_POLICIES = """
SELECT c.relname, p.polname, p.polpermissive, p.polcmd, p.polroles,
    coalesce(pg_get_expr(p.polqual, c.oid), '') AS using_,
    coalesce(pg_get_expr(p.polwithcheck, c.oid), '') AS check_, c.relrowsecurity
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = %(schema)s::regnamespace
"""
_API = "ARRAY(SELECT oid FROM pg_roles WHERE rolname IN ('anon', 'authenticated')) || 0::oid"

# Each returns the names of the objects that break the rule.
RULES = {
    "rls_disabled_in_public": """
        SELECT relname FROM pg_class
        WHERE relnamespace = %(schema)s::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity
    """,
    "policy_exists_rls_disabled": f"""
        SELECT relname FROM ({_POLICIES}) AS policy WHERE NOT relrowsecurity
    """,
    "rls_references_user_metadata": f"""
        SELECT polname FROM ({_POLICIES}) AS policy WHERE using_ || check_ LIKE '%%user_metadata%%'
    """,
    "rls_policy_always_true": f"""
        SELECT polname FROM ({_POLICIES}) AS policy
        WHERE polpermissive AND polcmd <> 'r' AND polroles && ({_API}) AND 'true' IN (using_, check_)
    """,
    "auth_rls_initplan": f"""
        SELECT polname FROM ({_POLICIES}) AS policy
        WHERE regexp_replace(lower(using_ || check_), 'select\\s+auth\\.', '', 'g') ~ 'auth\\.\\w+\\('
    """,
    "multiple_permissive_policies": f"""
        SELECT relname FROM ({_POLICIES}) AS policy, unnest(polroles) AS role,
            unnest(CASE polcmd WHEN '*' THEN ARRAY['r', 'a', 'w', 'd'] ELSE ARRAY[polcmd::text] END) AS verb
        WHERE polpermissive GROUP BY relname, role, verb HAVING count(*) > 1
    """,
    "security_definer_view": """
        SELECT relname FROM pg_class
        WHERE relnamespace = %(schema)s::regnamespace AND relkind = 'v'
          AND NOT 'security_invoker=true' = ANY(coalesce(reloptions, '{}'))
    """,
    "materialized_view_or_foreign_table_in_api": f"""
        SELECT relname FROM pg_class, unnest({_API}) AS role
        WHERE relnamespace = %(schema)s::regnamespace AND relkind IN ('m', 'f')
          AND role <> 0 AND has_table_privilege(role, pg_class.oid, 'SELECT')
    """,
    "function_search_path_mutable": """
        SELECT proname FROM pg_proc
        WHERE pronamespace = %(schema)s::regnamespace
          AND NOT EXISTS (SELECT FROM unnest(proconfig) AS option WHERE option LIKE 'search_path=%%')
    """,
    "security_definer_function_executable": f"""
        SELECT proname FROM pg_proc, unnest({_API}) AS role
        WHERE pronamespace = %(schema)s::regnamespace AND prosecdef
          AND role <> 0 AND has_function_privilege(role, pg_proc.oid, 'EXECUTE')
    """,
    "duplicate_index": """
        SELECT min(indexrelid::regclass::text) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = %(schema)s::regnamespace
        GROUP BY indrelid, regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') HAVING count(*) > 1
    """,
    "extension_in_public": "SELECT extname FROM pg_extension WHERE extnamespace = 'public'::regnamespace",
    "fkey_to_auth_unique": """
        SELECT conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
        WHERE k.contype = 'f' AND connamespace = %(schema)s::regnamespace
          AND c.relnamespace = to_regnamespace('auth')
    """,
    "unsupported_reg_types": """
        SELECT relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' AND a.atttypid = ANY(ARRAY[
            'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', 'regproc',
            'regprocedure'
        ]::regtype[])
    """,
}


def violations(connection: psycopg.Connection, schema: str) -> list[str]:
    """Return what breaks a rule in a schema: `rule: object`."""
    return [
        f"{rule}: {name}"
        for rule, query in RULES.items()
        for (name,) in connection.execute(query.encode(), {"schema": schema}).fetchall()
        # The example of somebody else's table, which the forge leaves alone.
        if name != "their_own"
    ]
