"""Connections besides Django's: for the writer, the readers and LISTEN."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connections

from agentforge.tenancy.search_path import use_schema, use_schema_async

# A dead network is detected within half a minute, a dead server at once.
_LIVENESS = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def parameters() -> dict[str, Any]:
    """Return psycopg's arguments for Django's current database, in autocommit mode."""
    params: dict[str, Any] = connections["default"].get_connection_params()
    ours = {key: value for key, value in params.items() if key not in ("context", "cursor_factory")}
    process = ours.get("application_name") or ours["fallback_application_name"]
    return {**_LIVENESS, **ours, "autocommit": True, "application_name": f"{process} live"}


def connect() -> psycopg.Connection:
    """Connect to Django's current database; raises psycopg.OperationalError."""
    connection = psycopg.connect(**parameters())
    try:
        use_schema(connection, _schema())
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async() -> psycopg.AsyncConnection:
    """Connect asynchronously to Django's current database; raises psycopg.OperationalError."""
    connection = await psycopg.AsyncConnection.connect(**parameters())
    try:
        await use_schema_async(connection, _schema())
    except BaseException:
        await connection.close()
        raise
    return connection


def _schema() -> str:
    return str(connections["default"].settings_dict["SCHEMA"])
