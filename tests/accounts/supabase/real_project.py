"""A real project where the stand-in is otherwise: what a test can't ask of it skips the test.

Accounts are made, changed and banned with the secret key. Each test begins without users of example.com and
example.org; others are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

import httpx
import pytest

from tests.standins.supabase_auth.state import Mail

URL = os.environ.get("SUPABASE_TEST_URL", "").rstrip("/")
ANON_KEY = os.environ.get("SUPABASE_TEST_ANON_KEY", "")
SERVICE_KEY = os.environ.get("SUPABASE_TEST_SERVICE_KEY", "")
OURS = ("@example.com", "@example.org")


def _admin(method: str, path: str, **content: Any) -> Any:
    headers = {"apikey": SERVICE_KEY, "Authorization": f"Bearer {SERVICE_KEY}"}
    with httpx.Client(trust_env=False, timeout=30) as client:
        response = client.request(method, f"{URL}/auth/v1/admin/{path}", headers=headers, **content)
    assert response.is_success, response.text
    return response.json() if response.content else None


def _skip(name: str) -> NoReturn:
    pytest.skip(f"A real project can't be told about {name}.")


class _Narrow:
    """Has what its subclass defines; anything else is the stand-in's alone."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _skip(name)

    def __setattr__(self, name: str, value: Any) -> None:
        change: Callable[[Any, Any], None] | None = getattr(type(self), f"_set_{name}", None)
        if change is None:
            _skip(name)
        change(self, value)


class RealAccount(_Narrow):
    """One user; what is set here is set there."""

    id: str
    email: str

    def __init__(self, user: dict[str, Any]) -> None:
        self.__dict__.update(id=user["id"], email=user["email"])

    def _update(self, **values: Any) -> None:
        _admin("PUT", f"users/{self.id}", json=values)

    def _set_banned(self, banned: bool) -> None:
        self._update(ban_duration="24h" if banned else "none")

    def _set_app_metadata(self, metadata: dict[str, Any]) -> None:
        # The service keeps what is not named.
        self._update(app_metadata={"agentforge_role": None, **metadata})

    def _set_email(self, email: str) -> None:
        self._update(email=email, email_confirm=True)
        self.__dict__["email"] = email


class _Accounts(dict[str, RealAccount]):
    """The users that tests make, as the service has them now."""

    def clear(self) -> None:
        for account_id in list(self):
            _admin("DELETE", f"users/{account_id}")
        super().clear()


class RealAuth(_Narrow):
    url: str
    anon_key: str
    state: _State

    def __init__(self) -> None:
        known = {
            "url": URL,
            "auth_url": f"{URL}/auth/v1",
            "anon_key": ANON_KEY,
            "publishable_key": ANON_KEY,
            "secret_key": SERVICE_KEY,
        }
        self.__dict__.update(**known, state=_State())

    def account(self, email: str, password: str | None = None, **values: Any) -> RealAccount:
        """Make a confirmed account."""
        if values:
            _skip(", ".join(values))
        given = {"email": email, "password": password} if password else {"email": email}
        _admin("POST", "users", json={**given, "email_confirm": True})
        found = self.state.by_email(email)
        assert isinstance(found, RealAccount)
        return found

    def delete(self, account: RealAccount) -> None:
        _admin("DELETE", f"users/{account.id}")

    def mail_to(self, email: str) -> Mail:
        """Return the newest mail to an address."""
        return next(mail for mail in reversed(self.state.inbox) if mail.to == email)

    def _set_autoconfirm(self, value: bool) -> None:
        if value != _settings()["mailer_autoconfirm"]:
            _skip("autoconfirm")

    def _set_anonymous_users(self, value: bool) -> None:
        if value != _settings()["external"]["anonymous_users"]:
            _skip("anonymous users")

    def begin(self) -> None:
        """Delete the users that tests have made, and begin with an empty inbox."""
        self.state.accounts.clear()
        self.state.__dict__["earlier"] = len(_mails())


def _mails() -> list[Mail]:
    # Kept by the tests' gateway; other projects have no such path.
    response = httpx.get(f"{URL}/mails", trust_env=False)
    if not response.is_success:
        _skip("mails")
    return [Mail(**mail) for mail in response.json()]


def _settings() -> Any:
    return httpx.get(f"{URL}/auth/v1/settings", headers={"apikey": ANON_KEY}, trust_env=False).json()


class _State(_Narrow):
    earlier: int

    @property
    def inbox(self) -> list[Mail]:
        return _mails()[self.earlier :]

    @property
    def accounts(self) -> _Accounts:
        users = _admin("GET", "users", params={"per_page": 1000})["users"]
        ours = [user for user in users if user.get("email", "").endswith(OURS)]
        return _Accounts((user["id"], RealAccount(user)) for user in ours)

    def by_email(self, email: str) -> RealAccount | None:
        return next((one for one in self.accounts.values() if one.email == email), None)
