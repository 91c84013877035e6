"""Recover a password and change an address by mail, at the local identity service."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.mail import EmailMessage
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import CodeRefused, IdentityError, WrongCredentials
from agentforge.accounts.forms import EmailForm, NewAddressForm, NewPasswordForm
from agentforge.accounts.identity import identity_service, local_mail
from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.http import Request
from agentforge.telemetry.outbound_calls import outbound_call
from agentforge.tenancy import rls

from .responses import (
    auth_session,
    done,
    failed,
    known_email,
    refuse,
    reject,
    show,
    sign_in_and_redirect,
    submitted,
)

logger = logging.getLogger(__name__)
ASK, RESET = "accounts/mail_request.html", "accounts/password_reset.html"
CHANGE, CONFIRM = "accounts/email_change.html", "accounts/email_confirm.html"
_SENT = "If {email} has an account, a mail is on its way. Its link is good for an hour."
_MAILED = "If {email} is free, a mail is on its way there. The address changes when its link is followed."


def recovery(request: HttpRequest) -> HttpResponse:
    """Mail a link for a new password; the same response, as fast, for every address."""
    form = EmailForm(submitted(request), initial={"email": known_email(request)})
    if request.method != "POST":
        return show(request, ASK, form, kind="recovery", by_link=True)
    if not form.is_valid():
        return reject(request, ASK, form, kind="recovery", by_link=True)
    email = form.cleaned_data["email"]
    try:
        with rls.as_service():
            local_mail.count_mail(email, client_address(request))
            token = local_mail.recovery_token(email)
    except IdentityError as error:
        return refuse(request, ASK, form, error, kind="recovery", by_link=True)
    response = done(request, "accounts:sign_in", _SENT.format(email=email))
    if token:
        _mail_after(response, _message(request, "recovery", email, "accounts:reset", token))
    return response


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """Set a new password with a mailed link, and sign in."""
    service = _local_service()
    try:
        with rls.as_service():
            identity = local_mail.recovering(token)
            form = NewPasswordForm(submitted(request), email=identity.email)
            if request.method != "POST":
                return show(request, RESET, form, email=identity.email)
            if not form.is_valid():
                return reject(request, RESET, form, email=identity.email)
            identity = local_mail.recover(token, form.cleaned_data["password"])
            tokens = service.start_session(identity)
    except CodeRefused as error:
        return failed(request, "accounts:recovery", error)
    message = "Your password is set. All earlier sign-ins and API tokens have ended."
    return sign_in_and_redirect(request, tokens, "accounts:account", message)


def email(request: Request) -> HttpResponse:
    """Mail a link to a new address; the current password is needed."""
    form = NewAddressForm(submitted(request))
    if request.method != "POST":
        return show(request, CHANGE, form)
    if not form.is_valid():
        return reject(request, CHANGE, form)
    new = form.cleaned_data["email"]
    try:
        with rls.as_service():
            address, current = client_address(request), form.cleaned_data["current"]
            _local_service().check_password(auth_session(request), current, address)
            local_mail.count_mail(new, address)
            token = local_mail.change_token(request.user, new)
    except IdentityError as error:
        field = "current" if isinstance(error, WrongCredentials) else None
        return refuse(request, CHANGE, form, error, field=field)
    response = done(request, "accounts:account", _MAILED.format(email=new))
    if token:
        _mail_after(response, _message(request, "email_change", new, "accounts:email_confirm", token))
    return response


@login_not_required
@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def email_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Change the address with a button: mail scanners follow links too."""
    _local_service()
    try:
        with rls.as_service():
            if request.method != "POST":
                return show(request, CONFIRM, change=local_mail.changing(token))
            change = local_mail.change(token)
    except CodeRefused as error:
        to = "accounts:account" if request.user.is_authenticated else "accounts:sign_in"
        return failed(request, to, error)
    response = done(request, "accounts:account", f"Your e-mail address is {change.new} now.")
    _mail_after(response, _message(request, "email_changed", change.old, "accounts:recovery", new=change.new))
    return response


def _local_service() -> LocalIdentityService:
    service = identity_service()
    if not isinstance(service, LocalIdentityService):
        raise Http404
    return service


def _message(
    request: HttpRequest, kind: str, to: str, url: str, token: str = "", **context: Any
) -> EmailMessage:
    link = request.build_absolute_uri(reverse(url, args=[token] if token else []))
    body = render_to_string(
        f"accounts/mail/{kind}.txt", {"link": link, "site": request.get_host(), **context}
    )
    subject, _, text = body.partition("\n")
    return EmailMessage(subject, text.lstrip(), settings.DEFAULT_FROM_EMAIL, [to])


def _send(message: EmailMessage) -> None:
    if not settings.EMAIL_HOST:
        # Printed, or kept by a test.
        message.send()
        return
    with outbound_call("SMTP", settings.EMAIL_HOST) as call:
        message.send()
        call.outcome = "sent"


def _mail_after(response: HttpResponse, message: EmailMessage) -> None:
    """Send a mail after the response, so that its time does not tell whether there was one to send."""
    close: Callable[[], None] = response.close

    def close_and_send() -> None:
        close()
        try:
            _send(message)
        except OSError:
            # SMTP's errors too. Nobody waits for this.
            logger.exception("A mail was not sent: check EMAIL_URL")

    vars(response)["close"] = close_and_send
