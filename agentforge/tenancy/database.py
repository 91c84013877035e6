from __future__ import annotations

from typing import Any

from psycopg.conninfo import conninfo_to_dict


def parse(url: str, *, pool_size: int) -> dict[str, Any]:
    """Return Django's database settings for a libpq URL, with up to `pool_size` pooled connections.

    libpq parses the URL, so unix sockets and every libpq option work.
    Raises psycopg.ProgrammingError for a malformed URL.
    """
    params: dict[str, Any] = dict(conninfo_to_dict(url))
    return {
        "ENGINE": "agentforge.tenancy.postgresql",
        "NAME": params.pop("dbname", ""),
        "USER": params.pop("user", ""),
        "PASSWORD": params.pop("password", ""),
        "HOST": params.pop("host", ""),
        "PORT": str(params.pop("port", "")),
        "CONN_MAX_AGE": 0,
        # The pool checks each connection, so a restart of the server fails no request.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**params, "pool": {"min_size": 1, "max_size": pool_size}},
    }
