from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth import middleware
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from agentforge.audit.request_actor import Actor, actor_context
from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.probe_hosts import LIVENESS
from agentforge.problems import problem
from agentforge.telemetry.context import bind
from agentforge.tenancy.middleware import database_away
from agentforge.unavailable import Unavailable

from .addresses import client_address
from .errors import IdentityUnavailable
from .redirects import ask_for_sign_in
from .sessions import authentication
from .sessions.tokens import InvalidToken

_UNAVAILABLE = "The identity service does not answer. Nothing was changed. Try again in a minute."


class IdentityMiddleware(middleware.AuthenticationMiddleware):
    """Sets `request.user` and `request.claims` from a bearer token, else from the session's tokens.

    A subclass of Django's own middleware, which the admin's system checks require.
    """

    async_capable = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with actor_context(client_address(request)) as actor:
            bind(address=actor.address)
            return self._answer(request, actor)

    def _answer(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        token = authentication.bearer_token(request.headers.get("Authorization", ""))
        try:
            if request.path_info == LIVENESS:
                # Whatever a probe sends along: the process alone answers.
                principal = None
            elif token is None:
                principal = authentication.by_session(request.session)
            else:
                principal = authentication.by_bearer(token)
                # Browsers never add this header on their own, so another site can't forge the request.
                request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined] # Django's own switch
        except InvalidToken as error:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return problem(401, str(error), headers=challenge)
        except OperationalError as error:
            return database_away(error)
        except IdentityUnavailable:
            if token is not None:
                return _unavailable()
            # Public pages go on without a user; LoginRequiredMiddleware refuses the others.
            principal = None
            cast(Request, request).identity_unavailable = True
        request.user = principal.user if principal else AnonymousUser()
        if principal:
            actor.user = principal.user
            actor.token = principal.claims.get("api_token_name", "")
            bind(user=str(principal.user.pk))
            cast(Request, request).claims = principal.claims
            cast(Request, request).access_token = principal.access_token
        return cast(HttpResponseBase, self.get_response(request))

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *arguments: Any
    ) -> HttpResponseBase | None:
        """Ask a script to sign in before anything asks it for a CSRF token."""
        if request.user.is_authenticated or is_unavailable(request) or not wants_json(request):
            return None
        return ask_for_sign_in(request) if getattr(view, "login_required", True) else None


def _unavailable() -> HttpResponseBase:
    return Unavailable(_UNAVAILABLE, retry_after=60)


def is_unavailable(request: HttpRequest) -> bool:
    """Return whether the user of a request is unknown because the identity service does not answer."""
    return getattr(request, "identity_unavailable", False)


def works_in_outage(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view run, without a user, while the identity service does not answer."""
    # As Django marks views with login_not_required; decorators copy it.
    view.__dict__["works_in_outage"] = True
    return view


class LoginRequiredMiddleware(middleware.LoginRequiredMiddleware):
    """Requires a sign-in, except for views marked `login_not_required`."""

    def handle_no_permission(  # type: ignore[override] # answers scripts too
        self, request: HttpRequest, view_func: Callable[..., Any] | None
    ) -> HttpResponseBase | None:
        if is_unavailable(request):
            return None if getattr(view_func, "works_in_outage", False) else _unavailable()
        return ask_for_sign_in(request)
