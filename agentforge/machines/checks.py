from __future__ import annotations

import sys
from typing import Any

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from agentforge.tenancy.search_path import use_schema_for_now

from . import sharing

_SECONDS = 5


def check_shared(**_: Any) -> list[CheckMessage]:
    """Report what this machine has otherwise than the other machines of the forge.

    With a connection of its own, since Django lends checks none. Other commands than `check` only warn: they
    may be what mends it.
    """
    try:
        with psycopg.connect(settings.DATABASE_URL, connect_timeout=_SECONDS) as connection:
            use_schema_for_now(connection, settings.DATABASES["default"]["SCHEMA"])
            with connection.cursor() as cursor:
                found = sharing.differences(cursor)
    except psycopg.Error:
        # A database that is away, or not migrated, is reported by what uses it.
        return []
    kind, level = (Error, "E") if sys.argv[1:2] == ["check"] else (Warning, "W")
    return [kind(each.message, hint=each.remedy, id=f"machines.{level}001") for each in found]
