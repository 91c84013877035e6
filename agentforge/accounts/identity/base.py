from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Tokens:
    """The result of a sign-in or a refresh; its repr shows no secrets.

    `has_second_factor` is None if the service does not support second factors; `confirmed_now` says that the
    address was confirmed by this very sign-in, or minutes before it.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    has_second_factor: bool | None = None
    confirmed_now: bool = False


@dataclass(frozen=True, slots=True)
class SignUpResult:
    """The result of a sign-up: tokens, or a confirmation mail, or neither (a taken address).

    The mail's link returns with a code that can be exchanged only together with `verifier`. `user_id` is
    the account, and `is_new` says that this sign-up made it.
    """

    tokens: Tokens | None = None
    mailed: bool = False
    verifier: str = field(default="", repr=False)
    user_id: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class AuthSession:
    """A session: its verified claims and the access token that carries them."""

    claims: dict[str, Any]
    access_token: str = field(repr=False)


class KeySource(Protocol):
    """The public keys that verify access tokens."""

    def jwk(self, kid: str) -> dict[str, Any] | None:
        """Return the public key with that id as a JWK, or None. Raises IdentityUnavailable."""


class IdentityService(Protocol):
    """Checks credentials and issues tokens, like Supabase Auth.

    Every method raises IdentityUnavailable if the service does not answer.
    """

    @property
    def is_remote(self) -> bool:
        """Return whether it is asked over the network, so that its answers can take long."""

    @property
    def issuer(self) -> str:
        """Return the `iss` claim of its tokens."""

    @property
    def keys(self) -> KeySource:
        """Return the keys that verify its tokens."""

    @property
    def shared_secret(self) -> str:
        """Return the secret of its HS256 tokens; empty if it signs only with published keys."""

    def sign_up(self, *, email: str, password: str, address: str, redirect_to: str) -> SignUpResult:
        """Create an account; the link in the confirmation mail, if any, leads to `redirect_to`.

        The result is the same for a taken address as for a free one. Raises TooManyAttempts, PasswordRefused.
        """

    def sign_in_with_password(self, *, email: str, password: str, address: str) -> Tokens:
        """Sign in from a network address. Raises WrongCredentials, EmailNotConfirmed, TooManyAttempts."""

    def makes_guests(self) -> bool:
        """Return whether it makes anonymous identities, as far as it has told; False without an answer."""

    def sign_in_anonymously(self, until: datetime) -> tuple[UUID, Tokens]:
        """Make an identity without an address or a password; return its id, and its only session's tokens.

        A remote service knows nothing of `until`: the forge ends the session. Raises NoGuests and
        TooManyAttempts.
        """

    def name_anonymous(
        self, session: AuthSession, *, email: str, password: str, address: str, redirect_to: str
    ) -> SignUpResult:
        """Give an anonymous identity an address and a password.

        The result has the tokens of a new session, or a mail has to confirm the address first: its link leads
        to `redirect_to`. Raises AddressTaken, TooManyAttempts, PasswordRefused, and SessionEnded.
        """

    def can_be_refresh_token(self, text: str) -> bool:
        """Return whether a text has the form of a refresh token; asks nobody."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens. Raises SessionEnded."""

    def has_second_factor(self, session: AuthSession) -> bool | None:
        """Return whether the user has a second factor now; None if the service has none, or can't say.

        Uses no database. Raises SessionEnded if the session exists no more.
        """

    def sign_out(self, session: AuthSession, *, everywhere: bool = False) -> None:
        """End this session, or all sessions of its user."""

    def change_password(
        self, session: AuthSession, *, current: str | None, password: str, code: str, address: str
    ) -> None:
        """Set a new password and end the user's other sessions.

        `current` is None after a recovery mail; `code` is the one that CodeNeeded requested. Raises
        WrongCredentials, PasswordRefused, CodeNeeded, CodeRefused, SecondFactorNeeded, TooManyAttempts.
        """

    def end_other_sessions(self, session: AuthSession) -> None:
        """Revoke the access tokens of the user's other sessions."""

    def sign_out_others(self, session: AuthSession) -> None:
        """End the user's other sessions, here and at the service."""

    def jwks(self) -> dict[str, Any]:
        """Return the JSON Web Key Set of the service."""

    def has_ended(self, claims: dict[str, Any]) -> bool:
        """Return whether the session of these verified claims was revoked; makes no remote call."""
