from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.problems import problem

from .models import User
from .redirects import back_to, with_query
from .sessions.tokens import Claims

# Never protected, whatever the setting says: the pages to verify a second factor and to sign out.
ALWAYS_FREE = ("second_factor", "sign_out", "jwks")
NEEDED = "This needs your second factor. Pass it first; nothing was changed."


class SecondFactorMiddleware:
    """Requires the second factor of users who enrolled one, on SECOND_FACTOR_PATHS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated or not is_missing(cast(Request, request)):
            return self.get_response(request)
        if wants_json(request):
            return problem(403, NEEDED)
        url = with_query(reverse("accounts:second_factor"), next=back_to(request))
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=403, headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)


def is_missing(request: Request) -> bool:
    """Return whether a request lacks the second factor that its path requires."""
    return lacks(request.user, request.claims, request.path_info)


def lacks(user: User, claims: Claims, path: str) -> bool:
    """Return whether a session lacks the second factor that a path requires of its user."""
    if not user.has_second_factor or claims.get("aal") == "aal2":
        return False
    if path.startswith(tuple(reverse(f"accounts:{name}") for name in ALWAYS_FREE)):
        return False
    return any(pattern.search(path) for pattern in _patterns(tuple(settings.SECOND_FACTOR_PATHS)))


@lru_cache(maxsize=4)
def _patterns(paths: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [re.compile(path) for path in paths]
