"""Choose as whom SQL runs: a user, an anonymous visitor, or the service itself.

A user's SQL runs as the role `authenticated` with the claims set, both for the transaction only (SET LOCAL),
as in Supabase's API. So no role outlives its transaction in a pooled connection. Source of the names:
https://supabase.com/docs/guides/database/postgres/row-level-security
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connection, transaction
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from .postgresql.base import DatabaseWrapper

_ATTRIBUTE = "agentforge_acting_as"
# The claims that SQL may read; the rest of a token (metadata that users can write) is not passed on.
_CLAIMS = ("sub", "role", "session_id", "aal")


@dataclass(frozen=True, slots=True)
class DatabaseActor:
    """A database role, and the claims that `auth.uid()` reads."""

    role: str
    claims: str = ""


# A request that waits for a row holds a connection meanwhile. Rows are locked for milliseconds.
LOCK_TIMEOUT = "3s"
_BECOME = (
    "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
    " set_config('lock_timeout', %s, true)"
)
_SERVICE = DatabaseActor("none")
_ANONYMOUS = DatabaseActor("anon", '{"role": "anon"}')


@contextmanager
def as_user(user_id: UUID, claims: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Run a transaction as a user: PostgreSQL shows and accepts only their rows."""
    all_claims = {**(claims or {}), "sub": str(user_id), "role": "authenticated"}
    passed = {name: all_claims[name] for name in _CLAIMS if isinstance(all_claims.get(name), str)}
    with _transaction_as(DatabaseActor("authenticated", json.dumps(passed))):
        yield


@contextmanager
def as_anonymous() -> Iterator[None]:
    """Run a transaction as a visitor who is not signed in."""
    with _transaction_as(_ANONYMOUS):
        yield


@contextmanager
def as_service() -> Iterator[None]:
    """Act as the service within a request's transaction, and then as the user again.

    Outside a request nothing changes: there the connecting role is already the service.
    """
    before = current_actor()
    if before.role == "none":
        yield
        return
    become(_SERVICE)
    try:
        yield
    finally:
        _return_to(before)


def current_actor() -> DatabaseActor:
    """Return as whom SQL runs at present."""
    acting: DatabaseActor = getattr(connection, _ATTRIBUTE, _SERVICE)
    return acting


def is_aborted() -> bool:
    """Return whether the transaction was aborted by an error: a COMMIT would roll it back."""
    raw = connection.connection
    return raw is not None and raw.info.transaction_status == TransactionStatus.INERROR


@contextmanager
def _transaction_as(acting: DatabaseActor) -> Iterator[None]:
    before = current_actor()
    try:
        with _begun_as(acting):
            yield
    finally:
        # The end of a transaction and a rollback undo SET LOCAL; a savepoint's release does not.
        _return_to(before)


@contextmanager
def _begun_as(acting: DatabaseActor) -> Iterator[None]:
    if connection.in_atomic_block:
        with transaction.atomic():
            become(acting)
            yield
        return
    with cast("DatabaseWrapper", connection).transaction_with(_BECOME, _settings_of(acting)):
        setattr(connection, _ATTRIBUTE, acting)
        yield


def _return_to(before: DatabaseActor) -> None:
    if connection.in_atomic_block and not connection.needs_rollback and not is_aborted():
        become(before)
    else:
        setattr(connection, _ATTRIBUTE, before)


def become(acting: DatabaseActor) -> None:
    """Run SQL as an actor until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_BECOME, _settings_of(acting))
    setattr(connection, _ATTRIBUTE, acting)


def _settings_of(acting: DatabaseActor) -> tuple[str, ...]:
    return acting.role, acting.claims, LOCK_TIMEOUT
