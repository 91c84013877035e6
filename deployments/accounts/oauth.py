"""Connect an account through OAuth's authorization code flow (RFC 6749, section 4.1).

Endpoints as in Netlify's example application: users consent at app.netlify.com/authorize, and the returned
code is exchanged at /oauth/token beside the API. The tokens have no scopes and do not expire.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from agentforge import outbound
from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from configs.models import AgentConfig
from deployments.errors import NotPossible
from deployments.hosts.base import HostError, Reason

from .forms import ConnectForm

logger = logging.getLogger(__name__)

# From the button to the return, including the sign-in at Netlify.
SECONDS_TO_CONSENT = 600.0
_SECONDS = 15.0
_SESSION_KEY = "netlify consent"
_KEPT = "An account connected earlier stays connected."


@dataclass(frozen=True)
class Consent:
    """A pending consent, kept in the session; `state` is empty after the return from Netlify."""

    state: str
    owner: str
    agent: int
    redirect_uri: str
    until: float


def is_offered() -> bool:
    """Return whether the operator registered this forge as an OAuth application at Netlify."""
    return bool(settings.NETLIFY_CLIENT_ID and settings.NETLIFY_CLIENT_SECRET)


@performs(Act.CONNECT_HOST)
def begin(session: SessionBase, agent: AgentConfig, redirect_uri: str) -> str:
    """Store a pending consent in the session, and return the URL where the agent's owner consents.

    Raises NotPossible when the operator did not set it up.
    """
    if not is_offered():
        raise NotPossible("Connecting through Netlify's page is not set up here. Use an access token.")
    consent = Consent(
        state=secrets.token_urlsafe(32),
        owner=str(agent.owner_id),
        agent=agent.pk,
        redirect_uri=redirect_uri,
        until=time.time() + SECONDS_TO_CONSENT,
    )
    session[_SESSION_KEY] = asdict(consent)
    parameters = {
        "client_id": settings.NETLIFY_CLIENT_ID,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": consent.state,
    }
    return f"{settings.AGENTFORGE_NETLIFY_AUTHORIZE_URL}?{urlencode(parameters)}"


def last_consent(session: SessionBase, user: User) -> Consent | None:
    """Return the user's last consent in this session, pending or not."""
    stored = session.get(_SESSION_KEY)
    if stored is None or stored["owner"] != str(user.pk):
        return None
    return Consent(**stored)


@performs(Act.CONNECT_HOST)
def redeem(session: SessionBase, user: User, state: str) -> Consent:
    """Return the pending consent with this `state`, and end it.

    Raises NotPossible for any other or an expired state; the pending one ends in any case.
    """
    consent = last_consent(session, user)
    if consent is None or not consent.state:
        raise NotPossible(f"No consent is pending here, or this response was used before. {_KEPT}")
    session[_SESSION_KEY] = {**asdict(consent), "state": ""}
    if not constant_time_compare(consent.state, state):
        raise NotPossible(f"This response of Netlify belongs to another attempt. {_KEPT} Connect again.")
    if consent.until < time.time():
        raise NotPossible(f"It took longer than ten minutes, so the response expired. {_KEPT} Connect again.")
    return consent


def token_for(consent: Consent, response: dict[str, str]) -> str:
    """Exchange the code in the response of Netlify's consent page for a token.

    Raises NotPossible or HostError.
    """
    if response.get("error") == "access_denied":
        raise NotPossible(f"Access was denied at Netlify. {_KEPT}")
    if "error" in response or not response.get("code"):
        raise NotPossible(
            f"Netlify sent no code{_quoted(response.get('error'))}. {_KEPT} "
            "Connect again, or use an access token."
        )
    return _exchange(response["code"], consent.redirect_uri)


def _exchange(code: str, redirect_uri: str) -> str:
    """Exchange a code, without a retry: a code is accepted only once."""
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": settings.NETLIFY_CLIENT_ID,
        "client_secret": settings.NETLIFY_CLIENT_SECRET,
        "redirect_uri": redirect_uri,
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": "AgentForge",
    }
    try:
        reply = outbound.fetch(
            "POST", _token_url(), headers=headers, content=urlencode(parameters).encode(), seconds=_SECONDS
        )
    except outbound.OutboundError as error:
        raise HostError(Reason.UNREACHABLE, f"{error} {_KEPT} Connect again.") from error
    if not 200 <= reply.status < 300:
        raise _refusal(reply)
    form = ConnectForm({"token": _read(reply).get("access_token")})
    if not form.is_valid():
        raise HostError(Reason.REFUSED, f"Netlify sent no valid token. {_KEPT} Connect again.")
    token: str = form.cleaned_data["token"]
    return token


def _token_url() -> str:
    url: str = settings.AGENTFORGE_NETLIFY_URL
    return f"{url.removesuffix('/api/v1')}/oauth/token"


def _refusal(reply: outbound.Reply) -> HostError:
    """Return the error for the user; log it when the operator has to fix it."""
    code = _quoted(_read(reply).get("error"))
    if reply.status == 429 or reply.status >= 500:
        message = f"Netlify is not available ({reply.status}). {_KEPT} Connect again in some minutes."
        return HostError(Reason.UNREACHABLE, message)
    if reply.status == 401 or "invalid_client" in code or "unauthorized_client" in code:
        logger.error("Netlify refused NETLIFY_CLIENT_ID or NETLIFY_CLIENT_SECRET (%s%s).", reply.status, code)
        message = (
            f"Netlify does not recognize this forge ({reply.status}{code}): its operator has to check the "
            f"registration there. {_KEPT} Use an access token meanwhile."
        )
        return HostError(Reason.FORBIDDEN, message)
    message = f"Netlify refused the code ({reply.status}{code}): used or expired. {_KEPT} Connect again."
    return HostError(Reason.TOKEN_REFUSED, message)


def _read(reply: outbound.Reply) -> dict[str, Any]:
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _quoted(error: object) -> str:
    """Return an error code in OAuth's format, and nothing else that Netlify sent."""
    return f", {error}" if isinstance(error, str) and re.fullmatch(r"[a-z_]{1,40}", error) else ""
