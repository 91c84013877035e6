"""Create and read the local identity service's refresh tokens.

A token is `<session>.<generation>.<mac>`. It is not stored, so a copy of the database lets nobody sign in,
and the loser of a race can be given the current token again.
"""

from __future__ import annotations

from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "agentforge.accounts.refresh"


def make(session_id: UUID, generation: int) -> str:
    body = f"{session_id.hex}.{generation}"
    return f"{body}.{salted_hmac(_SALT, body, algorithm='sha256').hexdigest()}"


def read(token: str) -> tuple[UUID, int] | None:
    """Return the session and generation of a genuine token; None for any other text."""
    session, _, rest = token[:200].partition(".")
    number = rest.partition(".")[0]
    if len(session) != 32 or not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    try:
        session_id, generation = UUID(hex=session), int(number)
    except ValueError:
        return None
    return (session_id, generation) if constant_time_compare(token, make(session_id, generation)) else None
