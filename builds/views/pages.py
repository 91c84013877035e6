"""The pages of builds: a person's, an agent's, and one build with its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agentforge.accounts.models import User
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from agentforge.pagination import FIRST, PageForm, page_of, page_success, refusal_of
from agentforge.prepared_queries import Parameter, PreparedQuery
from builds import expectation, reports
from builds.compiler import sandbox, toolchain
from builds.errors import ToolchainMissing
from builds.forms import BuildListForm, LogPageForm, TargetForm
from builds.logs.index import Index, index_of
from builds.logs.pages import LogPage, log_page
from builds.models import PLUGIN, Artifact, Build, BuildStatus, BuildTarget
from builds.package import signer
from builds.preflight import changes, problems_of
from builds.queue.position import place_of, places
from builds.readiness import readiness_for
from builds.remote.builders import LOCAL, configured
from builds.remote.forms import BuilderForm
from builds.serializers import build_json, builds_json
from builds.verification import lifecycle
from configs.agent_report import report_for, report_with
from configs.changes import field_label, newest_revision
from configs.models import AgentConfig, ApiKey
from configs.providers.offers import offers_question
from configs.revisions import draft_json
from configs.views.forms import agent_of

_PLUGINS = Prefetch(
    "artifacts", Artifact.objects.filter(target=PLUGIN, name__endswith=".so"), to_attr="plugins"
)


def build_of(request: Request, pk: int) -> Build:
    """Return the signed-in person's build, or raise Http404."""
    builds = Build.objects.owned_by(request.user).select_related("revision__agent")
    build: Build = get_object_or_404(builds, pk=pk)
    return build


@require_safe
@negotiated
def build_list(request: Request) -> HttpResponse:
    form = BuildListForm(request.GET)
    if (refusal := refusal_of(form, request)) is not None:
        return refusal
    agent, status = form.cleaned_data.get("agent"), form.cleaned_data.get("status")
    builds = Build.objects.owned_by(request.user).select_related("revision__agent")
    builds = builds.defer("revision__canonical_json")
    if agent:
        builds = builds.filter(revision__agent=agent)
    if status:
        builds = builds.filter(status=status)
    page = page_of(builds.prefetch_related(_PLUGINS, "per_target"), request.GET.get("page"))
    if wants_json(request):
        return page_success(request, page, builds=builds_json(page))
    form.offer_agents(request.user)
    context = {"page": page, "places": places(page), "form": form, "narrowed": bool(agent or status)}
    return render(request, "builds/build_list.html", context)


@require_safe
@negotiated
def agent_builds(request: Request, pk: int) -> HttpResponse:
    """The wizard's tab Build: the draft to compile and the agent's builds."""
    agent = agent_of(request, pk)
    if wants_json(request):
        return compile_page(request, agent, TargetForm())
    asked = (expectation.compiled_by_owner, _telling_builds, newest_revision)
    _, (compiled, telling, revisions, offered, first) = report_with(
        request,
        agent,
        *(each.question(agent=agent.pk) for each in asked),
        offers_question(agent.owner_id),
        _first_builds.question(agent=agent.pk, owner=agent.owner_id),
    )
    usual = expectation.usual_durations(agent.pk, compiled)
    form = TargetForm(initial={"targets": [PLUGIN]}, usual=usual)
    read = BuildsRead(telling, offered, first)
    return compile_page(request, agent, form, read=read, revisions_read=revisions)


@dataclass(frozen=True)
class BuildsRead:
    """What the page asks for along with the report on its agent."""

    telling: Sequence[Any]
    offered: Sequence[ApiKey]
    first: Sequence[Build]


def compile_page(
    request: Request,
    agent: AgentConfig,
    form: TargetForm,
    status: int = 200,
    *,
    read: BuildsRead | None = None,
    **context: Any,
) -> HttpResponse:
    if (refusal := refusal_of(PageForm(request.GET), request)) is not None:
        return refusal
    builds = _builds_of(request.user, agent)
    page = page_of(builds, request.GET.get("page"), read.first if read else None)
    if wants_json(request):
        return page_success(request, page, builds=builds_json(page))
    context |= {**_draft(request, agent, read), "page": page, "places": places(page)}
    context |= {"tab": "builds", "form": form}
    return render(request, "builds/agent_builds.html", context, status=status)


