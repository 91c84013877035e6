"""Move agents in and out as documents: agent.yaml."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from agentforge.accounts.throttling.acts import NotForGuests
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from configs.documents.export import export
from configs.documents.intake import import_agent
from configs.documents.schema import schema
from configs.forms.documents import ImportForm
from configs.forms.identity import TAKEN
from configs.forms.services import is_sent_safely
from configs.keys.service_keys import save_service_key, service_key
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
    agent, notes = imported.agent, [*imported.notes, *_keep_keys(request, form)]
    if wants_json(request):
        url = agent.get_absolute_url()
        return success(201, id=agent.pk, url=url, handle=agent.handle, notes=notes)
    messages.success(request, f"{agent.name} is imported.")
    for note in notes:
        messages.warning(request, note)
    return redirect(agent)


def _keep_keys(request: Request, form: ImportForm) -> list[str]:
    """Store the keys of an imported file in the vault; return the notes of its importer."""
    if form.foreign is None:
        return []
    notes = list(form.foreign.notes)
    for url, secret in form.foreign.keys.items():
        if not is_sent_safely(url):
            notes.append(f"The key for {url} was left out: it is sent over https only.")
        elif service_key(request.user.pk, url) is None:
            try:
                save_service_key(request.user.pk, url, secret)
                notes.append(f"The key for {url} is in the vault now. Take it out of the file.")
            except NotForGuests:
                notes.append(f"The key for {url} was left out: guests keep no keys.")
    return notes


def _refused(request: Request, form: ImportForm) -> HttpResponse:
    if wants_json(request):
        return form_failure(form)
    return render(request, "configs/agent_import.html", {"form": form}, status=422)


@login_not_required
@cache_control(public=True, max_age=600)
@require_safe
def document_schema(request: HttpRequest) -> JsonResponse:
    return JsonResponse(schema(), content_type="application/schema+json")
