from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from agentforge.accounts import profile
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

_SALT, _ENROLMENT_SECONDS = "agentforge.accounts.enrolment", 3600
_NONE_LEFT = "Your account has no authenticator app any more, so nothing is asked."
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
    apps = [factor for factor in verified if factor.is_app]
    with rls.as_service():
        # The list is newer than what the last sign-in or refresh said.
        profile.update_second_factor(request.user, bool(apps))
    asked = bool(apps) and request.claims.get("aal") != "aal2"
    if not apps and (request.method == "POST" or requested_next(request)):
        # Removed elsewhere, by an operator for example: nothing is left to ask for.
        return done(request, requested_next(request) or "accounts:second_factor", _NONE_LEFT)
    form = FactorForm(submitted(request), factors=apps)
    context: dict[str, Any] = {"factors": verified, "has_app": bool(apps), "asked": asked}
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
    shown: dict[str, Any] = {"secret": enrolment.secret, "uri": enrolment.uri, "picture": picture}
    form = FactorForm(factor_id=enrolment.factor_id)
    return _with_picture(show(request, ENROL, form, **shown, enrolment=signing.dumps(shown, salt=_SALT)))


def _shown(request: Request) -> dict[str, Any]:
    """Return the secret and picture that the form brings back, so that a mistyped code costs neither.

    They are signed: a page shows only what this site put there.
    """
    enrolment = (submitted(request) or {}).get("enrolment")
    try:
        shown = signing.loads(str(enrolment or ""), salt=_SALT, max_age=_ENROLMENT_SECONDS)
    except signing.BadSignature:
        return {}
    return {**shown, "enrolment": str(enrolment)}


def _with_picture(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = f"{POLICY}; img-src 'self' data:"
    return response


@sensitive_post_parameters("code", "enrolment")
@negotiated
@never_cache
@require_POST
@requires_supabase
def finish(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    """Finish an enrolment with the first code that the app shows."""
    form = FactorForm(submitted(request))
    if not form.is_valid():
        return _with_picture(reject(request, ENROL, form, **_shown(request)))
    message = "Your second factor is set up. Sensitive pages ask for it."
    try:
        return sign_in_and_redirect(
            request, _pass_factor(request, service, form), "accounts:second_factor", message
        )
    except IdentityError as error:
        field = "code" if isinstance(error, CodeRefused) else None
        return _with_picture(refuse(request, ENROL, form, error, field=field, **_shown(request)))


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
    has_app = any(factor.is_verified and factor.is_app for factor in left)
    request.user.has_second_factor = has_app
    request.user.save(update_fields=["has_second_factor"])
