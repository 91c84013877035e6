from __future__ import annotations

from typing import Any

from psycopg.conninfo import conninfo_to_dict


def parse(url: str, *, pool_size: int) -> dict[str, Any]:
    """Return Django's database settings for a libpq URL, with up to `pool_size` pooled connections.

    libpq itself reads the URL, so unix sockets and every libpq option work.
    Raises psycopg.ProgrammingError for a malformed URL.
    """
    given: dict[str, Any] = dict(conninfo_to_dict(url))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.pop("dbname", ""),
        "USER": given.pop("user", ""),
        "PASSWORD": given.pop("password", ""),
        "HOST": given.pop("host", ""),
        "PORT": str(given.pop("port", "")),
        "CONN_MAX_AGE": 0,
        # The pool asks each connection for a sign of life, so a restart of the server costs no page.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**given, "pool": {"min_size": 1, "max_size": pool_size}},
    }
