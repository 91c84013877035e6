"""What an endpoint is given, what it returns, and how it is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

from .errors import Refused
from .state import Account, Json, Session

if TYPE_CHECKING:
    from .server import SupabaseAuth


@dataclass
class Call:
    service: SupabaseAuth
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    parts: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def signed_in(self) -> tuple[Account, Session]:
        """Return the bearer's account and session, or refuse as the service does."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "no_authorization", "This endpoint requires a valid Bearer token")
        if token == self.headers.get("apikey"):
            raise Refused(403, "bad_jwt", "invalid claim: missing sub claim")
        try:
            claims = self.service.keys.verify(token)
        except jwt.PyJWTError as error:
            message = f"invalid JWT: unable to parse or verify signature, {error}"
            raise Refused(403, "bad_jwt", message) from error
        account = self.service.state.accounts.get(claims["sub"])
        if account is None:
            raise Refused(403, "user_not_found", "User from sub claim in JWT does not exist")
        session = self.service.state.sessions.get(claims["session_id"])
        if session is None:
            message = "Session from session_id claim in JWT does not exist"
            raise Refused(403, "session_not_found", message)
        if account.banned:
            raise Refused(403, "user_banned", "User is banned")
        return account, session


@dataclass
class Reply:
    """A body is sent as JSON, unless its content type says otherwise."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


Endpoint = Callable[[Call], Reply]


class Routes:
    def __init__(self) -> None:
        self._known: list[tuple[str, re.Pattern[str], Endpoint]] = []

    def on(self, method: str, path: str) -> Callable[[Endpoint], Endpoint]:
        """Register an endpoint; `{name}` in the path matches one part of it."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

        def register(endpoint: Endpoint) -> Endpoint:
            self._known.append((method, pattern, endpoint))
            return endpoint

        return register

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        for known_method, pattern, endpoint in self._known:
            match = pattern.fullmatch(path)
            if match and known_method == method:
                return endpoint, match.groupdict()
        return None

    def methods(self, path: str) -> str:
        """Return the methods that a path knows, as the header Allow names them."""
        return ", ".join(method for method, pattern, _ in self._known if pattern.fullmatch(path))


routes = Routes()
