"""A site with restricted access stays restricted, also after a rollback or when it is chosen again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.errors import NotPossible
from deployments.hosts.registry import SELF_HOST
from deployments.models import Deployment, Site
from deployments.sites import lifecycle
from tests.deployments.deployment_jobs import fresh
from tests.deployments.views.test_pages import JSON, address, ask, text
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]
Deploy = Callable[..., Deployment]


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


@pytest.fixture
def deploy(site: Site, build: Build, alice: User, work: Work) -> Deploy:
    def deploy(*, draft: bool = False) -> Deployment:
        deployment = services.enqueue(site, build, alice, draft=draft)
        work()
        return fresh(deployment)

    return deploy


def close(site: Site, alice: User, words: str = "open sesame") -> None:
    lifecycle.change(site, lifecycle.Settings(access="password", password=words), alice)


@pytest.mark.parametrize("draft", [False, True])
def test_what_was_open_does_not_open_a_closed_site(
    draft: bool, deploy: Deploy, site: Site, alice: User, netlify: NetlifyStandIn, browser: Client
) -> None:
    opened = deploy(draft=draft)
    close(site, alice)
    closed = deploy()
    with pytest.raises(NotPossible, match="no longer have access"):
        services.publish(fresh(opened), alice)
    assert netlify.state.sites[site.remote_id].published == closed.remote_id
    page = text(browser, opened.get_absolute_url())
    assert "keeps its own rules" in page
    assert address("publish", opened.pk) not in page


def test_a_password_that_was_changed_does_not_come_back(
    deploy: Deploy, site: Site, alice: User, netlify: NetlifyStandIn, browser: Client
) -> None:
    close(site, alice)
    first = deploy()
    close(site, alice, "another password")
    second = deploy()
    with pytest.raises(NotPossible, match="no longer have access"):
        services.publish(fresh(first), alice)
    assert netlify.state.sites[site.remote_id].published == second.remote_id
    assert "Another password was chosen" in text(browser, first.get_absolute_url())
    close(site, alice, "a third password")
    assert "before this was chosen, with another password" in text(browser, address("agent", site.agent_id))


def test_going_back_within_the_same_rules_stays_possible(
    deploy: Deploy, site: Site, alice: User, netlify: NetlifyStandIn, browser: Client
) -> None:
    close(site, alice)
    first, _ = deploy(), deploy()
    assert address("publish", first.pk) in text(browser, first.get_absolute_url())
    services.publish(fresh(first), alice)
    assert netlify.state.sites[site.remote_id].published == first.remote_id


def test_the_tab_says_who_may_talk_to_what_is_live(
    deploy: Deploy, site: Site, agent: AgentConfig, alice: User, browser: Client
) -> None:
    deploy()
    tab = address("agent", agent.pk)
    assert "What is live was deployed before" not in text(browser, tab)
    close(site, alice)
    assert "What is live was deployed before this was chosen, for: Everybody." in text(browser, tab)
    assert deploy().access == "password"
    assert "What is live was deployed before" not in text(browser, tab)


def test_a_site_that_is_chosen_again_keeps_its_rules_and_its_history(
    deploy: Deploy, site: Site, agent: AgentConfig, alice: User, browser: Client
) -> None:
    close(site, alice)
    live = deploy()
    response = browser.post(address("create_site", agent.pk), {"name": "own", "host": SELF_HOST}, follow=True)
    assert "ada stays online" in response.content.decode()
    page = text(browser, live.get_absolute_url())
    assert "What it shows is no longer checked" in page
    assert "<strong>Live</strong>" not in page
    assert address("retry", live.pk) not in page
    again = ask(browser, address("choose_site", agent.pk), site=site.remote_id).json()["site"]
    assert (again["id"], again["access"], again["live_deployment"]) == (site.pk, "password", live.pk)
    assert fresh(live).is_live


def test_a_site_that_was_given_up_and_shows_another_agent_is_begun_anew(
    deploy: Deploy, site: Site, agent: AgentConfig, alice: User
) -> None:
    deploy()
    lifecycle.create_site(agent, "own", "", alice, host=SELF_HOST)
    other = AgentConfig.objects.create(owner=alice, name="Eve", handle="eve")
    taken = lifecycle.choose_site(other, site.remote_id, alice)
    assert (taken.agent_id, taken.pk == site.pk) == (other.pk, False)
    lifecycle.create_site(other, "other", "", alice, host=SELF_HOST)
    assert lifecycle.choose_site(agent, site.remote_id, alice).pk not in (site.pk, taken.pk)


def test_a_deployment_of_a_site_that_was_given_up_can_go(
    deploy: Deploy, site: Site, agent: AgentConfig, alice: User, browser: Client, netlify: NetlifyStandIn
) -> None:
    live = deploy()
    lifecycle.create_site(agent, "own", "", alice, host=SELF_HOST)
    assert "nothing changes at Netlify" in text(browser, address("delete", live.pk))
    assert browser.post(address("delete", live.pk), headers=JSON).status_code == 200
    assert netlify.state.sites[site.remote_id].published == live.remote_id


def test_deleting_an_agent_says_what_stays_online(
    deploy: Deploy, site: Site, agent: AgentConfig, browser: Client
) -> None:
    page = f"/agents/{agent.pk}/delete/"
    assert "stays on Netlify" not in text(browser, page)
    deploy()
    deploy()
    assert "<li>the record of 2 deployments</li>" in text(browser, page)
    assert "The site ada stays on Netlify and goes on answering with your keys" in text(browser, page)


def test_an_address_that_is_none_is_no_link_on_any_page(
    deploy: Deploy, site: Site, agent: AgentConfig, browser: Client
) -> None:
    done = deploy()
    Site.objects.filter(pk=site.pk).update(url="javascript:alert(1)", admin_url="javascript:alert(2)")
    Deployment.objects.filter(pk=done.pk).update(url="javascript:alert(3)")
    for url in (address("agent", agent.pk), done.get_absolute_url()):
        assert 'href="javascript:' not in text(browser, url)


@pytest.mark.parametrize("name", [".", "..", "-x"])
def test_a_site_has_a_name_that_is_no_way_elsewhere(
    name: str, site: Site, agent: AgentConfig, browser: Client, netlify: NetlifyStandIn
) -> None:
    count = len(netlify.asked)
    assert ask(browser, address("choose_site", agent.pk), site=name).status_code == 422
    assert len(netlify.asked) == count
