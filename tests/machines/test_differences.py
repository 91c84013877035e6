"""Two machines whose secrets or directories differ are told so, by every means, before harm is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.machines import sharing, start
from agentforge.machines.models import SharedFingerprint
from agentforge.shared_secrets import TABLE, VAULT, SharedSecret
from configs.keys.vault import save_key
from tests.backup.machine import manage, said
from tests.drivers.web_process import WebProcess

pytestmark = pytest.mark.django_db(transaction=True)
Machine = Callable[[str], dict[str, str]]


@pytest.fixture
def recorded(alice: User) -> None:
    """This machine was the first of the forge."""
    start.compare()


def names() -> list[str]:
    with connection.cursor() as cursor:
        return [difference.variable for difference in sharing.differences(cursor)]


@pytest.mark.parametrize("secret", TABLE, ids=lambda secret: secret.variable)
def test_another_secret_is_named_by_all_that_examine(
    secret: SharedSecret, machine: Machine, recorded: None
) -> None:
    second = machine("second")
    secret.path(Path(second["AGENTFORGE_VAR"])).write_text(secret.generate())
    with WebProcess(**second) as web:
        answer = httpx.get(f"{web.url}/readyz", timeout=30)
    shared = answer.json()["checks"]["shared by all machines"]
    assert answer.status_code == 503 and shared["state"] == "failed"
    assert shared["says"].startswith(f"{secret.variable} (or var/secrets/{secret.file})")
    checked = manage("check", more=second)
    assert checked.returncode == 1 and f"(machines.E001) {secret.variable}" in said(checked)
    value = secret.path(Path(second["AGENTFORGE_VAR"])).read_text()
    assert value not in said(checked) and value not in answer.text


def test_the_same_secrets_are_equal_wherever_they_come_from(machine: Machine, recorded: None) -> None:
    second = machine("second")
    for secret in TABLE:
        second[secret.variable] = secret.path(Path(second["AGENTFORGE_VAR"])).read_text()
        secret.path(Path(second["AGENTFORGE_VAR"])).unlink()
    done = manage("shared_secrets", more=second)
    assert done.returncode == 0 and "Nothing differs" in said(done), said(done)
    assert list((Path(second["AGENTFORGE_VAR"]) / "secrets").iterdir()) == []


@pytest.mark.parametrize("secret", TABLE, ids=lambda secret: secret.variable)
def test_no_new_secret_is_made_over_data(secret: SharedSecret, machine: Machine, recorded: None) -> None:
    second = machine("second")
    file = secret.path(Path(second["AGENTFORGE_VAR"]))
    file.unlink()
    worker = ("procrastinate", "worker", "--queues", "nothing", "--one-shot")
    for command in (("serve", "--port", "0"), worker):
        done = manage(*command, more=second)
        assert done.returncode == 1 and "No new one was made" in said(done), said(done)
        assert f"{secret.variable} is not set, and var/secrets/{secret.file} is not there" in said(done)
        assert "Traceback" not in said(done)
    assert not file.exists()


def test_files_of_builds_on_two_disks_are_refused(machine: Machine, recorded: None) -> None:
    second = machine("second")
    del second["AGENTFORGE_ARTIFACTS_DIR"]
    for command in (("serve", "--port", "0"), ("procrastinate", "worker", "--one-shot")):
        done = manage(*command, more=second)
        assert done.returncode == 1, said(done)
        assert "is not the directory with the files of builds that" in said(done)
    assert "AGENTFORGE_ARTIFACTS_DIR" in said(manage("check", more=second))


def test_a_vault_key_rolls_over_all_machines(alice: User, settings: Settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.AGENTFORGE_VAULT_KEYS = [old]
    save_key(alice, "openai", "sk-test-0123456789abcdef")
    start.compare()
    settings.AGENTFORGE_VAULT_KEYS = [new, old]
    start.compare()
    assert names() == []
    settings.AGENTFORGE_VAULT_KEYS = [old]
    assert names() == [VAULT.variable]
    settings.AGENTFORGE_VAULT_KEYS = [new]
    assert names() == [VAULT.variable]
    settings.AGENTFORGE_VAULT_KEYS = [new, old]
    call_command("rotate_keys", "--yes", stdout=StringIO())
    settings.AGENTFORGE_VAULT_KEYS = [new]
    start.compare()
    assert names() == []


def test_what_was_changed_everywhere_is_accepted(recorded: None, settings: Settings) -> None:
    settings.SECRET_KEY_GIVEN = "another"
    with pytest.raises(CommandError, match="1 differ"):
        call_command("shared_secrets", stdout=StringIO(), stderr=StringIO())
    call_command("shared_secrets", "--accept", stdout=StringIO())
    assert names() == [] and SharedFingerprint.objects.filter(variable="SECRET_KEY").count() == 1


def test_doctor_examines_the_vault(alice: User, settings: Settings) -> None:
    save_key(alice, "openai", "sk-test-0123456789abcdef")
    settings.AGENTFORGE_VAULT_KEYS = [Fernet.generate_key().decode()]
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("doctor", "--json", "--url", "http://127.0.0.1:9", stdout=out)
    lines = {line.get("name"): line for line in map(json.loads, out.getvalue().splitlines())}
    assert lines["vault"]["state"] == "failed"
    assert lines["vault"]["says"].startswith("1 of 1 API key can't be read")
