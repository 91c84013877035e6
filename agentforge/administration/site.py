from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from agentforge.accounts.redirects import requested_next, with_query
from agentforge.accounts.views.sign_in import sign_out
from agentforge.http import Request

from . import dashboard

View = Callable[..., HttpResponseBase]


class OperatorsSite(admin.AdminSite):
    """The administration, without its own sign-in, sign-out and password pages."""

    site_header = "AgentForge administration"
    site_title = "AgentForge administration"
    index_title = "All data of the forge"

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override] # untyped there
        """Return 403 to signed-in users who are not operators; the middleware redirects others to sign in."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return guarded

    @login_not_required
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        next_url = requested_next(request) or reverse("admin:index")
        return redirect(with_query(reverse("accounts:sign_in"), next=next_url))

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """Show the panels above the list of models."""
        return super().index(request, {"panels": dashboard.panels(), **(extra_context or {})})

    def logout(self, request: Request, extra_context: Any = None) -> HttpResponse:  # type: ignore[override] # the middleware makes it one
        return sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override] # no page of its own
        return redirect("accounts:password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override] # as above
        return redirect("accounts:account")
