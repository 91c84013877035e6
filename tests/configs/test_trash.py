"""A deleted agent goes to the trash: out of sight and use, restored with everything, or deleted in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.belongings import archive
from agentforge.accounts.models import User
from agentforge.live.log import StreamMissing
from agentforge.live.models import Stream
from agentforge.live.streams import position
from agentforge.tenancy.rls import as_user
from builds.models import Build, BuildStatus, ChatMessage, MessageStatus
from builds.operations import pruning
from builds.operations.rebuilds import candidates
from builds.services import enqueue_build, enqueue_revision
from builds.trial import chat
from configs.models import AgentConfig, AgentInTrash
from configs.revisions import create_revision
from configs.services import create_agent
from deployments.models import Deployment, Site
from tests.drivers.database import is_waited_for

JSON = {"Accept": "application/json"}


@pytest.fixture
def build(agent: AgentConfig, alice: User) -> Build:
    """A build of the agent that is queued."""
    return enqueue_build(agent, alice)


@pytest.fixture
def deployment(build: Build, agent: AgentConfig, alice: User) -> Deployment:
    site = Site.objects.create(
        owner=alice, agent=agent, remote_id="s", name="ada-x", url="https://ada-x", live_remote_id="d"
    )
    revision = build.revision
    return Deployment.objects.create(
        owner=alice, site=site, build=build, revision=revision, status="succeeded", remote_id="d"
    )


def delete(browser: Client, agent: AgentConfig) -> str:
    return browser.post(f"/agents/{agent.pk}/delete/", follow=True).content.decode()


def addresses(agent: AgentConfig, deployment: Deployment) -> list[str]:
    tabs = (
        "identity",
        "keys",
        "personality",
        "capabilities",
        "builds",
        "try",
        "deploy",
        "revisions",
        "delete",
    )
    own = [f"/agents/{agent.pk}/{tab}/" for tab in tabs]
    return [
        *own,
        f"/agents/{agent.pk}/agent.yaml",
        f"/builds/{deployment.build_id}/",
        f"/builds/{deployment.build_id}/log.txt",
        f"/deployments/{deployment.pk}/",
    ]


def test_the_page_says_in_words_what_goes_and_what_stays(
    browser: Client, agent: AgentConfig, deployment: Deployment
) -> None:
    page = browser.get(f"/agents/{agent.pk}/delete/").content.decode()
    for words in ("the draft and 1 revision", "1 build without files", "the record of 1 deployment"):
        assert f"<li>{words}</li>" in page
    assert "The site ada-x stays on Netlify" in page
    for jargon in ("process runs", "artifacts", "build targets", "1 builds", "1 sites"):
        assert jargon not in page
    assert "30 days" in page


def test_in_the_trash_it_is_nowhere_else(browser: Client, agent: AgentConfig, deployment: Deployment) -> None:
    assert {browser.get(url).status_code for url in addresses(agent, deployment)} == {200}
    delete(browser, agent)
    assert {browser.get(url).status_code for url in addresses(agent, deployment)} == {404}
    # Scripts have no page that asks before it deletes, of any agent.
    scripted = [url for url in addresses(agent, deployment) if not url.endswith("/delete/")]
    assert {browser.get(url, headers=JSON).status_code for url in scripted} == {404}
    for url in ("/agents/", "/agents/?shown=all", "/builds/", "/deployments/", "/search/?q=ada", "/search/"):
        assert "/identity/" not in browser.get(url).content.decode()
        assert f"Build {deployment.build_id}" not in browser.get(url).content.decode()
    for url in ("/agents/", "/builds/", "/deployments/"):
        answer = browser.get(url, headers=JSON).json()
        assert answer[url.strip("/")] == []


def test_nothing_is_begun_with_it(browser: Client, agent: AgentConfig, build: Build, alice: User) -> None:
    delete(browser, agent)
    for action in ("compile", "send", "process", "duplicate", "archive", "delete", "deploy/start"):
        assert browser.post(f"/agents/{agent.pk}/{action}/").status_code == 404
    # Also not by a request that had read it before.
    for begin in (
        lambda: enqueue_build(agent, alice),
        lambda: enqueue_revision(build.revision, alice),
        lambda: chat.ask(agent, alice, "hello"),
    ):
        with pytest.raises(AgentInTrash):
            begin()


def test_work_under_way_is_ended_and_said(
    browser: Client, agent: AgentConfig, build: Build, alice: User
) -> None:
    ChatMessage.objects.create(
        owner=alice, agent=agent, role="assistant", status=MessageStatus.QUEUED, build=build
    )
    page = delete(browser, agent)
    assert f"Build {build.pk} is cancelled." in page
    assert "The answer under way is stopped." in page
    build.refresh_from_db()
    assert build.status == BuildStatus.CANCELLED
    assert ChatMessage.objects.get().status == MessageStatus.FAILED


def test_its_streams_can_not_be_followed_until_it_is_back(
    browser: Client, agent: AgentConfig, build: Build
) -> None:
    delete(browser, agent)
    names = {agent.stream_name, build.stream_name}
    assert set(Stream.objects.filter(hidden_at__isnull=False).values_list("pk", flat=True)) == names
    browser.post(f"/trash/{agent.pk}/restore/")
    assert not Stream.objects.filter(hidden_at__isnull=False).exists()


def test_undo_brings_everything_back(browser: Client, agent: AgentConfig, deployment: Deployment) -> None:
    page = delete(browser, agent)
    assert "Ada is in the trash. It is deleted in 30 days." in page
    assert f'action="/trash/{agent.pk}/restore/"' in page
    back = browser.post(f"/trash/{agent.pk}/restore/", follow=True)
    assert back.redirect_chain[-1][0] == agent.get_absolute_url()
    assert {browser.get(url).status_code for url in addresses(agent, deployment)} == {200}


def test_its_handle_is_free_and_comes_back_as_another(
    browser: Client, agent: AgentConfig, alice: User
) -> None:
    delete(browser, agent)
    made = browser.post(
        "/agents/new/", {"name": "Ada", "handle": "ada"}, content_type="application/json", headers=JSON
    )
    assert made.status_code == 201
    page = browser.post(f"/trash/{agent.pk}/restore/", follow=True).content.decode()
    assert "Its handle ada was taken meanwhile: it is now ada-2." in page
    assert set(AgentConfig.objects.values_list("handle", flat=True)) == {"ada", "ada-2"}


def test_two_of_one_handle_in_the_trash(browser: Client, agent: AgentConfig, alice: User) -> None:
    delete(browser, agent)
    other = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada"))
    delete(browser, other)
    for pk in (agent.pk, other.pk):
        browser.post(f"/trash/{pk}/restore/")
    assert set(AgentConfig.objects.values_list("handle", flat=True)) == {"ada", "ada-2"}


def test_the_trash_lists_what_goes_when_and_deletes_now(
    browser: Client, agent: AgentConfig, deployment: Deployment
) -> None:
    assert "The trash is empty" in browser.get("/trash/").content.decode()
    delete(browser, agent)
    page = browser.get("/trash/").content.decode()
    for words in ("the draft and 1 revision", "The site ada-x stays on Netlify", "Restore"):
        assert words in page
    url = f"/trash/{agent.pk}/delete/"
    for typed in ("", "Ada", "ad"):
        assert browser.post(url, {"handle": typed}).status_code == 422
    assert AgentConfig.objects.exists()
    assert browser.post(url, {"handle": "ada"}).headers["Location"] == "/trash/"
    assert not AgentConfig.objects.exists()
    with pytest.raises(StreamMissing):
        position(agent.stream_name)


def test_only_what_is_in_the_trash_is_restored_or_deleted_there(browser: Client, agent: AgentConfig) -> None:
    assert browser.post(f"/trash/{agent.pk}/restore/").status_code == 404
    assert browser.post(f"/trash/{agent.pk}/delete/", {"handle": "ada"}).status_code == 404


def test_nobody_else_sees_or_restores_it(
    browser: Client, agent: AgentConfig, bob: User, client_of: Callable[[User], Client]
) -> None:
    delete(browser, agent)
    theirs = client_of(bob)
    assert "Ada" not in theirs.get("/trash/").content.decode()
    for action in ("restore", "delete"):
        assert theirs.post(f"/trash/{agent.pk}/{action}/", {"handle": "ada"}).status_code == 404
    assert AgentConfig.objects.filter(trashed_at__isnull=False).count() == 1


def test_the_database_hides_it_from_users_too(
    browser: Client, agent: AgentConfig, alice: User, build: Build
) -> None:
    delete(browser, agent)
    with as_user(alice.pk):
        assert not AgentConfig.objects.filter(pk=agent.pk).exists()


def test_upkeep_deletes_it_in_time(browser: Client, agent: AgentConfig, build: Build) -> None:
    delete(browser, agent)
    now = timezone.now()
    moment = pruning.Moment(now + timedelta(days=29))
    assert pruning.prune(apply=True, moment=moment)["agents in the trash"].rows == 0
    due = pruning.Moment(now + timedelta(days=31))
    assert pruning.prune(apply=False, moment=due)["agents in the trash"].rows == 1
    assert AgentConfig.objects.exists()
    assert pruning.prune(apply=True, moment=due)["agents in the trash"].rows == 1
    assert not AgentConfig.objects.exists()


def test_0_days_keep_it_until_its_owner_deletes_it(
    browser: Client, agent: AgentConfig, settings: Settings
) -> None:
    settings.TRASH_DAYS = 0
    assert "It stays there until you delete it." in delete(browser, agent)
    moment = pruning.Moment(timezone.now() + timedelta(days=999))
    assert pruning.prune(apply=True, moment=moment)["agents in the trash"].rows == 0
    assert "when you delete it" in browser.get("/trash/").content.decode()


def test_commands_leave_it_alone(browser: Client, agent: AgentConfig, build: Build) -> None:
    Build.objects.update(status=BuildStatus.SUCCEEDED)
    delete(browser, agent)
    assert candidates(None) == []
    with pytest.raises(CommandError, match="in the trash"):
        call_command("deploy_agent", str(agent.pk))


def test_the_export_has_it_and_the_account_goes_with_it(
    browser: Client, agent: AgentConfig, build: Build, alice: User
) -> None:
    delete(browser, agent)
    with as_user(alice.pk), archive(alice) as file:
        content = file.read()
    assert f"trash/{agent.pk}-ada.yaml".encode() in content
    alice.delete()
    assert not AgentConfig.objects.exists()


def test_a_second_deletion_finds_nothing(browser: Client, agent: AgentConfig) -> None:
    create_revision(agent)
    delete(browser, agent)
    assert browser.post(f"/agents/{agent.pk}/delete/", headers=JSON).status_code == 404
    assert AgentConfig.objects.count() == 1


def test_as_many_queries_for_one_agent_in_the_trash_as_for_many(browser: Client, alice: User) -> None:
    counts = []
    for wanted in (1, 12):
        for number in range(AgentConfig.objects.count(), wanted):
            delete(browser, create_agent(AgentConfig(owner=alice, name="A", handle=f"a-{number}")))
        with CaptureQueriesContext(connection) as queries:
            browser.get("/trash/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["restore", "delete"])
def test_what_another_window_restored_meanwhile_stays_as_it_is(
    browser: Client, agent: AgentConfig, act: str
) -> None:
    """The two requests overlap: the later one has read the trash before the other empties it."""
    browser.post(f"/agents/{agent.pk}/delete/")
    answers: list[int] = []

    def late() -> None:
        try:
            answer = browser.post(f"/trash/{agent.pk}/{act}/", {"handle": agent.handle}, headers=JSON)
            answers.append(answer.status_code)
        finally:
            connection.close()

    thread = Thread(target=late)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=agent.owner_id)
        rows = AgentConfig.objects.filter(pk=agent.pk)
        assert rows.select_for_update().first() is not None
        thread.start()
        deadline = time.monotonic() + 60
        while not is_waited_for():
            assert time.monotonic() < deadline
        rows.update(trashed_at=None)
    thread.join(60)
    assert answers == [404]
    assert AgentConfig.objects.filter(pk=agent.pk, trashed_at=None).exists()
