"""A site on an own server is ready to run, and live only while the agent is seen to answer there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from deployments.hosts.registry import SELF_HOST
from deployments.models import Deployment, Site
from deployments.sites import lifecycle
from tests.deployments.deployment_jobs import deploy
from tests.deployments.finished_builds import add_files
from tests.standins.server import Answer, Asked, StandIn, as_json

pytestmark = pytest.mark.django_db(transaction=True)


class AgentServer(StandIn):
    """An own server: it answers like a compiled agent that shows some content."""

    def __init__(self) -> None:
        super().__init__()
        self.content = ""
        self.healthy = True
        # In place of the agent's, the answer about its health.
        self.health = b""

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/healthz" and self.health:
            return Answer(200, self.health)
        if asked.path == "/healthz" and self.healthy:
            return as_json({"status": "ok"})
        if asked.path == "/agentforge.json":
            return as_json({"content": self.content})
        return Answer(404)


@pytest.fixture
def server(settings: Settings) -> Iterator[AgentServer]:
    with AgentServer() as running:
        settings.AGENTFORGE_ALLOWED_HOSTS = [running.origin.removeprefix("http://")]
        yield running


@pytest.fixture
def own(
    agent: AgentConfig,
    alice: User,
    build: Build,
    settings: Settings,
    tmp_path: Path,
    work: Callable[[], None],
) -> Site:
    """A site on an own server, with a deployment."""
    settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"
    for name in ("linux-amd64", "linux-arm64"):
        add_files(build, {"ada": b"#!/bin/sh\n"}, name)
    site = lifecycle.create_site(agent, "ada", "", alice, host=SELF_HOST)
    assert deploy(site, build, alice, work).is_live
    return site


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


def pages(browser: Client, site: Site) -> list[str]:
    """Return every page that says how the agent is deployed."""
    deployment = Deployment.objects.get()
    paths = [
        "/agents/",
        f"/agents/{site.agent_id}/identity/",
        f"/agents/{site.agent_id}/deploy/",
        "/deployments/",
        f"/deployments/{deployment.pk}/",
    ]
    return [browser.get(path).content.decode() for path in paths]


def is_seen(site: Site) -> bool:
    """Return whether the agent was seen to answer on a site's server, by the site's row."""
    site.refresh_from_db()
    return site.answered_at is not None


def give_address(browser: Client, site: Site, address: str) -> int:
    sent = {"access": "public", "own_address": address}
    return browser.post(f"/agents/{site.agent_id}/deploy/settings/", sent).status_code


def test_it_is_ready_to_run_until_it_answers(browser: Client, own: Site, server: AgentServer) -> None:
    for page in pages(browser, own):
        assert "ready to run" in page.lower()
        assert "is live" not in page
        assert ">Live<" not in page
    server.content = Deployment.objects.get().content_sha256
    assert give_address(browser, own, server.origin) == 302
    for page in pages(browser, own):
        assert "live" in page.lower()
    assert "live, revision 1" in browser.get(f"/agents/{own.agent_id}/keys/").content.decode()


@pytest.mark.parametrize("trouble", ["stopped", "an older deployment", "another program"])
def test_it_is_not_live_while_it_does_not_answer_as_it_should(
    browser: Client, own: Site, server: AgentServer, trouble: str
) -> None:
    server.content = Deployment.objects.get().content_sha256
    give_address(browser, own, server.origin)
    assert is_seen(own)
    if trouble == "an older deployment":
        server.content = "d" * 64
    server.healthy = trouble != "another program"
    if trouble == "stopped":
        server.__exit__()
    browser.post(f"/sites/{own.pk}/refresh/")
    assert not is_seen(own)
    assert own.problem
    assert "ready to run, revision 1" in browser.get(f"/agents/{own.agent_id}/keys/").content.decode()


@pytest.mark.parametrize("health", [b"ok", b"[]", b"[" * 4096], ids=["text", "list", "endless list"])
def test_a_server_that_answers_oddly_is_no_agent(
    browser: Client, own: Site, server: AgentServer, health: bytes
) -> None:
    server.health = health
    assert give_address(browser, own, server.origin) == 302
    assert not is_seen(own)
    assert "not as an agent does" in own.problem


@pytest.mark.parametrize(
    "address", ["ada", "ftp://ada.example.com", "https://u:p@ada.example.com", "http://169.254.1.1"]
)
def test_an_address_that_can_not_be_asked(browser: Client, own: Site, address: str) -> None:
    status = give_address(browser, own, address)
    assert not is_seen(own)
    assert status == 422 or own.problem


def test_choosing_a_site_says_what_will_happen(
    browser: Client, agent: AgentConfig, settings: Settings, tmp_path: Path
) -> None:
    settings.AGENTFORGE_SITES_DIR = tmp_path
    sent = {"name": "ada-2", "host": SELF_HOST}
    page = browser.post(f"/agents/{agent.pk}/deploy/sites/new/", sent, follow=True).content.decode()
    assert "Ada will be deployed to ada-2." in page
    assert "is deployed to" not in page