def _builds_of(owner: User | Parameter, agent: AgentConfig | Parameter) -> QuerySet[Build]:
    builds: QuerySet[Build] = Build.objects.owned_by(owner).filter(revision__agent=agent)
    rows = builds.select_related("revision").defer("revision__canonical_json")
    return rows.prefetch_related(_PLUGINS, "per_target")


_first_builds: PreparedQuery[Build] = PreparedQuery(
    lambda: _builds_of(Parameter("owner"), Parameter("agent"))[:FIRST]
)


def _query_of_draft() -> QuerySet[Build]:
    """Return the build under way of the agent `agent`, else its newest one with files."""
    is_unfinished = Q(status__in=reports.UNFINISHED)
    builds: QuerySet[Build] = Build.objects.filter(
        is_unfinished | Q(status=BuildStatus.SUCCEEDED, expired_at=None), revision__agent=Parameter("agent")
    )
    annotated = builds.select_related("revision").annotate(is_unfinished=is_unfinished)
    return annotated.order_by("-is_unfinished", "-pk")[:1]


_telling_builds: PreparedQuery[Any] = PreparedQuery(_query_of_draft)


def _draft(request: Request, agent: AgentConfig, read: BuildsRead | None) -> dict[str, Any]:
    """Return the context about a draft: its problems, its changes since the newest build, the toolchain."""
    problems = problems_of(agent, report_for(request, agent), read.offered if read else None)
    newest = next(iter(read.telling if read else _telling_builds(agent=agent.pk)), None)
    under_way = newest if newest is not None and newest.status in reports.UNFINISHED else None
    differences = []
    if newest is not None and not problems:
        found = changes(newest.revision.canonical_json, draft_json(agent))
        differences = [{**each, "label": field_label(each["name"])} for each in found]
    context: dict[str, Any] = {
        "agent": agent,
        "problems": problems,
        "newest": newest,
        "under_way": under_way,
        "changed": bool(differences),
        "differences": differences,
        "sandbox_level": sandbox.description(),
    }
    try:
        context["toolchain"] = toolchain.find()
    except ToolchainMissing as missing:
        context["toolchain_problem"] = str(missing)
    return context


def _log_page(request: Request, log: Index) -> LogPage:
    form = LogPageForm(request.GET)
    query = form.cleaned_data if form.is_valid() else {}
    return log_page(log, query.get("page"), errors=query.get("stream") == "err")


def _other_builder(row: BuildTarget | None) -> str:
    """Return a builder other than the one that built a target."""
    names = [LOCAL, *configured()]
    return next((name for name in names if row is None or name != row.builder), LOCAL)


@require_safe
@negotiated
def build_detail(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    if wants_json(request):
        return success(build=build_json(build))
    log = index_of(build.stream_name)
    if log.ended and build.status in reports.UNFINISHED:
        # It finished between the two queries: the page must not wait for an event that it has already read.
        build = build_of(request, pk)
    report = reports.report_of(build, log.steps)
    row = next((part.row for part in report.parts if part.row.toolchain), None)
    usual = expectation.usual_durations(build.revision.agent_id) if report.unfinished else {}
    context = {
        "build": build,
        "report_on_build": report,
        "place": place_of(build),
        "agent": build.revision.agent,
        "log": _log_page(request, log),
        "steps": report.steps,
        "unfinished": report.unfinished,
        "plugin": report.plugin,
        "files": build.artifacts.all(),
        "usual": expectation.usual_duration(build, usual),
        "awaited": readiness_for(build.targets) if report.unfinished else None,
        "parts": report.parts,
        "verification": lifecycle.newest(build),
        "signing_key": signer.own_key().name,
        "made": row,
        "sandbox_label": sandbox.LEVEL_LABELS.get(row.sandbox, "") if row else "",
        "builder_form": BuilderForm(initial={"builder": _other_builder(row)}) if configured() else None,
        "tab": "builds",
    }
    return render(request, "builds/build_detail.html", context)
