"""Tell scripts from pages: only a script receives tokens, and needs no CSRF token to sign in.

A browser adds `Origin` and `Sec-Fetch-*` to every POST made by a page's JavaScript, which can't suppress
them, and it sends the site's cookies. So a JSON request with none of them comes from no page: neither from
this site, whose JavaScript must not see tokens, nor from another one, which could sign a visitor in as
somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from agentforge.accounts.identity.base import Tokens
from agentforge.negotiation import is_json

_BROWSER_HEADERS = ("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")


def is_script(request: HttpRequest) -> bool:
    """Return whether the client is a script, not a page in a browser."""
    return (
        is_json(request)
        and not request.COOKIES
        and not any(name in request.headers for name in _BROWSER_HEADERS)
    )


def open_to_scripts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Require a CSRF token from pages, but not from scripts."""
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
        return (view if is_script(request) else protected)(request, *args, **kwargs)

    return inner


def tokens_json(tokens: Tokens) -> dict[str, str]:
    """Return the tokens as a script receives them."""
    return {
        "token_type": "bearer",
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_at": tokens.expires_at.isoformat(),
    }
