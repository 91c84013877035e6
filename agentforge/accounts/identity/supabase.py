"""Supabase Auth as the identity service; tokens stay on the server."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from supabase_auth.errors import AuthApiError, AuthError
from supabase_auth.types import UserAttributes

from agentforge.accounts import session_revocation
from agentforge.accounts.errors import (
    DISABLED,
    WRONG_CREDENTIALS,
    CodeNeeded,
    IdentityError,
    IdentityUnavailable,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
)
from agentforge.accounts.models import is_disabled
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.attempts import ServiceBudget, attempt
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .base import AuthSession, KeySource, SignUpResult, Tokens
from .jwks import JWKSCache
from .outage import Outage
from .supabase_client import (
    VerifierStorage,
    auth_client,
    code_of,
    has_second_factor,
    tokens_of,
    translate_refused_refresh,
)
from .supabase_factors import SecondFactors
from .supabase_guests import AnonymousUsers
from .supabase_identities import LinkedIdentities
from .supabase_mail import MailFlows
from .supabase_refusals import ENDED, UNAVAILABLE

_outage = Outage()
# Of 12 characters, or of version 2: 38 to 46 bytes in base64 (its source: internal/crypto/refresh_tokens.go).
_REFRESH_TOKEN = re.compile(r"[a-z0-9]{12}|[A-Za-z0-9_-]{51,62}", re.ASCII)
# Answers to a valid access token whose session exists no more.
_GONE = ("session_not_found", "user_not_found", "user_banned")
# In the `user_metadata` of an account: which sign-up made it.
MARK = "agentforge_sign_up"
LAST_CODE = "No further mail is sent for now. Type the code of the last one, or try again later."
WRONG_CURRENT = "The current password is not right. Nothing was changed."


@lru_cache(maxsize=4)
def _keys(url: str) -> JWKSCache:
    return JWKSCache(url, timeout=settings.SUPABASE_TIMEOUT)


class SupabaseIdentityService(AnonymousUsers, MailFlows, SecondFactors, LinkedIdentities):
    """A Supabase project as the identity service: `SUPABASE_URL`, `SUPABASE_ANON_KEY`."""

    is_remote = True

    @property
    def issuer(self) -> str:
        return str(settings.SUPABASE_JWT_ISSUER or f"{settings.SUPABASE_URL}/auth/v1")

    @property
    def keys(self) -> KeySource:
        return _keys(f"{settings.SUPABASE_URL}/auth/v1/.well-known/jwks.json")

    @property
    def shared_secret(self) -> str:
        return str(settings.SUPABASE_JWT_SECRET)

    def jwks(self) -> dict[str, Any]:
        """Return no keys: the project publishes its own."""
        return {"keys": []}

    def sign_up(self, *, email: str, password: str, address: str, redirect_to: str) -> SignUpResult:
        self.count_mail(email, address)
        verifier = VerifierStorage()
        # A repeated sign-up does not replace this, so the response tells who made the account.
        mark = {MARK: secrets.token_urlsafe(12)}
        options: Any = {"email_redirect_to": redirect_to, "data": mark}
        with auth_client(verifier=verifier) as auth:
            try:
                response = auth.sign_up({"email": email, "password": password, "options": options})
            except AuthError as error:
                if error.code in ("user_already_exists", "email_exists"):
                    # Only projects without confirmation mails reveal this; the pages do not pass it on.
                    return SignUpResult()
                self.hide_mail_trouble(error)
                return SignUpResult(mailed=True, verifier=verifier.value)
        if response.session is None:
            user = response.user
            if user is None:
                raise IdentityUnavailable(UNAVAILABLE)
            is_new = user.user_metadata.get(MARK) == mark[MARK]
            return SignUpResult(mailed=True, verifier=verifier.value, user_id=user.id, is_new=is_new)
        return SignUpResult(tokens=tokens_of(response.session))

    def sign_in_with_password(self, *, email: str, password: str, address: str) -> Tokens:
        def checked() -> Tokens:
            with ServiceBudget("token", address).spent(), auth_client() as auth:
                try:
                    response = auth.sign_in_with_password({"email": email, "password": password})
                except AuthApiError as error:
                    # The service looks at the ban before the password: its answer says who has an account.
                    if error.code == "user_banned":
                        raise WrongCredentials(WRONG_CREDENTIALS) from error
                    raise
                tokens = tokens_of(response.session)
                if response.user is not None and is_disabled(response.user.id):
                    auth.admin.sign_out(tokens.access_token, "local")
                    raise WrongCredentials(WRONG_CREDENTIALS)
                return tokens

        # The service's own limits are by network address, and it always sees this server's.
        return attempt("sign-in", email=email, address=address, do=checked)

    def can_be_refresh_token(self, text: str) -> bool:
        return _REFRESH_TOKEN.fullmatch(text) is not None

    def refresh(self, refresh_token: str) -> Tokens:
        def call() -> Tokens:
            with auth_client() as auth:
                try:
                    return tokens_of(auth.refresh_session(refresh_token).session)
                except AuthApiError as error:
                    raise translate_refused_refresh(error) from error

        return _outage.guard(settings.SUPABASE_URL, call)

    def has_second_factor(self, session: AuthSession) -> bool | None:
        def ask() -> bool | None:
            with auth_client() as auth:
                try:
                    answer = auth.get_user(session.access_token)
                except AuthApiError as error:
                    if code_of(error) in _GONE:
                        raise SessionEnded(DISABLED if error.code == "user_banned" else ENDED) from error
                    raise
            return has_second_factor(answer.user) if answer else None

        try:
            return _outage.guard(settings.SUPABASE_URL, ask)
        except SessionEnded:
            raise
        except IdentityError:
            return None

    def sign_out(self, session: AuthSession, *, everywhere: bool = False) -> None:
        # Here first: it is committed before the service is asked, and holds whatever that answers.
        session_revocation.end_session(UUID(session.claims["session_id"]))
        if everywhere:
            session_revocation.end_sessions_of(UUID(session.claims["sub"]))
        record(Action.SIGNED_OUT_EVERYWHERE if everywhere else Action.SIGNED_OUT, owner=session.claims["sub"])
        try:
            with auth_client() as auth:
                auth.admin.sign_out(session.access_token, "global" if everywhere else "local")
        except SessionEnded:
            # It had already ended there.
            return

    def has_ended(self, claims: dict[str, Any]) -> bool:
        return session_revocation.has_ended(claims)

    @performs(Act.CHANGE_PASSWORD)
    def change_password(
        self, session: AuthSession, *, current: str | None, password: str, code: str, address: str
    ) -> None:
        if current is not None:
            self._check_current(session, current, address)
        given = {"password": password, "current_password": current, "nonce": code}
        attributes: Any = {name: value for name, value in given.items() if value}
        try:
            self._update(session, attributes)
        except CodeNeeded:
            self._mail_code(session)
            raise
        record(Action.PASSWORD_CHANGED, owner=session.claims["sub"])
        self.end_other_sessions(session)

    def sign_out_others(self, session: AuthSession) -> None:
        # Locally first, as in sign_out.
        self.end_other_sessions(session)
        record(Action.SIGNED_OUT_OTHERS, owner=session.claims["sub"])
        with auth_client() as auth:
            auth.admin.sign_out(session.access_token, "others")

    def _mail_code(self, session: AuthSession) -> None:
        try:
            with auth_client(session.access_token) as auth:
                auth.reauthenticate()
        except TooManyAttempts as error:
            # The code of the last mail is still good, and the person may have it.
            raise CodeNeeded(LAST_CODE) from error

    def end_other_sessions(self, session: AuthSession) -> None:
        """Revoke the access tokens of the user's other sessions, which the service itself can't."""
        user_id, spared = (UUID(session.claims[name]) for name in ("sub", "session_id"))
        session_revocation.end_other_sessions_of(user_id, spared=spared)

    def _update(self, session: AuthSession, attributes: UserAttributes) -> None:
        with auth_client(session.access_token) as auth:
            auth.update_user(attributes)

    def _check_current(self, session: AuthSession, current: str, address: str) -> None:
        """Check the current password: not every project does, and a stolen session must not be enough."""
        # The address may have changed since the token was issued.
        with auth_client() as auth:
            answer = auth.get_user(session.access_token)
        email = (answer.user.email if answer else None) or ""

        def checked() -> None:
            with auth_client() as auth:
                try:
                    response = auth.sign_in_with_password({"email": email, "password": current})
                except AuthApiError as error:
                    if error.code != "invalid_credentials":
                        raise
                    raise WrongCredentials(WRONG_CURRENT) from error
                auth.admin.sign_out(tokens_of(response.session).access_token, "local")

        attempt("password", email=email, address=address, do=checked)
