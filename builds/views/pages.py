"""Show builds: all of a person's, an agent's, and one with its log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agentforge.negotiation import negotiated, success, wants_json
from agentforge.requests import Request
from builds import reports, sandbox, toolchain, warmup
from builds.errors import ToolchainMissing
from builds.models import Artifact, Build
from builds.readiness import changes, problems
from builds.responses import streamed
from builds.serializers import build_json
from configs.choices import Tab
from configs.models import AgentConfig
from configs.revisions import draft_json
from configs.views.forms import agent_of

PAGE_SIZE = 50
_PLUGINS = Prefetch("artifacts", Artifact.objects.filter(name__endswith=".so"), to_attr="plugins")


def build_of(request: Request, pk: int) -> Build:
    """Return the signed-in person's build; anybody else's does not exist (404)."""
    builds = Build.objects.owned_by(request.user).select_related("revision__agent")
    build: Build = get_object_or_404(builds, pk=pk)
    return build


@require_safe
@negotiated
def build_list(request: Request) -> HttpResponse:
    builds = Build.objects.owned_by(request.user).select_related("revision__agent").prefetch_related(_PLUGINS)
    page = Paginator(builds, PAGE_SIZE).get_page(request.GET.get("page"))
    if wants_json(request):
        return success(builds=[build_json(build) for build in page])
    return render(request, "builds/build_list.html", {"page": page})


@require_safe
@negotiated
def agent_builds(request: Request, pk: int) -> HttpResponse:
    """Show the wizard's tab Build: what would be compiled, and what was."""
    agent = agent_of(request, pk)
    builds = Build.objects.owned_by(request.user).filter(revision__agent=agent)
    builds = builds.select_related("revision__agent").prefetch_related(_PLUGINS)
    page = Paginator(builds, PAGE_SIZE).get_page(request.GET.get("page"))
    if wants_json(request):
        return success(builds=[build_json(build) for build in page])
    return render(request, "builds/agent_builds.html", {**_draft(agent), "page": page, "tab": "builds"})


def _draft(agent: AgentConfig) -> dict[str, Any]:
    """Say whether a draft can be compiled here, and whether that would be anything new."""
    wrong = problems(agent)
    newest = Build.objects.filter(revision__agent=agent).select_related("revision").first()
    differences = []
    if newest is not None and not wrong:
        differences = changes(newest.revision.canonical_json, draft_json(agent))
    context: dict[str, Any] = {
        "agent": agent,
        "problems": [
            {
                "label": Tab(tab).label,
                "url": f"{reverse(f'configs:{tab}', args=[agent.pk])}?check=1",
                "messages": [message for said in found.values() for message in said],
            }
            for tab, found in wrong.items()
        ],
        "newest": newest,
        "changed": bool(differences),
        "differences": differences,
        "warmup": warmup.latest(),
        "sandbox_level": sandbox.LEVEL_LABELS[sandbox.level()],
    }
    try:
        context["toolchain"] = toolchain.find()
    except ToolchainMissing as missing:
        context["toolchain_problem"] = str(missing)
    return context


@require_safe
@negotiated
def build_detail(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    if wants_json(request):
        return success(build=build_json(build))
    log = reports.transcript(build)
    if log.ended and build.status in reports.UNFINISHED:
        # It ended between the two queries: the page must not wait for an end that it has already read.
        build = build_of(request, pk)
    context = {
        "build": build,
        "agent": build.revision.agent,
        "log": log,
        "unfinished": build.status in reports.UNFINISHED,
        "plugin": reports.plugin_of(build),
        "files": build.artifacts.all(),
        "duration": reports.duration(build),
        "usual": reports.usual_duration(build) if build.status in reports.UNFINISHED else None,
        "sandbox_label": sandbox.LEVEL_LABELS.get(build.sandbox, ""),
        "warmup": warmup.latest(),
        "tab": "builds",
    }
    return render(request, "builds/build_detail.html", context)


@require_safe
def build_log(request: Request, pk: int) -> HttpResponseBase:
    """Stream a build's log as plain text."""
    pieces: Iterator[bytes] = (line.encode() for line in reports.log_text(build_of(request, pk)))
    return streamed(request, pieces, "text/plain; charset=utf-8")
