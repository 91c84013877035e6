"""Raw connections to a forge's database, for tests that look at its tables."""

from __future__ import annotations

from typing import Any

import psycopg

from agentforge.tenancy.search_path import DEFAULT_SCHEMA, use_schema


def connected(url: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """Connect, and work in the forge's schema."""
    connection = psycopg.connect(url, autocommit=autocommit, connect_timeout=60)
    use_schema(connection, DEFAULT_SCHEMA)
    return connection
