from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def new_id() -> str:
    return str(uuid.uuid4())


def stamp(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def token_hash(email: str, code: str) -> str:
    """Return the hash by which a mail names its code: SHA-224 of address and code."""
    return hashlib.sha224((email + code).encode()).hexdigest()


@dataclass
class Factor:
    secret: str
    friendly_name: str = ""
    status: str = "unverified"
    kind: str = "totp"
    id: str = field(default_factory=new_id)
    created_at: float = field(default_factory=time.time)
    # When each challenge ends; None once it was passed.
    challenges: dict[str, float | None] = field(default_factory=dict)
    challenged_at: float | None = None

    def as_json(self) -> Json:
        moment = stamp(self.created_at)
        challenged = stamp(self.challenged_at)
        body = {"id": self.id, "created_at": moment, "updated_at": moment, "status": self.status}
        name = {"friendly_name": self.friendly_name} if self.friendly_name else {}
        return {**body, **name, "factor_type": self.kind, "phone": "", "last_challenged_at": challenged}


@dataclass
class OneTime:
    """One mailed token: which kind, for which address, until when."""

    kind: str
    email: str
    hash: str
    sent_at: float = field(default_factory=time.time)


@dataclass
class Account:
    email: str
    password: str | None = None
    id: str = field(default_factory=new_id)
    confirmed_at: float | None = None
    is_anonymous: bool = False
    began_anonymous: bool = False
    banned: bool = False
    created_at: float = field(default_factory=time.time)
    last_sign_in_at: float | None = None
    new_email: str = ""
    change_confirmed_once: bool = False
    app_metadata: Json = field(default_factory=dict)
    user_metadata: Json = field(default_factory=dict)
    factors: dict[str, Factor] = field(default_factory=dict)
    tokens: list[OneTime] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)
    # What an identity says of its address: confirmed by a mail, or only by an administrator.
    is_email_verified: bool = False
    mailed_at: dict[str, float] = field(default_factory=dict)

    @property
    def verified_factors(self) -> list[Factor]:
        return [factor for factor in self.factors.values() if factor.status == "verified"]

    def take_address(self, email: str) -> None:
        """Have a confirmed address from now on; an anonymous user becomes a lasting one."""
        if "email" not in self.providers:
            self.providers.append("email")
        self.email, self.new_email, self.change_confirmed_once = email, "", False
        if self.is_anonymous:
            self.user_metadata["email_verified"] = True
        self.is_email_verified, self.is_anonymous = True, False
        self.confirmed_at = self.confirmed_at or time.time()
        self.tokens.clear()

    def token(self, kind: str) -> OneTime | None:
        return next((token for token in self.tokens if token.kind == kind), None)

    def drop(self, *kinds: str) -> None:
        self.tokens = [token for token in self.tokens if token.kind not in kinds]

    def metadata(self) -> Json:
        if self.began_anonymous and self.providers in ([], ["email"]):
            # The service names them with the next one that is linked.
            return {**self.app_metadata}
        providers = self.providers or ["email"]
        return {"provider": providers[0], "providers": providers, **self.app_metadata}

    def as_json(self, *, is_new: bool = False) -> Json:
        """Return the account as its owner sees it; a sign-up answers before the row is read again."""
        created, confirmed = stamp(self.created_at), stamp(self.confirmed_at)
        optional = {
            "email_confirmed_at": confirmed,
            "confirmed_at": None if is_new else confirmed,
            **{f"{slot}_sent_at": stamp(moment) for slot, moment in self.mailed_at.items()},
            "last_sign_in_at": stamp(self.last_sign_in_at),
            "new_email": self.new_email or None,
            "factors": [factor.as_json() for factor in self.factors.values()] or None,
        }
        return {
            "id": self.id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": self.email,
            "phone": "",
            "app_metadata": self.metadata(),
            "user_metadata": self.user_metadata,
            "identities": [self._identity(provider, is_new=is_new) for provider in self.providers],
            "created_at": created,
            "updated_at": created,
            "is_anonymous": self.is_anonymous,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _identity(self, provider: str, *, is_new: bool) -> Json:
        created = stamp(self.created_at)
        return {
            "identity_id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.id + provider)),
            "id": self.id,
            "user_id": self.id,
            "identity_data": {
                "email": self.email,
                "email_verified": self.is_email_verified or is_new,
                "phone_verified": False,
                "sub": self.id,
            },
            "provider": provider,
            "last_sign_in_at": created,
            "created_at": created,
            "updated_at": created,
            "email": self.email,
        }


@dataclass
class Session:
    account: Account
    id: str = field(default_factory=new_id)
    methods: dict[str, float] = field(default_factory=dict)
    aal: str = "aal1"
    created_at: float = field(default_factory=time.time)
    refreshed_at: float = field(default_factory=time.time)
    # Of refresh tokens of version 2.
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    counter: int = 0

    def claims(self) -> Json:
        newest_first = sorted(self.methods.items(), key=lambda entry: -entry[1])
        amr = [{"method": method, "timestamp": int(moment)} for method, moment in newest_first]
        return {"session_id": self.id, "aal": self.aal, "amr": amr}


@dataclass
class RefreshToken:
    value: str
    session: Session
    parent: str = ""
    revoked: bool = False
    updated_at: float = field(default_factory=time.time)


@dataclass
class Flow:
    """A PKCE flow: the challenge, and the code that its redirect carries."""

    method: str
    challenge: str = ""
    challenge_method: str = ""
    referrer: str = ""
    provider: str = ""
    account: Account | None = None
    # Whose account the provider is linked to.
    linking: Account | None = None
    code: str = field(default_factory=new_id)
    id: str = field(default_factory=new_id)
    created_at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Mail:
    """What a person finds in the inbox: the code, the token hash, and the default template's link."""

    to: str
    kind: str
    code: str
    token_hash: str
    link: str


@dataclass
class State:
    accounts: dict[str, Account] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    inbox: list[Mail] = field(default_factory=list)
    # Sessions whose rows another request holds.
    locked_sessions: set[str] = field(default_factory=set)

    def by_email(self, email: str) -> Account | None:
        return next((one for one in self.accounts.values() if email and one.email == email), None)

    def end_sessions(self, account: Account, *, but: str = "", only: str = "") -> None:
        """End a person's sessions; their refresh tokens go with them."""
        ended = {
            key
            for key, session in self.sessions.items()
            if session.account is account and key != but and only in ("", key)
        }
        for key in ended:
            del self.sessions[key]
        self.refresh_tokens = {
            value: token for value, token in self.refresh_tokens.items() if token.session.id not in ended
        }
