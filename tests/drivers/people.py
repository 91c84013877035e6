"""Sign people in without a password: alice owns, bob is another tenant, olga operates."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.test import Client

from agentforge.accounts.identity.base import Tokens
from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import LocalIdentity, User
from agentforge.accounts.sessions import sign_ins


class QuickHasher(PBKDF2PasswordHasher):
    """Django's default with one iteration; processes with the product's settings understand its hashes."""

    iterations = 1


def make_user(name: str, *, operator: bool = False) -> User:
    """Return a user `<name>@example.com`, made when missing."""
    user, _ = User.objects.get_or_create(
        email=f"{name}@example.com", defaults={"is_staff": operator, "is_superuser": operator}
    )
    return user


def tokens_of(user: User) -> Tokens:
    """Return the tokens of a new session of a user at the local identity service."""
    identity, _ = LocalIdentity.objects.get_or_create(
        pk=user.pk, defaults={"email": user.email, "password": "!"}
    )
    return LocalIdentityService().start_session(identity)


def set_password(user: User, password: str) -> None:
    """Let a user sign in at the local identity service."""
    LocalIdentity.objects.update_or_create(
        pk=user.pk, defaults={"email": user.email, "password": make_password(password)}
    )


def sign_in(client: Client, user: User) -> None:
    """Give a test client the session cookie of a user's new sign-in."""
    session = client.session
    sign_ins.begin(session, tokens_of(user))
    session.save()
    client.cookies["sessionid"] = str(session.session_key)


def bearer_of(user: User) -> str:
    """Return the value of an Authorization header of a user's new session."""
    return f"Bearer {tokens_of(user).access_token}"
