from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agentforge.audit.actions import Kind
from agentforge.audit.models import AuditEvent
from agentforge.http import Request
from agentforge.negotiation import negotiated, wants_json
from agentforge.pagination import PageForm, page_success, refusal_of

PAGE_SIZE = 50


class KindForm(PageForm):
    kind = forms.ChoiceField(
        choices=Kind.choices, required=False, error_messages={"invalid_choice": "There is no such kind."}
    )


@negotiated
@never_cache
@require_safe
def activity(request: Request) -> HttpResponse:
    """Show the user's own audit events, newest first."""
    form = KindForm(request.GET)
    if (refusal := refusal_of(form, request)) is not None:
        return refusal
    kind = form.cleaned_data.get("kind", "")
    events = AuditEvent.objects.owned_by(request.user)
    if kind:
        events = events.filter(action__in=Kind(kind).actions)
    page = Paginator(events, PAGE_SIZE).get_page(request.GET.get("page"))
    if wants_json(request):
        pages = page.paginator.num_pages
        return page_success(request, page, events=[_json(event) for event in page], pages=pages)
    context = {"page": page, "kind": kind, "kinds": Kind.choices, "form": form}
    return render(request, "accounts/activity_list.html", context)


def _json(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "created_at": event.created_at,
        "action": event.action,
        "who": event.who,
        "subject": {"kind": event.subject_kind, "id": event.subject_id, "label": event.subject_label},
        "detail": event.detail,
        "address": event.address,
    }
