"""Enrol and pass a second factor: an authenticator app's six digits (TOTP)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from supabase_auth.types import Session

from agentforge.accounts.errors import SessionEnded
from agentforge.accounts.throttling.attempts import attempt
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .base import AuthSession, Tokens
from .supabase_client import auth_client, tokens_of
from .supabase_refusals import ENDED

ISSUER = "AgentForge"
KINDS = {"totp": "Authenticator", "phone": "Phone", "webauthn": "Security key"}
_SVG = "data:image/svg+xml;utf-8,"


@dataclass(frozen=True, slots=True)
class Factor:
    id: str
    name: str
    created_at: datetime
    is_verified: bool
    # An authenticator app: the only kind that can be asked for here.
    is_app: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The secret of an authenticator app, shown once."""

    factor_id: str
    secret: str = field(repr=False)
    uri: str = field(repr=False)
    svg: str = field(repr=False)


class SecondFactors:
    def factors(self, session: AuthSession) -> list[Factor]:
        """Return a user's factors, including phones, security keys and those never finished."""
        with auth_client(session.access_token) as auth:
            listed = auth.mfa.list_factors().all
        return [
            Factor(
                one.id,
                one.friendly_name or KINDS.get(one.factor_type, "Another factor"),
                one.created_at,
                is_verified=one.status == "verified",
                is_app=one.factor_type == "totp",
            )
            for one in listed
        ]

    def enrol(self, session: AuthSession) -> Enrolment:
        """Start an enrolment and discard unfinished ones. Raises SecondFactorNeeded."""
        unfinished = [factor for factor in self.factors(session) if not factor.is_verified and factor.is_app]
        with auth_client(session.access_token) as auth:
            for factor in unfinished:
                auth.mfa.unenroll({"factor_id": factor.id})
            # The name has to be unused; people tell authenticators apart by their date.
            name = f"Authenticator {secrets.token_hex(2)}"
            enrolled = auth.mfa.enroll({"factor_type": "totp", "issuer": ISSUER, "friendly_name": name})
        totp = enrolled.totp
        if totp is None:
            raise SessionEnded(ENDED)
        return Enrolment(enrolled.id, totp.secret, totp.uri, totp.qr_code.removeprefix(_SVG))

    def pass_factor(self, session: AuthSession, *, factor_id: str, code: str, address: str) -> Tokens:
        """Verify a second factor and return tokens with `aal2`. Raises CodeRefused, TooManyAttempts."""

        def checked() -> Tokens:
            with auth_client(session.access_token) as auth:
                response = auth.mfa.challenge_and_verify({"factor_id": factor_id, "code": code})
            return tokens_of(Session.model_validate(response.model_dump()))

        return attempt("second-factor", email=session.claims["sub"], address=address, do=checked)

    def remove_factor(self, session: AuthSession, factor_id: str) -> None:
        """Remove an authenticator. Raises SecondFactorNeeded, CodeRefused."""
        with auth_client(session.access_token) as auth:
            auth.mfa.unenroll({"factor_id": factor_id})
        record(Action.SECOND_FACTOR_REMOVED, owner=session.claims["sub"])
