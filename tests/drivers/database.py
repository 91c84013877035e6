"""Raw connections to a forge's database, for tests that look at its tables."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection

from agentforge.tenancy.search_path import DEFAULT_SCHEMA, use_schema


def connected(url: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """Connect, and work in the forge's schema."""
    opened = psycopg.connect(url, autocommit=autocommit, connect_timeout=60)
    use_schema(opened, DEFAULT_SCHEMA)
    return opened


# pg_locks is read anew each time; within a transaction pg_stat_activity is not.
_WAITED_FOR = """
SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
"""


def is_waited_for() -> bool:
    """Return whether another session waits for a lock that Django's connection holds."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITED_FOR)
        return bool(cursor.fetchone()[0])
