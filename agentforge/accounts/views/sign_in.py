from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts import flows, guests, password_choice
from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import (
    EmailNotConfirmed,
    IdentityError,
    IdentityUnavailable,
    SessionEnded,
    TooManyAttempts,
)
from agentforge.accounts.forms import RefreshForm, SignInForm, SignUpForm
from agentforge.accounts.guests import is_guest, is_member
from agentforge.accounts.identity import identity_service, supabase_service
from agentforge.accounts.identity.providers import PROVIDERS, is_known
from agentforge.accounts.middleware import is_unavailable, works_in_outage
from agentforge.accounts.redirects import next_url, requested_next, with_query
from agentforge.accounts.sessions import refresh, sign_ins
from agentforge.accounts.throttling.attempts import attempt_unnamed
from agentforge.http import Request
from agentforge.negotiation import (
    failure,
    form_failure,
    is_json,
    json_object,
    negotiated,
    success,
    wants_json,
)
from agentforge.problems import problem
from agentforge.tenancy import rls

from .responses import (
    EMAIL_KEY,
    KEPT,
    auth_session,
    done,
    public_form,
    refuse,
    reject,
    show,
    sign_in_and_redirect,
    submitted,
)
from .scripts import is_script, tokens_json

SIGN_IN, SIGN_UP = "accounts/sign_in.html", "accounts/sign_up.html"
SIGNED_IN, SIGNED_OUT = "You are signed in.", "You are signed out."
TO_CONFIRM = (
    "We sent a mail to {email}. Follow its link in this browser, and the account is yours with everything "
    "you made. If none arrives in a few minutes, sign up once more; if you have an account, download your "
    "agents first, then sign in."
)
TOO_LATE = (
    "Your visit as a guest was over before you signed up, and what you made was removed. "
    "This account begins empty."
)
LEFT = "You are signed out, and what you made as a guest is being removed."
TAKEN = "This address has an account. Sign in with its password."
_NOT_EXCHANGEABLE = "This is not a refresh token. Sign in again."
_STILL_SIGNED_IN = (
    "You are signed out here. The identity service did not answer or refused: "
    "you may still be signed in elsewhere."
)


@public_form
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    if is_member(request.user) and not (is_json(request) or wants_json(request)):
        return redirect(next_url(request))
    if request.method == "GET" and (reason := request.session.pop(sign_ins.ENDED_KEY, "")):
        messages.error(request, reason)
    form = SignInForm(submitted(request), initial={"email": request.session.get(EMAIL_KEY, "")})
    if request.method != "POST":
        return show(request, SIGN_IN, form, **_sign_in_options())
    if not form.is_valid():
        return reject(request, SIGN_IN, form, **_sign_in_options())
    try:
        with rls.as_service():
            tokens = identity_service().sign_in_with_password(
                **form.cleaned_data, address=client_address(request)
            )
            guests.leave(request.user)
        return sign_in_and_redirect(request, tokens, next_url(request), SIGNED_IN, silent=True)
    except IdentityError as error:
        unconfirmed = isinstance(error, EmailNotConfirmed)
        return refuse(request, SIGN_IN, form, error, unconfirmed=unconfirmed, **_sign_in_options())


@public_form
@sensitive_post_parameters("password")
def sign_up(request: HttpRequest) -> HttpResponse:
    if is_member(request.user) and not (is_json(request) or wants_json(request)):
        return redirect(next_url(request))
    form = SignUpForm(submitted(request))
    if request.method != "POST":
        return show(request, SIGN_UP, form, **_sign_in_options())
    if not form.is_valid():
        return reject(request, SIGN_UP, form, **_sign_in_options())
    state, email = flows.new_state(), form.cleaned_data["email"]
    is_late = _is_late(request)
    try:
        if is_guest(request.user):
            return _keep(cast(Request, request), form, state)
        with rls.as_service():
            result = identity_service().sign_up(
                **form.cleaned_data,
                address=client_address(request),
                redirect_to=flows.callback_url(request, state),
            )
        if result.tokens is not None:
            response = sign_in_and_redirect(request, result.tokens, next_url(request), SIGNED_IN, silent=True)
            if is_late:
                messages.warning(request, TOO_LATE)
            return response
    except IdentityError as error:
        return refuse(request, SIGN_UP, form, error, **_sign_in_options())
    request.session[EMAIL_KEY] = email
    if result.mailed:
        password_choice.remember_made(request.session, result.user_id, is_new=result.is_new)
        flows.store(request.session, state, flows.Flow("signup", result.verifier, requested_next(request)))
        message = (
            f"We sent a mail to {email}. Follow its link, or type its code here. If none arrives in a few "
            "minutes, sign up once more, or sign in if you have an account."
        )
        if wants_json(request):
            return success(detail=message, tokens=None)
        return done(request, with_query(reverse("accounts:code"), next=requested_next(request)), message)
    if wants_json(request):
        return failure({"email": [TAKEN]})
    messages.info(request, TAKEN)
    return redirect("accounts:sign_in")


