"""Connect an account by its owner's consent: OAuth's authorization code flow (RFC 6749, section 4.1).

Netlify's part after its own example of an OAuth application: people consent at app.netlify.com/authorize, the
code that comes back is exchanged at /oauth/token beside the API. Its tokens have no scopes and do not expire.
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
from configs.models import AgentConfig
from deployments.errors import NotPossible
from deployments.hosts.base import HostError, Reason

from .forms import ConnectForm

logger = logging.getLogger(__name__)

# From the button to the return, the sign-in at Netlify included.
SECONDS_TO_CONSENT = 600.0
_SECONDS = 15.0
_SESSION_KEY = "netlify consent"
_KEPT = "What was connected before stays."


@dataclass(frozen=True)
class Consent:
    """Remember in the session what somebody went to Netlify for; `state` is empty once they came back."""

    state: str
    owner: str
    agent: int
    redirect_uri: str
    until: float


def is_offered() -> bool:
    """Tell whether the operator registered this forge as an OAuth application at Netlify."""
    return bool(settings.NETLIFY_CLIENT_ID and settings.NETLIFY_CLIENT_SECRET)


def begin(session: SessionBase, agent: AgentConfig, redirect_uri: str) -> str:
    """Return the address where an agent's owner consents, and remember that they went there.

    Raises NotPossible where the operator did not set it up.
    """
    if not is_offered():
        raise NotPossible("Connecting with Netlify's own page is not set up here. Use an access token.")
    consent = Consent(
        state=secrets.token_urlsafe(32),
        owner=str(agent.owner_id),
        agent=agent.pk,
        redirect_uri=redirect_uri,
        until=time.time() + SECONDS_TO_CONSENT,
    )
    session[_SESSION_KEY] = asdict(consent)
    asked = {
        "client_id": settings.NETLIFY_CLIENT_ID,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": consent.state,
    }
    return f"{settings.AGENTFORGE_NETLIFY_AUTHORIZE_URL}?{urlencode(asked)}"


def last(session: SessionBase, user: User) -> Consent | None:
    """Return what this person went to Netlify for last in this browser, back already or not."""
    kept = session.get(_SESSION_KEY)
    if kept is None or kept["owner"] != str(user.pk):
        return None
    return Consent(**kept)


def take(session: SessionBase, user: User, state: str) -> Consent:
    """Return what somebody comes back for, once.

    Raises NotPossible for a state that this session was not given, or not just now; whichever it was given
    is void afterwards.
    """
    consent = last(session, user)
    if consent is None or not consent.state:
        raise NotPossible(f"Nobody waits here for this answer of Netlify, or it came before. {_KEPT}")
    session[_SESSION_KEY] = {**asdict(consent), "state": ""}
    if not constant_time_compare(consent.state, state):
        raise NotPossible(f"This answer of Netlify belongs to another attempt. {_KEPT} Connect again.")
    if consent.until < time.time():
        raise NotPossible(f"It took longer than ten minutes, so the answer is void. {_KEPT} Connect again.")
    return consent


def token_for(consent: Consent, answer: dict[str, str]) -> str:
    """Return the token for what Netlify's page answered: a code, or why there is none.

    Raises NotPossible or HostError.
    """
    if answer.get("error") == "access_denied":
        raise NotPossible(f"The access was not granted at Netlify. {_KEPT}")
    if "error" in answer or not answer.get("code"):
        raise NotPossible(
            f"Netlify sent no code{_quoted(answer.get('error'))}. {_KEPT} "
            "Connect again, or use an access token."
        )
    return _exchanged(answer["code"], consent.redirect_uri)


def _exchanged(code: str, redirect_uri: str) -> str:
    """Exchange a code, once: a second attempt with the same one would be refused anyway."""
    asked = {
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
            "POST", _token_url(), headers=headers, content=urlencode(asked).encode(), seconds=_SECONDS
        )
    except outbound.OutboundError as error:
        raise HostError(Reason.UNREACHABLE, f"{error} {_KEPT} Connect again.") from error
    if not 200 <= reply.status < 300:
        raise _refusal(reply)
    form = ConnectForm({"token": _read(reply).get("access_token")})
    if not form.is_valid():
        told = f"Netlify answered without a token that can be used. {_KEPT} Connect again."
        raise HostError(Reason.REFUSED, told)
    token: str = form.cleaned_data["token"]
    return token


def _token_url() -> str:
    url: str = settings.AGENTFORGE_NETLIFY_URL
    return f"{url.removesuffix('/api/v1')}/oauth/token"


def _refusal(reply: outbound.Reply) -> HostError:
    """Say what a refusal means to who connects, and to the operator in the log where it is theirs to mend."""
    said = _quoted(_read(reply).get("error"))
    if reply.status == 429 or reply.status >= 500:
        told = f"Netlify could not answer now ({reply.status}). {_KEPT} Connect again in some minutes."
        return HostError(Reason.UNREACHABLE, told)
    if reply.status == 401 or "invalid_client" in said or "unauthorized_client" in said:
        logger.error("Netlify refused NETLIFY_CLIENT_ID or NETLIFY_CLIENT_SECRET (%s%s).", reply.status, said)
        told = (
            f"Netlify does not know this forge ({reply.status}{said}): its operator has to look at its "
            f"registration there. {_KEPT} Use an access token meanwhile."
        )
        return HostError(Reason.FORBIDDEN, told)
    told = f"Netlify refused the code ({reply.status}{said}): used or expired. {_KEPT} Connect again."
    return HostError(Reason.TOKEN_REFUSED, told)


def _read(reply: outbound.Reply) -> dict[str, Any]:
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _quoted(error: object) -> str:
    """Return one of OAuth's error words; nothing else that came from outside is repeated."""
    return f", {error}" if isinstance(error, str) and re.fullmatch(r"[a-z_]{1,40}", error) else ""
