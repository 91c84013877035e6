"""Guests: the anonymous users of a project, and how one gets an address and a password.

Source: https://supabase.com/docs/guides/auth/auth-anonymous
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.conf import settings
from supabase_auth import SyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthError
from supabase_auth.types import Provider

from agentforge.accounts.errors import AddressTaken, IdentityError, IdentityUnavailable, NoGuests

from .base import AuthSession, SignUpResult, Tokens
from .guest_policy import GuestPolicy
from .supabase_client import VerifierStorage, auth_client, code_of, tokens_of
from .supabase_mail import MailFlows
from .supabase_refusals import UNAVAILABLE

logger = logging.getLogger(__name__)

_NO_GUESTS = ("anonymous_provider_disabled", "signup_disabled")
NOT_LINKED = (
    "What you made can't be kept with this provider: the identity service links none. Nothing was changed. "
    "Sign up with an address and a password instead."
)


# The start page waits no longer for the project's settings.
_PATIENCE = 2.0


@lru_cache(maxsize=4)
def _policy(url: str, key: str) -> GuestPolicy:
    return GuestPolicy(partial(MailFlows().project_settings, timeout=_PATIENCE))


class AnonymousUsers(MailFlows):
    def makes_guests(self) -> bool:
        return _policy(settings.SUPABASE_URL, settings.SUPABASE_ANON_KEY).allows()

    def sign_in_anonymously(self, until: datetime) -> tuple[UUID, Tokens]:
        with auth_client() as auth:
            try:
                answer = auth.sign_in_anonymously()
            except AuthError as error:
                if code_of(error) not in _NO_GUESTS:
                    raise
                _policy(settings.SUPABASE_URL, settings.SUPABASE_ANON_KEY).forget()
                if code_of(error) == "signup_disabled":
                    raise
                logger.error("GUEST_MINUTES is set, but the project's anonymous sign-ins are turned off")
                raise NoGuests from error
        if answer.user is None:
            raise IdentityUnavailable(UNAVAILABLE)
        return UUID(answer.user.id), tokens_of(answer.session)

    def name_anonymous(
        self, session: AuthSession, *, email: str, password: str, address: str, redirect_to: str
    ) -> SignUpResult:
        self.count_mail(email, address)
        verifier = VerifierStorage()
        # The same password proves itself, where the project asks for the present one: it may be a second try.
        attributes: Any = {"email": email, "password": password, "current_password": password}
        try:
            with auth_client(session.access_token, verifier) as auth:
                is_confirmed = _name(auth, attributes, redirect_to)
        except AddressTaken:
            if self.project_settings().get("mailer_autoconfirm"):
                raise
            # As for a free address, to which a mail would go: who has an account is not told.
            return SignUpResult(mailed=True)
        if not is_confirmed:
            return SignUpResult(mailed=True, verifier=verifier.value)
        with auth_client() as auth:
            tokens = tokens_of(auth.sign_in_with_password({"email": email, "password": password}).session)
            auth.admin.sign_out(tokens.access_token, "others")
        return SignUpResult(tokens=tokens)

    def keep_url(self, session: AuthSession, provider: Provider, *, redirect_to: str) -> tuple[str, str]:
        """Return where a guest goes to make a provider the way to sign in, and the flow's verifier.

        Raises IdentityError where the project allows no linking, or has the provider turned off.
        """
        self.require_offered(provider)
        verifier = VerifierStorage()
        with auth_client(session.access_token, verifier) as auth:
            try:
                answer = auth.link_identity({"provider": provider, "options": {"redirect_to": redirect_to}})
            except AuthApiError as error:
                if error.code != "manual_linking_disabled":
                    raise
                raise IdentityError(NOT_LINKED) from error
        return answer.url, verifier.value


def _name(auth: SyncGoTrueClient, attributes: Any, redirect_to: str) -> bool:
    """Return whether the address holds at once, and is not to be confirmed by mail. Raises AddressTaken."""
    try:
        return not auth.update_user(attributes, {"email_redirect_to": redirect_to}).user.is_anonymous
    except AuthApiError as error:
        if error.code == "email_exists":
            raise AddressTaken from error
        if error.code != "same_password":
            raise
    # They chose it with another address before, which nobody confirmed.
    return _name(auth, {"email": attributes["email"]}, redirect_to)
