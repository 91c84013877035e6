from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hold what a sign-in or a refresh returns; the secrets stay out of its repr.

    `has_second_factor` tells whether the person has enrolled one; None where the service knows of none.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    has_second_factor: bool | None = None


@dataclass(frozen=True, slots=True)
class SignUpResult:
    """Say how a sign-up ended: signed in with tokens, or a mail to follow first, or neither.

    The mail's link comes back with a code that is worth something with `verifier` only.
    """

    tokens: Tokens | None = None
    mailed: bool = False
    verifier: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AuthSession:
    """Name a session by its verified claims and the access token that holds them."""

    claims: dict[str, Any]
    access_token: str = field(repr=False)


class KeySource(Protocol):
    """Give the public keys that may sign access tokens."""

    def jwk(self, kid: str) -> dict[str, Any] | None:
        """Return the public key of that id as a JWK, or None. Raise IdentityUnavailable."""


class IdentityService(Protocol):
    """Keep credentials and issue tokens, as Supabase Auth does.

    Every method raises IdentityUnavailable when the service does not answer.
    """

    @property
    def issuer(self) -> str:
        """Return the `iss` claim of its tokens."""

    @property
    def keys(self) -> KeySource:
        """Return the keys that sign its tokens."""

    @property
    def shared_secret(self) -> str:
        """Return the secret of its HS256 tokens, empty when it signs with published keys only."""

    def sign_up(self, *, email: str, password: str, address: str, redirect_to: str) -> SignUpResult:
        """Make an account; a mail's link, if any, leads to `redirect_to`.

        The answer for a taken address equals that for a free one. Raises TooManyAttempts, PasswordRefused.
        """

    def sign_in_with_password(self, *, email: str, password: str, address: str) -> Tokens:
        """Sign in from a network address. Raises WrongCredentials, EmailNotConfirmed, TooManyAttempts."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens. Raises SessionEnded."""

    def sign_out(self, session: AuthSession, *, everywhere: bool = False) -> None:
        """End a session, or all sessions of that person."""

    def change_password(
        self, session: AuthSession, *, current: str | None, password: str, code: str, address: str
    ) -> None:
        """Set a new password and end the person's other sessions.

        `current` is None for who came by a recovery mail; `code` is what CodeNeeded asked for. Raises
        WrongCredentials, PasswordRefused, CodeNeeded, CodeRefused, SecondFactorNeeded, TooManyAttempts.
        """

    def jwks(self) -> dict[str, Any]:
        """Return the JSON Web Key Set of the service."""

    def has_ended(self, claims: dict[str, Any]) -> bool:
        """Tell whether the session of verified claims is known to be revoked, without a remote call."""
