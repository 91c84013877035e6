"""The providers of the catalogue: each is chosen, its key tested, and its agent asked, by its entry alone."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.model_servers import LABELS
from agentforge.telemetry.services import service_of
from builds.trial.draft_program import draft_program
from configs.choices import KeyStatus
from configs.keys.agent_environment import environment_of
from configs.keys.vault import environment_for
from configs.models import AgentConfig, ApiKey
from configs.providers import PROVIDERS, Provider
from configs.providers.catalogue import ENTRIES
from configs.revisions import create_revision
from tests.standins.model_services import (
    OTHER_MODEL,
    SERVICES,
    AzureStandIn,
    DeepSeekStandIn,
    GeminiStandIn,
    XAIStandIn,
)
from tests.standins.openai import Mode, OpenAIStandIn


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, settings: Settings) -> Iterator[tuple[Provider, OpenAIStandIn]]:
    """A provider, and the service that stands in for it."""
    with SERVICES[request.param](f"{request.param}-0123456789abcdef") as server:
        settings.AGENTFORGE_PROVIDER_URLS = {request.param: server.url}
        yield PROVIDERS[request.param], server


def _check(provider: Provider, server: OpenAIStandIn, key: str | None = None) -> Any:
    return provider.check(server.key if key is None else key, server.url if provider.asks_base_url else "")


def test_a_right_key_is_valid_and_its_models_are_known(service: tuple[Provider, OpenAIStandIn]) -> None:
    provider, server = service
    outcome = _check(provider, server)
    assert outcome.status == KeyStatus.VALID, outcome
    # A deployment at Azure has a name of its own, which no list has.
    assert outcome.models == (() if provider.code == "azure" else ("gpt-x", "gpt-x-mini"))
    assert OTHER_MODEL not in outcome.models
    # A key is in headers only.
    assert not any(server.key in asked.path for asked in server.asked)


def test_a_wrong_key_is_refused(service: tuple[Provider, OpenAIStandIn]) -> None:
    provider, server = service
    outcome = _check(provider, server, "of-nobody-0123456789")
    assert outcome.status == KeyStatus.INVALID, outcome
    assert provider.label in outcome.detail


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("unscoped", KeyStatus.UNSCOPED),
        ("no_credit", KeyStatus.NO_CREDIT),
        ("rate_limited", KeyStatus.RATE_LIMITED),
        ("html", KeyStatus.UNREACHABLE),
        ("garbage", KeyStatus.UNREACHABLE),
        ("redirect", KeyStatus.UNREACHABLE),
        ("huge", KeyStatus.UNREACHABLE),
    ],
)
def test_other_outcomes(service: tuple[Provider, OpenAIStandIn], mode: Mode, status: KeyStatus) -> None:
    provider, server = service
    server.mode = mode
    outcome = _check(provider, server)
    assert (outcome.status, outcome.models) == (status, ())
    assert len(server.asked) == 1


def test_an_account_without_credit(settings: Settings) -> None:
    with DeepSeekStandIn() as server:
        server.has_credit = False
        settings.AGENTFORGE_PROVIDER_URLS = {"deepseek": server.url}
        assert PROVIDERS["deepseek"].check(server.key).status == KeyStatus.NO_CREDIT


def test_a_blocked_key(settings: Settings) -> None:
    with XAIStandIn() as server:
        server.is_blocked = True
        settings.AGENTFORGE_PROVIDER_URLS = {"xai": server.url}
        assert PROVIDERS["xai"].check(server.key).refused


def test_a_list_of_several_pages(settings: Settings) -> None:
    with GeminiStandIn() as server:
        server.models = [f"gemini-{number}" for number in range(130)]
        settings.AGENTFORGE_PROVIDER_URLS = {"gemini": server.url}
        assert len(PROVIDERS["gemini"].check(server.key).models) == 130


def _choose(browser: Client, agent: AgentConfig, provider: Provider, server: OpenAIStandIn) -> None:
    """Save a key and choose a model in the wizard."""
    entry = {"key": server.key, **({"base_url": server.url} if provider.asks_base_url else {})}
    saved = browser.post(reverse("configs:key_save", args=[agent.pk, provider.code]), entry)
    assert saved.status_code == 302, saved.content.decode()
    assert ApiKey.objects.get(provider=provider.code).status == KeyStatus.VALID
    chosen = {"provider": provider.code, "model": "gpt-x"}
    assert browser.post(reverse("configs:keys", args=[agent.pk]), chosen).status_code == 302
    agent.refresh_from_db()


def test_chosen_in_the_wizard_the_agent_answers(
    browser: Client,
    agent: AgentConfig,
    service: tuple[Provider, OpenAIStandIn],
    settings: Settings,
    tmp_path: Path,
) -> None:
    provider, server = service
    settings.AGENTFORGE_ALLOWED_HOSTS = [server.origin.removeprefix("http://")]
    _choose(browser, agent, provider, server)
    server.asked.clear()
    document = create_revision(agent).canonical_json
    (tmp_path / "agent.json").write_text(document)
    done = subprocess.run(
        [str(asyncio.run(draft_program())), "--request", str(tmp_path / "agent.json")],
        input=json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode(),
        env=environment_for(agent, provider.code),
        capture_output=True,
        timeout=60,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (events[-1]["type"], events[-1]["text"]) == ("done", "You said: Hello"), events
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"{server.prefix}/chat/completions")
    limit = provider.request.get("max_tokens", "max_tokens")
    assert {"model", "messages", "stream", limit} <= set(asked.json)


def test_the_entries_of_this_machine_are_its_servers() -> None:
    local = {code: provider.label for code, provider in PROVIDERS.items() if provider.is_local}
    assert local == {**LABELS, "local": "Local model"}


def test_requests_are_counted_by_provider() -> None:
    for code, provider in PROVIDERS.items():
        if provider.address and not provider.keys_of:
            assert service_of(urlsplit(provider.address).hostname or "") == code


@pytest.mark.parametrize(
    ("urls", "problem"),
    [({"grok": "https://x.example.com"}, "grok"), ({"groq": "ftp://example.com"}, "groq: Only http")],
)
def test_a_wrong_address_is_reported(settings: Settings, urls: dict[str, str], problem: str) -> None:
    settings.AGENTFORGE_PROVIDER_URLS = urls
    assert [message for message in run_checks() if problem in str(message.msg)]


def test_azure_sends_the_key_in_its_own_header(settings: Settings) -> None:
    with AzureStandIn() as server:
        settings.AGENTFORGE_ALLOWED_HOSTS = [server.origin.removeprefix("http://")]
        PROVIDERS["azure"].check(server.key, server.url)
        assert "authorization" not in server.asked[0].headers


def test_one_key_of_openai_serves_both_protocols(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    saved = reverse("configs:key_save", args=[agent.pk, "openai"])
    assert browser.post(saved, {"key": openai.key}).status_code == 302
    page = browser.get(reverse("configs:keys", args=[agent.pk])).content.decode()
    assert 'id="key-openai"' in page
    assert 'id="key-openai_responses"' not in page
    wrong = {"provider": "openai_responses", "model": "gpt-9"}
    assert browser.post(reverse("configs:keys", args=[agent.pk]), wrong).status_code == 422
    chosen = {"provider": "openai_responses", "model": "gpt-x"}
    assert browser.post(reverse("configs:keys", args=[agent.pk]), chosen).status_code == 302
    agent.refresh_from_db()
    revision = create_revision(agent)
    assert json.loads(revision.canonical_json)["provider"]["api"] == "responses"
    assert environment_of(revision) == {"OPENAI_API_KEY": openai.key, "OPENAI_BASE_URL": openai.url}


def test_variables_of_providers_differ() -> None:
    for field in ("key_env", "base_url_env", "label"):
        own = [entry for entry in ENTRIES.values() if "keys_of" not in entry]
        values = [entry[field] for entry in own if entry.get(field)]
        assert len(values) == len(set(values))
