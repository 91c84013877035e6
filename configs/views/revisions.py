"""The history of an agent: list its revisions, compare one with the draft or another, restore one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from agentforge.http import Request
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from agentforge.pagination import PageForm, page_success, refusal_of
from configs.changes import Content, Difference, differences, of_draft, of_revision, prompt_rows
from configs.forms.identity import TAKEN
from configs.forms.revisions import ComparisonForm, RevisionNameForm
from configs.history import Entry, entries, rename, restore
from configs.models import AgentConfig, Revision
from configs.services import HandleTaken

from .forms import agent_of

PAGE_SIZE = 30


@require_safe
@negotiated
def revision_list(request: Request, pk: int) -> HttpResponse:
    if (refusal := refusal_of(PageForm(request.GET), request)) is not None:
        return refusal
    agent = agent_of(request, pk)
    revisions = Revision.objects.filter(agent=agent).order_by("-number")
    page = Paginator(revisions, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    before = revisions.filter(number__lt=shown[-1].number).first() if shown else None
    history = entries(shown, before)
    if wants_json(request):
        return page_success(request, page, revisions=[_listed(entry) for entry in history])
    newest = revisions.first()
    context = {
        "agent": agent,
        "page": page,
        "history": history,
        "newest": newest,
        "draft_changes": differences(of_revision(newest), of_draft(agent)) if newest else [],
    }
    return render(request, "configs/revision_list.html", context)


def _listed(entry: Entry) -> dict[str, Any]:
    revision, changes = entry.revision, entry.changes
    return {
        "number": revision.number,
        "name": revision.name,
        "author": revision.author,
        "sha256": revision.sha256,
        "created_at": revision.created_at,
        "changes": None if changes is None else [_words(change) for change in changes],
    }


def _words(change: Difference) -> dict[str, str]:
    return {"field": change.label, "before": change.before, "after": change.after}


@require_safe
@negotiated
def revision_detail(request: Request, pk: int, number: int) -> HttpResponse:
    """Compare a revision with the draft, or with the revision of the number `against`."""
    agent = agent_of(request, pk)
    revision = _revision(agent, number)
    others = Revision.objects.filter(agent=agent).exclude(pk=revision.pk)
    form = ComparisonForm(request.GET, names=dict(others.values_list("number", "name")))
    other = _other(agent, form)
    before, after = of_revision(revision), other
    changes = differences(before, after)
    if wants_json(request):
        return success(
            changes=[_words(change) for change in changes], before=before.prompt, after=after.prompt
        )
    context = {
        "agent": agent,
        "revision": revision,
        "form": form,
        "before": before,
        "after": after,
        "changes": changes,
        "same": before.document == after.document,
        "prompt": prompt_rows(before, after),
    }
    return render(request, "configs/revision_detail.html", context)


def _other(agent: AgentConfig, form: ComparisonForm) -> Content:
    number = form.chosen
    return of_draft(agent) if number is None else of_revision(_revision(agent, number))


def _revision(agent: AgentConfig, number: int) -> Revision:
    revision: Revision = get_object_or_404(Revision.objects.filter(agent=agent), number=number)
    return revision


@require_POST
@negotiated
def revision_rename(request: Request, pk: int, number: int) -> HttpResponse:
    revision = _revision(agent_of(request, pk), number)
    form = RevisionNameForm(posted(request))
    if form.is_valid():
        rename(revision, form.cleaned_data["name"])
    elif not wants_json(request):
        messages.warning(request, f"The name was not changed. {form.errors['name'][0]}")
    if not wants_json(request):
        return redirect("configs:revision", pk=pk, number=number)
    return success(name=form.cleaned_data["name"]) if form.is_valid() else form_failure(form)


@require_POST
@negotiated
def revision_restore(request: Request, pk: int, number: int) -> HttpResponse:
    agent = agent_of(request, pk)
    try:
        kept = restore(agent, _revision(agent, number))
    except HandleTaken:
        if wants_json(request):
            return failure({"handle": [TAKEN]})
        messages.error(request, f"Revision {number} can't be restored: another agent took its handle since.")
        return redirect("configs:revisions", pk=pk)
    if wants_json(request):
        return success(kept=kept.number if kept else None)
    messages.success(request, _restored(agent, number, kept))
    return redirect("configs:identity", pk=pk)


def _restored(agent: AgentConfig, number: int, kept: Revision | None) -> str:
    text = f"Revision {number} is the draft again."
    if kept is None:
        return f"{text} What was the draft before is not kept: it had no provider yet."
    if kept.number == number:
        return text
    undo = reverse("configs:revision", args=[agent.pk, kept.number])
    return format_html(
        '{} What was the draft before is <a href="{}">revision {}</a>.', text, undo, kept.number
    )
