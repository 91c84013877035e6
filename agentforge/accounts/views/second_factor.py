from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import CodeRefused, IdentityError
from agentforge.accounts.forms import FactorForm
from agentforge.accounts.identity.base import AuthSession, Tokens
from agentforge.accounts.redirects import requested_next
from agentforge.content_policy import POLICY
from agentforge.http import Request
from agentforge.negotiation import negotiated
from agentforge.tenancy import rls

from .responses import (
    auth_session,
    done,
    failed,
    refuse,
    reject,
    requires_supabase,
    show,
    sign_in_and_redirect,
    submitted,
)

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService
    from agentforge.accounts.identity.supabase_factors import Factor

OVERVIEW, ENROL = "accounts/second_factor_detail.html", "accounts/second_factor_enrol.html"


@sensitive_post_parameters("code")
@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires_supabase
def second_factor(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    """Show the authenticators; ask for a code if the session has no verified second factor."""
    try:
        factors = service.factors(auth_session(request))
    except IdentityError as error:
        return failed(request, "accounts:account", error)
    verified = [factor for factor in factors if factor.is_verified]
    asked = bool(verified) and request.claims.get("aal") != "aal2"
    form = FactorForm(submitted(request), factors=verified)
    context: dict[str, Any] = {"factors": verified, "asked": asked}
    if request.method != "POST":
        return show(request, OVERVIEW, form, **context)
    if not form.is_valid():
        return reject(request, OVERVIEW, form, **context)
    to = requested_next(request) or "accounts:second_factor"
    try:
        return sign_in_and_redirect(
            request, _pass_factor(request, service, form), to, "Your second factor is passed."
        )
    except IdentityError as error:
        return refuse(request, OVERVIEW, form, error, **context)


@never_cache
@require_POST
@requires_supabase
def enrol(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    """Start the enrolment of an authenticator app: show its secret, once."""
    try:
        enrolment = service.enrol(auth_session(request))
    except IdentityError as error:
        return failed(request, "accounts:second_factor", error)
    # As an image, not inline: an image's markup can't run scripts.
    picture = "data:image/svg+xml;base64," + b64encode(enrolment.svg.encode()).decode()
    form = FactorForm(factor_id=enrolment.factor_id)
    response = show(request, ENROL, form, secret=enrolment.secret, uri=enrolment.uri, picture=picture)
    response["Content-Security-Policy"] = f"{POLICY}; img-src 'self' data:"
    return response


@sensitive_post_parameters("code")
@negotiated
@never_cache
@require_POST
@requires_supabase
def finish(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    """Finish an enrolment with the first code that the app shows."""
    form = FactorForm(submitted(request))
    if not form.is_valid():
        return reject(request, ENROL, form)
    message = "Your second factor is set up. Sensitive pages ask for it."
    try:
        return sign_in_and_redirect(
            request, _pass_factor(request, service, form), "accounts:second_factor", message
        )
    except IdentityError as error:
        return refuse(request, ENROL, form, error, field="code" if isinstance(error, CodeRefused) else None)


def _pass_factor(request: Request, service: SupabaseIdentityService, form: FactorForm) -> Tokens:
    with rls.as_service():
        return service.pass_factor(
            auth_session(request),
            factor_id=form.cleaned_data["factor"],
            code=form.cleaned_data["code"],
            address=client_address(request),
        )


@require_POST
@requires_supabase
def remove(request: Request, service: SupabaseIdentityService, factor_id: str) -> HttpResponse:
    session = auth_session(request)
    try:
        service.remove_factor(session, factor_id)
        with rls.as_service():
            _update_second_factor(request, service, session)
    except IdentityError as error:
        return failed(request, "accounts:second_factor", error)
    return done(request, "accounts:second_factor", "The authenticator is removed.")


def _update_second_factor(request: Request, service: SupabaseIdentityService, session: AuthSession) -> None:
    left: list[Factor] = service.factors(session)
    request.user.has_second_factor = any(factor.is_verified for factor in left)
    request.user.save(update_fields=["has_second_factor"])
