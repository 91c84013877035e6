"""Move agents in and out as documents: agent.yaml."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from configs.documents.export import export
from configs.documents.intake import import_agent
from configs.documents.schema import schema
from configs.forms.documents import ImportForm
from configs.forms.identity import TAKEN
from configs.services import HandleTaken

from .forms import agent_of

# https://www.rfc-editor.org/rfc/rfc9512
YAML = "application/yaml"


@require_safe
def document_export(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    disposition = f'attachment; filename="{agent.handle}.yaml"'
    return HttpResponse(export(agent), content_type=YAML, headers={"Content-Disposition": disposition})


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def document_import(request: Request) -> HttpResponse:
    form = ImportForm(posted(request), request.FILES or None)
    if not form.is_bound:
        return render(request, "configs/agent_import.html", {"form": form})
    if not form.is_valid():
        return _refused(request, form)
    try:
        imported = import_agent(form.imported, request.user)
    except HandleTaken:
        form.add_error("document", f"{TAKEN} Import it again.")
        return _refused(request, form)
    agent = imported.agent
    if wants_json(request):
        url = agent.get_absolute_url()
        return success(201, id=agent.pk, url=url, handle=agent.handle, notes=list(imported.notes))
    messages.success(request, f"{agent.name} is imported.")
    for note in imported.notes:
        messages.warning(request, note)
    return redirect(agent)


def _refused(request: Request, form: ImportForm) -> HttpResponse:
    if wants_json(request):
        return form_failure(form)
    return render(request, "configs/agent_import.html", {"form": form}, status=422)


@login_not_required
@cache_control(public=True, max_age=600)
@require_safe
def document_schema(request: HttpRequest) -> JsonResponse:
    return JsonResponse(schema(), content_type="application/schema+json")
