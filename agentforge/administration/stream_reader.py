"""Lend the doctor somebody to read a live stream as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agentforge.accounts import authentication, tokens
from agentforge.accounts.errors import IdentityUnavailable
from agentforge.accounts.identity import identity_service
from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import LocalIdentity, LocalSession, User

Reader = tuple[User, str]


@contextmanager
def reader(token: str = "") -> Iterator[Reader | None]:
    """Yield a user and a token: those of `token`, or a short session of an active user of this forge.

    Yields None where there is none: Supabase signs people in, the forge can't. Raises ValueError for a token
    that is none.
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
    lent = service.start_session(LocalIdentity.objects.get(pk=user.pk)).access_token
    try:
        yield user, lent
    finally:
        LocalSession.objects.filter(pk=tokens.verify(lent)["session_id"]).delete()
