"""Sign-in and account changes by mailed links and codes, and by other providers (OAuth), with PKCE."""

from __future__ import annotations

import logging
import math
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction
from supabase_auth import SyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthError
from supabase_auth.types import Provider

from agentforge.accounts.errors import CodeRefused, IdentityError, IdentityUnavailable
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.attempts import AttemptThrottle, ServiceBudget, attempt, attempt_unnamed
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.telemetry.outbound_calls import LoggedClient
from agentforge.tenancy.request_transaction import outside_transaction

from .base import AuthSession, Tokens
from .supabase_client import VerifierStorage, auth_client, code_of, tokens_of
from .supabase_refusals import REFUSALS, SPENT, UNAVAILABLE

logger = logging.getLogger(__name__)

# What the service refuses before it looks for the account.
_SAID_TO_EVERYBODY = frozenset(("bad_json", "captcha_failed", "over_request_rate_limit", "validation_failed"))

# What a sign-up is refused only for addresses without a confirmed account: others get no mail.
_MAIL_TROUBLE = frozenset(
    (
        "email_address_invalid",
        "email_address_not_authorized",
        "hook_timeout",
        "hook_timeout_after_retry",
        "over_email_send_rate_limit",
        "request_timeout",
        "unexpected_failure",
    )
)

# Supabase Auth grants the whole forge 30 at once, and then one in ten seconds.
MAILS_PER_ADDRESS = 20


