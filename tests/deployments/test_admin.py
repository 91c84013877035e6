"""Operators may act on deployments; viewers may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentforge.accounts import roles
from agentforge.accounts.models import Role, User
from agentforge.audit.models import AuditEvent
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.models import Connection, Deployment, Site
from tests.drivers import people
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)


def test_operators_cancel_and_viewers_do_not(
    site: Site, build: Build, alice: User, olga: User, client_of: Callable[[User], Client]
) -> None:
    deployment = services.enqueue(site, build, alice)
    vera = people.make_user("vera")
    roles.assign(vera, Role.VIEWER)
    url = reverse("admin:deployments_deployment_changelist")
    chosen = {"action": "cancel", "_selected_action": [deployment.pk]}
    client_of(vera).post(url, chosen)
    deployment.refresh_from_db()
    assert deployment.status == "queued"
    page = client_of(olga).post(url, chosen, follow=True)
    assert "1 cancelled." in page.content.decode()
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"


SITES, DEPLOYMENTS = "/admin/deployments/site/", "/admin/deployments/deployment/"


@pytest.fixture
def operator(client_of: Callable[[User], Client], olga: User) -> Client:
    return client_of(olga)


@pytest.fixture
def live(site: Site, build: Build, alice: User, work: Callable[[], None]) -> Deployment:
    deployment = services.enqueue(site, build, alice)
    work()
    deployment.refresh_from_db()
    return deployment


def act(client: Client, url: str, action: str, *rows: Site | Deployment) -> list[str]:
    """Run an action on rows, and return its messages."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    response = client.post(url, chosen, follow=True)
    return [str(message) for message in response.context["messages"]]


def listed(client: Client, url: str) -> list[str]:
    response = client.get(url)
    assert response.status_code == 200
    return [str(row) for row in response.context["cl"].result_list]


def test_sites_are_looked_at_locked_and_unlocked(
    operator: Client, site: Site, live: Deployment, alice: User, agent: AgentConfig, netlify: NetlifyStandIn
) -> None:
    gone = Site.objects.create(
        owner=alice, agent=agent, remote_id="gone", name="gone", url="", deleted_at=timezone.now()
    )
    assert act(operator, SITES, "lock", site, gone) == [
        "gone: It was deleted, or replaced by another site.",
        "1 locked.",
    ]
    assert netlify.state.deploys[live.remote_id].locked
    assert act(operator, SITES, "lock", site) == ["ada: It is already locked.", "0 locked."]
    [event] = AuditEvent.objects.filter(action="site-locked")
    assert (event.owner, event.actor_label) == (alice, "olga@example.com")
    assert act(operator, SITES, "unlock", site) == ["1 unlocked."]
    assert not netlify.state.deploys[live.remote_id].locked
    del netlify.state.sites[site.remote_id]
    [refused, counted] = act(operator, SITES, "refresh", site)
    assert "Netlify could not find this (404)" in refused
    assert counted == "0 refreshed."
    [refused, counted] = act(operator, SITES, "lock", site)
    assert "(404)" in refused


def test_drift_is_a_column_and_a_filter(
    operator: Client, site: Site, live: Deployment, netlify: NetlifyStandIn
) -> None:
    assert [listed(operator, f"{SITES}?shows={word}") for word in ("ours", "elsewhere", "nothing")] == [
        ["ada"],
        [],
        [],
    ]
    assert listed(operator, f"{DEPLOYMENTS}?live=yes") == [str(live)]
    remote = netlify.state.sites[site.remote_id]
    remote.published = netlify.state.add_deploy(remote, "by hand").id
    assert act(operator, SITES, "refresh", site) == ["1 refreshed."]
    assert listed(operator, f"{SITES}?shows=elsewhere") == ["ada"]
    assert "changed elsewhere</td>" in operator.get(SITES).content.decode()
    assert listed(operator, f"{DEPLOYMENTS}?live=yes") == []
    assert listed(operator, f"{DEPLOYMENTS}?live=no") == [str(live)]
    remote.published = ""
    act(operator, SITES, "refresh", site)
    assert listed(operator, f"{SITES}?shows=nothing") == ["ada"]


def test_links_lead_to_the_build_and_to_netlify(operator: Client, site: Site, live: Deployment) -> None:
    page = operator.get(DEPLOYMENTS).content.decode()
    assert f'href="{reverse("admin:builds_build_change", args=[live.build_id])}"' in page
    there = f"https://app.netlify.com/projects/ada/deploys/{live.remote_id}"
    assert f'<a href="{there}" rel="noreferrer">Netlify</a>' in page
    assert there in operator.get(f"{DEPLOYMENTS}{live.pk}/change/").content.decode()
    its_site = '<a href="https://app.netlify.com/projects/ada" rel="noreferrer">Netlify</a>'
    assert its_site in operator.get(SITES).content.decode()
    Site.objects.filter(pk=site.pk).update(admin_url="javascript:alert(1)//")
    for url in (SITES, DEPLOYMENTS, f"{SITES}{site.pk}/change/", f"{DEPLOYMENTS}{live.pk}/change/"):
        assert "javascript:alert" not in operator.get(url).content.decode()


def test_a_connection_is_shown_without_its_token(
    operator: Client, site: Site, netlify: NetlifyStandIn
) -> None:
    connection = Connection.objects.get()
    url = "/admin/deployments/connection/"
    pages = [operator.get(path).content.decode() for path in (url, f"{url}{connection.pk}/change/")]
    ciphertext = bytes(connection.key.ciphertext).decode()
    for page in pages:
        assert "Ada Lovelace at netlify" in page
        assert "Team One, Team Two" in page
        assert netlify.token not in page
        assert netlify.token[-4:] not in page
        assert ciphertext[:24] not in page
    assert operator.post(f"{url}{connection.pk}/change/", {"who": "Eve"}).status_code == 403


def test_what_a_roll_back_is_refused_for_is_said(
    operator: Client, site: Site, live: Deployment, build: Build, alice: User
) -> None:
    waiting = services.enqueue(site, build, alice)
    assert act(operator, DEPLOYMENTS, "roll_back", live, waiting) == [
        f"{waiting}: Only a deployment that succeeded can be put live.",
        "1 put live.",
    ]
