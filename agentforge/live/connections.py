"""Connections besides Django's: for the writer, the readers and LISTEN."""

from __future__ import annotations

from typing import Any

from django.db import connections

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
    return {**_LIVENESS, **ours, "autocommit": True, "application_name": "agentforge live"}
