"""Plan a deployment while its build is not built yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from builds.models import Build
from builds.services import cancel_build, enqueue_build
from configs.models import AgentConfig
from deployments.hosts.registry import SELF_HOST
from deployments.models import Deployment, Site
from deployments.sites import lifecycle
from tests.deployments.deployment_jobs import run_jobs
from tests.standins.openai import OpenAIStandIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]
TARGET = {"x86_64": "linux-amd64", "aarch64": "linux-arm64"}[os.uname().machine]
JSON = {"accept": "application/json"}


@pytest.fixture
def own(agent: AgentConfig, alice: User, model: OpenAIStandIn) -> Site:
    """A site on the forge's disk, of an agent that can be compiled."""
    return lifecycle.create_site(agent, "ada", "", alice, host=SELF_HOST)


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


@pytest.fixture
def script(browser: Client, own: Site) -> Callable[..., Any]:
    def ask(view: str, **body: Any) -> Any:
        url = reverse(f"deployments:{view}", args=[own.agent_id])
        return browser.post(url, body, content_type="application/json", headers=JSON)

    return ask


def test_what_is_compiled_for_a_site_is_deployed_when_it_is_built(
    browser: Client, own: Site, agent: AgentConfig
) -> None:
    tab = reverse("deployments:agent", args=[agent.pk])
    assert "Compile, then deploy" in browser.get(tab).content.decode()
    browser.post(reverse("deployments:plan", args=[agent.pk]), {"targets": [TARGET], "draft": "on"})
    build = Build.objects.get()
    assert (build.targets, build.status) == ([TARGET], "queued")
    page = browser.get(tab).content.decode()
    assert f"Build {build.pk}</a> is deployed to ada when it is" in page
    assert "deploy/when-built/drop/" in page
    # The first deployment appears in the open page.
    assert 'data-part="history"' in page
    run_jobs("builds")
    build.refresh_from_db()
    assert (build.status, build.error) == ("succeeded", "")
    deployment = Deployment.objects.get()
    assert (deployment.build_id, deployment.draft, deployment.status) == (build.pk, True, "queued")
    run_jobs("deployments")
    deployment.refresh_from_db()
    assert (deployment.status, deployment.error) == ("succeeded", "")
    assert "deploy/when-built/drop/" not in browser.get(tab).content.decode()


def test_a_build_in_progress_is_deployed_unless_one_decides_otherwise(
    browser: Client, script: Callable[..., Any], own: Site, agent: AgentConfig, alice: User
) -> None:
    tab = reverse("deployments:agent", args=[agent.pk])
    build = enqueue_build(agent, alice, [TARGET])
    assert script("plan").json()["build"]["id"] == build.pk
    assert browser.get(tab, headers=JSON).json()["planned_build"] == build.pk
    assert Build.objects.count() == 1
    assert script("drop_plan").status_code == 200
    assert script("drop_plan").status_code == 409
    assert browser.get(tab, headers=JSON).json()["planned_build"] is None
    script("plan")
    cancel_build(build, alice)
    assert browser.get(tab, headers=JSON).json()["planned_build"] is None
    assert not Deployment.objects.exists()


def test_nothing_is_compiled_for_a_site_that_is_not_ready(
    script: Callable[..., Any], own: Site, agent: AgentConfig
) -> None:
    assert script("plan", targets=["function"]).status_code == 422
    assert script("plan", targets=[]).status_code == 422
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai")
    refused = script("plan", targets=[TARGET])
    assert refused.status_code in (409, 422)
    assert "No key for OpenAI is saved" in refused.content.decode()
    assert not Build.objects.exists()
