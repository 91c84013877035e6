"""An agent's revisions are listed in words, compared, and restored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from configs.models import AgentConfig, Revision
from configs.revisions import create_revision

JSON = {"Accept": "application/json"}


def change(agent: AgentConfig, **values: object) -> None:
    for name, value in values.items():
        setattr(agent, name, value)
    agent.save()


@pytest.fixture
def revisions(agent: AgentConfig) -> list[Revision]:
    """Two revisions of an agent whose draft differs from both."""
    first = create_revision(agent)
    change(agent, name="Ada Prime", tone="warm", tools=[], memory=False)
    second = create_revision(agent)
    change(agent, custom_instructions="Answer in French.\nAlways.")
    return [first, second]


def test_the_history_says_what_each_revision_changed(
    browser: Client, agent: AgentConfig, revisions: list[Revision]
) -> None:
    page = browser.get(f"/agents/{agent.pk}/revisions/").content.decode()
    for words in (
        "The first revision.",
        "<del>Ada</del>",
        "<ins>Ada Prime</ins>",
        "<ins>Warm</ins>",
        "<ins>Off</ins>",
    ):
        assert words in page
    assert "Needs a new build" in page  # nothing was ever compiled
    listed = browser.get(f"/agents/{agent.pk}/revisions/", headers=JSON).json()["revisions"]
    assert [entry["number"] for entry in listed] == [2, 1]
    assert listed[1]["changes"] is None
    assert {"field": "Tone", "before": "Neutral", "after": "Warm"} in listed[0]["changes"]


def test_an_agent_without_revisions_says_how_to_get_one(browser: Client, agent: AgentConfig) -> None:
    assert "No revisions yet" in browser.get(f"/agents/{agent.pk}/revisions/").content.decode()


def test_two_are_compared_field_by_field_and_line_by_line(
    browser: Client, agent: AgentConfig, revisions: list[Revision]
) -> None:
    page = browser.get(f"/agents/{agent.pk}/revisions/2/").content.decode()
    assert "Revision 2 → Draft" in page
    assert "<ins>Answer in French.</ins>" in page
    other = browser.get(f"/agents/{agent.pk}/revisions/1/?against=2").content.decode()
    assert "Revision 1 → Revision 2" in other
    assert "French" not in other.split('<aside class="frame-preview"')[0]
    for strange in ("99", "x", "9" * 500):
        assert browser.get(f"/agents/{agent.pk}/revisions/1/?against={strange}").status_code == 200
    assert browser.get(f"/agents/{agent.pk}/revisions/99/").status_code == 404


def test_a_revision_becomes_the_draft_again_and_back(
    browser: Client, agent: AgentConfig, revisions: list[Revision]
) -> None:
    response = browser.post(f"/agents/{agent.pk}/revisions/1/restore/", follow=True)
    agent.refresh_from_db()
    assert (agent.name, agent.tone, agent.memory, agent.custom_instructions) == ("Ada", "neutral", True, "")
    assert f'<a href="/agents/{agent.pk}/revisions/3/">revision 3</a>' in response.content.decode()
    assert AuditEvent.objects.filter(action="agent-restored").count() == 1
    kept = browser.post(f"/agents/{agent.pk}/revisions/3/restore/", headers=JSON).json()["kept"]
    agent.refresh_from_db()
    assert agent.custom_instructions == "Answer in French.\nAlways."
    assert kept == 1


def test_a_draft_that_no_revision_can_hold_is_said_to_be_lost(
    browser: Client, agent: AgentConfig, revisions: list[Revision]
) -> None:
    change(agent, provider="", model="")
    page = browser.post(f"/agents/{agent.pk}/revisions/1/restore/", follow=True).content.decode()
    assert "What was the draft before is not kept: it had no provider yet." in page


def test_a_handle_that_another_agent_took_is_not_taken_back(
    browser: Client, agent: AgentConfig, revisions: list[Revision]
) -> None:
    change(agent, handle="ada-two")
    AgentConfig.objects.create(owner=agent.owner, name="Other", handle="ada", provider="local", model="m")
    response = browser.post(f"/agents/{agent.pk}/revisions/1/restore/", follow=True)
    assert "another agent took its handle" in response.content.decode()
    agent.refresh_from_db()
    assert agent.handle == "ada-two"


def test_other_peoples_history_is_hidden(
    agent: AgentConfig, revisions: list[Revision], bob: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(bob)
    for path in ("", "1/"):
        assert client.get(f"/agents/{agent.pk}/revisions/{path}").status_code == 404
    assert client.post(f"/agents/{agent.pk}/revisions/1/restore/").status_code == 404
