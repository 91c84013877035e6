"""Play Netlify's OAuth: the page where somebody consents, and the exchange of its code for a token.

After RFC 6749 and what Netlify shows: a redirect URI that is not the registered one stops at its own page,
all else is told by a redirect; codes are good once, for the client and the redirect URI they were made for.
"""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.standins.server import Answer, Asked, as_html, as_json

if TYPE_CHECKING:
    from .server import NetlifyStandIn

CLIENT_ID, CLIENT_SECRET = "client-0123456789", "secret-0123456789abcdef"


class OAuth:
    """One registered application; `register` its redirect URI before somebody is sent here."""

    def __init__(self, netlify: NetlifyStandIn) -> None:
        self._netlify = netlify
        self.redirect_uri = ""
        # What was handed out and not exchanged yet.
        self.codes: dict[str, str] = {}

    @property
    def authorize_url(self) -> str:
        return f"{self._netlify.origin}/authorize"

    def register(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def answer(self, asked: Asked) -> Answer | None:
        """Answer what belongs to OAuth; None for the API's requests."""
        match asked.method, urlsplit(asked.path).path:
            case "GET", "/authorize":
                return self._page(dict(parse_qsl(urlsplit(asked.path).query)))
            case "POST", "/authorize":
                return self._consented(_form(asked))
            case "POST", "/oauth/token":
                return self._exchange(_form(asked))
        return None

    def _page(self, given: dict[str, str]) -> Answer:
        if given.get("client_id") != CLIENT_ID or given.get("redirect_uri") != self.redirect_uri:
            return as_html(
                422, "<h1>Error during authorization</h1><p>Redirect URI doesn't match application"
            )
        if given.get("response_type") != "code":
            return _back(given, error="unsupported_response_type")
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{escape(given.get(name, ""))}">'
            for name in ("redirect_uri", "state")
        )
        buttons = "".join(
            f'<button name="answer" value="{word}">{word}</button>' for word in ("Authorize", "Deny")
        )
        return as_html(
            200,
            # The icon is here, so that no browser asks the API for one.
            '<link rel="icon" href="data:,"><h1>Authorize Forge</h1>'
            f'<form method="post" action="/authorize">{kept}{buttons}</form>',
        )

    def _consented(self, given: dict[str, str]) -> Answer:
        if given.get("answer") != "Authorize":
            return _back(given, error="access_denied", error_description="The access was denied.")
        code = secrets.token_urlsafe(24)
        self.codes[code] = given["redirect_uri"]
        return _back(given, code=code)

    def _exchange(self, given: dict[str, str]) -> Answer:
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return as_json(
                {"error": "invalid_client", "error_description": "Client authentication failed."}, 401
            )
        made_for = self.codes.pop(given.get("code", ""), None)
        if given.get("grant_type") != "authorization_code":
            return as_json({"error": "unsupported_grant_type"}, 400)
        if made_for is None or made_for != given.get("redirect_uri"):
            return as_json({"error": "invalid_grant", "error_description": "The code is invalid."}, 400)
        return as_json({"access_token": self._netlify.token, "token_type": "Bearer", "created_at": 1})


def _form(asked: Asked) -> dict[str, str]:
    if asked.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(asked.body.decode()))


def _back(given: dict[str, str], **answer: str) -> Answer:
    query = urlencode({**answer, "state": given.get("state", "")})
    return Answer(302, headers={"Location": f"{given['redirect_uri']}?{query}"})
