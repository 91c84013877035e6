"""Sign in, confirm and recover by mail: type a code, or follow a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from agentforge.accounts import flows, guests, password_choice
from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import IdentityError
from agentforge.accounts.forms import CodeForm, EmailForm, LinkForm
from agentforge.accounts.identity import supabase_service
from agentforge.accounts.identity.base import Tokens
from agentforge.accounts.identity.supabase_refusals import redirect_words
from agentforge.accounts.redirects import next_url, requested_next, with_query
from agentforge.accounts.sessions.tokens import verify
from agentforge.http import Request
from agentforge.negotiation import success, wants_json
from agentforge.tenancy import rls

from . import local_mail
from .responses import (
    EMAIL_KEY,
    KEPT,
    auth_session,
    done,
    failed,
    known_email,
    public_form,
    refuse,
    reject,
    requires_supabase,
    show,
    sign_in_and_redirect,
    submitted,
)
from .scripts import is_script

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService

ASK, CODE, CONFIRM = "accounts/mail_request.html", "accounts/code_entry.html", "accounts/mail_confirm.html"
_SENT = "If {email} has an account, a mail is on its way. Follow its link, or type its code here."
_ELSEWHERE = "The link is confirmed, though not in the browser that asked for it. Sign in to go on."
_NOTHING = "There was nothing to confirm: mails lead to this page. Sign in, or ask for a new mail."
_LINKED_ONLY = "Your session ended before you came back. Sign in again; the new way may work already."
_SECOND_MAIL = "This address is confirmed. Now follow the link in the mail to your other address."


@public_form
@requires_supabase
def sign_in_mail(request: HttpRequest, service: SupabaseIdentityService) -> HttpResponse:
    return _send_mail(request, service, "magiclink")


@public_form
def recovery_mail(request: HttpRequest) -> HttpResponse:
    service = supabase_service()
    return _send_mail(request, service, "recovery") if service else local_mail.recovery(request)


def _send_mail(request: HttpRequest, service: SupabaseIdentityService, kind: str) -> HttpResponse:
    form = EmailForm(submitted(request), initial={"email": known_email(request)})
    if request.method != "POST":
        return show(request, ASK, form, kind=kind)
    if not form.is_valid():
        return reject(request, ASK, form, kind=kind)
    send = service.send_recovery_mail if kind == "recovery" else service.send_sign_in_mail
    email, state = form.cleaned_data["email"], flows.new_state()
    try:
        with rls.as_service():
            verifier = send(
                email=email,
                address=client_address(request),
                redirect_to=flows.callback_url(request, state),
            )
    except IdentityError as error:
        return refuse(request, ASK, form, error, kind=kind)
    flows.store(request.session, state, flows.Flow(kind, verifier, requested_next(request)))
    request.session[EMAIL_KEY] = email
    to = with_query(
        reverse("accounts:code"), kind=kind if kind == "recovery" else "", next=requested_next(request)
    )
    return done(request, to, _SENT.format(email=email))


@public_form
@requires_supabase
def code(request: HttpRequest, service: SupabaseIdentityService) -> HttpResponse:
    initial = {"email": request.session.get(EMAIL_KEY, ""), "kind": request.GET.get("kind", "email")}
    form = CodeForm(submitted(request), initial=initial)
    if request.method != "POST":
        return show(request, CODE, form)
    if not form.is_valid():
        return reject(request, CODE, form)
    try:
        with rls.as_service():
            tokens = service.enter_code(**form.cleaned_data, address=client_address(request))
        return _finish_flow(request, tokens, form.cleaned_data["kind"], next_url(request))
    except IdentityError as error:
        return refuse(request, CODE, form, error)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires_supabase
def confirm(request: HttpRequest, service: SupabaseIdentityService) -> HttpResponse:
    """Confirm a mailed link with a button: mail scanners follow links too."""
    form = LinkForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        return show(request, CONFIRM, form, status=422)
    if request.method != "POST":
        return show(request, CONFIRM, form)
    kind = form.cleaned_data["type"]
    try:
        with rls.as_service():
            tokens = service.follow_link(
                form.cleaned_data["token_hash"], kind, address=client_address(request)
            )
        to = requested_next(request) or flows.next_url_of(request.session, kind)
        return _finish_flow(request, tokens, kind, to)
    except IdentityError as error:
        return refuse(request, CONFIRM, form, error)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD"])
@requires_supabase
def callback(request: HttpRequest, service: SupabaseIdentityService) -> HttpResponse:
    """Complete a flow that returns with a code: a provider's sign-in or a mailed link.

    A GET that signs in, as OAuth requires; the state and the verifier in the session make it safe.
    """
    flow = flows.pop(request.session, request.GET.get("state", ""))
    if "error_code" in request.GET or "error" in request.GET:
        message = redirect_words(request.GET.get("error", ""), request.GET.get("error_code", ""))
        is_linking = flow is not None and flow.provider and request.user.is_authenticated
        to = "accounts:identities" if is_linking else "accounts:sign_in"
        return failed(request, to, IdentityError(message))
    if flow is None:
        return _without_flow(request)
    if "code" not in request.GET:
        # Only a change of address returns without a code, while the link to the other address is pending.
        flows.store(request.session, request.GET["state"], flow)
        return done(request, "accounts:account", _SECOND_MAIL)
    try:
        with rls.as_service():
            tokens = service.exchange(request.GET["code"], flow.verifier, address=client_address(request))
        if flow.provider:
            return _finish_link(request, service, tokens, flow.provider)
        return _finish_flow(request, tokens, flow.kind, flow.next_url)
    except IdentityError as error:
        return failed(request, "accounts:sign_in", error)


def _without_flow(request: HttpRequest) -> HttpResponse:
    """Answer who comes back to a flow that this browser didn't begin, or has finished."""
    if request.user.is_authenticated:
        # A reload, as a rule.
        return redirect(next_url(request))
    if "code" in request.GET or "message" in request.GET:
        # The link was opened in another browser; it has confirmed the address all the same.
        return done(request, "accounts:sign_in", _ELSEWHERE)
    return failed(request, "accounts:sign_in", IdentityError(_NOTHING))


