from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts import api_tokens, flows, password_choice
from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import (
    CodeNeeded,
    CodeRefused,
    IdentityError,
    PasswordRefused,
    SamePassword,
    WrongCredentials,
)
from agentforge.accounts.forms import EmailForm, PasswordForm, ThemeForm
from agentforge.accounts.identity import identity_service, supabase_service
from agentforge.accounts.identity.providers import PROVIDERS, is_known
from agentforge.accounts.redirects import requested_next
from agentforge.accounts.sessions import sign_ins
from agentforge.http import Request
from agentforge.negotiation import negotiated
from agentforge.tenancy import rls

from . import local_mail
from .responses import auth_session, done, failed, refuse, reject, show, submitted

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService

PASSWORD, EMAIL = "accounts/password_change.html", "accounts/email_change.html"
THEME, _YEAR = "theme", 365 * 86_400
_NO_THEME = IdentityError("There is no such theme. Nothing was changed.")
_CHANGED = "Your password is changed. Your other sign-ins have ended."
_MAILED = (
    "If {email} is free, a mail is on its way there, and usually one to your present address. "
    "Follow each link, in this browser."
)


@never_cache
@require_safe
def account(request: Request) -> HttpResponse:
    form = ThemeForm(initial={"theme": request.COOKIES.get(THEME, "auto")})
    context = {"by_supabase": supabase_service() is not None, "theme_form": form}
    return render(request, "accounts/account_detail.html", context)


@require_POST
def theme(request: Request) -> HttpResponse:
    """Choose this browser's theme."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return failed(request, "accounts:account", _NO_THEME)
    response = done(request, "accounts:account")
    chosen = form.cleaned_data["theme"]
    if chosen == "auto":
        response.delete_cookie(THEME, samesite="Lax")
    else:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(THEME, chosen, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure)
    return response


@sensitive_post_parameters("current", "password", "code")
@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: Request) -> HttpResponse:
    """Change the password; without the current one for who has just proved to own the address."""
    is_due = password_choice.is_due(request.user, request.claims)
    is_free = is_due or password_choice.is_recovering(request)
    form = PasswordForm(submitted(request), email=request.user.email, recovering=is_free)
    context: dict[str, Any] = {"is_due": is_due, "providers": _providers_alone(request)}
    if request.method != "POST":
        return show(request, PASSWORD, form, **context)
    if not form.is_valid():
        return reject(request, PASSWORD, form, **context)
    try:
        with rls.as_service():
            _change_password(request, form, is_free=is_free, is_due=is_due)
    except IdentityError as error:
        if isinstance(error, CodeNeeded | CodeRefused):
            form.show_code_field()
        return refuse(request, PASSWORD, form, error, field=_field_of(error), **context)
    password_choice.end_recovery(request.session)
    return done(request, requested_next(request) or "accounts:account", _CHANGED)


def _providers_alone(request: Request) -> str:
    """Return the providers of a user who signs in with nothing else; empty if there may be a password."""
    metadata = request.claims.get("app_metadata")
    listed = metadata.get("providers") if isinstance(metadata, dict) else None
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return "" if "email" in names else " or ".join(PROVIDERS[name] for name in names if is_known(name))


def _change_password(request: Request, form: PasswordForm, *, is_free: bool, is_due: bool) -> None:
    session, service = auth_session(request), identity_service()
    try:
        service.change_password(
            session,
            current=None if is_free else form.cleaned_data["current"],
            password=form.cleaned_data["password"],
            code=form.cleaned_data["code"],
            address=client_address(request),
        )
    except SamePassword:
        if not is_due:
            raise
        # Who chooses the password that the account has knows it: it was their own all along.
        service.end_other_sessions(session)
    if is_free:
        password_choice.prove(request.user)
        api_tokens.revoke_all(request.user)
    sign_ins.end_others(request.session, request.user)


def _field_of(error: IdentityError) -> str | None:
    fields = {
        WrongCredentials: "current",
        PasswordRefused: "password",
        SamePassword: "password",
        CodeNeeded: "code",
        CodeRefused: "code",
    }
    return fields.get(type(error))


@sensitive_post_parameters("current")
@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def email(request: Request) -> HttpResponse:
    """Request a change of the e-mail address."""
    service = supabase_service()
    return _supabase_email(request, service) if service else local_mail.email(request)


def _supabase_email(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    form = EmailForm(submitted(request))
    if request.method != "POST":
        return show(request, EMAIL, form)
    if not form.is_valid():
        return reject(request, EMAIL, form)
    state, address = flows.new_state(), form.cleaned_data["email"]
    try:
        with rls.as_service():
            verifier = service.change_email(
                auth_session(request),
                email=address,
                address=client_address(request),
                redirect_to=flows.callback_url(request, state),
            )
    except IdentityError as error:
        return refuse(request, EMAIL, form, error)
    flows.store(request.session, state, flows.Flow("email_change", verifier))
    return done(request, "accounts:account", _MAILED.format(email=address))
