"""The history: the changes and the address of each deployment, and whether it is live."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from agentforge.accounts.models import User
from configs.models import AgentConfig
from configs.services import duplicate_agent
from deployments import history, services
from deployments.models import Access, Deployment, Site
from deployments.sites import polling
from tests.deployments.deployment_jobs import fresh
from tests.deployments.finished_builds import build_of
from tests.standins.netlify import NetlifyStandIn

from .test_pages import JSON, address, text

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


@pytest.fixture
def deploy(site: Site, agent: AgentConfig, alice: User, work: Work) -> Callable[..., Deployment]:
    """Return a function that changes the agent, builds the new revision, and deploys it."""

    def deploy(*, draft: bool = False, **values: object) -> Deployment:
        for name, value in values.items():
            setattr(agent, name, value)
        agent.save()
        deployment = services.enqueue(site, build_of(agent, alice, str(values)), alice, draft=draft)
        work()
        return fresh(deployment)

    return deploy


def facts(deployment: Deployment) -> history.HistoryEntry:
    return history.entries_for([fresh(deployment)])[deployment.pk]


def entry_of(deployment: Deployment) -> tuple[str, str]:
    entry = facts(deployment)
    return entry.standing, entry.summary


def test_each_says_what_changed_since_what_the_site_showed(deploy: Callable[..., Deployment]) -> None:
    first = deploy()
    second = deploy(tone="formal", description="Anew")
    third = deploy(name="Eve", handle="eve", creativity="0.9", memory=False)
    assert entry_of(first) == ("was-live", "")
    assert entry_of(second) == ("was-live", "description, tone")
    assert entry_of(third) == ("live", "capabilities, identity, personality")
    assert {"name": "identity.name", "before": "Ada", "after": "Eve"} in facts(third).changes


def test_a_retry_passes_the_checks_of_a_new_deployment(
    deploy: Callable[..., Deployment], site: Site, browser: Client, netlify: NetlifyStandIn
) -> None:
    first = deploy()
    Site.objects.filter(pk=site.pk).update(access=Access.PASSWORD, password_hash="")
    answer = browser.post(address("retry", first.pk), headers=JSON)
    assert answer.status_code == 409
    assert "Choose who may talk to it." in answer.content.decode()
    assert Deployment.objects.count() == 1
    Site.objects.filter(pk=site.pk).update(access=Access.PUBLIC)
    assert browser.post(address("retry", first.pk), headers=JSON).status_code == 201
    assert Deployment.objects.count() == 2


def test_a_roll_back_is_a_change_too_and_takes_no_earlier_one_away(
    deploy: Callable[..., Deployment], alice: User
) -> None:
    first, second = deploy(), deploy(tone="formal")
    services.publish(first, alice)
    assert entry_of(first) == ("live", "tone")
    assert entry_of(second) == ("was-live", "tone")
    assert facts(second).changes[0]["after"] == "formal"
    assert facts(first).changes[0]["before"] == "formal"
    third = deploy(description="Anew")
    # Compared with what the site showed, not with the previous deployment.
    assert facts(third).replaced == fresh(first).revision
    assert entry_of(third) == ("live", "description, tone")


def test_a_draft_says_what_it_would_change(deploy: Callable[..., Deployment], alice: User) -> None:
    first = deploy()
    draft = deploy(draft=True, tone="formal")
    assert entry_of(draft) == ("never-live", "tone")
    assert facts(draft).address == draft.url != draft.site.url
    deploy(tone="warm", description="Anew")
    services.publish(fresh(draft), alice)
    assert entry_of(draft) == ("live", "description, tone")
    assert facts(draft).address == draft.site.url
    assert entry_of(first) == ("was-live", "")


def test_who_deploys_elsewhere_is_noticed(
    deploy: Callable[..., Deployment], site: Site, netlify: NetlifyStandIn, browser: Client, alice: User
) -> None:
    first, second = deploy(), deploy(tone="formal")
    remote = netlify.state.sites[site.remote_id]
    remote.published = netlify.state.add_deploy(remote, "by hand").id
    polling.refresh_site(site)
    assert (entry_of(first)[0], entry_of(second)[0]) == ("was-live", "replaced-elsewhere")
    assert "Changed elsewhere since" in text(browser, reverse("deployments:list"))
    assert "Roll back to this to show it again" in text(browser, second.get_absolute_url())
    assert "Roll back to this to show it again" not in text(browser, first.get_absolute_url())
    shown = browser.get(address("agent", site.agent_id), headers=JSON).json()["site"]
    assert (shown["shows"], shown["live_revision"]) == ("elsewhere", None)
    # A rollback made at Netlify counts, too.
    remote.published = first.remote_id
    polling.refresh_site(site)
    assert (entry_of(first)[0], entry_of(second)[0]) == ("live", "was-live")
    third = deploy(description="Anew")
    assert facts(third).replaced == fresh(first).revision
    netlify.state.sites[site.remote_id].published = ""
    polling.refresh_site(site)
    assert entry_of(third)[0] == "was-live"


def test_a_list_says_it_with_a_few_queries(
    deploy: Callable[..., Deployment],
    site: Site,
    browser: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    deploy()
    deploy(tone="formal")
    Site.objects.filter(pk=site.pk).update(live_remote_id="somebody-elses")
    rows = Deployment.objects.select_related("site", "revision").order_by("-pk")
    for count in (2, 5):
        listed = list(rows.all())
        assert len(listed) == count
        with django_assert_num_queries(3):
            entries = history.entries_for(listed)
            assert all(entries[row.pk].summary for row in listed[:-1])
        for word in ("one", "two", "three"):
            deploy(description=word)
        Site.objects.filter(pk=site.pk).update(live_remote_id="somebody-elses")


def test_pages_and_scripts_say_the_same(
    deploy: Callable[..., Deployment], browser: Client, agent: AgentConfig
) -> None:
    first = deploy()
    second = deploy(tone="formal")
    page = text(browser, reverse("deployments:list"))
    assert "<summary>tone</summary>" in page
    assert "<ins>formal</ins>" in page
    assert second.site.url in page
    assert first.url in page
    assert "<summary>tone</summary>" in text(browser, address("agent", agent.pk))
    newest, oldest = browser.get(reverse("deployments:list"), headers=JSON).json()["deployments"]
    assert newest == browser.get(address("detail", second.pk), headers=JSON).json()["deployment"]
    assert (newest["standing"], newest["replaced_revision"]) == ("live", 1)
    assert [change["after"] for change in newest["changes"] if change["name"] == "personality.tone"]
    assert (oldest["standing"], oldest["changes"], oldest["address"]) == ("was-live", [], first.url)
    output = StringIO()
    call_command("deployments", "list", stdout=output)
    assert "tone" in output.getvalue()


def test_an_address_that_is_none_is_no_link(deploy: Callable[..., Deployment], browser: Client) -> None:
    deployment = deploy(draft=True)
    Deployment.objects.filter(pk=deployment.pk).update(url="javascript:alert(1)")
    assert facts(deployment).address == ""
    assert "javascript:" not in text(browser, reverse("deployments:list"))


def test_an_agents_pages_say_which_revision_is_live(
    deploy: Callable[..., Deployment],
    site: Site,
    agent: AgentConfig,
    browser: Client,
    alice: User,
    netlify: NetlifyStandIn,
) -> None:
    pages = (reverse("configs:list"), agent.get_absolute_url(), address("agent", agent.pk))

    def shows(words: str) -> list[bool]:
        return [words in " ".join(text(browser, page).split()) for page in pages]

    assert "Online" not in text(browser, pages[0])
    first = deploy()
    assert shows("Revision 1</a> is live at") == [True, True, True]
    second = deploy(tone="formal")
    assert shows("Revision 2</a> is live at") == [True, True, True]
    services.publish(fresh(first), alice)
    assert shows("Revision 1</a> is live at") == [True, True, True]
    remote = netlify.state.sites[site.remote_id]
    remote.published = netlify.state.add_deploy(remote, "by hand").id
    polling.refresh_site(site)
    assert shows("Changed elsewhere</a> at") == [True, True, True]
    remote.published = second.remote_id
    polling.refresh_site(site)
    assert shows("Revision 2</a> is live at") == [True, True, True]


def sites_of(agents: list[AgentConfig]) -> dict[int, history.AgentSites]:
    return history.by_agent(history.deployed_sites(agents=[agent.pk for agent in agents]))


def test_where_agents_are_online_takes_two_queries(
    deploy: Callable[..., Deployment],
    site: Site,
    agent: AgentConfig,
    alice: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    deployment = deploy()
    others = [duplicate_agent(agent) for _ in range(3)]
    for each in others:
        twin = Site.objects.create(
            owner=alice, agent=each, remote_id=f"s{each.pk}", name="twin", url="https://t.example",
            live_remote_id=f"d{each.pk}",
        )  # fmt: skip
        Deployment.objects.create(
            owner=alice, site=twin, revision=deployment.revision, remote_id=twin.live_remote_id
        )
    with django_assert_num_queries(2):
        found = sites_of([agent, *others])
    online = {pk: sites.online for pk, sites in found.items() if sites.online is not None}
    assert {pk: place.live is not None for pk, place in online.items()} == dict.fromkeys(online, True)
    assert len(online) == 4
    Site.objects.filter(pk=site.pk).update(deleted_at=timezone.now())
    assert sites_of([agent])[agent.pk].online is None
