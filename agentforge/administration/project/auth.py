"""Ask a project's Auth whether people can sign up and in, with the publishable key alone.

What is asked changes nothing and sends no mail. Paths and answers: https://github.com/supabase/auth
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
from django.conf import settings

from agentforge.accounts.identity.api_keys import role_of
from agentforge.telemetry.outbound_calls import LoggedClient

from . import redirects, signing
from .report import Line, register, right, unseen, wrong

KEYS_PAGE = "Project Settings, API keys"
PROVIDERS_PAGE = "Authentication, Sign In / Providers"


@register("auth")
def auth_lines(forge_url: str) -> Iterator[Line]:
    """Report on the identity service; nothing where the local one is used."""
    if not settings.SUPABASE_URL:
        yield right("auth", "SUPABASE_URL is not set: people sign in with the local identity service.")
        return
    headers = {"apikey": settings.SUPABASE_ANON_KEY}
    timeout = settings.SUPABASE_TIMEOUT
    base = f"{settings.SUPABASE_URL}/auth/v1"
    with LoggedClient(base_url=base, headers=headers, timeout=timeout, trust_env=False) as client:
        line, answer = _settings(client)
        yield line
        if answer is None:
            return
        yield from _sign_up(answer)
        yield from _providers(answer["external"])
        yield from signing.lines(client)
        yield from redirects.lines(client, forge_url)
        yield _captcha(client)
    yield unseen(
        "second factor",
        "Whether people may enroll an authenticator shows only to somebody who is signed in.",
        "Authentication, Multi-Factor: TOTP (App Authenticator) enabled.",
    )


def _settings(client: httpx.Client) -> tuple[Line, dict[str, Any] | None]:
    key = settings.SUPABASE_ANON_KEY
    role = role_of(key)
    if role not in ("anon", ""):
        remedy = f"Set the publishable or anon key: {KEYS_PAGE}. Replace this one if others could read it."
        return wrong("publishable key", f"SUPABASE_ANON_KEY holds the key of the role {role}.", remedy), None
    try:
        response = client.get("/settings")
    except httpx.HTTPError as error:
        remedy = "Check SUPABASE_URL. In the dashboard, restore the project if it is paused."
        message = f"Nothing answers at {settings.SUPABASE_URL} ({type(error).__name__})."
        return wrong("address", message, remedy), None
    if response.status_code in (401, 403):
        remedy = f"Copy the publishable or anon key of this very project: {KEYS_PAGE}."
        return wrong("publishable key", "The project refuses SUPABASE_ANON_KEY.", remedy), None
    answer = _json(response)
    if not isinstance(answer.get("external"), dict):
        message = f"{settings.SUPABASE_URL} answers ({response.status_code}), but not as Supabase Auth does."
        return wrong("address", message, "Check SUPABASE_URL: https://….supabase.co, without a path."), None
    return right("publishable key", "Supabase Auth answers and takes SUPABASE_ANON_KEY."), answer


def _sign_up(answer: dict[str, Any]) -> Iterator[Line]:
    external = answer["external"]
    if external.get("email"):
        yield right("e-mail", "People can sign in with address and password.")
    else:
        yield wrong("e-mail", "Signing in with an address is off.", f"{PROVIDERS_PAGE}: Email on.")
    closed = answer.get("disable_signup")
    yield right("sign-up", "Closed: only people whom you invite." if closed else "Open to everybody.")
    if not answer.get("mailer_autoconfirm"):
        yield right("confirmation", "New addresses are confirmed by mail.")
    elif settings.DEBUG:
        yield right("confirmation", "New addresses are not confirmed, which is fine for trying.")
    else:
        remedy = f"{PROVIDERS_PAGE}, Email: Confirm email on."
        yield wrong("confirmation", "Anybody can sign up with somebody else's address.", remedy)
    yield unseen(
        "mails",
        "Whether mails arrive, and their templates. Supabase's own mail server writes to your team only.",
        "Authentication, Emails: set up SMTP, and the templates of docs/supabase.md.",
    )
    for name, label in (("anonymous_users", "Anonymous users"), ("phone", "Phone users")):
        if name == "anonymous_users" and settings.GUEST_MINUTES > 0:
            yield _guests(bool(external.get(name)))
        elif not external.get(name):
            yield right(label.lower(), f"{label} can't sign in.")
        elif settings.SUPABASE_USERS_WITHOUT_EMAIL:
            yield right(label.lower(), f"{label} can sign in, as SUPABASE_USERS_WITHOUT_EMAIL allows.")
        else:
            message = f"{label} can sign in at the project, and the forge refuses them."
            yield wrong(label.lower(), message, f"{PROVIDERS_PAGE}: turn it off.")


def _guests(enabled: bool) -> Line:
    if enabled:
        return right("anonymous users", "Guests come as anonymous users (GUEST_MINUTES); others are refused.")
    message = "GUEST_MINUTES invites guests, and the project makes no anonymous users for them."
    return wrong(
        "anonymous users", message, f"{PROVIDERS_PAGE}: Allow anonymous sign-ins, or GUEST_MINUTES=0."
    )


def _providers(external: dict[str, Any]) -> Iterator[Line]:
    for code in settings.SUPABASE_OAUTH_PROVIDERS:
        if external.get(code):
            yield right(f"provider {code}", "Enabled.")
        else:
            remedy = f"{PROVIDERS_PAGE}: enable it, or take it out of SUPABASE_OAUTH_PROVIDERS."
            yield wrong(
                f"provider {code}", "The forge offers it, but the project has not enabled it.", remedy
            )


def _captcha(client: httpx.Client) -> Line:
    """Sign in with an account that can't exist: the captcha is asked for before the password."""
    person = {"email": f"{secrets.token_hex(12)}@agentforge.invalid", "password": secrets.token_hex(16)}
    try:
        response = client.post("/token", params={"grant_type": "password"}, json=person)
    except httpx.HTTPError as error:
        return unseen("captcha", f"The question was not answered ({type(error).__name__}).", "Try again.")
    answer = _json(response)
    code = answer.get("error_code") or answer.get("code")
    if code == "captcha_failed":
        remedy = "Authentication, Attack Protection: turn CAPTCHA protection off."
        return wrong("captcha", "The project demands a captcha, which the forge's pages don't show.", remedy)
    if code == "invalid_credentials":
        return right("captcha", "Off.")
    answered = f"{response.status_code} {code or ''}".strip()
    return unseen("captcha", f"A try to sign in was answered with {answered}.", "Try again later.")


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
