from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from configs import recovery, validation
from configs.choices import Tab
from configs.keys import vault
from configs.models import AgentConfig, ProcessRun
from tests.standins.openai import OpenAIStandIn

IDENTITY = {"name": "Ada", "handle": "ada", "type": "assistant", "version": "0.1.0"}


def tell(agent: AgentConfig) -> list[dict[str, Any]]:
    """Return the records of the agent's stream, without their times."""
    return [
        {name: value for name, value in record.items() if name not in ("t", "ms", "kind", "run")}
        for _, record in streams.read(agent.stream_name)
    ]


def _connector() -> DjangoConnector:
    return cast(DjangoConnector, app.connector)


async def _work() -> None:
    with app.replace_connector(_connector().get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                queues=["process"], wait=False, install_signal_handlers=False, listen_notify=False
            )


@pytest.fixture
def work(transactional_db: None) -> Callable[[], None]:
    """Return a function that runs a real worker until no job is left."""
    return lambda: asyncio.run(_work())


def test_worker_walks_the_tabs_to_ready(
    work: Callable[[], None], browser: Client, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    sent = browser.post(f"/agents/{agent.pk}/process/", {"tab": "personality"})
    assert sent.headers["Location"] == f"/agents/{agent.pk}/personality/"
    waiting = browser.get(f"/agents/{agent.pk}/identity/").content.decode()
    assert "Next in the queue; no worker runs at the moment." in waiting
    work()
    run = ProcessRun.objects.get()
    assert run.status == "ready"
    assert run.finished_at is not None
    assert [step["state"] for step in run.steps] == ["valid"] * 5
    assert all(step["ms"] >= 0 for step in run.steps)
    page = browser.get(f"/agents/{agent.pk}/identity/").content.decode()
    assert "Ready to compile." in page
    assert page.count('data-state="valid"') == 5
    data = tell(agent)
    assert data[0] == {"status": "queued", "tabs": [tab.value for tab in Tab]}
    assert data[1] == {"status": "running"}
    assert data[-1] == {"status": "ready"}
    assert [(entry["tab"], entry["state"]) for entry in data if "tab" in entry] == [
        (tab.value, state) for tab in Tab for state in ("checking", "valid")
    ]
    assert local_model.asked


def walked(agent: AgentConfig) -> ProcessRun:
    """Return a run over the agent's tabs, made in this process."""
    run = validation.start_run(agent)
    validation.validate_draft(run.pk)
    run.refresh_from_db()
    return run


def states(run: ProcessRun) -> list[str]:
    return [step["state"] for step in run.steps]


def test_stops_at_the_first_invalid_tab_and_shows_its_messages(
    browser: Client, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(traits=[], memory_turns=99)
    run = walked(agent)
    assert (run.status, states(run)) == ("invalid", ["valid", "valid", "invalid", "pending", "pending"])
    page = browser.get(f"/agents/{agent.pk}/personality/").content.decode()
    assert "Choose at least one trait." in page
    # What is shown was saved, and not typed just now.
    assert "The last check found 1 field that needs attention." in " ".join(page.split())
    assert "nothing was saved" not in page and "Not saved" not in page
    assert tell(agent)[-2]["errors"] == {"traits": ["Choose at least one trait."]}
    assert tell(agent)[-1] == {"status": "invalid"}


def test_refused_key_stops_at_the_keys(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, alice: User
) -> None:
    key = vault.save_key(alice, "openai", openai.key)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    assert walked(agent).status == "ready"
    openai.mode = "invalid"
    run = walked(agent)
    assert states(run)[:2] == ["valid", "invalid"]
    key.refresh_from_db()
    assert key.status == "invalid"
    page = browser.get(f"/agents/{agent.pk}/keys/").content.decode()
    assert "OpenAI refused this key (401)." in page


def test_model_that_is_gone_stops_at_the_keys(agent: AgentConfig, openai: OpenAIStandIn, alice: User) -> None:
    vault.save_key(alice, "openai", openai.key)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-retired")
    run = walked(agent)
    assert run.steps[1]["errors"] == {
        "model": ["OpenAI does not offer this model. Choose one from its list."]
    }


def test_unreachable_provider_lets_one_go_on_and_says_so(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, alice: User
) -> None:
    vault.save_key(alice, "openai", openai.key)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    openai.mode = "html"
    run = walked(agent)
    assert run.status == "ready"
    assert "could not answer (502)" in run.steps[1]["notes"][0]
    assert "could not answer (502)" in browser.get(f"/agents/{agent.pk}/identity/").content.decode()


@pytest.mark.parametrize("why", ["missing", "unreadable", "switched off", "unknown"])
def test_keys_that_can_not_work(agent: AgentConfig, alice: User, settings: Settings, why: str) -> None:
    provider = {"switched off": "local", "unknown": "gone"}.get(why, "openai")
    AgentConfig.objects.filter(pk=agent.pk).update(provider=provider, model="gpt-x")
    settings.LOCAL_MODEL = why != "switched off"
    if why == "unreadable":
        vault.save_key(alice, "openai", "sk-x")
        settings.AGENTFORGE_VAULT_KEYS = [Fernet.generate_key().decode()]
    run = walked(agent)
    assert states(run)[:2] == ["valid", "invalid"]
    assert run.steps[1]["errors"]["provider"]


def test_a_change_makes_ready_outdated(
    browser: Client, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    walked(agent)
    browser.post(
        f"/agents/{agent.pk}/identity/",
        {"name": "Ada 2", "handle": "ada", "type": "analyst", "version": "1.0.0"},
    )
    page = browser.get(f"/agents/{agent.pk}/identity/").content.decode()
    assert "Changed since the last check: Identity." in page
    assert 'data-status="outdated"' in page
    assert page.count('data-state="outdated"') == 1
    assert page.count('data-state="valid"') == 4
    browser.post(f"/agents/{agent.pk}/identity/", IDENTITY)
    assert 'data-status="ready"' in browser.get(f"/agents/{agent.pk}/keys/").content.decode()


def test_a_save_answers_htmx_with_the_states_that_it_changed(
    browser: Client, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    walked(agent)
    saved = browser.post(
        f"/agents/{agent.pk}/identity/", {**IDENTITY, "name": "Grace"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert "Changed since the last check: Identity." in saved
    assert re.search(r'id="rail"[^>]* data-hx-swap-oob="true"', saved)
    assert '<span class="break">Grace</span>' in saved


def test_a_key_replaced_since_the_check_marks_its_tab(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, alice: User
) -> None:
    vault.save_key(alice, "openai", openai.key)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    walked(agent)
    vault.save_key(alice, "openai", "sk-another-key")
    page = browser.get(f"/agents/{agent.pk}/identity/").content.decode()
    assert "Changed since the last check: API keys." in page


def test_a_new_run_takes_the_place_of_an_unfinished_one(
    agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    first = validation.start_run(agent)
    second = validation.start_run(agent)
    validation.validate_draft(first.pk)
    validation.validate_draft(second.pk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("failed", "ready")
    assert states(first) == ["pending"] * 5


def test_replaced_in_the_middle_it_stops_quietly(agent: AgentConfig, local_model: OpenAIStandIn) -> None:
    run = validation.start_run(agent)
    ProcessRun.objects.filter(pk=run.pk).update(status="failed")
    with pytest.raises(validation.Replaced):
        validation._check(run, Tab.IDENTITY)
    assert validation.fail_run(run.pk) is False


def test_deleted_agent_ends_its_run(agent: AgentConfig, browser: Client) -> None:
    run = validation.start_run(agent)
    browser.post(f"/agents/{agent.pk}/delete/", {"handle": "ada"})
    validation.validate_draft(run.pk)
    assert not ProcessRun.objects.exists()


def test_run_of_a_dead_worker_ends(agent: AgentConfig, browser: Client) -> None:
    run = validation.start_run(agent)
    assert recovery.recover() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [run.job_id])
    ProcessRun.objects.filter(pk=run.pk).update(status="running")
    assert recovery.recover() == 1
    run.refresh_from_db()
    assert run.status == "failed"
    assert ProcrastinateJob.objects.get(pk=run.job_id).status == "failed"
    page = browser.get(f"/agents/{agent.pk}/identity/").content.decode()
    assert "Run it again." in page


def test_scripts_get_the_channel_to_follow(agent: AgentConfig, browser: Client) -> None:
    answer = browser.post(f"/agents/{agent.pk}/process/", headers={"Accept": "application/json"})
    assert answer.status_code == 202
    assert answer.json()["channel"] == f"agent-{agent.pk}"


def test_is_a_post_for_the_owner_only(
    agent: AgentConfig, browser: Client, bob: User, client_of: Callable[[User], Client]
) -> None:
    assert browser.get(f"/agents/{agent.pk}/process/").status_code == 405
    assert client_of(bob).post(f"/agents/{agent.pk}/process/").status_code == 404
    assert not ProcessRun.objects.exists()
