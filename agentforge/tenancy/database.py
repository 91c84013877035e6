from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from . import patience
from .search_path import DEFAULT_SCHEMA, RESERVED_SCHEMAS

# A pool closes one of its connections when all of them were not needed for so long.
IDLE_SECONDS = 10.0
CONNECT_SECONDS = 5


def parse(url: str, *, pool_size: int, schema: str = "") -> dict[str, Any]:
    """Return Django's database settings for a libpq URL, with up to `pool_size` pooled connections.

    libpq parses the URL, so unix sockets and every libpq option work. Raises ImproperlyConfigured for a
    malformed URL, and for a schema that is not the forge's to use.
    """
    params = dict(_parameters(url))
    return {
        "SCHEMA": own_schema(url, schema),
        "ENGINE": "agentforge.tenancy.postgresql",
        "NAME": params.pop("dbname", ""),
        "USER": params.pop("user", ""),
        "PASSWORD": params.pop("password", ""),
        "HOST": params.pop("host", ""),
        "PORT": str(params.pop("port", "")),
        "CONN_MAX_AGE": 0,
        # The pool checks each connection, so a restart of the server fails no request.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": CONNECT_SECONDS,
            **params,
            "pool": _pool(pool_size),
        },
    }


def _pool(size: int) -> dict[str, Any]:
    return {
        "min_size": 0,
        "max_size": size,
        "max_idle": IDLE_SECONDS,
        "timeout": patience.SECONDS,
        # Its pauses between attempts grow, and nothing else connects meanwhile: it must soon begin anew.
        "reconnect_timeout": patience.SECONDS,
        "connection_class": patience.BoundedConnection,
    }


def application_name() -> str:
    """Return what this process is called in `pg_stat_activity`, such as `agentforge web`."""
    return f"agentforge {process_name(sys.argv)}"


def process_name(arguments: Sequence[str]) -> str:
    """Return what the database's administrator calls a process: `web`, `replies`, or its command."""
    program, *rest = arguments or [""]
    if not program.endswith("manage.py") or not rest:
        return Path(program).stem
    if rest[0] == "procrastinate" and "--name" in rest[:-1]:
        return rest[rest.index("--name") + 1]
    return {"serve": "web", "procrastinate": "worker"}.get(rest[0], rest[0])


def own_schema(url: str, schema: str) -> str:
    """Return the schema for new installations; empty if the URL sets a `search_path` itself.

    Raises ImproperlyConfigured for a malformed URL, and for a schema of Supabase's or PostgreSQL's own.
    """
    if "search_path" in str(_parameters(url).get("options", "")):
        return ""
    chosen = schema or DEFAULT_SCHEMA
    if chosen in RESERVED_SCHEMAS or chosen.startswith("pg_"):
        raise ImproperlyConfigured(
            f"DATABASE_SCHEMA: the schema {chosen} belongs to Supabase or PostgreSQL. "
            f"Name one for the forge alone, such as {DEFAULT_SCHEMA}."
        )
    return chosen


def _parameters(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Without libpq's words, which quote a part of the URL: perhaps the password.
        raise ImproperlyConfigured(
            "DATABASE_URL is not a PostgreSQL URL: postgresql://user:password@host:5432/database. "
            "Write special characters of the password as %40 for @, %23 for #, %2F for /, %3A for :."
        ) from None
