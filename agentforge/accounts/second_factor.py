from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.problems import problem

from . import profile, session_revocation
from .background import Late, answer_soon
from .errors import SessionEnded
from .identity import identity_service
from .identity.base import AuthSession
from .models import User
from .redirects import ask_for_sign_in, back_to, with_query
from .sessions import authentication, sign_ins
from .sessions.tokens import Claims
from .throttling.acts import SecondFactorMissing, lacks_factor

# Never protected, whatever the setting says: the pages to verify a second factor and to sign out.
ALWAYS_FREE = ("second_factor", "sign_out", "jwks")
NEEDED = "This needs your second factor. Pass it first; nothing was changed."


class SecondFactorMiddleware:
    """Requires the second factor of users who enrolled one, for acts and on SECOND_FACTOR_PATHS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated or not is_asked_for(cast(Request, request)):
            return self.get_response(request)
        try:
            _learn(cast(Request, request))
        except SessionEnded as ended:
            return _end(cast(Request, request), str(ended))
        return _ask(request) if is_missing(cast(Request, request)) else self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return _ask(request) if isinstance(exception, SecondFactorMissing) else None


def _ask(request: HttpRequest) -> HttpResponseBase:
    if wants_json(request):
        return problem(403, NEEDED)
    url = with_query(reverse("accounts:second_factor"), next=back_to(request))
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=403, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _learn(request: Request) -> None:
    """Ask whether the user has a second factor: they may have enrolled or lost it elsewhere.

    While the service is slow or away, what is known counts. Raises SessionEnded.
    """
    service, user_id = identity_service(), request.user.pk
    # An API token is the forge's own: the service doesn't know it, and must not see it.
    if not service.is_remote or "api_token" in request.claims:
        return
    session = AuthSession(request.claims, request.access_token)
    with suppress(Late):
        enrolled = answer_soon(
            lambda: service.has_second_factor(session),
            late=lambda enrolled: profile.update_second_factor(User.objects.get(pk=user_id), enrolled),
        )
        profile.update_second_factor(request.user, enrolled)


def _end(request: Request, reason: str) -> HttpResponseBase:
    """End a session here that the identity service has ended, and ask for a sign-in."""
    session_revocation.end_session(UUID(request.claims["session_id"]))
    if authentication.bearer_token(request.headers.get("Authorization", "")) is not None:
        return problem(401, reason, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    sign_ins.end(request.session)
    request.session[sign_ins.ENDED_KEY] = reason
    return ask_for_sign_in(request)


def is_asked_for(request: Request) -> bool:
    """Return whether a path requires the second factor of those who have one, and the session lacks it."""
    may_have_one = request.user.has_second_factor or identity_service().is_remote
    return may_have_one and request.claims.get("aal") != "aal2" and _is_protected(request.path_info)


def is_missing(request: Request) -> bool:
    """Return whether a request lacks the second factor that its path requires."""
    return lacks(request.user, request.claims, request.path_info)


def lacks(user: User, claims: Claims, path: str) -> bool:
    """Return whether a session lacks the second factor that a path requires of its user."""
    return lacks_factor(user, claims) and _is_protected(path)


def _is_protected(path: str) -> bool:
    if not any(pattern.search(path) for pattern in _patterns(tuple(settings.SECOND_FACTOR_PATHS))):
        return False
    return not path.startswith(tuple(reverse(f"accounts:{name}") for name in ALWAYS_FREE))


@lru_cache(maxsize=4)
def _patterns(paths: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [re.compile(path) for path in paths]
