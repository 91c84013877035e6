from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from agentforge.accounts import flows
from agentforge.accounts.errors import IdentityError
from agentforge.accounts.identity.providers import PROVIDERS, is_known
from agentforge.accounts.redirects import requested_next

from .responses import failed, requires_supabase

if TYPE_CHECKING:
    from agentforge.accounts.identity.supabase import SupabaseIdentityService


@login_not_required
@never_cache
@require_POST
@requires_supabase
def provider(request: HttpRequest, service: SupabaseIdentityService, code: str) -> HttpResponse:
    """Start a sign-in with a provider: a page that refreshes to the provider's URL.

    Not a redirect: the content policy allows forms to lead to this site only, redirects included.
    """
    if not is_known(code) or code not in settings.SUPABASE_OAUTH_PROVIDERS:
        raise Http404
    state = flows.new_state()
    try:
        url, verifier = service.provider_url(code, redirect_to=flows.callback_url(request, state))
    except IdentityError as error:
        return failed(request, "accounts:sign_in", error)
    flows.store(request.session, state, flows.Flow("oauth", verifier, requested_next(request)))
    response = render(request, "accounts/provider_redirect.html", {"url": url, "label": PROVIDERS[code]})
    response["Refresh"] = f"0; url={url}"
    return response
