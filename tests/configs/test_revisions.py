from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from agentforge.accounts.models import User
from configs import revisions
from configs.documents import document as documents
from configs.keys import vault
from configs.models import AgentConfig, Revision
from tests.drivers.forgery import without_digest_check


def test_canonical_json_is_sorted_compact_and_utf8() -> None:
    assert revisions.canonical_json({"b": [1, 0.5, True, None], "a": "é\u2028👩"}) == (
        '{"a":"é\u2028👩","b":[1,0.5,true,null]}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        revisions.canonical_json({"a": value})


def test_same_content_is_the_same_revision(agent: AgentConfig) -> None:
    first = revisions.create_revision(agent)
    again = revisions.create_revision(agent)
    assert first.pk == again.pk
    AgentConfig.objects.filter(pk=agent.pk).update(tone="warm")
    second = revisions.create_revision(agent)
    AgentConfig.objects.filter(pk=agent.pk).update(tone="neutral")
    assert revisions.create_revision(agent).pk == first.pk
    assert (first.number, second.number) == (1, 2)
    assert Revision.objects.count() == 2
    assert first.sha256 == hashlib.sha256(first.canonical_json.encode()).hexdigest()
    assert first.owner_id == agent.owner_id


def test_content_is_what_the_agent_reads(agent: AgentConfig) -> None:
    agent.response_length, agent.creativity, agent.tools = "brief", 0.25, ["clock", "calculator"]
    agent.save()
    content = json.loads(revisions.create_revision(agent).canonical_json)
    assert content["schema"] == 1
    assert content["sampling"] == {"max_tokens": 256, "temperature": 0.25}
    assert content["capabilities"] == {
        "memory": {"enabled": True, "turns": 10},
        "tools": ["calculator", "clock"],
    }
    assert content["limits"] == {"tool_rounds": 5, "seconds": 60, "memory_mb": 512}
    assert set(content["provider"]) == {"code", "api", "base_url", "key_env", "base_url_env", "model"}
    assert content["system_prompt"].startswith("You are Ada.")


def test_compatible_server_takes_its_address_from_the_key(agent: AgentConfig, alice: User) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai_compatible")
    vault.save_key(alice, "openai_compatible", "", "https://models.example.com/v1")
    provider = json.loads(revisions.create_revision(agent).canonical_json)["provider"]
    assert (provider["base_url"], provider["key_env"]) == ("https://models.example.com/v1", "")
    vault.save_key(alice, "openai_compatible", "a key", "https://models.example.com/v1")
    provider = json.loads(revisions.create_revision(agent).canonical_json)["provider"]
    assert provider["key_env"] == "AGENT_API_KEY"


def test_example_is_a_valid_document_on_the_local_model() -> None:
    text = (Path(__file__).parents[2] / "examples" / "ada.yaml").read_text()
    agent = documents.parse(text).agent()
    assert (agent.name, agent.provider, agent.traits) == (
        "Ada",
        "local",
        ["curious", "precise", "encouraging"],
    )
    assert revisions.canonical_json(revisions.configuration(agent))


@pytest.mark.django_db(transaction=True)
def test_a_digest_that_was_forged_before_the_database_checked_it_is_corrected(alice: User) -> None:
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada")
    other = AgentConfig.objects.create(owner=alice, name="Bea", handle="bea")
    call_command("migrate", "configs", "0006", verbosity=0)
    rows = [(agent, 1, "{}", "forged"), (agent, 2, "{}", "forged twice"), (other, 1, "[]", "forged")]
    with without_digest_check(), connection.cursor() as cursor:
        for owner, number, document, digest in rows:
            # By its columns of then: the model has more now.
            cursor.execute(
                "INSERT INTO configs_revision "
                "(owner_id, agent_id, number, canonical_json, sha256, created_at) "
                "VALUES (%s, %s, %s, %s, %s, now())",
                [alice.pk, owner.pk, number, document, digest],
            )
    call_command("migrate", verbosity=0)
    digests = Revision.objects.order_by("agent_id", "number").values_list("sha256", flat=True)
    assert list(digests) == [
        hashlib.sha256(b"{}").hexdigest(),
        "forged twice",
        hashlib.sha256(b"[]").hexdigest(),
    ]
