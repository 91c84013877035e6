from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig

pytestmark = pytest.mark.django_db

JSON = {"accept": "application/json"}


def test_compiling_makes_revision_build_job_and_log_together(browser: Client, agent: AgentConfig) -> None:
    answer = browser.post(reverse("builds:compile", args=[agent.pk]))
    build = Build.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == build.get_absolute_url()
    assert build.status == "queued"
    assert ProcrastinateJob.objects.get(pk=build.job_id).args == {"build_id": build.pk}
    assert [record["kind"] for _, record in streams.read(build.stream_name)] == ["status", "line"]
    records = [record for _, record in streams.read(agent.stream_name) if record["kind"] == "build"]
    assert [(record["build"], record["status"]) for record in records] == [(build.pk, "queued")]


def test_a_second_build_of_the_same_draft_is_of_the_same_revision(
    browser: Client, agent: AgentConfig
) -> None:
    for _ in range(2):
        browser.post(reverse("builds:compile", args=[agent.pk]))
    assert Build.objects.values("revision").distinct().count() == 1


def test_a_draft_that_is_not_complete_is_not_compiled(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(name="A", model="")
    url = reverse("builds:compile", args=[agent.pk])
    answer = browser.post(url)
    assert answer["Location"] == reverse("configs:identity", args=[agent.pk])
    response = browser.post(url, headers=JSON)
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"identity.name", "keys.model"}
    assert not Build.objects.exists()


def test_scripts_compile_cancel_and_retry(browser: Client, agent: AgentConfig) -> None:
    started = browser.post(reverse("builds:compile", args=[agent.pk]), headers=JSON)
    assert started.status_code == 201
    pk = started.json()["build"]["id"]
    early = browser.post(reverse("builds:retry", args=[pk]), headers=JSON)
    assert early.status_code == 409
    cancelled = browser.post(reverse("builds:cancel", args=[pk]), headers=JSON)
    assert cancelled.json()["build"]["status"] == "cancelled"
    assert browser.post(reverse("builds:cancel", args=[pk]), headers=JSON).status_code == 409
    again = browser.post(reverse("builds:retry", args=[pk]), headers=JSON)
    assert again.status_code == 201
    assert again.json()["build"]["revision_sha256"] == started.json()["build"]["revision_sha256"]


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_nobody_else_can_act_on_a_build(
    name: str, agent: AgentConfig, alice: User, bob: User, client_of: Callable[[User], Client]
) -> None:
    build = enqueue_build(agent, by=alice)
    assert client_of(bob).post(reverse(f"builds:{name}", args=[build.pk])).status_code == 404
    build.refresh_from_db()
    assert build.status == "queued"


def test_nobody_else_can_compile_or_try_an_agent(
    agent: AgentConfig, bob: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(bob)
    for name in ("compile", "send", "stop", "clear"):
        assert client.post(reverse(f"builds:{name}", args=[agent.pk])).status_code == 404
    for name in ("agent", "try"):
        assert client.get(reverse(f"builds:{name}", args=[agent.pk])).status_code == 404
