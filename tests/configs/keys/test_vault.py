from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from configs.checks import check_operators_urls, check_vault_keys
from configs.keys import vault
from configs.models import AgentConfig, ApiKey
from tests.drivers.planted_key import SECRET, every_row, places_of
from tests.standins.openai import OpenAIStandIn


def test_reveals_what_was_saved(alice: User) -> None:
    key = vault.save_key(alice, "openai", SECRET)
    assert vault.reveal(ApiKey.objects.get(pk=key.pk), "test") == SECRET
    assert key.last_four == "8031"
    assert len(key.fingerprint) == 16


def test_saving_again_replaces(alice: User) -> None:
    vault.save_key(alice, "openai", SECRET)
    vault.save_key(alice, "openai", SECRET + "new")
    assert vault.reveal(ApiKey.objects.get(owner=alice), "test") == SECRET + "new"


def test_short_keys_show_nothing_of_themselves(alice: User) -> None:
    assert vault.save_key(alice, "openai", "short").last_four == ""


def test_fingerprint_tells_keys_apart_but_not_across_users(alice: User, bob: User) -> None:
    assert vault.fingerprint(alice, SECRET) == vault.fingerprint(alice, SECRET)
    assert vault.fingerprint(alice, SECRET) != vault.fingerprint(alice, SECRET + "x")
    assert vault.fingerprint(alice, SECRET) != vault.fingerprint(bob, SECRET)


def test_lost_encryption_key_needs_reentry(
    alice: User, browser: Client, agent: AgentConfig, settings: Settings
) -> None:
    key = vault.save_key(alice, "openai", SECRET)
    settings.AGENTFORGE_VAULT_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(vault.KeyNeedsReentry):
        vault.reveal(key, "test")
    with pytest.raises(vault.KeyNeedsReentry):
        vault.environment_for(AgentConfig(owner=alice), "openai")
    page = browser.get(f"/agents/{agent.pk}/keys/")
    assert page.status_code == 200
    assert "Needs re-entry" in page.content.decode()
    tested = browser.post(f"/agents/{agent.pk}/keys/openai/test/", follow=True)
    assert "Enter it again" in tested.content.decode()


@pytest.mark.parametrize("change", ["owner", "provider", "base_url", "garbage"])
def test_ciphertext_serves_only_its_own_row(alice: User, bob: User, change: str) -> None:
    key = vault.save_key(alice, "openai_compatible", SECRET, "https://models.example.com/v1")
    if change == "owner":
        key.owner = bob
    elif change == "provider":
        key.provider = "openai"
    elif change == "base_url":
        key.base_url = "https://evil.example.com/v1"
    else:
        key.ciphertext = b"\x00\xff"
    with pytest.raises(vault.KeyNeedsReentry):
        vault.reveal(key, "test")


def test_environment_has_what_the_agent_reads(alice: User, settings: Settings) -> None:
    settings.AGENTFORGE_OPENAI_URL = ""
    vault.save_key(alice, "openai", SECRET)
    vault.save_key(alice, "openai_compatible", "", "https://models.example.com/v1")
    assert vault.environment_for(AgentConfig(owner=alice), "openai") == {
        "OPENAI_API_KEY": SECRET,
        "OPENAI_BASE_URL": "https://api.openai.com/v1",
    }
    assert vault.environment_for(AgentConfig(owner=alice), "openai_compatible") == {
        "AGENT_BASE_URL": "https://models.example.com/v1"
    }
    local = vault.environment_for(AgentConfig(owner=alice), "local")
    assert local == {"LOCAL_MODEL_URL": settings.LOCAL_MODEL_URL}


def test_environment_without_a_key_says_so(alice: User) -> None:
    with pytest.raises(vault.KeyMissing, match="OpenAI"):
        vault.environment_for(AgentConfig(owner=alice), "openai")


def test_first_key_of_the_vault_is_made_once_and_private(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR, settings.AGENTFORGE_VAULT_KEYS = tmp_path, []
    first = vault.encryption_keys()
    path = tmp_path / "secrets" / "vault"
    assert vault.encryption_keys() == first
    assert Fernet(first[0])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["vault"]


def test_wrong_settings_are_named_without_their_value(settings: Settings) -> None:
    settings.AGENTFORGE_VAULT_KEYS = [Fernet.generate_key().decode(), "not-a-key"]
    settings.AGENTFORGE_OPENAI_URL = "ftp://example.com"
    (problem,) = check_vault_keys()
    assert "entry 2" in str(problem.msg)
    assert "not-a-key" not in str(problem)
    assert [result.id for result in check_operators_urls()] == ["configs.E002"]


def test_planted_secret_is_found_nowhere(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    openai.key = SECRET
    saved = browser.post(f"/agents/{agent.pk}/keys/openai/", {"key": f"  {SECRET}\n"}, follow=True)
    openai.mode = "invalid"
    refused = browser.post(f"/agents/{agent.pk}/keys/openai/", {"key": SECRET})
    tested = browser.post(f"/agents/{agent.pk}/keys/openai/test/", follow=True)
    listed = browser.get("/agents/")
    assert openai.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (saved.status_code, refused.status_code) == (200, 422)
    pages = [response.content.decode() for response in (saved, refused, tested, listed)]
    events = [str(record) for _, record in streams.read(agent.stream_name)]
    rows = every_row()
    assert ApiKey.objects.get().fingerprint in rows
    places = [*pages, *events, rows, caplog.text]
    assert places_of(SECRET, ((place[:80], place.encode()) for place in places)) == []
