"""Keep what a browser began and comes back for: a sign-in with a provider, a mail's link.

Each has a state, which its URL carries, and a PKCE verifier, which stays here in the server's session; so
a link or a redirect is worth something only in the browser that asked for it, and once.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.urls import reverse

SESSION_KEY = "flows"
# A browser that begins more has forgotten the first.
MOST = 5


@dataclass(frozen=True, slots=True)
class Flow:
    kind: str
    verifier: str
    next_url: str = ""


def new_state() -> str:
    return secrets.token_urlsafe(18)


def callback_url(request: HttpRequest, state: str) -> str:
    """Return the absolute URL at which a flow comes back."""
    return request.build_absolute_uri(f"{reverse('accounts:callback')}?state={state}")


def store(session: SessionBase, state: str, flow: Flow) -> None:
    """Remember a flow until its browser comes back."""
    if not flow.verifier:
        return
    known = dict(session.get(SESSION_KEY, {}))
    known[state] = asdict(flow)
    session[SESSION_KEY] = dict(list(known.items())[-MOST:])


def pop(session: SessionBase, state: str) -> Flow | None:
    """Return the flow of a state, once; None for a state that this browser was not given."""
    known = dict(session.get(SESSION_KEY, {}))
    values = known.pop(state, None)
    if values is None:
        return None
    session[SESSION_KEY] = known
    return Flow(**values)
