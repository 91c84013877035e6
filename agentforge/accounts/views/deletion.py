from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from agentforge.accounts import belongings, deletion
from agentforge.accounts.errors import IdentityError
from agentforge.accounts.forms import DeletionForm
from agentforge.accounts.models import User
from agentforge.accounts.sessions import sign_ins
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from agentforge.streaming import streamed_file
from agentforge.tenancy import rls

from .responses import reject, show, submitted

PAGE = "accounts/account_delete.html"
_DELETED = "Your account and everything in it is deleted here."
_LEFT = (
    "Your data is deleted here. The account at the identity service did not go with it: "
    "ask an operator of this site to delete it there."
)


@never_cache
@require_safe
def export(request: Request) -> HttpResponseBase:
    """Stream everything that belongs to the user as a ZIP archive."""
    response = streamed_file(request, belongings.archive(request.user), "application/zip")
    name = f"agentforge-{timezone.localdate():%Y-%m-%d}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _confirmation(request: Request) -> Form:
    # A guest has no address to type.
    data = submitted(request)
    return Form(data) if request.user.is_guest else DeletionForm(data, email=request.user.email)


@negotiated
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request) -> HttpResponse:
    """Delete the account, once its address is typed."""
    form = _confirmation(request)
    obstacles = belongings.obstacles(request.user)
    context: dict[str, Any] = {"obstacles": obstacles, "everywhere": deletion.reaches_identity_service()}
    if request.method != "POST":
        return show(request, PAGE, form, **context)
    if form.is_valid() and obstacles:
        form.add_error(None, " ".join(obstacles))
    if not form.is_valid():
        return reject(request, PAGE, form, **context)
    words = _DELETED if context["everywhere"] else _LEFT
    with rls.as_service():
        try:
            deletion.delete(User.objects.get(pk=request.user.pk))
        except IdentityError:
            words = _LEFT
        sign_ins.end(request.session)
    if wants_json(request):
        return success(detail=words)
    messages.success(request, words)
    return redirect("accounts:sign_in")
