"""The identity service for a machine without Supabase: same interface, same tokens, own key."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from agentforge.accounts.errors import WRONG_CREDENTIALS, SessionEnded, WrongCredentials
from agentforge.accounts.models import LocalIdentity, LocalSession
from agentforge.accounts.throttling.attempts import AttemptThrottle, attempt
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from . import refresh_tokens
from .base import AuthSession, KeySource, SignUpResult, Tokens
from .signing_key import LocalKeys, signing_key

ACCESS_LIFE = timedelta(hours=1)
SESSION_LIFE = timedelta(days=30)
# Two requests may present the same refresh token at once; only a later reuse is a theft.
REUSE_INTERVAL = timedelta(seconds=10)


@lru_cache(maxsize=2)
def _nobodys_password(hasher: str) -> str:
    return make_password("nobody has this password", hasher="default")


class LocalIdentityService:
    keys: KeySource = LocalKeys()
    shared_secret = ""

    @property
    def issuer(self) -> str:
        return str(settings.LOCAL_ISSUER)

    def sign_up(self, *, email: str, password: str, address: str, redirect_to: str) -> SignUpResult:
        encoded = make_password(password)
        with transaction.atomic():
            # Every sign-up counts: an address that makes accounts by the dozen has to pause too.
            throttle = AttemptThrottle("sign-up", email=email, address=address)
            throttle.check()
            throttle.count()
            LocalIdentity.objects.get_or_create(email=email, defaults={"password": encoded})
            # No mail confirms an address here, so a newcomer is let in at once. A taken address costs the
            # same work and lets in whoever knows its password; others learn that it is taken, as they do
            # from Supabase without confirmation, one throttled attempt at a time.
            known = self._matching(email, password)
            return SignUpResult(tokens=self.start_session(known) if known else None)

    def sign_in_with_password(self, *, email: str, password: str, address: str) -> Tokens:
        def checked() -> LocalIdentity:
            found = self._matching(email, password)
            if found is None:
                raise WrongCredentials(WRONG_CREDENTIALS)
            return found

        return self.start_session(attempt("sign-in", email=email, address=address, do=checked))

    def _matching(self, email: str, password: str) -> LocalIdentity | None:
        identity = LocalIdentity.objects.filter(email=email).first()
        if identity is None:
            # The same work as for a known address, so that the time tells nothing.
            check_password(password, _nobodys_password(settings.PASSWORD_HASHERS[0]))
            return None
        known = identity

        def upgrade(raw: str) -> None:
            known.password = make_password(raw)
            known.save(update_fields=["password"])

        return known if check_password(password, known.password, upgrade) else None

    def start_session(self, identity: LocalIdentity) -> Tokens:
        """Begin a session of a person whose credentials were checked."""
        session = LocalSession.objects.create(identity=identity, expires_at=timezone.now() + SESSION_LIFE)
        return self._tokens(session, identity)

    def _tokens(self, session: LocalSession, identity: LocalIdentity) -> Tokens:
        issued = int(time.time())
        expires = issued + int(ACCESS_LIFE.total_seconds())
        claims = {
            "iss": self.issuer,
            "aud": "authenticated",
            "sub": str(identity.pk),
            "role": "authenticated",
            "email": identity.email,
            "phone": "",
            "session_id": str(session.pk),
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": int(session.created_at.timestamp())}],
            "is_anonymous": False,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {},
            "iat": issued,
            "exp": expires,
        }
        return Tokens(
            access_token=signing_key().sign(claims),
            refresh_token=refresh_tokens.make(session.pk, session.generation),
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def refresh(self, refresh_token: str) -> Tokens:
        # Raised outside the transaction: the end of a family has to be committed.
        tokens = self._rotate(refresh_token)
        if tokens is None:
            raise SessionEnded("Your session has ended. Sign in again.")
        return tokens

    @transaction.atomic
    def _rotate(self, refresh_token: str) -> Tokens | None:
        genuine = refresh_tokens.read(refresh_token)
        if genuine is None:
            return None
        session_id, generation = genuine
        now = timezone.now()
        rows = LocalSession.objects.select_for_update(of=("self",)).select_related("identity")
        session = rows.filter(pk=session_id, expires_at__gt=now).first()
        if session is None:
            return None
        if generation == session.generation:
            session.generation += 1
            session.rotated_at = now
            session.save(update_fields=["generation", "rotated_at"])
        elif generation != session.generation - 1 or now - session.rotated_at > REUSE_INTERVAL:
            session.delete()
            return None
        return self._tokens(session, session.identity)

    def sign_out(self, session: AuthSession, *, everywhere: bool = False) -> None:
        sessions = LocalSession.objects.filter(identity_id=UUID(session.claims["sub"]))
        if not everywhere:
            sessions = sessions.filter(pk=UUID(session.claims["session_id"]))
        sessions.delete()
        record(Action.SIGNED_OUT_EVERYWHERE if everywhere else Action.SIGNED_OUT, owner=session.claims["sub"])

    def change_password(
        self, session: AuthSession, *, current: str | None, password: str, code: str, address: str
    ) -> None:
        identity = LocalIdentity.objects.get(pk=UUID(session.claims["sub"]))

        def checked() -> LocalIdentity:
            found = self._matching(identity.email, current or "")
            if found is None:
                raise WrongCredentials("The current password is not right. Nothing was changed.")
            return found

        known = attempt("password", email=identity.email, address=address, do=checked)
        known.password = make_password(password)
        known.save(update_fields=["password"])
        known.sessions.exclude(pk=UUID(session.claims["session_id"])).delete()
        record(Action.PASSWORD_CHANGED, owner=known.pk)

    def jwks(self) -> dict[str, Any]:
        return {"keys": [signing_key().public_jwk]}

    def has_ended(self, claims: dict[str, Any]) -> bool:
        session = LocalSession.objects.filter(
            pk=UUID(claims["session_id"]), identity_id=UUID(claims["sub"]), expires_at__gt=timezone.now()
        )
        return not session.exists()