class MailFlows:
    """Flows that go through a mail or a provider; starting one returns its PKCE verifier."""

    def count_mail(self, email: str, address: str) -> None:
        """Count a requested mail. Raises TooManyAttempts."""
        with transaction.atomic():
            throttle = AttemptThrottle("mail", email=email, address=address, per_address=MAILS_PER_ADDRESS)
            throttle.check()
            throttle.count()

    def hide_mail_trouble(self, error: AuthError) -> None:
        """Log why the mail of a sign-up was not sent: said, it would tell free addresses from taken ones.

        Raises the error if it is another.
        """
        code = code_of(error)
        if code not in _MAIL_TROUBLE and not (
            code is None and isinstance(error.__cause__, httpx.ReadTimeout)
        ):
            raise error
        logger.warning("Supabase Auth mailed nothing to confirm a sign-up: code %s", code)

    def send_sign_in_mail(self, *, email: str, address: str, redirect_to: str) -> str:
        """Mail a sign-in link and code if the address has an account, without revealing whether it has one.

        If the address is not confirmed yet, the confirmation mail is sent again.
        """
        params: Any = {
            "email": email,
            "options": {"email_redirect_to": redirect_to, "should_create_user": False},
        }
        return self._mail(email, address, lambda auth: auth.sign_in_with_otp(params))

    def send_recovery_mail(self, *, email: str, address: str, redirect_to: str) -> str:
        """Mail a link and a code for setting a new password."""
        return self._mail(
            email, address, lambda auth: auth.reset_password_for_email(email, {"redirect_to": redirect_to})
        )

    def _mail(self, email: str, address: str, send: Any) -> str:
        self.count_mail(email, address)
        verifier = VerifierStorage()
        with auth_client(verifier=verifier) as auth:
            try:
                send(auth)
            except AuthError as error:
                if not _concerns_known_addresses(error):
                    raise
                logger.warning("Supabase Auth mailed nothing: code %s", code_of(error))
        return verifier.value

    @performs(Act.CHANGE_EMAIL)
    def change_email(self, session: AuthSession, *, email: str, address: str, redirect_to: str) -> str:
        """Mail the links that confirm a change of address. Raises SecondFactorNeeded."""
        self.count_mail(email, address)
        verifier = VerifierStorage()
        with auth_client(session.access_token, verifier) as auth:
            try:
                auth.update_user({"email": email}, {"email_redirect_to": redirect_to})
            except AuthApiError as error:
                if error.code != "email_exists":
                    raise
        record(Action.EMAIL_CHANGE_ASKED, owner=session.claims["sub"], to=email)
        return verifier.value

    def provider_url(self, provider: Provider, *, redirect_to: str) -> tuple[str, str]:
        """Return where to send a browser to sign in with a provider, and the flow's verifier.

        Raises IdentityError if the project has the provider turned off: its own page would show raw JSON.
        """
        self.require_offered(provider)
        verifier = VerifierStorage()
        with auth_client(verifier=verifier) as auth:
            answer = auth.sign_in_with_oauth({"provider": provider, "options": {"redirect_to": redirect_to}})
        return answer.url, verifier.value

    @performs(Act.LINK_IDENTITY)
    def link_url(self, session: AuthSession, provider: Provider, *, redirect_to: str) -> tuple[str, str]:
        """Return where to send a browser to link a provider to its account, and the flow's verifier.

        Raises IdentityError where the project allows no linking, or has the provider turned off.
        """
        self.require_offered(provider)
        verifier = VerifierStorage()
        with auth_client(session.access_token, verifier) as auth:
            answer = auth.link_identity({"provider": provider, "options": {"redirect_to": redirect_to}})
        return answer.url, verifier.value

    def require_offered(self, provider: Provider) -> None:
        if not self._offers(provider):
            logger.error("SUPABASE_OAUTH_PROVIDERS names %s, which the project has turned off", provider)
            raise IdentityError(REFUSALS["provider_disabled"][1])

    def _offers(self, provider: Provider) -> bool:
        try:
            return self.project_settings()["external"].get(provider, True) is not False
        except (KeyError, AttributeError) as error:
            raise IdentityUnavailable(UNAVAILABLE) from error

    def project_settings(self, *, timeout: float = math.inf) -> dict[str, Any]:
        """Return what the project tells everybody about itself. Raises IdentityUnavailable.

        It is waited for no longer than SUPABASE_TIMEOUT, or `timeout` seconds.
        """
        headers = {"apikey": settings.SUPABASE_ANON_KEY}
        patience = min(settings.SUPABASE_TIMEOUT, timeout)
        client = LoggedClient(timeout=patience, trust_env=False, headers=headers)
        try:
            with outside_transaction(), client as http:
                answer = http.get(f"{settings.SUPABASE_URL}/auth/v1/settings").raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise IdentityUnavailable(UNAVAILABLE) from error
        if not isinstance(answer, dict):
            raise IdentityUnavailable(UNAVAILABLE)
        return answer

    def exchange(self, code: str, verifier: str, *, address: str) -> Tokens:
        """Exchange the code of a redirect. Raises CodeRefused, TooManyAttempts."""

        def exchanged() -> Tokens:
            with auth_client() as auth:
                answer = auth.exchange_code_for_session(
                    {"auth_code": code, "code_verifier": verifier, "redirect_to": ""}
                )
                return tokens_of(answer.session)

        return attempt_unnamed("token", address=address, do=exchanged)

    def follow_link(self, token_hash: str, kind: str, *, address: str) -> Tokens | None:
        """Complete the flow of a mailed link; None if the link sent to the other address is still needed.

        Raises CodeRefused, TooManyAttempts.
        """
        params: Any = {"type": kind, "token_hash": token_hash}

        def followed() -> Tokens | None:
            with auth_client() as auth:
                return _verified(auth, params)

        return attempt_unnamed("verify", address=address, do=followed)

    def enter_code(self, *, email: str, code: str, kind: str, address: str) -> Tokens | None:
        """Complete the flow of a mailed code, as `follow_link` does. Raises CodeRefused, TooManyAttempts."""
        params: Any = {"type": kind, "email": email, "token": code}

        def checked() -> Tokens | None:
            with ServiceBudget("verify", address).spent(), auth_client() as auth:
                try:
                    return _verified(auth, params)
                except AuthApiError as error:
                    # The service looks at the ban before the code.
                    if error.code == "user_banned":
                        raise CodeRefused(SPENT) from error
                    raise

        return attempt("code", email=email, address=address, do=checked)


def _verified(auth: SyncGoTrueClient, params: Any) -> Tokens | None:
    answer = auth.verify_otp(params)
    return tokens_of(answer.session) if answer.session else None


def _concerns_known_addresses(error: AuthError) -> bool:
    """Return whether only addresses with an account are refused so: then it must look like success.

    Without a code, a gateway refused, or nobody answers; but a slow answer comes from a slow mail server.
    """
    code = code_of(error)
    return code not in _SAID_TO_EVERYBODY if code else isinstance(error.__cause__, httpx.ReadTimeout)
