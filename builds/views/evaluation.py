"""Evaluate an agent: its cases, their runs, and what the runs say."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from agentforge.pagination import page_of, page_success, refusal_of
from builds.errors import NotPossible
from builds.evaluation import junit, lifecycle, promptfoo, results
from builds.evaluation.assertions import KINDS
from builds.evaluation.forms import EXAMPLE, CasesForm, EvaluationPageForm, RunForm
from builds.evaluation.template_cases import template_cases
from builds.models import Evaluation, EvaluationRun
from builds.serializers import evaluation_run_json
from builds.trial import chat
from configs.agent_templates import agent_templates
from configs.models import AgentConfig
from configs.views.documents import YAML
from configs.views.forms import agent_of

from .responses import refused


@require_http_methods(["GET", "HEAD", "POST"])
@negotiated
def evaluation(request: Request, pk: int) -> HttpResponse:
    """Show the cases and the runs; a POST saves the cases."""
    agent = agent_of(request, pk)
    row = Evaluation.objects.owned_by(request.user).filter(agent=agent).first()
    instance = row or Evaluation(owner_id=agent.owner_id, agent=agent)
    form = CasesForm(posted(request), instance=instance)
    if request.method != "POST":
        initial = {} if row else {"cases": template_cases().get(request.GET.get("template", ""), EXAMPLE)}
        return _page(request, agent, CasesForm(instance=instance, initial=initial), row)
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        return _page(request, agent, form, row, status=422)
    lifecycle.save(agent, form.cleaned_data["cases"], form.cleaned_data["gate"])
    if wants_json(request):
        return success(cases=len(form.suite.cases), trials=form.suite.trials, notes=list(form.suite.notes))
    for note in form.suite.notes:
        messages.warning(request, note)
    messages.success(request, "The cases are saved.")
    return redirect("builds:evaluation", pk=agent.pk)


def _page(
    request: Request, agent: AgentConfig, form: CasesForm, row: Evaluation | None, status: int = 200
) -> HttpResponse:
    if (refusal := refusal_of(EvaluationPageForm(request.GET), request)) is not None:
        return refusal
    rows = EvaluationRun.objects.owned_by(request.user).filter(agent=agent).defer("recording")
    runs = page_of(rows, request.GET.get("page"))
    if wants_json(request):
        stored = {"cases": row.cases, "gate": row.gate} if row else {"cases": "", "gate": Evaluation.Gate.OFF}
        return page_success(request, runs, **stored, runs=[evaluation_run_json(run) for run in runs])
    newest = runs[0] if runs.number == 1 and runs.object_list else None
    context = {
        "agent": agent,
        "tab": "try",
        "form": form,
        "is_saved": row is not None,
        "build": chat.newest_build(agent),
        "page": runs,
        "newest": newest,
        "summary": results.summary(newest) if newest else None,
        "kinds": [(name, kind.text) for name, kind in KINDS.items()],
        "templates": [] if row else agent_templates().values(),
    }
    return render(request, "builds/evaluation.html", context, status=status)


@require_safe
@negotiated
def evaluation_promptfoo(request: Request, pk: int) -> HttpResponse:
    """Download the saved cases as a file of promptfoo's."""
    agent = agent_of(request, pk)
    row = get_object_or_404(Evaluation.objects.owned_by(request.user), agent=agent)
    try:
        suite = lifecycle.read_saved(row)
    except NotPossible as refusal:
        return refused(request, refusal, reverse("builds:evaluation", args=[agent.pk]))
    response = HttpResponse(promptfoo.export(suite), content_type=YAML)
    response["Content-Disposition"] = f'attachment; filename="{agent.handle}-promptfoo.yaml"'
    return response


@require_POST
@negotiated
@rate_limited("builds")
def evaluation_start(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    page = reverse("builds:evaluation", args=[agent.pk])
    form = RunForm(posted(request))
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else redirect(page)
    try:
        chosen = form.cleaned_data
        run = lifecycle.enqueue(agent, request.user, chosen["against"], chosen["recording"])
    except NotPossible as refusal:
        return refused(request, refusal, page)
    return success(202, run=evaluation_run_json(run)) if wants_json(request) else redirect(f"{page}#newest")


@require_POST
@negotiated
def evaluation_stop(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    stopped = lifecycle.stop(agent)
    if wants_json(request):
        return success(stopped=stopped)
    return redirect("builds:evaluation", pk=agent.pk)


@require_safe
@negotiated
def evaluation_run(request: Request, pk: int, run: int) -> HttpResponse:
    agent = agent_of(request, pk)
    row = _run_of(request, agent, run)
    if wants_json(request):
        return success(run=evaluation_run_json(row))
    context = {"agent": agent, "tab": "try", "newest": row, "summary": results.summary(row)}
    return render(request, "builds/evaluation_run.html", context)


@require_safe
@negotiated
def evaluation_junit(request: Request, pk: int, run: int) -> HttpResponse:
    """Download a run as JUnit XML."""
    row = _run_of(request, agent_of(request, pk), run)
    is_whole = row.status in (row.Status.PASSED, row.Status.FAILED)
    error = "" if is_whole else row.error or row.get_status_display()
    document = junit.report(row.agent.handle, results.loaded(row.results), error)
    response = HttpResponse(document, content_type="application/xml")
    response["Content-Disposition"] = f'attachment; filename="evaluation-{row.pk}.xml"'
    return response


def _run_of(request: Request, agent: AgentConfig, pk: int) -> EvaluationRun:
    runs = (
        EvaluationRun.objects.owned_by(request.user)
        .filter(agent=agent)
        .defer("recording")
        .select_related("agent")
    )
    run: EvaluationRun = get_object_or_404(runs, pk=pk)
    return run
