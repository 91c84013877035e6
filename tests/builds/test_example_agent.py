"""A new account begins with an agent that is compiled already."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from procrastinate.exceptions import AlreadyEnqueued
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds import tasks
from builds.compiler.go_command import go_directory
from builds.execution import prepared
from builds.models import Build, BuildStatus
from builds.queue import jobs
from configs.models import AgentConfig
from tests.drivers.html_tree import read_html
from tests.drivers.ports import free_port
from tests.drivers.queue_tick import strike
from tests.standins.openai import OpenAIStandIn

PASSWORD = "a workshop of one's own"


@pytest.fixture
def offered(settings: Settings, local_model: OpenAIStandIn) -> None:
    settings.EXAMPLE_AGENT = True


@pytest.fixture
def nothing_prepared() -> Iterator[None]:
    def remove() -> None:
        for name in ("prepared", f"prepared.{os.getpid()}"):
            shutil.rmtree(go_directory() / name, ignore_errors=True)

    remove()
    yield
    remove()


def warm_up(work: Callable[[], None]) -> None:
    # The worker's own clock may have enqueued it already.
    with suppress(AlreadyEnqueued):
        tasks.warm_up.defer()
    work()


def sign_up(name: str = "new") -> Client:
    client = Client()
    response = client.post("/sign-up/", {"email": f"{name}@example.com", "password": PASSWORD})
    assert response.status_code == 302
    return client


@pytest.mark.django_db(transaction=True)
def test_a_new_account_finds_an_agent_that_was_compiled_while_the_cache_warmed(
    offered: None, nothing_prepared: None, work: Callable[[], None]
) -> None:
    strike(jobs.WARM, datetime.now(UTC))
    packages = {path.name for path in (go_directory() / "prepared").iterdir()}
    client = sign_up()
    assert "Ada" in client.get("/agents/").content.decode()
    work()
    build = Build.objects.get()
    target = build.per_target.get()
    assert (build.status, target.from_cache, {target.input_digest}) == (
        BuildStatus.SUCCEEDED,
        True,
        packages,
    )
    assert {step["name"] for step in target.steps} & {"Compile the plugin"} == set()
    names = set(build.artifacts.values_list("name", flat=True))
    assert "ada.so" in names
    assert client.get(f"/builds/{build.pk}/files/ada.so").status_code == 200
    warm_up(work)
    assert {path.name for path in (go_directory() / "prepared").iterdir()} == packages


@pytest.mark.django_db(transaction=True)
def test_without_a_prepared_package_it_is_compiled(
    offered: None, nothing_prepared: None, work: Callable[[], None]
) -> None:
    sign_up()
    work()
    assert Build.objects.get().status == BuildStatus.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_damaged_package_is_not_given_to_anybody(
    offered: None, nothing_prepared: None, work: Callable[[], None]
) -> None:
    warm_up(work)
    [package] = (go_directory() / "prepared").iterdir()
    program = package / "ada.so"
    program.chmod(0o755)
    program.write_bytes(program.read_bytes()[:-1])
    assert prepared.files(package.name) == []
    sign_up()
    work()
    assert Build.objects.get().per_target.get().from_cache is False


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_a_killed_worker_left_is_no_obstacle(
    offered: None, nothing_prepared: None, work: Callable[[], None]
) -> None:
    # In a container, every worker has the same process id.
    left = go_directory() / f"prepared.{os.getpid()}"
    left.mkdir(parents=True)
    (left / "ada.so").write_bytes(b"half")
    warm_up(work)
    [package] = (go_directory() / "prepared").iterdir()
    assert prepared.files(package.name)
    assert not left.exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_checked_as_everything_is_that_is_compiled(offered: None) -> None:
    client = sign_up()
    agent = AgentConfig.objects.get()
    page = read_html(client.get(f"/agents/{agent.pk}/identity/").content.decode())
    tabs = [item for item in page.all(cls="rail-item") if "data-checked" in item]
    assert [item["data-state"] for item in tabs] == ["valid"] * 5
    # It was created at the account's request, although nobody was signed in yet.
    assert "somebody not signed in" not in client.get("/activity/").content.decode()
    assert page.first(cls="rail-outcome").text == "Every tab is checked."


@pytest.mark.django_db(transaction=True)
def test_it_is_compiled_while_the_model_is_still_starting(offered: None, settings: Settings) -> None:
    settings.LOCAL_MODEL_URL = f"http://127.0.0.1:{free_port()}/v1"
    sign_up()
    assert Build.objects.get().status == BuildStatus.QUEUED


@pytest.mark.django_db(transaction=True)
def test_it_uses_a_model_that_the_operators_own_server_offers(
    offered: None, local_model: OpenAIStandIn
) -> None:
    local_model.models = ["bigger-model"]
    cache.clear()
    sign_up()
    assert AgentConfig.objects.get().model == "bigger-model"


@pytest.mark.django_db(transaction=True)
def test_the_history_says_whether_a_build_has_the_draft(
    offered: None, nothing_prepared: None, work: Callable[[], None]
) -> None:
    client = sign_up()
    agent = AgentConfig.objects.get()
    history = f"/agents/{agent.pk}/revisions/"
    work()
    assert "Needs no new build" in client.get(history).content.decode()
    client.post(f"/agents/{agent.pk}/identity/", {"name": "Ada Prime", "type": "analyst", "version": "1.0.0"})
    assert "Needs a new build" in client.get(history).content.decode()
    # A revision that only a restoring made was never compiled.
    client.post(f"{history}1/restore/")
    assert "Needs no new build" in client.get(history).content.decode()
    client.post(f"{history}2/restore/")
    page = client.get(history).content.decode()
    assert "The same as revision 2." in page
    assert "Needs a new build" in page


@pytest.mark.django_db(transaction=True)
def test_there_is_none_where_nothing_would_answer(offered: None, settings: Settings) -> None:
    settings.LOCAL_MODEL = False
    sign_up("without-a-model")
    settings.LOCAL_MODEL = True
    settings.EXAMPLE_AGENT = False
    sign_up("switched-off")
    assert not AgentConfig.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_account_is_stored_though_the_example_is_not(
    offered: None, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BASE_DIR = tmp_path
    sign_up()
    assert User.objects.get().email == "new@example.com"
    assert not AgentConfig.objects.exists()
    assert "The example agent" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_first_compilation_of_a_plugin_takes_seconds_once_the_cache_is_warm(
    browser: Client, agent: AgentConfig, work: Callable[[], None]
) -> None:
    # What other tests compiled is not this forge's usual time.
    cache.clear()
    warm_up(work)
    page = browser.get(f"/agents/{agent.pk}/builds/").content.decode()
    assert "MB · takes seconds, for its packages are compiled" in page
    assert "never built here: the first time takes minutes" in page
