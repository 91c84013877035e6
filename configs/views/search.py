"""Search everything: a page of its own, which the palette of every page shows too."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, success, wants_json
from configs.forms.search import SearchForm
from configs.search import Result, search

from .forms import show


@require_safe
@negotiated
@rate_limited("searches", method="GET")
def search_page(request: Request) -> HttpResponse:
    form = SearchForm(request.GET)
    if not form.is_valid() and wants_json(request):
        return form_failure(form)
    text = form.cleaned_data.get("q", "")
    groups = search(request.user, text)
    if wants_json(request):
        return success(results=[_json(group.label, result) for group in groups for result in group.results])
    context = {"form": form, "text": text, "groups": groups}
    return show(request, page="configs/search.html", partial="configs/_search_results.html", context=context)


def _json(kind: str, result: Result) -> dict[str, Any]:
    method = "GET" if result.post is None else "POST"
    return {"kind": kind, "label": result.label, "note": result.note, "url": result.url, "method": method}
