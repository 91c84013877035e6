"""What costs something can be asked for so often and no oftener, per person and per network address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User
from agentforge.accounts.throttling.rate_limits import PEOPLE_PER_ADDRESS, WINDOW
from builds.models import PLUGIN, Build, BuildStatus, BuildTarget, ChatMessage
from configs.models import AgentConfig
from configs.revisions import create_revision

from .drivers import people

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def low(settings: LazySettings) -> None:
    settings.RATE_LIMITS = {"builds": 2, "messages": 2, "key tests": 2, "searches": 2}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2030-01-01 12:00Z", tick=False) as traveller:
        yield traveller


def agent_of(user: User) -> AgentConfig:
    return AgentConfig.objects.create(owner=user, name="Ada", handle="ada", provider="local", model="m")


def built(user: User, status: BuildStatus = BuildStatus.SUCCEEDED) -> Build:
    build = Build.objects.create(owner=user, revision=create_revision(agent_of(user)), status=status)
    BuildTarget.objects.create(owner=user, build=build, target=PLUGIN, status=status)
    return build


def path_of(kind: str, user: User) -> str:
    agent = AgentConfig.objects.filter(owner=user).first() or built(user, BuildStatus.FAILED).revision.agent
    build = Build.objects.get(owner=user)
    return {
        "compile": f"/agents/{agent.pk}/compile/",
        "retry": f"/builds/{build.pk}/retry/",
        "message": f"/agents/{agent.pk}/try/messages/",
        "key save": f"/agents/{agent.pk}/keys/openai/",
        "key test": f"/agents/{agent.pk}/keys/openai/test/",
        "stored key": "/keys/1/",
        "stored key test": "/keys/1/test/",
    }[kind]


KINDS = ["compile", "retry", "message", "key save", "key test", "stored key", "stored key test"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_one_too_many_waits(
    kind: str, clock: Any, alice: User, client_of: Callable[[User], Client]
) -> None:
    client, path = client_of(alice), path_of(kind, alice)
    for _ in range(2):
        assert client.post(path, headers=JSON).status_code != 429
    clock.shift(60)
    refused = client.post(path, headers=JSON)
    assert (refused.status_code, refused["Retry-After"]) == (429, "541")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["status"] == 429
    assert "Try again in 10 minutes." in refused.json()["detail"]
    clock.shift(WINDOW)
    assert client_of(alice).post(path, headers=JSON).status_code != 429


def test_another_person_is_not_affected_by_one_who_goes_on_asking(
    clock: Any, alice: User, bob: User, client_of: Callable[[User], Client]
) -> None:
    client, path = client_of(alice), path_of("compile", alice)
    for _ in range(2 * PEOPLE_PER_ADDRESS + 5):
        last = client.post(path, headers=JSON)
    assert last.status_code == 429
    assert client_of(bob).post(path_of("compile", bob), headers=JSON).status_code == 422


def test_many_accounts_at_one_address_share_a_limit(clock: Any) -> None:
    users = [people.make_user(f"u{number}") for number in range(PEOPLE_PER_ADDRESS + 1)]
    for user in users[:-1]:
        for _ in range(2):
            assert post_as(user).status_code == 404
    assert post_as(users[-1]).status_code == 429
    assert post_as(users[-1], address="192.0.2.7").status_code == 404


def post_as(user: User, address: str = "127.0.0.1") -> Any:
    headers = {**JSON, "Authorization": people.bearer_of(user)}
    return Client(REMOTE_ADDR=address).post("/agents/1/compile/", headers=headers)


def test_a_failed_request_counts_too(
    clock: Any, alice: User, client_of: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("builds.views.actions.check_draft", break_down)
    client, path = client_of(alice), path_of("compile", alice)
    client.raise_request_exception = False
    result = [client.post(path, headers=JSON).status_code for _ in range(3)]
    assert result == [500, 500, 429]


def test_a_message_over_the_limit_stays_in_its_field(
    clock: Any, alice: User, client_of: Callable[[User], Client]
) -> None:
    client, agent = client_of(alice), built(alice).revision.agent
    for _ in range(3):
        page = client.post(f"/agents/{agent.pk}/try/messages/", {"content": "What is <it>?"})
    assert page.status_code == 429
    assert page["Retry-After"] == "601"
    assert "What is &lt;it&gt;?</textarea>" in page.content.decode()
    assert "Too many messages within a short time: not done." in page.content.decode()
    assert ChatMessage.objects.count() == 2


def test_a_key_over_the_limit_is_not_shown_and_its_base_url_is(
    clock: Any, alice: User, client_of: Callable[[User], Client]
) -> None:
    client, agent = client_of(alice), agent_of(alice)
    for _ in range(3):
        given = {"key": "sk-0123456789 x", "base_url": "https://models.example.com/v1"}
        page = client.post(f"/agents/{agent.pk}/keys/openai_compatible/", given)
    assert page.status_code == 429
    assert "Too many key tests" in page.content.decode()
    assert 'value="https://models.example.com/v1"' in page.content.decode()
    assert "sk-0123456789" not in page.content.decode()


def test_people_see_a_page_where_there_is_no_form(
    clock: Any, alice: User, client_of: Callable[[User], Client]
) -> None:
    client, path = client_of(alice), path_of("compile", alice)
    for _ in range(3):
        page = client.post(path)
    assert (page.status_code, page["Retry-After"]) == (429, "601")
    assert "Too many builds within a short time" in page.content.decode()


def test_reading_is_not_limited(alice: User, client_of: Callable[[User], Client]) -> None:
    client, path = client_of(alice), path_of("compile", alice).replace("compile", "try")
    assert {client.get(path, headers=JSON).status_code for _ in range(5)} == {200}


def test_nought_is_without_limit(
    settings: LazySettings, alice: User, client_of: Callable[[User], Client]
) -> None:
    settings.RATE_LIMITS = {"builds": 0}
    client, path = client_of(alice), path_of("compile", alice)
    assert {client.post(path, headers=JSON).status_code for _ in range(5)} == {422}


def test_searches_are_counted_and_other_readings_of_a_log_are_not(
    clock: Any, alice: User, client_of: Callable[[User], Client]
) -> None:
    client, build = client_of(alice), built(alice)
    for _ in range(3):
        assert client.get(f"/builds/{build.pk}/log/", headers=JSON).status_code == 200
    search = f"/builds/{build.pk}/log/search/?q=error"
    for _ in range(2):
        assert client.get(search, headers=JSON).status_code == 200
    refused = client.get(search, headers=JSON)
    assert (refused.status_code, refused["Retry-After"]) == (429, "601")
    assert "Too many searches" in refused.json()["detail"]
    page = client.get(search)
    assert page.status_code == 429
    assert "Too many searches" in page.content.decode()
    assert client.head(search).status_code == 429
