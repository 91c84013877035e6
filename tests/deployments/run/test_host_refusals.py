"""Refusals of a host, a busy host, and an agent that is deleted during a deployment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from deployments import preflight, services
from deployments.accounts import host_accounts
from deployments.hosts.base import HostError
from deployments.models import Connection, Deployment, Site
from deployments.sites import polling
from tests.deployments.deployment_jobs import run_jobs
from tests.standins.netlify import NetlifyStandIn
from tests.standins.netlify.trouble import Kind

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]


def problem() -> str:
    return Connection.objects.get().problem


@pytest.mark.parametrize("kind", ["429", "502"])
def test_a_host_that_is_busy_says_nothing_of_the_token(
    kind: Kind, site: Site, agent: AgentConfig, build: Build, netlify: NetlifyStandIn
) -> None:
    netlify.weather.reset_after = 3600
    netlify.weather.add(kind, "/accounts$", 99)
    with pytest.raises(HostError):
        host_accounts.recheck(Connection.objects.get())
    assert problem() == ""
    preflight.require_ready(agent, site, build)


def test_a_site_that_could_not_be_looked_at_does_not_block(
    site: Site, agent: AgentConfig, build: Build, netlify: NetlifyStandIn
) -> None:
    netlify.weather.add("502", "^GET .*/sites/", 99)
    polling.refresh_site(site)
    site.refresh_from_db()
    assert "502" in site.problem
    preflight.require_ready(agent, site, build)


@pytest.mark.parametrize("held", ["^PUT .*/deploys/.*/files/", "^GET .*/sites/.*/deploys/deploy-"])
def test_what_was_begun_for_a_deleted_agent_is_undone(
    held: str, site: Site, agent: AgentConfig, build: Build, alice: User, netlify: NetlifyStandIn
) -> None:
    netlify.weather.add("after", held)
    services.enqueue(site, build, alice)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(run_jobs, "deployments")
        netlify.weather.wait_until_held()
        agent.delete()
        netlify.weather.let_go()
        working.result(60)
    assert not Deployment.objects.exists()
    assert [deploy.state for deploy in netlify.state.deploys.values()] == ["error"]
    assert netlify.state.sites[site.remote_id].published == ""


def test_a_token_that_a_deployment_is_refused_with_is_noted_at_its_account(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    deployment = services.enqueue(site, build, alice)
    netlify.token = "another-token"
    work()
    assert Deployment.objects.get(pk=deployment.pk).reason == "token-refused"
    assert "Connect your Netlify account again" in problem()


def test_a_token_that_a_look_is_refused_with_is_noted_too(site: Site, netlify: NetlifyStandIn) -> None:
    netlify.token = "another-token"
    polling.refresh_site(site)
    assert "Connect your Netlify account again" in problem()


def test_a_refusal_that_was_a_whim_is_not_noted(site: Site, netlify: NetlifyStandIn) -> None:
    netlify.weather.add("401", f"/sites/{site.remote_id}$")
    polling.refresh_site(site)
    site.refresh_from_db()
    assert "refused the token" in site.problem
    assert problem() == ""
