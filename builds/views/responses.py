"""Refusals that several views share."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from agentforge.http import Request
from agentforge.negotiation import WHOLE_BODY, failure, wants_json
from agentforge.problems import problem
from builds.errors import NotPossible
from builds.models import Build, BuildStatus
from builds.queue.fairness import QueueFull
from builds.queue.position import places
from configs.models import AgentConfig
from configs.validation import Errors


def refused(request: Request, refusal: NotPossible, page: Build | str) -> HttpResponse:
    """Answer scripts with 409; redirect browsers to `page` (a row or a URL), which shows the refusal."""
    if wants_json(request):
        return failure({WHOLE_BODY: [str(refusal)]}, status=409)
    messages.warning(request, str(refusal))
    return redirect(page)


def draft_refused(request: Request, agent: AgentConfig, errors: Mapping[str, Errors]) -> HttpResponse:
    """Answer with the errors of a draft, by tab and field, that nothing was started with."""
    if wants_json(request):
        return failure(
            {f"{tab}.{name}": texts for tab, fields in errors.items() for name, texts in fields.items()}
        )
    messages.error(request, "Nothing was started: first correct the fields marked here.")
    return redirect(f"configs:{next(iter(errors))}", pk=agent.pk)


def queue_full(request: Request, refusal: QueueFull) -> HttpResponse:
    """Answer with 429; Retry-After is when the person's first queued build is expected to start."""
    own = places(Build.objects.owned_by(request.user).filter(status=BuildStatus.QUEUED))
    waits = [place.wait.total_seconds() for place in own.values() if place.wait is not None]
    seconds = str(max(1, round(min(waits, default=60))))
    if wants_json(request):
        return problem(429, str(refusal), headers={"Retry-After": seconds})
    response = render(request, "429.html", {"refusal": refusal}, status=429)
    response["Retry-After"] = seconds
    return response
