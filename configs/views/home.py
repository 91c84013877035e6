from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agentforge.accounts import guests


@login_not_required
@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show visitors what this is; send everybody else to their agents."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    minutes = settings.GUEST_MINUTES if guests.are_welcome() else 0
    return render(request, "configs/home.html", {"guest_minutes": minutes})
