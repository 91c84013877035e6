"""The URLs of a builder, which serves nothing else with AGENTFORGE_ROLE=builder."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from agentforge.health import healthz, livez
from agentforge.problems import problem

from . import views

urlpatterns = [
    path("livez", livez, name="livez"),
    path("healthz", healthz, name="healthz"),
    path("jobs/", views.job_new, name="job_new"),
    path("jobs/<int:pk>/cancel/", views.job_cancel, name="job_cancel"),
    path("jobs/<int:pk>/state/", views.job_state, name="job_state"),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(400, "The request is malformed.")


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(404, "Not found. This is a builder of AgentForge and has no pages.")


def handler500(request: HttpRequest) -> HttpResponse:
    return problem(500, "The builder failed unexpectedly. Nothing was changed.")
