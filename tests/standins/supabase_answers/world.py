"""The state in which a situation's request is sent, and the request itself."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from tests.standins.supabase_auth import SupabaseAuth, code_at
from tests.standins.supabase_auth.state import Account

PASSWORD = "correct horse battery 7"
DATED = {"X-Supabase-Api-Version": "2024-01-01"}
CALLBACK = "http://testserver/accounts/callback/?state=abc"


class World:
    """One stand-in, one person, and what the placeholders of a recorded request stand for."""

    def __init__(self, auth: SupabaseAuth) -> None:
        self.auth = auth
        self.email = self.old_email = f"{uuid.uuid4().hex[:10]}@example.com"
        self.key: str | None = auth.anon_key
        self.bearer = ""
        self.refresh_token = ""
        self.hash = "0" * 56
        self.ids = {"auth_code": str(uuid.uuid4()), "challenge_id": str(uuid.uuid4())}
        self.factor = str(uuid.uuid4())
        self.code = ""
        self.verifier = secrets.token_urlsafe(48)

    @property
    def account(self) -> Account:
        account = self.auth.state.by_email(self.email)
        assert account is not None
        return account

    def call(
        self, method: str, path: str, body: Any = None, *, bearer: str = "", version: bool = True
    ) -> httpx.Response:
        """Send a request, with a text as it is and anything else as JSON."""
        headers = {"apikey": self.key} if self.key else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        headers |= DATED if version else {}
        content = {"content": body} if isinstance(body, str) else {"json": body} if body is not None else {}
        with httpx.Client(trust_env=False) as client:
            return client.request(method, self.auth.auth_url + path, headers=headers, **content)

    def post(self, path: str, body: Any, *, bearer: str = "") -> dict[str, Any]:
        """Send a request that has to succeed."""
        response = self.call("POST", path, body, bearer=bearer)
        assert response.is_success, response.text
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def challenge(self) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return {"code_challenge": challenge, "code_challenge_method": "s256"}

    def adopt(self, tokens: dict[str, Any]) -> None:
        self.bearer, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    def refresh(self) -> None:
        self.adopt(self.post("/token?grant_type=refresh_token", {"refresh_token": self.refresh_token}))

    def mailed(self, kind: str) -> None:
        """Take the token hash of the newest mail of a kind."""
        mails = [mail for mail in self.auth.state.inbox if mail.kind == kind]
        self.hash = mails[-1].token_hash

    def totp(self) -> str:
        return code_at(self.account.factors[self.factor].secret)

    def replay(self, recorded: dict[str, Any]) -> httpx.Response:
        """Send a recorded request."""
        is_bearer = recorded["authorization"] == "bearer"
        undated = "API of 2023" in recorded["situation"] or "without an API" in recorded.get("note", "")
        body = recorded["request"]
        return self.call(
            recorded["method"],
            self._path(recorded["path"]),
            self._body(body) if isinstance(body, dict) else body,
            bearer=self.bearer if is_bearer else "",
            version=not undated,
        )

    def _path(self, recorded: str) -> str:
        path, _, query = recorded.replace("/factors/<uuid>", f"/factors/{self.factor}").partition("?")
        # The state was part of the address to return to.
        query = query.replace("&state=<state>", "%3Fstate%3Dabc") if "redirect_to" in query else query
        values = {"<hash>": self.hash, "<uuid>": str(uuid.uuid4()), "<state>": "nonsense"}
        pairs = [(name, values.get(value, value)) for name, value in parse_qsl(query)]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def _body(self, recorded: dict[str, Any]) -> dict[str, Any]:
        return {name: self._value(name, value) for name, value in recorded.items()}

    def _value(self, name: str, value: Any) -> Any:
        if name == "code_verifier" and self.verifier:
            return self.verifier
        if name == "code" and value not in ("000000", ""):
            return self.code
        if not isinstance(value, str):
            return value
        placeholders = {"<email>": self.email, "<refresh token>": self.refresh_token, "…": PASSWORD}
        if name == "password":
            return value.replace("<hash>", "a1" * 28) if "<hash>" in value else placeholders.get(value, value)
        return {**placeholders, "<hash>": self.hash, "<uuid>": self.ids.get(name, "")}.get(value, value)
