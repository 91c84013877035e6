from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts.errors import IdentityError
from agentforge.accounts.identity.providers import PROVIDERS, is_known
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json

from .responses import auth_session, done, failed, requires_supabase

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService


@negotiated
@never_cache
@require_safe
@requires_supabase
def identity_list(request: Request, service: SupabaseIdentityService) -> HttpResponse:
    """List the ways to sign in that are linked to the account."""
    try:
        identities = service.identities(auth_session(request))
    except IdentityError as error:
        return failed(request, "accounts:account", error)
    if wants_json(request):
        return success(
            identities=[{"id": one.id, "label": one.label, "email": one.email} for one in identities]
        )
    linked = {one.provider for one in identities}
    offered = [code for code in settings.SUPABASE_OAUTH_PROVIDERS if is_known(code) and code not in linked]
    context = {"identities": identities, "offered": [(code, PROVIDERS[code]) for code in offered]}
    return render(request, "accounts/identity_list.html", context)


@negotiated
@require_POST
@requires_supabase
def identity_unlink(request: Request, service: SupabaseIdentityService, identity_id: UUID) -> HttpResponse:
    try:
        label = service.unlink(auth_session(request), str(identity_id))
    except IdentityError as error:
        return failed(request, "accounts:identities", error)
    return done(
        request, "accounts:identities", f"{label} is unlinked: it can't sign in to this account any more."
    )
