"""Refresh a browser's tokens ahead of their end: once at a time, and without a transaction.

The request that finds them due claims the refresh in their row. While the tokens are in force, all other
requests go on with them, and the claiming one waits for a slow service only briefly: a thread then stores the
new tokens. Requests with expired tokens wait, without a database connection.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agentforge.accounts import profile
from agentforge.accounts.background import Late, answer_soon
from agentforge.accounts.errors import IdentityError, IdentityUnavailable, SessionEnded
from agentforge.accounts.identity import identity_service
from agentforge.accounts.identity.base import Tokens
from agentforge.accounts.models import SignIn
from agentforge.accounts.throttling.keyed_lock import KeyedLock
from agentforge.tenancy.request_transaction import outside_transaction

from . import tokens

# Tokens are due this long before they expire, but not before two thirds of their life are over.
MARGIN = timedelta(seconds=60)
# Between looks at a refresh that another process has claimed.
PAUSE = 0.1

_in_progress = KeyedLock()


def is_due(row: SignIn) -> bool:
    """Return whether a sign-in's tokens are about to expire."""
    left = row.expires_at - timezone.now()
    return left < MARGIN and left < _life(row.access_token) / 3


def renew(row: SignIn) -> SignIn | SessionEnded | None:
    """Return a sign-in with tokens in force, or why it ended; None if it was signed out meanwhile.

    Raises IdentityUnavailable if the tokens expired and the identity service does not answer.
    """
    if _is_in_force(row):
        return _renew_ahead(row) if _claim(row) else row
    with _in_progress.held(row.pk):
        return _renew_expired(row)


def ask_again(row: SignIn) -> SignIn | SessionEnded | None:
    """Refresh a sign-in's tokens although they are not due, to learn what has become of its identity.

    Returns and raises what `renew` does.
    """
    return _renew_now(row) if _claim(row) else _current(row)


def exchange(refresh_token: str) -> Tokens:
    """Exchange a script's refresh token. Raises IdentityError."""
    issued = identity_service().refresh(refresh_token)
    _follow(issued)
    return issued


def _life(access_token: str) -> timedelta:
    # Unverified: it only decides when to ask for the next token.
    try:
        claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
        return timedelta(seconds=claims["exp"] - claims["iat"])
    except (jwt.PyJWTError, KeyError, TypeError, OverflowError):
        return timedelta(days=1)


def _is_in_force(row: SignIn) -> bool:
    return row.expires_at > timezone.now()


def _claim(row: SignIn) -> bool:
    """Claim the refresh of a row's tokens, for longer than the service may take to answer."""
    now = timezone.now()
    free = SignIn.objects.filter(Q(refreshing_until=None) | Q(refreshing_until__lt=now))
    until = now + timedelta(seconds=2 * settings.SUPABASE_TIMEOUT)
    return bool(free.filter(pk=row.pk, refresh_token=row.refresh_token).update(refreshing_until=until))


def _renew_ahead(row: SignIn) -> SignIn | SessionEnded | None:
    if not identity_service().is_remote:
        return _renew_now(row)
    try:
        outcome = answer_soon(lambda: _ask(row.refresh_token), late=lambda outcome: _store(row, outcome))
    except Late:
        return row
    return _store(row, outcome)


def _renew_expired(row: SignIn) -> SignIn | SessionEnded | None:
    while True:
        current = _current(row)
        if current is None or not is_due(current):
            return current
        if _claim(current):
            return _renew_now(current)
        # Another process asks the service at present.
        with outside_transaction():
            time.sleep(PAUSE)


def _renew_now(row: SignIn) -> SignIn | SessionEnded | None:
    # A local service rotates the token in this database: both changes are one.
    with nullcontext() if identity_service().is_remote else transaction.atomic():
        return _store(row, _ask(row.refresh_token))


def _ask(refresh_token: str) -> Tokens | IdentityError:
    try:
        return identity_service().refresh(refresh_token)
    except IdentityError as error:
        return error


def _store(row: SignIn, outcome: Tokens | IdentityError) -> SignIn | SessionEnded | None:
    # A row with other tokens was refreshed by somebody else after this claim had run out.
    mine = SignIn.objects.filter(pk=row.pk, refresh_token=row.refresh_token)
    if isinstance(outcome, SessionEnded):
        return outcome if mine.delete()[0] else _current(row)
    if isinstance(outcome, IdentityError):
        mine.update(refreshing_until=None)
        if _is_in_force(row):
            return row
        raise IdentityUnavailable(str(outcome)) from outcome
    stored = mine.update(
        access_token=outcome.access_token,
        refresh_token=outcome.refresh_token,
        expires_at=outcome.expires_at,
        refreshing_until=None,
    )
    if stored:
        _follow(outcome)
    return _current(row)


def _follow(issued: Tokens) -> None:
    try:
        claims = tokens.verify(issued.access_token)
    except (tokens.InvalidToken, IdentityUnavailable):
        # Who presents the token finds out.
        return
    user = profile.follow(claims, issued.access_token)
    profile.update_second_factor(user, issued.has_second_factor)


def _current(row: SignIn) -> SignIn | None:
    return SignIn.objects.select_related("user").filter(pk=row.pk).first()
