"""Find by which roles SQL could escape: the forge's own session, or the roles that requests run as.

A request runs as `authenticated` inside a session of the forge's role, and RESET ROLE returns to that. So the
session must not be, or be able to become, a role that owns the machine; and a person's role must not pass row
level security.
"""

from __future__ import annotations

from typing import Any

# Their members start programs or overwrite files on the database's machine: superusers by another name.
_MACHINE_ROLES = ("pg_execute_server_program", "pg_write_server_files")
_SESSION = """
SELECT quote_ident(session_user), quote_ident(r.rolname) FROM pg_roles r
WHERE (r.rolsuper OR r.rolname = ANY(%s)) AND pg_has_role(session_user, r.oid, 'MEMBER')
ORDER BY r.rolname <> session_user, NOT r.rolsuper, r.rolname LIMIT 1
"""
_PERSONS = """
SELECT a.rolname, attribute FROM pg_roles a,
    unnest(ARRAY['SUPERUSER', 'BYPASSRLS', 'CREATEROLE', 'REPLICATION'],
        ARRAY[a.rolsuper, a.rolbypassrls, a.rolcreaterole, a.rolreplication]) AS t(attribute, has)
WHERE a.rolname IN ('anon', 'authenticated') AND has
ORDER BY 1, 2
"""
_BECOMES = """
SELECT a.rolname, quote_ident(r.rolname) FROM pg_roles a, pg_roles r
WHERE a.rolname IN ('anon', 'authenticated') AND NOT a.rolsuper AND r.oid <> a.oid
  AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolname = ANY(%s)
       OR r.rolname = 'service_role')
  AND pg_has_role(a.oid, r.oid, 'MEMBER')
ORDER BY 1, 2
"""
_ORDINARY = (
    "Nothing was changed. Once more as this role, run `manage.py hand_over_database agentforge --yes`: it "
    "makes an ordinary role and gives it the forge's tables. Set its password, and put both into "
    "DATABASE_URL."
)


def session_problem(cursor: Any) -> str:
    """Return why the forge must not connect as its role, and the remedy; empty if it may."""
    cursor.execute(_SESSION, [list(_MACHINE_ROLES)])
    row = cursor.fetchone()
    if row is None:
        return ""
    session, role = row
    if session == role:
        return f"The forge connects to its database as {session}, a superuser. {_ORDINARY}"
    return (
        f"The forge connects to its database as {session}, which can become {role}, and so do anything on "
        f"the database's machine. Nothing was changed. Take {role} from {session}, or from the role that "
        "passes it on."
    )


def person_problems(cursor: Any) -> list[str]:
    """Return what the roles that requests run as may do too much, with the statement that ends it."""
    cursor.execute(_PERSONS)
    problems = [
        f"The role {role} has {attribute}: ALTER ROLE {role} NO{attribute};"
        for role, attribute in cursor.fetchall()
    ]
    cursor.execute(_BECOMES, [list(_MACHINE_ROLES)])
    for role, other in cursor.fetchall():
        problems.append(f"The role {role} can become {other}: REVOKE {other} FROM {role};")
    return problems
