"""Find out whether a database has a forge's data, for which a new secret would be the wrong one.

Without Django, and with a connection of its own: the settings ask, and processes before they serve.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg

from agentforge.shared_secrets import IDENTITY, SESSIONS, SIGNING, VAULT, SharedSecret
from agentforge.tenancy.search_path import has_forge, use_schema_for_now

_SECONDS = 5
# What a secret was needed for.
_USES = {
    SESSIONS: "SELECT EXISTS (SELECT FROM accounts_user)",
    IDENTITY: "SELECT EXISTS (SELECT FROM accounts_localsession)",
    VAULT: "SELECT EXISTS (SELECT FROM configs_apikey WHERE fingerprint <> '')",
    SIGNING: "SELECT EXISTS (SELECT FROM builds_artifact WHERE name = 'provenance.dsse.json')",
}
_RECORDED = "SELECT EXISTS (SELECT FROM machines_sharedfingerprint WHERE variable = %s)"


class SecretMissing(Exception):
    """This machine lacks a secret that the forge has; `str()` says which, and what to do."""


def verify_new(secret: SharedSecret, url: str, schema: str) -> None:
    """Raise SecretMissing if the database of a URL has data for which this secret was used.

    Raises psycopg.OperationalError if it does not answer.
    """
    with psycopg.connect(url, connect_timeout=_SECONDS) as connection:
        use_schema_for_now(connection, schema)
        with connection.cursor() as cursor:
            if has_forge(cursor) and _was_used(connection, secret):
                raise SecretMissing(
                    f"{secret.variable} is not set, and var/secrets/{secret.file} is not there, but the "
                    f"database has a forge that has one ({secret.purpose}). No new one was made. Copy the "
                    "file from a machine of this forge, set the variable, or restore a backup (manage.py "
                    "restore)."
                )


def session_key(var_dir: Path, url: str, schema: str, *, restores: bool) -> str:
    """Return the key that signs sessions, made for a new forge.

    While the database does not answer, and for the command that restores the key, it is one that is kept
    nowhere. Raises SystemExit with the reason if the forge has one.
    """
    if stored := SESSIONS.stored(var_dir):
        return stored
    try:
        verify_new(SESSIONS, url, schema)
    except psycopg.OperationalError:
        return secrets.token_urlsafe(48)
    except SecretMissing as reason:
        if restores:
            return secrets.token_urlsafe(48)
        raise SystemExit(str(reason)) from None
    return SESSIONS.stored_or_new(var_dir)


def _was_used(connection: psycopg.Connection[tuple[bool]], secret: SharedSecret) -> bool:
    for query, values in ((_RECORDED, [secret.variable]), (_USES[secret], [])):
        try:
            with connection.transaction():
                row = connection.execute(query.encode(), values).fetchone()
        except psycopg.errors.UndefinedTable:
            # Older than this table: migrate makes it.
            continue
        if row and row[0]:
            return True
    return False
