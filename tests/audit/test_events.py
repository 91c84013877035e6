"""Do what has to be logged as people and scripts do it, and read the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from agentforge.audit.actions import Action, Kind
from agentforge.audit.models import AuditEvent
from builds.artifacts import storage
from builds.models import Artifact, Build, BuildStatus
from builds.services import cancel_build, enqueue_build, retry_build
from configs.keys import rotation, vault
from configs.models import AgentConfig, ApiKey
from configs.services import create_agent, delete_agent
from tests.drivers import people

pytestmark = pytest.mark.django_db
SECRET = "sk-planted-0123456789abcdef"
PASSWORD = "a workshop of one's own"
ADDRESS = "192.0.2.7"
CLOSED_PORT = "http://127.0.0.1:9/v1"


@pytest.fixture
def browser() -> Client:
    return Client(REMOTE_ADDR=ADDRESS)


@pytest.fixture
def agent(alice: User) -> AgentConfig:
    return create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", provider="openai", model="m"))


def said() -> list[str]:
    return [event.action for event in AuditEvent.objects.order_by("pk")]


def last() -> AuditEvent:
    event: AuditEvent = AuditEvent.objects.latest("pk")
    return event


def test_every_action_is_of_one_kind() -> None:
    assert sorted(action for kind in Kind for action in kind.actions) == sorted(Action)


def test_the_life_of_an_account(browser: Client) -> None:
    given = {"email": "ada@example.com", "password": PASSWORD}
    browser.post("/sign-in/", {**given, "password": "guessed"})
    browser.post("/sign-up/", given)
    browser.post("/accounts/password/", {"current": "guessed", "password": f"{PASSWORD} 2"})
    browser.post("/accounts/password/", {"current": PASSWORD, "password": f"{PASSWORD} 2"})
    browser.post("/sign-in/", given)
    browser.post("/sign-out/")
    browser.post("/sign-in/", {**given, "password": f"{PASSWORD} 2"})
    browser.post("/sign-in/", {**given, "password": "guessed"})
    browser.post("/sign-out/", {"scope": "everywhere"})
    browser.post("/sign-in/", {**given, "password": "guessed"})
    assert said() == [
        "sign-in-failed",
        "account-made",
        "signed-in",
        "password-failed",
        "password-changed",
        "signed-out",
        "signed-in",
        "signed-out-everywhere",
        "sign-in-failed",
    ]
    ada = User.objects.get(email="ada@example.com")
    events = list(AuditEvent.objects.order_by("pk"))
    assert {event.address for event in events} == {ADDRESS}
    # Before the first sign-in nobody was known by this address.
    assert [event.owner_id for event in events] == [None] + [ada.pk] * 8
    assert [event.who for event in events[1:-1]] == ["ada@example.com"] * 7
    assert [event.who for event in (events[0], events[-1])] == ["somebody not signed in"] * 2
    assert ada.last_login is not None
    assert PASSWORD not in str([event.detail for event in events])


def test_a_key(client_of: Callable[[User], Client], agent: AgentConfig, settings: LazySettings) -> None:
    settings.AGENTFORGE_OPENAI_URL = CLOSED_PORT
    client = client_of(agent.owner)
    keys = f"/agents/{agent.pk}/keys/openai/"
    before = AuditEvent.objects.count()
    client.post(keys, {"key": SECRET})
    client.post(keys, {"key": SECRET})
    client.post(f"{keys}test/")
    vault.environment_for(agent, "openai")
    assert vault.values_to_redact(agent.owner_id) == [SECRET]
    client.post(f"/keys/{ApiKey.objects.get().pk}/rename/", {"name": "Work"})
    client.post(f"{keys}remove/")
    assert said()[before:] == [
        "key-saved",
        "key-tested",
        "key-replaced",
        "key-tested",
        "key-used",
        "key-tested",
        "key-used",
        "key-renamed",
        "key-removed",
    ]
    used = AuditEvent.objects.filter(action=Action.KEY_USED).order_by("pk")
    assert [(event.who, event.detail["purpose"]) for event in used] == [
        ("alice@example.com", "tested"),
        ("the forge", "given to Ada"),
    ]
    tested = AuditEvent.objects.filter(action=Action.KEY_TESTED).latest("pk")
    assert tested.detail["outcome"] == "unreachable"
    assert not ApiKey.objects.exists()
    assert SECRET not in str(list(AuditEvent.objects.values()))


def test_keys_encrypted_anew(alice: User) -> None:
    vault.save_key(alice, "openai", SECRET)
    rotation.rotate(apply=False, progress=lambda report: None)
    assert last().action == Action.KEY_SAVED
    rotation.rotate(apply=True, progress=lambda report: None)
    assert last().action == Action.KEYS_ROTATED
    assert last().owner_id is None


def test_an_agent_and_its_builds(agent: AgentConfig, alice: User, olga: User) -> None:
    build = enqueue_build(agent, by=alice)
    cancel_build(build, by=olga)
    build.refresh_from_db()
    retry_build(build, by=alice)
    delete_agent(agent)
    assert said() == [
        "agent-created",
        "build-asked",
        "build-cancelled",
        "build-retried",
        "build-asked",
        "agent-deleted",
    ]
    cancelled = AuditEvent.objects.get(action=Action.BUILD_CANCELLED)
    assert (cancelled.owner_id, cancelled.actor_id) == (alice.pk, olga.pk)
    assert (cancelled.subject_kind, cancelled.subject_id) == ("build", str(build.pk))
    assert last().subject_label == "Ada"


def test_downloads(client_of: Callable[[User], Client], agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice)
    Build.objects.update(status=BuildStatus.SUCCEEDED)
    digest = storage.put(b"sums")
    Artifact.objects.create(owner=alice, build=build, name="SHA256SUMS", sha256=digest, size=4)
    client = client_of(alice)
    before = AuditEvent.objects.count()

    def get(path: str, **headers: str) -> Any:
        return b"".join(client.get(f"/builds/{build.pk}/{path}", headers=headers))

    get("download/")
    assert get("files/SHA256SUMS") == b"sums"
    get("files/SHA256SUMS", If_None_Match=f'"{digest}"')
    client.head(f"/builds/{build.pk}/files/SHA256SUMS")
    assert said()[before:] == ["build-downloaded", "file-downloaded"]
    assert last().detail == {"sha256": digest}


def test_first_sight_by_a_script(browser: Client) -> None:
    token = people.bearer_of(User(email="ada@example.com"))
    browser.get("/agents/", headers={"Authorization": token})
    assert said() == ["account-made"]
    assert last().address == ADDRESS
