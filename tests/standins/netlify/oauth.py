"""Netlify's OAuth: the consent page, and the exchange of its code for a token.

Follows RFC 6749 and Netlify's behaviour: an unregistered redirect URI ends at its own page, all other errors
are sent in the redirect; a code is valid once, for its client and redirect URI.
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
    """One registered application; call `register` with its redirect URI first."""

    def __init__(self, netlify: NetlifyStandIn) -> None:
        self._netlify = netlify
        self.redirect_uri = ""
        # Codes that were issued and not exchanged yet.
        self.codes: dict[str, str] = {}

    @property
    def authorize_url(self) -> str:
        return f"{self._netlify.origin}/authorize"

    def register(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def answer(self, asked: Asked) -> Answer | None:
        """Handle OAuth requests; return None for requests to the API."""
        match asked.method, urlsplit(asked.path).path:
            case "GET", "/authorize":
                return self._page(dict(parse_qsl(urlsplit(asked.path).query)))
            case "POST", "/authorize":
                return self._consented(_form(asked))
            case "POST", "/oauth/token":
                return self._exchange(_form(asked))
        return None

    def _page(self, form: dict[str, str]) -> Answer:
        if form.get("client_id") != CLIENT_ID or form.get("redirect_uri") != self.redirect_uri:
            return as_html(
                422, "<h1>Error during authorization</h1><p>Redirect URI doesn't match application"
            )
        if form.get("response_type") != "code":
            return _back(form, error="unsupported_response_type")
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{escape(form.get(name, ""))}">'
            for name in ("redirect_uri", "state")
        )
        buttons = "".join(
            f'<button name="answer" value="{word}">{word}</button>' for word in ("Authorize", "Deny")
        )
        return as_html(
            200,
            # With an icon, so that no browser requests one from the API.
            '<link rel="icon" href="data:,"><h1>Authorize Forge</h1>'
            f'<form method="post" action="/authorize">{kept}{buttons}</form>',
        )

    def _consented(self, form: dict[str, str]) -> Answer:
        if form.get("answer") != "Authorize":
            return _back(form, error="access_denied", error_description="The access was denied.")
        code = secrets.token_urlsafe(24)
        self.codes[code] = form["redirect_uri"]
        return _back(form, code=code)

    def _exchange(self, form: dict[str, str]) -> Answer:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return as_json(
                {"error": "invalid_client", "error_description": "Client authentication failed."}, 401
            )
        redirect_uri = self.codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code":
            return as_json({"error": "unsupported_grant_type"}, 400)
        if redirect_uri is None or redirect_uri != form.get("redirect_uri"):
            return as_json({"error": "invalid_grant", "error_description": "The code is invalid."}, 400)
        return as_json({"access_token": self._netlify.token, "token_type": "Bearer", "created_at": 1})


def _form(asked: Asked) -> dict[str, str]:
    if asked.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl(asked.body.decode()))


def _back(form: dict[str, str], **answer: str) -> Answer:
    query = urlencode({**answer, "state": form.get("state", "")})
    return Answer(302, headers={"Location": f"{form['redirect_uri']}?{query}"})
