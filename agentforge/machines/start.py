"""What each process does before it serves or works: compare, record, and refuse to harm."""

from __future__ import annotations

import logging

import psycopg
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from . import sharing
from .existing_data import SecretMissing

logger = logging.getLogger(__name__)


def compare() -> None:
    """Record what this machine shares, and log what differs.

    Raises CommandError if a secret is missing, or if files would be looked for and written elsewhere than
    those of the other machines.
    """
    try:
        sharing.record()
        with connection.cursor() as cursor:
            found = sharing.differences(cursor)
    except SecretMissing as reason:
        raise CommandError(str(reason)) from None
    except (DatabaseError, psycopg.OperationalError) as error:
        # Away for a moment, or not migrated yet; readyz compares again.
        logger.warning("What all machines share could not be compared: %s", error)
        return
    finally:
        # This thread does nothing else with it.
        connection.close()
    for difference in found:
        if difference.is_directory:
            raise CommandError(f"{difference} Nothing was changed.")
        logger.error("%s", difference)
