from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts import user_agents
from agentforge.accounts.errors import IdentityError
from agentforge.accounts.identity import identity_service
from agentforge.accounts.models import SignIn
from agentforge.accounts.sessions import sign_ins
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from agentforge.tenancy import rls

from .responses import auth_session, done, failed

_ENDED = "That browser is signed out."
_OTHERS = "All your other browsers and scripts are signed out."
_NOT_THERE = "It is signed out here. The identity service did not confirm it: elsewhere it may go on."


@negotiated
@never_cache
@require_safe
def session_list(request: Request) -> HttpResponse:
    """List the browsers that are signed in to the account."""
    with rls.as_service():
        rows = list(SignIn.objects.filter(user=request.user).order_by("-seen_at"))
    mine = sign_ins.row_id(request.session)
    sessions: list[dict[str, Any]] = [
        {
            "id": str(row.pk),
            "browser": user_agents.label(row.user_agent),
            "address": row.address,
            "created_at": row.created_at,
            "seen_at": row.seen_at,
            "is_current": row.pk == mine,
        }
        for row in rows
    ]
    if wants_json(request):
        return success(sessions=sessions)
    return render(request, "accounts/session_list.html", {"sessions": sessions})


@negotiated
@require_POST
def session_end(request: Request, session_id: UUID) -> HttpResponse:
    """Sign one of the user's browsers out."""
    with rls.as_service():
        row = SignIn.objects.filter(pk=session_id, user=request.user).first()
        if row is None:
            raise Http404
        session = sign_ins.auth_session_of(row)
        row.delete()
        try:
            if session is not None:
                identity_service().sign_out(session)
        except IdentityError:
            return failed(request, "accounts:sessions", IdentityError(_NOT_THERE))
    return done(request, "accounts:sessions", _ENDED)


@negotiated
@require_POST
def session_end_others(request: Request) -> HttpResponse:
    """Sign all of the user's other browsers and scripts out."""
    with rls.as_service():
        sign_ins.end_others(request.session, request.user)
        try:
            identity_service().sign_out_others(auth_session(request))
        except IdentityError:
            return failed(request, "accounts:sessions", IdentityError(_NOT_THERE))
    return done(request, "accounts:sessions", _OTHERS)
