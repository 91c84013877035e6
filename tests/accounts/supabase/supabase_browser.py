"""Do what people do in a browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client

from agentforge.accounts.models import SignIn
from agentforge.accounts.sessions import tokens
from tests.standins.supabase_auth import code_at

EMAIL, PASSWORD = "alice@example.com", "correct horse battery"
# A page that only signed-in people see, and what everybody else gets.
PAGE = "/sign-in/?next=/healthz"


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return client.post("/sign-in/?next=/healthz", {"email": email, "password": password})


def is_signed_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 302


def claims(client: Client) -> dict[str, Any]:
    """Return the claims of a browser's current tokens."""
    return tokens.verify(row(client).access_token)


def row(client: Client) -> SignIn:
    return SignIn.objects.get(pk=client.session["sign_in"])


def follow(client: Client, url: str) -> Any:
    """Follow a link through the identity service and back to this site."""
    with httpx.Client(follow_redirects=False) as elsewhere:
        while not url.startswith("http://testserver/"):
            if urlsplit(url).hostname != "127.0.0.1":
                pytest.skip("A real provider asks for a password.")
            url = elsewhere.get(url).headers["Location"]
    parts = urlsplit(url)
    return client.get(f"{parts.path}?{parts.query}")


def words(response: Any) -> str:
    """Return a page's text, with what it says about what was done."""
    text: str = response.content.decode()
    return text.replace("&#x27;", "'")


def enrol(client: Client) -> tuple[str, str]:
    """Set a second factor up; return its id and secret."""
    page = client.post("/accounts/second-factor/enrol/")
    factor, secret = str(page.context["form"]["factor"].value()), page.context["secret"]
    answer = client.post("/accounts/second-factor/finish/", {"factor": factor, "code": code_at(secret)})
    assert answer.status_code == 302, words(answer)
    return factor, secret
