"""The Deploy tab and a deployment's page: for people without JavaScript, and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.models import Connection, Deployment, Site
from tests.drivers.pages import shown
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]
JSON = {"accept": "application/json"}


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


def address(name: str, pk: int) -> str:
    return reverse(f"deployments:{name}", args=[pk])


def text(client: Client, url: str) -> str:
    return shown(client.get(url))


def ask(client: Client, url: str, **body: Any) -> Any:
    return client.post(url, body, content_type="application/json", headers=JSON)


def test_from_nothing_to_a_live_site(
    browser: Client, agent: AgentConfig, build: Build, work: Work, netlify: NetlifyStandIn
) -> None:
    tab = address("agent", agent.pk)
    assert "Connect the account" in text(browser, tab)
    browser.post(address("connect", agent.pk), {"token": netlify.token})
    assert "Ada Lovelace" in text(browser, tab)
    browser.post(address("create_site", agent.pk), {"name": "ada-online", "team": "team-two"})
    page = text(browser, tab)
    assert "ada-online" in page
    assert "Choose who may talk to it." in page
    refused = browser.post(address("start", agent.pk), {"build": build.pk}, headers=JSON)
    assert (refused.status_code, Deployment.objects.exists()) == (409, False)
    browser.post(address("settings", agent.pk), {"access": "public"})
    page = text(browser, tab)
    assert "AGENT_ACCESS, AGENT_STATE_KEY, LOCAL_MODEL_URL" in page
    assert netlify.token not in page
    started = browser.post(address("start", agent.pk), {"build": build.pk})
    deployment = Deployment.objects.get()
    assert started["Location"] == deployment.get_absolute_url()
    assert "Next in the queue; no worker runs at the moment." in text(browser, started["Location"])
    work()
    page = text(browser, started["Location"])
    assert "<strong>Live</strong>" in page
    assert "Put the site together" in page
    assert "revision 1" in text(browser, tab)
    assert netlify.state.sites[Site.objects.get().remote_id].account == "acc-2"
    assert "Deployment" in text(browser, reverse("deployments:list"))
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"host-connected", "site-created", "deploy-asked", "key-used"} <= actions


def test_a_script_does_the_same(
    browser: Client, agent: AgentConfig, build: Build, work: Work, netlify: NetlifyStandIn
) -> None:
    person = ask(browser, address("connect", agent.pk), token=netlify.token).json()
    assert person["email"] == "ada@example.com"
    assert len(person["teams"]) == 2
    created = ask(browser, address("create_site", agent.pk), name="ada-online")
    assert (created.status_code, created.json()["site"]["name"]) == (201, "ada-online")
    state = browser.get(address("agent", agent.pk), headers=JSON).json()
    assert (created.json()["site"]["access"], state["ready"]) == ("password", False)
    ask(browser, address("settings", agent.pk), access="password", password="open sesame")
    state = browser.get(address("agent", agent.pk), headers=JSON).json()
    assert state["ready"] is True
    started = ask(browser, address("start", agent.pk), build=build.pk, draft=True)
    assert started.status_code == 201
    pk = started.json()["deployment"]["id"]
    work()
    done = browser.get(address("detail", pk), headers=JSON).json()["deployment"]
    assert (done["status"], done["is_live"]) == ("succeeded", False)
    promoted = ask(browser, address("publish", pk)).json()["deployment"]
    assert promoted["is_live"] is True
    assert ask(browser, address("delete", pk)).status_code == 409
    assert ask(browser, address("cancel", pk)).status_code == 409


def test_a_token_that_netlify_refuses_is_not_saved(
    browser: Client, agent: AgentConfig, netlify: NetlifyStandIn
) -> None:
    page = browser.post(address("connect", agent.pk), {"token": "nfp_wrong"})
    assert page.status_code == 422
    assert "It was not saved." in page.content.decode()
    assert not Connection.objects.exists()


def test_a_name_that_is_taken_is_said_at_its_field(
    browser: Client, agent: AgentConfig, site: Site, netlify: NetlifyStandIn
) -> None:
    netlify.state.taken.add("popular")
    page = browser.post(address("create_site", agent.pk), {"name": "popular", "team": "team-one"})
    assert page.status_code == 422
    assert "This name is already taken" in page.content.decode()


def test_a_site_that_exists_is_chosen_from_a_list(
    browser: Client, agent: AgentConfig, site: Site, netlify: NetlifyStandIn
) -> None:
    other = netlify.state.add_site("older", "acc-1")
    assert "older" in text(browser, address("remote_sites", agent.pk))
    browser.post(address("choose_site", agent.pk), {"site": other.id})
    present = Site.objects.get(deleted_at=None)
    assert (present.name, present.remote_id) == ("older", other.id)


def test_nothing_starts_while_something_is_missing(
    browser: Client, agent: AgentConfig, build: Build, site: Site
) -> None:
    Connection.objects.all().delete()
    answer = ask(browser, address("start", agent.pk), build=build.pk)
    assert answer.status_code == 409
    assert "No Netlify account is connected" in answer.json()["errors"]["__all__"][0]
    assert not Deployment.objects.exists()


def test_a_password_is_kept_as_its_hash(browser: Client, agent: AgentConfig, site: Site) -> None:
    settings = address("settings", agent.pk)
    missing = browser.post(settings, {"access": "password"})
    assert missing.status_code == 422
    browser.post(settings, {"access": "password", "password": "open sesame", "greeting": "Hello"})
    site.refresh_from_db()
    assert site.password_hash.startswith("pbkdf2:sha256:")
    assert "open sesame" not in site.password_hash
    before = site.password_hash
    browser.post(settings, {"access": "password", "greeting": "Good day"})
    site.refresh_from_db()
    assert (site.password_hash, site.greeting) == (before, "Good day")
    assert browser.post(settings, {"access": "supabase"}).status_code == 422


def test_lock_look_and_delete(
    browser: Client, site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    assert ask(browser, address("site_lock", site.pk)).status_code == 409
    services.enqueue(site, build, alice)
    work()
    assert ask(browser, address("site_lock", site.pk)).json()["site"]["locked"] is True
    assert ask(browser, address("site_unlock", site.pk)).json()["site"]["locked"] is False
    netlify.state.sites[site.remote_id].published = ""
    assert ask(browser, address("site_refresh", site.pk)).json()["site"]["live_remote_id"] == ""
    assert browser.post(address("site_delete", site.pk), {"name": "wrong"}).status_code == 422
    browser.post(address("site_delete", site.pk), {"name": site.name})
    assert not netlify.state.sites
    assert Deployment.objects.count() == 1


def test_a_disconnected_account_leaves_no_token(browser: Client, agent: AgentConfig, site: Site) -> None:
    browser.post(address("disconnect", agent.pk))
    assert not Connection.objects.exists()
    answer = ask(browser, address("site_refresh", site.pk))
    assert answer.status_code == 409
    assert "Connect one" in answer.json()["errors"]["__all__"][0]