def _finish_flow(request: HttpRequest, tokens: Tokens | None, kind: str, to: str) -> HttpResponse:
    """Sign in with the tokens of a flow and redirect to its purpose."""
    if tokens is None:
        return _await_second_mail(request)
    if kind == "recovery":
        message = "You are signed in. Choose a new password."
        response = sign_in_and_redirect(request, tokens, "accounts:password", message)
        if not is_script(request):
            session_id = verify(tokens.access_token)["session_id"]
            password_choice.begin_recovery(request.session, session_id)
        return response
    with rls.as_service():
        is_of_guest = guests.is_of_guest(tokens)
    if is_of_guest:
        return sign_in_and_redirect(request, tokens, to or "configs:list", KEPT)
    if kind == "email_change":
        return sign_in_and_redirect(request, tokens, "accounts:account", "Your e-mail address is changed.")
    return sign_in_and_redirect(request, tokens, to or "configs:list", "You are signed in.", silent=True)


def _finish_link(
    request: HttpRequest, service: SupabaseIdentityService, tokens: Tokens, provider: str
) -> HttpResponse:
    """Keep the session as it is: the provider was linked to it, not signed in with."""
    if not request.user.is_authenticated:
        return failed(request, "accounts:sign_in", IdentityError(_LINKED_ONLY))
    with rls.as_service():
        linked_to = str(verify(tokens.access_token)["sub"])
        label = service.finish_link(auth_session(cast(Request, request)), tokens, linked_to, provider)
    return done(request, "accounts:identities", f"{label} is linked: you can sign in with it from now on.")


def _await_second_mail(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return success(detail=_SECOND_MAIL, tokens=None)
    return done(request, "accounts:account", _SECOND_MAIL)
