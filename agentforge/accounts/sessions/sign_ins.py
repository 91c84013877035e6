"""Browser sign-ins: the tokens are in a SignIn row, which the Django session refers to."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import jwt
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from agentforge.accounts import password_choice, profile, session_revocation
from agentforge.accounts.errors import DISABLED, IdentityError, SessionEnded
from agentforge.accounts.identity import identity_service
from agentforge.accounts.identity.base import AuthSession, Tokens
from agentforge.accounts.models import SignIn, User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.prepared_queries import Parameter, PreparedQuery

from . import refresh, tokens
from .store import SessionStore

SESSION_KEY = "sign_in"
# `seen_at` is this precise, so that not every request writes.
SEEN_INTERVAL = timedelta(minutes=5)
# Why the service ended the session, for the sign-in page.
ENDED_KEY = "sign_in_ended"
# It is a guest's.
GUEST_KEY = "guest"
VISIT_OVER = (
    "Your visit as a guest is over, and everything you made was removed. Sign up to begin again and keep it."
)


def begin(session: SessionBase, issued: Tokens) -> User:
    """Sign a browser in with fresh tokens, in a new session (against session fixation).

    Raises tokens.InvalidToken if the tokens do not verify.
    """
    claims = tokens.verify(issued.access_token)
    tokens.admit(claims)
    is_proven = password_choice.made(session, claims["sub"]) or _is_signed_in_as(session, claims["sub"])
    user = _user_of(claims, issued, is_proven=is_proven)
    recovery = password_choice.recovery(session)
    end(session)
    row = SignIn.objects.create(
        user=user,
        access_token=issued.access_token,
        refresh_token=issued.refresh_token,
        expires_at=issued.expires_at,
    )
    session[SESSION_KEY] = str(row.pk)
    if isinstance(session, SessionStore):
        session.remember(row, claims["session_id"])
    password_choice.carry(session, recovery)
    _record_sign_in(user, claims)
    return user


def begin_for_script(issued: Tokens) -> User:
    """Record the sign-in of a script, which keeps its tokens itself.

    Raises tokens.InvalidToken as `begin` does.
    """
    claims = tokens.verify(issued.access_token)
    tokens.admit(claims)
    user = _user_of(claims, issued)
    _record_sign_in(user, claims)
    return user


def _user_of(claims: tokens.Claims, issued: Tokens, *, is_proven: bool = False) -> User:
    is_known = User.objects.filter(pk=claims["sub"]).exists()
    user = profile.follow(claims, issued.access_token)
    if not user.is_active:
        raise IdentityError(DISABLED)
    profile.update_second_factor(user, issued.has_second_factor)
    # Nobody else has used an account that was confirmed long ago and is seen here for the first time.
    is_proven = is_proven or not (is_known or issued.confirmed_now)
    if is_proven and password_choice.proves_address(claims):
        password_choice.prove(user)
    return user


def _is_signed_in_as(session: SessionBase, user_id: str) -> bool:
    """Return whether a browser is signed in to an account that it may use."""
    pk = row_id(session)
    row = SignIn.objects.select_related("user").filter(pk=pk, user_id=user_id).first() if pk else None
    try:
        return row is not None and not password_choice.is_due(row.user, tokens.verify(row.access_token))
    except tokens.InvalidToken:
        return False


def _record_sign_in(user: User, claims: tokens.Claims) -> None:
    session_revocation.spare(claims)
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
    action = Action.SECOND_FACTOR_PASSED if claims.get("aal") == "aal2" else Action.SIGNED_IN
    by = " and ".join(sorted(password_choice.methods(claims)))[:100]
    record(action, owner=user, actor=user, by=by)


def describe(session: SessionBase, *, user_agent: str, address: str) -> None:
    """Store what the list of sessions shows of a browser."""
    SignIn.objects.filter(pk=session[SESSION_KEY]).update(user_agent=user_agent[:300], address=address[:45])


def auth_session_of(row: SignIn) -> AuthSession | None:
    """Return the service's session of a sign-in; None if its tokens can't be read any more."""
    try:
        # Unverified: the tokens come from our own database, and may have expired.
        claims = jwt.decode(row.access_token, options={"verify_signature": False})
        return AuthSession({"sub": str(row.user_id), "session_id": claims["session_id"]}, row.access_token)
    except (jwt.PyJWTError, KeyError):
        return None


def end_others(session: SessionBase, user: User) -> None:
    """Sign a user's other browsers out."""
    mine = row_id(session)
    others = SignIn.objects.filter(user=user)
    (others if mine is None else others.exclude(pk=mine)).delete()


def end(session: SessionBase) -> None:
    """Delete a browser's tokens and its session."""
    pk = row_id(session)
    if pk is not None:
        SignIn.objects.filter(pk=pk).delete()
    session.flush()


def row_id(session: SessionBase) -> UUID | None:
    """Return the id of a session's SignIn row."""
    name = session.get(SESSION_KEY)
    return UUID(name) if name else None


_sign_in: PreparedQuery[SignIn] = PreparedQuery(
    lambda: SignIn.objects.select_related("user").filter(pk=Parameter("pk"))
)


def current(session: SessionBase) -> SignIn | None:
    """Return a browser's sign-in, with tokens in force; None if it has ended.

    Raises IdentityUnavailable if the tokens expired and the identity service does not answer.
    """
    pk = row_id(session)
    row = _read(session, pk) if pk else None
    if row is not None and timezone.now() - row.seen_at > SEEN_INTERVAL:
        SignIn.objects.filter(pk=row.pk).update(seen_at=timezone.now())
    if row is None:
        if session.pop(GUEST_KEY, False):
            session[ENDED_KEY] = VISIT_OVER
        return None
    if row.user.guest_until is not None and row.user.guest_until <= timezone.now():
        return _end_of_visit(session, row)
    if not refresh.is_due(row):
        return row
    renewed = refresh.renew(row)
    if isinstance(renewed, SessionEnded):
        session[ENDED_KEY] = VISIT_OVER if session.pop(GUEST_KEY, False) else str(renewed)
        return None
    return renewed


def _read(session: SessionBase, pk: UUID) -> SignIn | None:
    read_along = session.take_sign_in(pk) if isinstance(session, SessionStore) else None
    return read_along or _sign_in.first(pk=pk)


def _end_of_visit(session: SessionBase, row: SignIn) -> SignIn | None:
    """End a guest's sign-in, unless a mailed link gave the account an address meanwhile."""
    renewed = refresh.ask_again(row) if identity_service().is_remote else None
    if isinstance(renewed, SignIn):
        if not renewed.user.is_guest:
            return renewed
        # Unless the service did not answer: the removal asks with these tokens again.
        SignIn.objects.filter(pk=row.pk).exclude(access_token=row.access_token).delete()
    session.pop(GUEST_KEY, None)
    session[ENDED_KEY] = VISIT_OVER
    return None
