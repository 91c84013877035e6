"""Write what the database refuses to everybody but the owner of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def without_digest_check() -> Iterator[None]:
    """Do what only the tables' owner may: drop the constraint, and make it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'configs_revision_digest'"
        )
        [definition] = cursor.fetchone()
        cursor.execute("ALTER TABLE configs_revision DROP CONSTRAINT configs_revision_digest")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE configs_revision ADD CONSTRAINT configs_revision_digest {definition}"
            )