def _is_late(request: HttpRequest) -> bool:
    """Return whether a visitor's time as a guest ended before they signed up."""
    over = sign_ins.GUEST_KEY in request.session or (
        request.session.get(sign_ins.ENDED_KEY) == sign_ins.VISIT_OVER
    )
    return over and not request.user.is_authenticated


def _keep(request: Request, form: SignUpForm, state: str) -> HttpResponse:
    """Give a guest's account an address and a password; everything in it stays. Raises IdentityError."""
    with rls.as_service():
        result = guests.keep(
            request.user,
            auth_session(request),
            **form.cleaned_data,
            address=client_address(request),
            redirect_to=flows.callback_url(request, state),
        )
    if result.tokens is not None:
        return sign_in_and_redirect(request, result.tokens, next_url(request), KEPT)
    flows.store(request.session, state, flows.Flow("guest", result.verifier, requested_next(request)))
    return done(request, next_url(request), TO_CONFIRM.format(email=form.cleaned_data["email"]))


@login_not_required
@csrf_exempt
@negotiated
@never_cache
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a script's refresh token for new ones; cookies are ignored."""
    if not is_script(request):
        return problem(403, "Tokens are for scripts: send JSON, without cookies.")
    form = RefreshForm(json_object(request))
    if not form.is_valid():
        return form_failure(form)
    refresh_token = form.cleaned_data["refresh_token"]
    try:
        if not identity_service().can_be_refresh_token(refresh_token):
            raise SessionEnded(_NOT_EXCHANGEABLE)
        with rls.as_service():
            tokens = attempt_unnamed(
                "token", address=client_address(request), do=lambda: refresh.exchange(refresh_token)
            )
    except TooManyAttempts as error:
        return problem(429, str(error), headers={"Retry-After": str(error.retry_after)})
    except IdentityUnavailable as error:
        return problem(503, str(error), headers={"Retry-After": "60"})
    except IdentityError as error:
        return failure({"refresh_token": [str(error)]})
    return success(tokens=tokens_json(tokens))


@works_in_outage
@negotiated
@require_POST
def sign_out(request: Request) -> HttpResponse:
    everywhere = (submitted(request) or {}).get("scope") == "everywhere"
    session = None if is_unavailable(request) else auth_session(request)
    warning = _STILL_SIGNED_IN if session is None else ""
    words = LEFT if is_guest(request.user) else SIGNED_OUT
    with rls.as_service():
        guests.leave(request.user)
        # Before the service is asked: this browser is signed out even if the process ends meanwhile.
        sign_ins.end(request.session)
        try:
            if session is not None:
                identity_service().sign_out(session, everywhere=everywhere)
        except IdentityError:
            warning = _STILL_SIGNED_IN
    if wants_json(request):
        return success(detail=warning or words)
    if warning:
        messages.warning(request, warning)
    else:
        messages.success(request, words)
    return redirect("accounts:sign_in")


@login_not_required
@cache_control(public=True, max_age=600)
@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    return JsonResponse(identity_service().jwks())


def _sign_in_options() -> dict[str, Any]:
    """Return the ways to sign in besides a password, for templates."""
    if supabase_service() is None:
        return {"by_mail": False, "providers": []}
    providers = [(code, PROVIDERS[code]) for code in settings.SUPABASE_OAUTH_PROVIDERS if is_known(code)]
    return {"by_mail": True, "providers": providers}
