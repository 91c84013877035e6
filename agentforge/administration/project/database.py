"""Ask the database, and the project's REST API, what of the forge is open."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
from django.conf import settings
from django.db import DatabaseError, connection

from agentforge.telemetry.outbound_calls import LoggedClient
from agentforge.tenancy.exposure import exposures
from agentforge.tenancy.notifications import NotificationLost, verify_connection
from agentforge.tenancy.search_path import has_forge

from .report import Line, register, right, unseen, wrong

_NAMED = 3


@register("database")
def database_lines(forge_url: str) -> Iterator[Line]:
    """Report on connection, schema, rights and exposure."""
    try:
        verify_connection(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema(), current_setting('server_version')")
            schema, version = cursor.fetchone()
            is_there = has_forge(cursor)
            opened = [str(exposure) for exposure in exposures(connection)] if is_there else []
    except NotificationLost as reason:
        yield wrong("database", str(reason), "Correct DATABASE_URL.")
        return
    except (DatabaseError, psycopg.OperationalError) as error:
        yield wrong("database", f"It does not answer: {error}", "Check DATABASE_URL.")
        return
    yield right("database", f"PostgreSQL {version} answers, and notifications arrive.")
    if not is_there:
        yield wrong("schema", "The forge's tables are missing.", "manage.py migrate")
        return
    yield _schema(schema)
    yield _rights(opened)
    yield _exposure(schema)


def _schema(schema: str) -> Line:
    if schema != "public":
        return right("schema", f"The forge has the schema {schema} for itself.")
    return right("schema", "The forge lies in public, closed. manage.py move_to_schema gives it its own.")


def _rights(opened: list[str]) -> Line:
    if not opened:
        return right("rights", "Closed to the publishable key; people reach their own rows.")
    rest = f", and {len(opened) - _NAMED} more" if len(opened) > _NAMED else ""
    return wrong("rights", f"{'; '.join(opened[:_NAMED])}{rest}.", "manage.py secure_database")


def _exposure(schema: str) -> Line:
    """Ask the project's REST API for a table in the schema; it names a schema that it doesn't serve."""
    topic = "exposed schemas"
    remedy = f"Project Settings, Data API, Exposed schemas: {schema} must not be among them."
    if schema == "public" or not settings.SUPABASE_URL:
        return right(topic, "Nothing to hide: rights and row level security close the tables.")
    headers = {"apikey": settings.SUPABASE_ANON_KEY, "Accept-Profile": schema}
    url = f"{settings.SUPABASE_URL}/rest/v1/agentforge_check"
    try:
        with LoggedClient(timeout=settings.SUPABASE_TIMEOUT, trust_env=False) as client:
            response = client.get(url, headers=headers)
        code = response.json().get("code")
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        return unseen(topic, f"The REST API did not say ({type(error).__name__}).", remedy)
    if code == "PGRST106":
        return right(topic, f"The REST API does not serve {schema}.")
    if code in ("PGRST205", "42P01"):
        return wrong(topic, f"The REST API serves the schema {schema}.", remedy)
    return unseen(topic, f"The REST API answered {response.status_code}.", remedy)
