"""Responses of the account views, for pages and scripts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from agentforge.accounts import session_revocation
from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import IdentityError, IdentityUnavailable, SessionEnded, TooManyAttempts
from agentforge.accounts.identity import supabase_service
from agentforge.accounts.identity.base import AuthSession, Tokens
from agentforge.accounts.sessions import sign_ins
from agentforge.http import Request
from agentforge.negotiation import form_failure, is_json, json_object, negotiated, success, wants_json
from agentforge.problems import problem
from agentforge.tenancy import rls

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService
from agentforge.accounts.redirects import requested_next
from agentforge.accounts.sessions.tokens import InvalidToken, NotAdmitted

from .scripts import is_script, open_to_scripts, tokens_json

# In a session: the address that was entered last.
EMAIL_KEY = "signed_up_as"
KEPT = "The account is yours now, with everything you made."
logger = logging.getLogger(__name__)
P = ParamSpec("P")


def requires_supabase(
    view: Callable[Concatenate[Any, SupabaseIdentityService, P], HttpResponse],
) -> Callable[Concatenate[Any, P], HttpResponse]:
    """Pass the Supabase service to a view; answer 404 without Supabase."""

    @wraps(view)
    def inner(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        service = supabase_service()
        if service is None:
            raise Http404
        return view(request, service, *args, **kwargs)

    return inner


def public_form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a form view that needs no sign-in, for pages and scripts."""
    limited = require_http_methods(["GET", "HEAD", "POST"])(view)
    return login_not_required(open_to_scripts(negotiated(never_cache(limited))))


def auth_session(request: Request) -> AuthSession:
    """Return the session of a signed-in request."""
    return AuthSession(request.claims, request.access_token)


def known_email(request: HttpRequest) -> str:
    """Return the address of the signed-in user, or the one that this browser entered last."""
    return request.user.email if request.user.is_authenticated else request.session.get(EMAIL_KEY, "")


def submitted(request: HttpRequest) -> Mapping[str, Any] | None:
    """Return the data of a POST, from a form or JSON; None for other methods."""
    if request.method != "POST":
        return None
    return json_object(request) if is_json(request) else request.POST


def start_session(request: HttpRequest, tokens: Tokens) -> None:
    """Sign a browser in. Raises IdentityUnavailable if the service's tokens do not verify."""
    with _verification_errors():
        sign_ins.begin(request.session, tokens)
        user_agent = request.headers.get("User-Agent", "")
        sign_ins.describe(request.session, user_agent=user_agent, address=client_address(request))
    rotate_token(request)


def sign_in_and_redirect(
    request: HttpRequest, tokens: Tokens, to: str, message: str, *, silent: bool = False
) -> HttpResponse:
    """Sign a browser in and redirect it, or return tokens to a script; `silent` shows no message.

    Raises IdentityUnavailable as `enter` does.
    """
    if is_script(request):
        with _verification_errors():
            sign_ins.begin_for_script(tokens)
        return success(detail=message, tokens=tokens_json(tokens))
    start_session(request, tokens)
    if wants_json(request):
        return success(detail=message, tokens=None)
    return done(request, to, "" if silent else message)


@contextmanager
def _verification_errors() -> Iterator[None]:
    try:
        with rls.as_service():
            yield
    except NotAdmitted as error:
        raise IdentityError(str(error)) from error
    except InvalidToken as error:
        logger.error("The identity service's tokens do not verify: check its URL, issuer and clock.")
        raise IdentityUnavailable(
            "The identity service does not match this site. Tell an operator."
        ) from error


def show(
    request: HttpRequest, template: str, form: BaseForm | None = None, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a page with its form."""
    return render(
        request, template, {"form": form, "next_url": requested_next(request), **context}, status=status
    )


def reject(
    request: HttpRequest, template: str, form: BaseForm, *, status: int = 422, **context: Any
) -> HttpResponse:
    """Show a form again with its errors."""
    if wants_json(request):
        return form_failure(form, status)
    return show(request, template, form, status=status, **context)


def refuse(
    request: HttpRequest, template: str, form: BaseForm, error: IdentityError, **context: Any
) -> HttpResponse:
    """Show a form again with an error of the identity service; sign out if it has ended the session."""
    if isinstance(error, SessionEnded) and request.user.is_authenticated:
        return _signed_out(request, error)
    form.add_error(context.pop("field", None), str(error))
    response = reject(request, template, form, status=status_of(error), **context)
    if isinstance(error, TooManyAttempts):
        response["Retry-After"] = str(error.retry_after)
    return response


def _signed_out(request: HttpRequest, error: SessionEnded) -> HttpResponse:
    """Sign a browser out here too, and say why; a script's token ends with it."""
    with rls.as_service():
        session_revocation.end_session(UUID(cast(Request, request).claims["session_id"]))
        sign_ins.end(request.session)
    if wants_json(request):
        return problem(401, str(error), headers={"WWW-Authenticate": "Bearer"})
    messages.error(request, str(error))
    return redirect("accounts:sign_in")


def status_of(error: IdentityError) -> int:
    if isinstance(error, TooManyAttempts):
        return 429
    return 503 if isinstance(error, IdentityUnavailable) else 422


def done(request: HttpRequest, to: str, message: str = "") -> HttpResponse:
    """Redirect with a success message."""
    if wants_json(request):
        return success(detail=message)
    if message:
        messages.success(request, message)
    return redirect(to)


def failed(request: HttpRequest, to: str, error: IdentityError) -> HttpResponse:
    """Redirect with an error message, where no form can show it; sign out if the session has ended."""
    if isinstance(error, SessionEnded) and request.user.is_authenticated:
        return _signed_out(request, error)
    messages.error(request, str(error))
    return redirect(to)
