from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from agentforge.accounts import guests
from agentforge.accounts.addresses import client_address
from agentforge.accounts.errors import IdentityError
from agentforge.accounts.redirects import next_url, requested_next, with_query
from agentforge.accounts.sessions import sign_ins
from agentforge.accounts.throttling.rate_limits import limit_page
from agentforge.tenancy import rls

from .responses import start_session


@login_not_required
@never_cache
@require_POST
def guest(request: HttpRequest) -> HttpResponse:
    """Make a visitor a guest."""
    if request.user.is_authenticated:
        return redirect(next_url(request))
    if not guests.are_allowed():
        raise Http404
    try:
        with rls.as_service():
            visit = guests.begin(client_address(request))
        start_session(request, visit.tokens)
    except guests.GuestsFull as full:
        return limit_page(request, full)
    except IdentityError as error:
        messages.error(request, str(error))
        return redirect(with_query(reverse("accounts:sign_up"), next=requested_next(request)))
    request.session[sign_ins.GUEST_KEY] = True
    return redirect(next_url(request))
