"""The local identity service, used without Supabase: the same interface and tokens, with its own key."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from agentforge.accounts import passwords
from agentforge.accounts.errors import WRONG_CREDENTIALS, AddressTaken, SessionEnded, WrongCredentials
from agentforge.accounts.models import LocalIdentity, LocalSession, is_disabled
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.attempts import AttemptThrottle, attempt
from agentforge.accounts.throttling.hashing import hash_turn
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.prepared_queries import Parameter, PreparedQuery

from . import refresh_tokens
from .base import AuthSession, KeySource, SignUpResult, Tokens
from .signing_key import LocalKeys, signing_key

ACCESS_LIFE = timedelta(hours=1)
SESSION_LIFE = timedelta(days=30)
# Two requests may present the same refresh token at once; only later reuse indicates theft.
REUSE_INTERVAL = timedelta(seconds=10)
ENDED = "Your session has ended. Sign in again."


def count_sign_up(email: str, address: str) -> None:
    """Count a sign-up. Raises TooManyAttempts."""
    with transaction.atomic():
        throttle = AttemptThrottle("sign-up", email=email, address=address)
        throttle.check()
        throttle.count()


@lru_cache(maxsize=2)
def _nobodys_password(hasher: str) -> str:
    return passwords.encode("nobody has this password")


_sessions = PreparedQuery(
    lambda: LocalSession.objects.filter(
        pk=Parameter("session"), identity_id=Parameter("identity"), expires_at__gt=Parameter("now")
    ).values_list("pk", flat=True)
)


class LocalIdentityService:
    keys: KeySource = LocalKeys()
    shared_secret = ""
    is_remote = False

    @property
    def issuer(self) -> str:
        return str(settings.LOCAL_ISSUER)

    def sign_up(self, *, email: str, password: str, address: str, redirect_to: str) -> SignUpResult:
        # Every sign-up counts, so that one address can't create accounts by the dozen.
        count_sign_up(email, address)
        with hash_turn():
            encoded = passwords.encode(password)
        LocalIdentity.objects.get_or_create(email=email, defaults={"password": encoded})
        # Addresses are not confirmed by mail here, so a new account is signed in at once. A taken address
        # costs the same work and signs in with the right password; a wrong one reveals that it is taken, as
        # Supabase does without confirmation, one throttled attempt at a time.
        identity = self._matching(email, password)
        if identity is not None and is_disabled(identity.pk):
            identity = None
        return SignUpResult(tokens=self.start_session(identity) if identity else None)

    def sign_in_with_password(self, *, email: str, password: str, address: str) -> Tokens:
        def checked() -> LocalIdentity:
            identity = self._matching(email, password)
            if identity is None or is_disabled(identity.pk):
                raise WrongCredentials(WRONG_CREDENTIALS)
            return identity

        return self.start_session(attempt("sign-in", email=email, address=address, do=checked))

    def _matching(self, email: str, password: str) -> LocalIdentity | None:
        identity = LocalIdentity.objects.filter(email=email).first()
        renewed: list[str] = []
        with hash_turn():
            # As long for an unknown address as for a known one, so that timing reveals nothing.
            encoded = identity.password if identity else _nobodys_password(settings.PASSWORD_HASHERS[0])
            is_right = passwords.matches(password, encoded, renewed.append)
        if identity is None or not is_right:
            return None
        if renewed:
            identity.password = renewed[-1]
            identity.save(update_fields=["password"])
        return identity

    def start_session(self, identity: LocalIdentity) -> Tokens:
        """Start a session for an identity whose credentials were checked."""
        return self._start_session(identity, timezone.now() + SESSION_LIFE)

    def makes_guests(self) -> bool:
        return True

    def sign_in_anonymously(self, until: datetime) -> tuple[UUID, Tokens]:
        identity_id = uuid4()
        identity = LocalIdentity.objects.create(
            pk=identity_id,
            email=f"{identity_id}@guests.invalid",
            password=passwords.encode(None),
            is_anonymous=True,
        )
        return identity_id, self._start_session(identity, until)

    def name_anonymous(
        self, session: AuthSession, *, email: str, password: str, address: str, redirect_to: str
    ) -> SignUpResult:
        count_sign_up(email, address)
        with hash_turn():
            encoded = passwords.encode(password)
        rows = LocalIdentity.objects.filter(pk=UUID(session.claims["sub"]))
        try:
            with transaction.atomic():
                named = rows.filter(is_anonymous=True).update(
                    email=email, password=encoded, is_anonymous=False
                )
        except IntegrityError as error:
            raise AddressTaken from error
        if not named:
            raise SessionEnded(ENDED)
        identity = rows.get()
        identity.sessions.all().delete()
        return SignUpResult(tokens=self.start_session(identity))

    def _start_session(self, identity: LocalIdentity, until: datetime) -> Tokens:
        session = LocalSession.objects.create(identity=identity, expires_at=until)
        return self._tokens(session, identity)

    def _tokens(self, session: LocalSession, identity: LocalIdentity) -> Tokens:
        issued = int(time.time())
        # A guest's session ends within the hour, and its streams with the token.
        expires = min(issued + int(ACCESS_LIFE.total_seconds()), int(session.expires_at.timestamp()))
        claims = {
            "iss": self.issuer,
            "aud": "authenticated",
            "sub": str(identity.pk),
            "role": "authenticated",
            "email": "" if identity.is_anonymous else identity.email,
            "phone": "",
            "session_id": str(session.pk),
            "aal": "aal1",
            "amr": [
                {
                    "method": "anonymous" if identity.is_anonymous else "password",
                    "timestamp": int(session.created_at.timestamp()),
                }
            ],
            "is_anonymous": identity.is_anonymous,
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

    def can_be_refresh_token(self, text: str) -> bool:
        return refresh_tokens.read(text) is not None

    def refresh(self, refresh_token: str) -> Tokens:
        # Raised outside the transaction, so that the deletion of a compromised session is committed.
        tokens = self._rotate(refresh_token)
        if tokens is None:
            raise SessionEnded(ENDED)
        return tokens

    @transaction.atomic
    def _rotate(self, refresh_token: str) -> Tokens | None:
        parsed = refresh_tokens.read(refresh_token)
        if parsed is None:
            return None
        session_id, generation = parsed
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

    def has_second_factor(self, session: AuthSession) -> bool | None:
        return None

    def sign_out(self, session: AuthSession, *, everywhere: bool = False) -> None:
        sessions = LocalSession.objects.filter(identity_id=UUID(session.claims["sub"]))
        if not everywhere:
            sessions = sessions.filter(pk=UUID(session.claims["session_id"]))
        sessions.delete()
        record(Action.SIGNED_OUT_EVERYWHERE if everywhere else Action.SIGNED_OUT, owner=session.claims["sub"])

    @performs(Act.CHANGE_PASSWORD)
    def change_password(
        self, session: AuthSession, *, current: str | None, password: str, code: str, address: str
    ) -> None:
        identity = self.check_password(session, current or "", address)
        with hash_turn():
            identity.password = passwords.encode(password)
        identity.save(update_fields=["password"])
        self.end_other_sessions(session)
        record(Action.PASSWORD_CHANGED, owner=identity.pk)

    def check_password(self, session: AuthSession, current: str, address: str) -> LocalIdentity:
        """Return a session's identity if the password is right. Raises WrongCredentials, TooManyAttempts."""
        identity = LocalIdentity.objects.get(pk=UUID(session.claims["sub"]))

        def checked() -> LocalIdentity:
            matching = self._matching(identity.email, current)
            if matching is None:
                raise WrongCredentials("The current password is not right. Nothing was changed.")
            return matching

        return attempt("password", email=identity.email, address=address, do=checked)

    def end_other_sessions(self, session: AuthSession) -> None:
        others = LocalSession.objects.filter(identity_id=UUID(session.claims["sub"]))
        others.exclude(pk=UUID(session.claims["session_id"])).delete()

    def sign_out_others(self, session: AuthSession) -> None:
        self.end_other_sessions(session)
        record(Action.SIGNED_OUT_OTHERS, owner=session.claims["sub"])

    def jwks(self) -> dict[str, Any]:
        return {"keys": [signing_key().public_jwk]}

    def has_ended(self, claims: dict[str, Any]) -> bool:
        session, identity = UUID(claims["session_id"]), UUID(claims["sub"])
        return not _sessions(session=session, identity=identity, now=timezone.now())
