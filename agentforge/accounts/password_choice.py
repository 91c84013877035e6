"""Who sets a password without knowing the current one: who has just proved to own the account's address.

A sign-up proves nothing: anybody can enter an address, and the identity service keeps the first password of
an account that nobody confirmed. So its owner, who confirms it by mail, chooses the password before anything
else, unless their own browser made the account.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.problems import problem

from .models import User
from .redirects import back_to, with_query

CHOICE = "Choose the password of this account first. Nothing was changed."
# Time enough to find the authenticator and think of a password, for a browser that may be left alone.
RECOVERY_LIFE = timedelta(minutes=15)
# The names of Supabase Auth for what only the reader of a mailbox can do.
_MAILED = frozenset(("otp", "magiclink", "email/signup", "invite", "recovery", "email_change"))
_RECOVERING_KEY, _MADE_KEY, _MOST_MADE = "recovering", "made_accounts", 5
# They stay open while a password is due: the way to set it, and the way out.
_FREE = ("password", "second_factor", "sign_out", "jwks")


def methods(claims: dict[str, Any]) -> set[str]:
    """Return the authentication methods of a session (`amr`): password, otp, oauth, totp."""
    listed = claims.get("amr")
    names = [one.get("method") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {name for name in names if isinstance(name, str)}


def proves_address(claims: dict[str, Any]) -> bool:
    """Return whether a session began with a proof of owning the address of an account with a password."""
    used = methods(claims)
    if "password" in used:
        return False
    metadata = claims.get("app_metadata")
    providers = metadata.get("providers") if isinstance(metadata, dict) else None
    by_provider = "oauth" in used and isinstance(providers, list) and "email" in providers
    return by_provider or not used.isdisjoint(_MAILED)


def is_due(user: User, claims: dict[str, Any]) -> bool:
    """Return whether a session has to choose the password of its account before anything else."""
    return bool(settings.SUPABASE_URL) and not user.password_is_proven and proves_address(claims)


def remember_made(session: SessionBase, user_id: str, *, is_new: bool) -> None:
    """Remember the account that a browser's sign-up made; forget one that was there before.

    A repeated sign-up doesn't change the password, which may be another than the one entered last.
    """
    made = [one for one in session.get(_MADE_KEY, []) if one != user_id]
    session[_MADE_KEY] = [*made, user_id][-_MOST_MADE:] if is_new else made


def made(session: SessionBase, user_id: str) -> bool:
    """Return whether this browser made an account."""
    return user_id in session.get(_MADE_KEY, [])


def prove(user: User) -> None:
    """Record that the owner of the address chose the account's password."""
    if not user.password_is_proven:
        user.password_is_proven = True
        user.save(update_fields=["password_is_proven"])


def begin_recovery(session: SessionBase, session_id: str) -> None:
    """Let this session of the identity service set a new password, for RECOVERY_LIFE."""
    session[_RECOVERING_KEY] = [session_id, timezone.now().isoformat()]


def recovery(session: SessionBase) -> Any:
    """Return a browser's recovery, to carry it over a step that starts its session anew."""
    return session.get(_RECOVERING_KEY)


def carry(session: SessionBase, value: Any) -> None:
    """Put a recovery back; it is of no use to another session of the identity service."""
    if value is not None:
        session[_RECOVERING_KEY] = value


def end_recovery(session: SessionBase) -> None:
    session.pop(_RECOVERING_KEY, None)


def is_recovering(request: Request) -> bool:
    """Return whether this session came from a recovery mail a short while ago."""
    value = recovery(request.session)
    if not isinstance(value, list) or value[0] != request.claims.get("session_id"):
        return False
    return timezone.now() - datetime.fromisoformat(value[1]) < RECOVERY_LIFE


class PasswordChoiceMiddleware:
    """Lets nobody use an account whose password may be a stranger's, until its owner has chosen one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        asked = cast(Request, request)
        if not asked.user.is_authenticated or not is_due(asked.user, asked.claims):
            return None
        free = request.path_info.startswith(tuple(reverse(f"accounts:{name}") for name in _FREE))
        if free or not getattr(view, "login_required", True):
            return None
        if wants_json(request):
            return problem(403, CHOICE)
        url = with_query(reverse("accounts:password"), next=back_to(request))
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=403, headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)
