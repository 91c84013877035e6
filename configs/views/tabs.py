"""Show and save the wizard's tabs, each a form of the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, replace_errors, success, wants_json
from agentforge.prepared_queries import Question
from configs.agent_report import report_for, report_with
from configs.changes import newest_revision
from configs.choices import Preset, Tab
from configs.conflicts import Basis, Conflict, edition_of
from configs.forms import TAB_FORMS, DraftForm, PersonalityForm
from configs.forms.base import Offers, draft_values
from configs.forms.identity import TAKEN
from configs.forms.web_search import WebSearchForm
from configs.models import AgentConfig, KnowledgeFile
from configs.presets import PRESET_VALUES
from configs.providers.offers import offers_for, offers_question
from configs.services import HandleTaken, save_draft

from .autosave import autosave, is_autosave
from .conflicts import show_conflict
from .forms import agent_of, bound_form, refuse, show
from .key_rows import key_rows
from .knowledge import files_context, files_json

METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(METHODS)
@negotiated
def identity(request: Request, pk: int) -> HttpResponse:
    return _tab(request, agent_of(request, pk), Tab.IDENTITY)


@require_http_methods(METHODS)
@negotiated
def keys(request: Request, pk: int) -> HttpResponse:
    return _tab(request, agent_of(request, pk), Tab.KEYS)


@require_http_methods(METHODS)
@negotiated
def personality(request: Request, pk: int) -> HttpResponse:
    return _tab(request, agent_of(request, pk), Tab.PERSONALITY)


@require_http_methods(METHODS)
@negotiated
def capabilities(request: Request, pk: int) -> HttpResponse:
    return _tab(request, agent_of(request, pk), Tab.CAPABILITIES)


@require_http_methods(METHODS)
@negotiated
def knowledge(request: Request, pk: int) -> HttpResponse:
    return _tab(request, agent_of(request, pk), Tab.KNOWLEDGE)


@require_POST
@negotiated
def personality_preset(request: Request, pk: int) -> HttpResponse:
    """Show the personality form with a preset's values filled in; nothing is saved yet."""
    agent = agent_of(request, pk)
    bound = bound_form(request, PersonalityForm, agent)
    preset, instructions = bound.data.get("preset"), bound.data.get("custom_instructions", "")
    if not isinstance(preset, str) or preset not in PRESET_VALUES or not isinstance(instructions, str):
        bound.is_valid()
        return _refuse(request, agent, bound)
    filled = {"custom_instructions": instructions, "preset": preset, **PRESET_VALUES[preset]}
    if wants_json(request):
        return success(**filled)
    form = PersonalityForm(instance=copy(agent))
    form.basis = bound.basis if bound.basis.values is not None else Basis(values=form.values())
    for name, value in filled.items():
        setattr(form.instance, name, value)
    form.initial = form.values()
    return _show(request, agent, form, filled=Preset(preset).label)


def _tab(request: Request, agent: AgentConfig, tab: Tab) -> HttpResponse:
    form_class = TAB_FORMS[tab]
    if request.method == "POST":
        offers = offers_for(agent.owner_id) if tab == Tab.KEYS else None
        form = bound_form(request, form_class, agent, offers)
        return autosave(agent, form) if is_autosave(request) else save(request, agent, form)
    if wants_json(request):
        files = (
            {"files": files_json(KnowledgeFile.objects.filter(agent=agent))} if tab == Tab.KNOWLEDGE else {}
        )
        return _values_json(draft_values(form_class, agent), **files)
    asked: list[Question[Any]] = [newest_revision.question(agent=agent.pk)]
    if tab == Tab.KEYS:
        asked.append(offers_question(agent.owner_id))
    report, (revisions, *offered) = report_with(request, agent, *asked)
    offers = offers_for(agent.owner_id, *offered) if tab == Tab.KEYS else None
    form = _saved_form(form_class, agent, offers, report.problems(tab))
    return _show(request, agent, form, revisions_read=revisions)


def _values_json(values: dict[str, Any], **further: Any) -> HttpResponse:
    return success(edition=edition_of(values), **values, **further)


def _saved_form(
    form_class: type[DraftForm],
    agent: AgentConfig,
    offers: Offers | None,
    problems: Mapping[str, Sequence[str]],
) -> DraftForm:
    """Return the form with the saved values and the errors of the last run."""
    if not problems:
        return form_class(instance=agent, offers=offers)
    form = form_class(draft_values(form_class, agent), instance=copy(agent), offers=offers)
    replace_errors(form, {name: " ".join(messages) for name, messages in problems.items()})
    form.is_checked = True
    return form


def save(request: Request, agent: AgentConfig, form: DraftForm) -> HttpResponse:
    """Save a bound form, then show it, its errors or a conflict."""
    if not form.is_valid():
        return _refuse(request, agent, form)
    try:
        saved = save_draft(agent, form.cleaned_values(), form.basis) if form.has_changed() else form.instance
    except HandleTaken:
        form.add_error("handle", TAKEN)
        return _refuse(request, agent, form)
    except Conflict as conflict:
        return show_conflict(request, agent, form, conflict)
    if wants_json(request):
        return _values_json(form.values())
    if request.htmx:
        return _show(request, saved, type(form)(instance=saved, offers=form.offers), just_saved=True)
    return redirect(f"configs:{form.tab}", pk=saved.pk)


def _refuse(request: Request, agent: AgentConfig, form: DraftForm) -> HttpResponse:
    if wants_json(request):
        return form_failure(form)
    context = _context(request, agent, form)
    return refuse(request, form, page=_page(form), partial=_partial(form), context=context)


def show_capabilities(
    request: Request, agent: AgentConfig, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Show the saved capabilities with what came of a test."""
    problems = report_for(request, agent).problems(Tab.CAPABILITIES)
    form = _saved_form(TAB_FORMS[Tab.CAPABILITIES], agent, None, problems)
    return _show(request, agent, form, status=status, **context)


def _show(
    request: Request, agent: AgentConfig, form: DraftForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    context = {**_context(request, agent, form), **context}
    return show(request, page=_page(form), partial=_partial(form), context=context, status=status)


def _context(request: Request, agent: AgentConfig, form: DraftForm) -> dict[str, Any]:
    context = {"agent": agent, "tab": form.tab, "form": form, "shown": form.instance}
    if form.tab == Tab.KEYS:
        context["key_rows"] = key_rows(agent, report_for(request, agent).ring)
    if form.tab == Tab.KNOWLEDGE:
        context |= files_context(agent)
    if form.tab == Tab.CAPABILITIES:
        context["search_form"] = WebSearchForm(agent=agent)
    return context


def _page(form: DraftForm) -> str:
    return f"configs/agent_{form.tab}.html"


def _partial(form: DraftForm) -> str:
    return f"configs/_{form.tab}_form.html"
