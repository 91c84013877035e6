"""A user and token with which `doctor` reads a live stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agentforge.accounts.errors import IdentityUnavailable
from agentforge.accounts.identity import identity_service
from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import LocalIdentity, LocalSession, User
from agentforge.accounts.sessions import authentication, tokens

Reader = tuple[User, str]


@contextmanager
def reader(token: str = "") -> Iterator[Reader | None]:
    """Yield a user and a token: those of `token`, or of a temporary session of an active user.

    Yields None if there is no user, or if Supabase issues the tokens. Raises ValueError for an invalid token.
    """
    if token:
        try:
            yield authentication.by_bearer(token).user, token
        except (tokens.InvalidToken, IdentityUnavailable) as error:
            raise ValueError(str(error)) from error
        return
    service = identity_service()
    user = User.objects.filter(is_active=True, pk__in=LocalIdentity.objects.values("pk")).first()
    if user is None or not isinstance(service, LocalIdentityService):
        yield None
        return
    access_token = service.start_session(LocalIdentity.objects.get(pk=user.pk)).access_token
    try:
        yield user, access_token
    finally:
        LocalSession.objects.filter(pk=tokens.verify(access_token)["session_id"]).delete()
