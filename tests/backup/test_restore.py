"""A backup, made while the forge runs, is restored on an empty machine, and everything in it works."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build
from configs.keys.vault import save_key
from configs.models import AgentConfig
from deployments.hosts.base import Entry
from deployments.hosts.contents import Data
from deployments.hosts.selfhost import SelfHost
from tests.drivers import people
from tests.drivers.web_process import WebProcess
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Text

from .machine import Machine, manage, passphrase_file, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PASSWORD = "correct horse battery"


@pytest.fixture
def site(alice: User, settings: Settings, tmp_path: Path) -> Path:
    """Alice's site on this machine, with a live version of two files with the same content."""
    settings.AGENTFORGE_SITES_DIR = directory = tmp_path / "sites"
    host = SelfHost(alice.pk)
    host.create_site("ada", "")
    data = Data(b"#!/bin/sh\necho hello\n")
    digest = host.digest(data, is_function=False)
    entries = [Entry("public/a.txt", digest, data), Entry("bin/agent", digest, data, is_executable=True)]
    deploy = host.create_deploy("ada", "one title", entries, draft=False)
    host.upload(deploy.id, entries[0], lambda count: None)
    host.deploy("ada", deploy.id)
    host.publish("ada", deploy.id)
    return directory


def test_everything_works_on_an_empty_machine(
    build: Build,
    agent: AgentConfig,
    alice: User,
    site: Path,
    client_of: Callable[[User], Client],
    work: Callable[[], None],
    local_model: OpenAIStandIn,
    empty: Machine,
    root: Path,
) -> None:
    people.set_password(alice, PASSWORD)
    save_key(alice, "openai", "sk-test-0123456789abcdef")
    local_model.replies.append(Text(("Twice a day.",)))
    client_of(alice).post(reverse("builds:send", args=[agent.pk]), {"content": "When do tides turn?"})
    work()
    word = passphrase_file(root)
    saved = manage(
        "backup", root / "saved", "--passphrase-file", word, more={"AGENTFORGE_SITES_DIR": str(site)}
    )
    assert saved.returncode == 0, said(saved)

    restored = empty.manage("restore", root / "saved", "--passphrase-file", word, "--yes")
    assert restored.returncode == 0, said(restored)

    local_model.replies.append(Text(("It still does.",)))
    empty.environment["LOCAL_MODEL_URL"] = local_model.url
    with WebProcess(**empty.environment) as web, httpx.Client(base_url=web.url, timeout=60) as script:
        script.headers["Accept"] = "application/json"
        tokens = script.post("/sign-in/", json={"email": alice.email, "password": PASSWORD}).json()["tokens"]
        script.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        assert script.get(f"/agents/{agent.pk}/identity/").status_code == 200
        assert script.get(f"/builds/{build.pk}/").json()["build"]["status"] == "succeeded"
        assert "go build" in script.get(f"/builds/{build.pk}/log.txt").text
        with zipfile.ZipFile(io.BytesIO(script.get(f"/builds/{build.pk}/download/").content)) as archive:
            assert archive.testzip() is None and "ada.so" in archive.namelist()
        asked = script.post(f"/agents/{agent.pk}/try/messages/", json={"content": "Does it still turn?"})
        assert asked.status_code == 202, asked.text
        worked = empty.manage("procrastinate", "worker", "--queues", "trials", "--one-shot")
        assert worked.returncode == 0, said(worked)
        chat = script.get(f"/agents/{agent.pk}/try/").text
        assert "Twice a day." in chat and "It still does." in chat
    assert "1 current, 0 unreadable" in said(empty.manage("rotate_keys"))
    live = empty.var / "sites" / str(alice.pk) / "ada" / "live"
    done = subprocess.run([live / "bin" / "agent"], capture_output=True, check=True)
    assert done.stdout == b"hello\n"
    assert (live / "public" / "a.txt").stat().st_nlink == 3
