"""Revisions written past the forge: through Supabase's API, or by somebody who may do everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import ProgrammingError, connection
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.tenancy import rls
from builds.models import Build, ChatMessage
from builds.services import enqueue_build, enqueue_revision
from builds.trial import chat
from configs.keys import vault
from configs.models import AgentConfig, Revision
from configs.revisions import canonical_json
from tests.drivers.forgery import without_digest_check
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
KEY = "sk-test-0123456789abcdef"
_INSERT = """
INSERT INTO configs_revision (owner_id, agent_id, number, canonical_json, sha256, created_at)
VALUES (%s, %s, %s, %s, %s, now()) RETURNING id
"""


@pytest.fixture
def server(settings: Settings) -> Iterator[OpenAIStandIn]:
    """The server that alice's key is for; servers of this machine can be reached."""
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with OpenAIStandIn(KEY) as standin:
        yield standin


@pytest.fixture
def stranger() -> Iterator[OpenAIStandIn]:
    """A server that wants to have the key."""
    with OpenAIStandIn(needs_key=False) as standin:
        yield standin


@pytest.fixture
def honest(agent: AgentConfig, alice: User, server: OpenAIStandIn, work: Work) -> Build:
    """A finished build of an agent with a key for a server of its owner's choice."""
    vault.save_key(alice, "openai_compatible", KEY, server.url)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai_compatible", model="gpt-x")
    build = enqueue_build(agent, by=alice)
    work()
    build.refresh_from_db()
    assert build.status == "succeeded"
    return build


def forged(revision: Revision, **changes: Any) -> str:
    document = json.loads(revision.canonical_json)
    document["provider"] |= changes
    return canonical_json(document)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def answer_to(agent: AgentConfig, by: User, work: Work) -> ChatMessage:
    _, answer = chat.ask(agent, by=by, text="Hello")
    work()
    answer.refresh_from_db()
    return answer


def test_supabases_api_takes_no_revision(honest: Build, alice: User, stranger: OpenAIStandIn) -> None:
    """The role and the claims of PostgREST, and the digest of an honest document."""
    revision = honest.revision
    document = forged(revision, base_url=stranger.url, base_url_env="")
    row: list[Any] = [alice.pk, revision.agent_id, 2, document, revision.sha256]
    for statement, values in (
        (_INSERT, row),
        ("UPDATE configs_revision SET canonical_json = %s", [document]),
        ("UPDATE configs_apikey SET base_url = %s", [stranger.url]),
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            rls.as_user(alice.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)


def test_a_revision_that_reads_its_address_elsewhere_gets_no_key(
    honest: Build, alice: User, stranger: OpenAIStandIn, work: Work
) -> None:
    agent = honest.revision.agent
    document = forged(honest.revision, base_url=stranger.url, base_url_env="")
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [alice.pk, agent.pk, 2, document, digest(document)])
        [pk] = cursor.fetchone()
    build = enqueue_revision(Revision.objects.get(pk=pk), by=alice)
    work()
    build.refresh_from_db()
    assert build.status == "succeeded"
    answer = answer_to(agent, alice, work)
    assert stranger.asked == []
    assert (answer.status, answer.content) == ("failed", "")
    assert "Revision 2 does not read its key and its address as agents for " in answer.error
    assert answer.error.endswith("No key was sent. Compile the agent again.")


def test_a_document_decides_nothing_about_a_key(
    honest: Build, alice: User, server: OpenAIStandIn, stranger: OpenAIStandIn, work: Work
) -> None:
    revision = honest.revision
    asked_before = len(server.asked)
    for changes, words in {
        ("base_url_env", "HOME"): "does not read its key",
        ("key_env", "AGENT_STATE_KEY"): "does not read its key",
        ("api", "anthropic"): "does not read its key",
        ("code", "openai"): "does not read its key",
        ("code", "nobody"): "does not know the provider",
        ("base_url", stranger.url): f"was compiled for {stranger.url}, but the key Default for ",
    }.items():
        document = forged(revision, **dict([changes]))
        Revision.objects.filter(pk=revision.pk).update(canonical_json=document, sha256=digest(document))
        assert words in answer_to(revision.agent, alice, work).error
    with without_digest_check():
        Revision.objects.filter(pk=revision.pk).update(canonical_json=forged(revision, model="gpt-y"))
        assert "was changed after it was made" in answer_to(revision.agent, alice, work).error
        Revision.objects.all().delete()
    assert stranger.asked == []
    assert len(server.asked) == asked_before
