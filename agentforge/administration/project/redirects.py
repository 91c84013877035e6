"""Ask where a project sends people back to, by following a link that can't be valid."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from .report import Line, right, unseen, wrong

_PAGE = "Authentication, URL Configuration"
_FOREIGN = "https://agentforge-check.invalid/"


def lines(client: httpx.Client, forge_url: str) -> Iterator[Line]:
    """Report on the site URL and the allowed redirect addresses."""
    site = _sent_to(client, _FOREIGN)
    if site is None:
        yield unseen("redirects", "The project did not say where it sends people.", f"{_PAGE}.")
        return
    if site.startswith(_FOREIGN):
        remedy = f"{_PAGE}: remove patterns such as ** from the redirect URLs."
        yield wrong(
            "redirects", "Every address is allowed: a link can hand people's codes to anybody.", remedy
        )
        return
    if site == forge_url:
        yield right("site URL", f"{site}.")
    else:
        remedy = f"{_PAGE}: set the site URL to {forge_url}, without a slash at the end (or pass --url)."
        yield wrong("site URL", f"It is {site}, and this forge is {forge_url}.", remedy)
    callback = f"{forge_url}/accounts/callback/"
    if _sent_to(client, callback) == callback:
        yield right("redirects", f"{callback} is allowed.")
    else:
        yield wrong("redirects", f"{callback} is not allowed.", f"{_PAGE}: add it to the redirect URLs.")


def _sent_to(client: httpx.Client, address: str) -> str | None:
    """Return the address that a spent link leads to, without what the service adds; None: no redirect."""
    query = {"token": secrets.token_hex(28), "type": "recovery", "redirect_to": address}
    try:
        location = client.get("/verify", params=query).headers.get("location")
    except httpx.HTTPError:
        return None
    if not location:
        return None
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
