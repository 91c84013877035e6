from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from agentforge.accounts import flows
from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import (
    CodeNeeded,
    CodeRefused,
    IdentityError,
    PasswordRefused,
    WrongCredentials,
)
from agentforge.accounts.forms import EmailForm, PasswordForm
from agentforge.accounts.identity import identity_service, supabase_service
from agentforge.accounts.sessions import sign_ins
from agentforge.http import Request
from agentforge.negotiation import negotiated
from agentforge.tenancy import rls

from .mail import RECOVERING
from .responses import auth_session, done, refuse, reject, requires_supabase, show, submitted

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService

PASSWORD, EMAIL = "accounts/password_change.html", "accounts/email_change.html"
_CHANGED = "Your password is changed. Your other sign-ins have ended."
_MAILED = "If {email} is free, two mails are on their way: follow both links, in this browser."


@never_cache
@require_safe
def account(request: Request) -> HttpResponse:
    return render(request, "accounts/account_detail.html", {"by_supabase": supabase_service() is not None})


@sensitive_post_parameters("current", "password", "code")
@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: Request) -> HttpResponse:
    """Change the password; after a recovery mail without the current one."""
    recovering = bool(request.session.get(RECOVERING))
    form = PasswordForm(submitted(request), email=request.user.email, recovering=recovering)
    context: dict[str, Any] = {"by_supabase": supabase_service() is not None}
    if request.method != "POST":
        return show(request, PASSWORD, form, **context)
    if not form.is_valid():
        return reject(request, PASSWORD, form, **context)
    try:
        with rls.as_service():
            identity_service().change_password(
                auth_session(request),
                current=None if recovering else form.cleaned_data["current"],
                password=form.cleaned_data["password"],
                code=form.cleaned_data["code"],
                address=client_address(request),
            )
            sign_ins.end_others(request.session, request.user)
    except IdentityError as error:
        if isinstance(error, CodeNeeded | CodeRefused):
            form.show_code_field()
        return refuse(request, PASSWORD, form, error, field=_field_of(error), **context)
    request.session.pop(RECOVERING, None)
    return done(request, "accounts:account", _CHANGED)


def _field_of(error: IdentityError) -> str | None:
    fields = {
        WrongCredentials: "current",
        PasswordRefused: "password",
        CodeNeeded: "code",
        CodeRefused: "code",
    }
    return fields.get(type(error))


@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires_supabase
def email(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    """Request a change of the e-mail address."""
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
