"""Name the addresses of a builder: all that is served with AGENTFORGE_ROLE=builder."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from agentforge.health import healthz
from agentforge.problems import problem

from . import views

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("jobs/", views.job_new, name="job_new"),
    path("jobs/<int:pk>/cancel/", views.job_cancel, name="job_cancel"),
    path("jobs/<int:pk>/state/", views.job_state, name="job_state"),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that can't be understood."""
    return problem(400, "The request can't be understood.")


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not there; a builder has no pages."""
    return problem(404, "There is nothing here. This is a builder of AgentForge.")


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours."""
    return problem(500, "Something went wrong here. Nothing was changed.")
