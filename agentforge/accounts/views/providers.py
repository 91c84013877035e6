from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from agentforge.accounts import flows
from agentforge.accounts.errors import IdentityError
from agentforge.accounts.guests import is_guest
from agentforge.accounts.identity.providers import PROVIDERS, is_known
from agentforge.accounts.redirects import requested_next
from agentforge.http import Request

from .responses import auth_session, failed, requires_supabase

if TYPE_CHECKING:
    from supabase_auth.types import Provider

    from agentforge.accounts.identity.supabase import SupabaseIdentityService


@login_not_required
@never_cache
@require_POST
@requires_supabase
def provider(request: HttpRequest, service: SupabaseIdentityService, code: str) -> HttpResponse:
    """Start a sign-in with a provider: a page that refreshes to the provider's URL.

    Not a redirect: the content policy allows forms to lead to this site only, redirects included.
    """
    chosen = _chosen(code)
    state = flows.new_state()
    keeps = "keep" in request.POST and is_guest(request.user)
    try:
        redirect_to = flows.callback_url(request, state)
        if keeps:
            session = auth_session(cast(Request, request))
            url, verifier = service.keep_url(session, chosen, redirect_to=redirect_to)
        else:
            url, verifier = service.provider_url(chosen, redirect_to=redirect_to)
    except IdentityError as error:
        return failed(request, "accounts:sign_up" if keeps else "accounts:sign_in", error)
    kind = "guest" if keeps else "oauth"
    flows.store(request.session, state, flows.Flow(kind, verifier, requested_next(request)))
    return _leading_to(request, url, chosen)


@never_cache
@require_POST
@requires_supabase
def link(request: Request, service: SupabaseIdentityService, code: str) -> HttpResponse:
    """Begin to link a provider to the account, as a further way to sign in."""
    chosen = _chosen(code)
    state = flows.new_state()
    try:
        url, verifier = service.link_url(
            auth_session(request), chosen, redirect_to=flows.callback_url(request, state)
        )
    except IdentityError as error:
        return failed(request, "accounts:identities", error)
    flows.store(request.session, state, flows.Flow("link", verifier, provider=chosen))
    return _leading_to(request, url, chosen)


def _chosen(code: str) -> Provider:
    """Return a provider of the settings. Raises Http404."""
    if not is_known(code) or code not in settings.SUPABASE_OAUTH_PROVIDERS:
        raise Http404
    return code


def _leading_to(request: HttpRequest, url: str, code: Provider) -> HttpResponse:
    response = render(request, "accounts/provider_redirect.html", {"url": url, "label": PROVIDERS[code]})
    response["Refresh"] = f"0; url={url}"
    return response
