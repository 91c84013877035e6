"""Pending flows of a browser: a sign-in with a provider, or the link of a mail.

Each has a state, carried in its URL, and a PKCE verifier, kept in the server-side session. So a link or
redirect works only once, and only in the browser that requested it.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.urls import reverse

SESSION_KEY = "flows"
# More flows at once discard the oldest.
MAX_FLOWS = 5
# A link to `email` finishes a sign-up or a sign-in, and one to `email_change` also a guest's sign-up.
_KINDS_OF_LINKS = {"email": ("signup", "magiclink"), "email_change": ("email_change", "guest")}


@dataclass(frozen=True, slots=True)
class Flow:
    kind: str
    verifier: str
    next_url: str = ""
    # Of a flow that links one to the account.
    provider: str = ""


def new_state() -> str:
    return secrets.token_urlsafe(18)


def callback_url(request: HttpRequest, state: str) -> str:
    """Return the absolute URL to which a flow returns."""
    return request.build_absolute_uri(f"{reverse('accounts:callback')}?state={state}")


def store(session: SessionBase, state: str, flow: Flow) -> None:
    """Store a flow until its browser returns."""
    if not flow.verifier:
        return
    flows = dict(session.get(SESSION_KEY, {}))
    flows[state] = asdict(flow)
    session[SESSION_KEY] = dict(list(flows.items())[-MAX_FLOWS:])


def next_url_of(session: SessionBase, kind: str) -> str:
    """Return where this browser's newest flow of a kind leads; empty if it began none."""
    kinds = _KINDS_OF_LINKS.get(kind, (kind,))
    urls = [flow["next_url"] for flow in session.get(SESSION_KEY, {}).values() if flow["kind"] in kinds]
    return urls[-1] if urls else ""


def pop(session: SessionBase, state: str) -> Flow | None:
    """Remove and return the flow of a state; None for a state that was not issued to this browser."""
    flows = dict(session.get(SESSION_KEY, {}))
    values = flows.pop(state, None)
    if values is None:
        return None
    session[SESSION_KEY] = flows
    return Flow(**values)
