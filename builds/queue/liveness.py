"""Tell living workers from dead ones, by the signs of life that they leave in the database."""

from __future__ import annotations

from django.db import connection

# Seconds without a sign of life after which a worker counts as dead; it gives one every 3 seconds.
DEAD_AFTER = 12

_ALIVE = """
SELECT EXISTS (
    SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)
)
"""


def any_lives() -> bool:
    """Tell whether a worker gave a sign of life lately."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, [DEAD_AFTER])
        row = cursor.fetchone()
    return bool(row and row[0])
