from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.keys import rotation, vault
from configs.models import ApiKey

CODES = ("openai", "anthropic", "openai_compatible")


def rotate(*options: str) -> dict[str, int]:
    """Return the report; one key can't be read, which the exit code says too."""
    out = StringIO()
    with pytest.raises(CommandError, match="1 API key can't be read with AGENTFORGE_VAULT_KEYS"):
        call_command("rotate_keys", "--json", *options, stdout=out)
    report: dict[str, int] = json.loads(out.getvalue())
    return report


@pytest.fixture
def keys(alice: User, settings: Settings) -> list[str]:
    """Alice's three API keys, encrypted with an old key, with a new one in front; one can't be read."""
    old, new, lost = (Fernet.generate_key().decode() for _ in range(3))
    settings.AGENTFORGE_VAULT_KEYS = [lost]
    vault.save_key(alice, CODES[2], "key 2")
    settings.AGENTFORGE_VAULT_KEYS = [old]
    for number, code in enumerate(CODES[:2]):
        vault.save_key(alice, code, f"key {number}")
    settings.AGENTFORGE_VAULT_KEYS = [new, old]
    return [new, old]


def test_without_yes_nothing_changes(keys: list[str]) -> None:
    before = list(ApiKey.objects.order_by("pk").values_list("ciphertext", flat=True))
    assert rotate() == {"rotated": 2, "current": 0, "unreadable": 1, "applied": False}
    after = list(ApiKey.objects.order_by("pk").values_list("ciphertext", flat=True))
    assert [bytes(value) for value in before] == [bytes(value) for value in after]


def test_the_old_key_can_go_afterwards(keys: list[str], alice: User, settings: Settings) -> None:
    assert rotate("--yes", "--batch", "1")["rotated"] == 2
    settings.AGENTFORGE_VAULT_KEYS = keys[:1]
    result = [vault.reveal(ApiKey.objects.get(owner=alice, provider=code), "test") for code in CODES[:2]]
    assert result == ["key 0", "key 1"]
    assert rotate("--yes") == {"rotated": 0, "current": 2, "unreadable": 1, "applied": True}


def test_stopped_half_way_the_next_run_does_the_rest(keys: list[str]) -> None:
    seen: list[int] = []

    def one_batch_was_seen() -> bool:
        return len(seen) > 1

    note: Callable[[rotation.Report], None] = lambda report: seen.append(report.rotated)  # noqa: E731
    first = rotation.rotate(apply=True, batch_size=1, stop=one_batch_was_seen, progress=note)
    rest = rotation.rotate(apply=True, progress=note)
    assert first.rotated == 1
    assert (rest.rotated, rest.current) == (1, 1)


def test_wrong_use_is_a_command_error(keys: list[str], settings: Settings) -> None:
    with pytest.raises(CommandError, match="batch"):
        call_command("rotate_keys", "--batch", "0")
    settings.AGENTFORGE_VAULT_KEYS = ["nonsense"]
    with pytest.raises(CommandError, match="Fernet"):
        call_command("rotate_keys")


def test_says_what_it_would_do(keys: list[str]) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="can't be read"):
        call_command("rotate_keys", stdout=out)
    assert "2 to rotate" in out.getvalue()
    assert "--yes" in out.getvalue()
