"""Keep a browser signed in: its tokens lie in a SignIn row, its Django session names the row."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils import timezone

from agentforge.audit.actions import Action
from agentforge.audit.log import record

from . import tokens
from .errors import IdentityUnavailable, SessionEnded
from .identity import identity_service
from .identity.base import Tokens
from .models import SignIn, User

SESSION_KEY = "sign_in"
# A token is exchanged this long before it expires, so that no request starts with a dying one.
REFRESH_MARGIN = timedelta(seconds=60)


def begin(session: SessionBase, issued: Tokens) -> User:
    """Sign a browser in with fresh tokens; its session starts anew, so that none can be fixed beforehand.

    Raises tokens.InvalidToken when the tokens do not verify.
    """
    claims = tokens.verify(issued.access_token)
    user = _user_of(claims, issued)
    end(session)
    row = SignIn.objects.create(
        user=user,
        access_token=issued.access_token,
        refresh_token=issued.refresh_token,
        expires_at=issued.expires_at,
    )
    session[SESSION_KEY] = str(row.pk)
    _record_sign_in(user, claims)
    return user


def begin_for_script(issued: Tokens) -> User:
    """Sign a program in, which keeps its tokens itself.

    Raises tokens.InvalidToken as `begin` does.
    """
    claims = tokens.verify(issued.access_token)
    user = _user_of(claims, issued)
    _record_sign_in(user, claims)
    return user


def _user_of(claims: tokens.Claims, issued: Tokens) -> User:
    user = User.objects.get_or_create_for_identity(user_id=UUID(claims["sub"]), email=claims.get("email", ""))
    _update_second_factor(user, issued)
    return user


def _record_sign_in(user: User, claims: tokens.Claims) -> None:
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
    action = Action.SECOND_FACTOR_PASSED if claims.get("aal") == "aal2" else Action.SIGNED_IN
    record(action, owner=user, actor=user, by=_methods(claims))


def _methods(claims: tokens.Claims) -> str:
    """Return by what a session was begun: password, otp, oauth, totp (`amr`)."""
    methods = claims.get("amr")
    known = (
        [one.get("method") for one in methods if isinstance(one, dict)] if isinstance(methods, list) else []
    )
    return " and ".join(sorted({method for method in known if isinstance(method, str)}))[:100]


def _update_second_factor(user: User, issued: Tokens) -> None:
    known = issued.has_second_factor
    if known is not None and known != user.has_second_factor:
        user.has_second_factor = known
        user.save(update_fields=["has_second_factor"])
        record(Action.SECOND_FACTOR_ON if known else Action.SECOND_FACTOR_OFF, owner=user, actor=user)


def end_others(session: SessionBase, user: User) -> None:
    """Sign a person's other browsers out."""
    mine = row_id(session)
    others = SignIn.objects.filter(user=user)
    (others if mine is None else others.exclude(pk=mine)).delete()


def end(session: SessionBase) -> None:
    """Forget a browser's tokens and its session."""
    pk = row_id(session)
    if pk is not None:
        SignIn.objects.filter(pk=pk).delete()
    session.flush()


def row_id(session: SessionBase) -> UUID | None:
    """Return the id of the SignIn row that a session names."""
    name = session.get(SESSION_KEY)
    return UUID(name) if name else None


def current(session: SessionBase) -> SignIn | None:
    """Return a browser's sign-in with tokens that are not about to expire, None when it has ended.

    Raises IdentityUnavailable when the tokens expired and the identity service does not answer.
    """
    pk = row_id(session)
    row = SignIn.objects.select_related("user").filter(pk=pk).first() if pk else None
    if row is None or not _is_due(row):
        return row
    return _refresh(row)


def _is_due(row: SignIn) -> bool:
    return row.expires_at - timezone.now() < REFRESH_MARGIN


@transaction.atomic
def _refresh(row: SignIn) -> SignIn | None:
    # Of many requests at once the first one refreshes; the others wait for its row and find it fresh.
    locked = SignIn.objects.select_for_update(of=("self",)).select_related("user").filter(pk=row.pk).first()
    if locked is None or not _is_due(locked):
        return locked
    try:
        issued = identity_service().refresh(locked.refresh_token)
    except SessionEnded:
        locked.delete()
        return None
    except IdentityUnavailable:
        if locked.expires_at > timezone.now():
            return locked
        raise
    _update_second_factor(locked.user, issued)
    locked.access_token = issued.access_token
    locked.refresh_token = issued.refresh_token
    locked.expires_at = issued.expires_at
    locked.save(update_fields=["access_token", "refresh_token", "expires_at"])
    return locked
