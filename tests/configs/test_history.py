"""An agent's revisions are listed in words, compared, and restored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.api_tokens import issue
from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from configs.keys.vault import save_key
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


def test_a_revision_says_who_made_it_and_with_which_token(
    browser: Client, client: Client, agent: AgentConfig, revisions: list[Revision], alice: User
) -> None:
    browser.post(f"/agents/{agent.pk}/revisions/1/restore/")
    _, secret = issue(alice, name="Nightly <b>", scope="write", days=1, aal="aal1")
    bearer = {"Authorization": f"Bearer {secret}", **JSON}
    change(agent, tone="formal")
    client.post(f"/agents/{agent.pk}/revisions/2/restore/", headers=bearer)
    listed = client.get(f"/agents/{agent.pk}/revisions/", headers=bearer).json()["revisions"]
    # The first two were made before, outside of any request.
    assert [entry["author"] for entry in listed] == [
        f"{alice.email}, API token Nightly <b>",
        alice.email,
        "",
        "",
    ]
    page = browser.get(f"/agents/{agent.pk}/revisions/").content.decode()
    assert f"by {alice.email}, API token Nightly &lt;b&gt;" in page
    assert f"by {alice.email}" in browser.get(f"/agents/{agent.pk}/revisions/3/").content.decode()


def test_a_revision_is_named_and_renamed(
    browser: Client,
    agent: AgentConfig,
    revisions: list[Revision],
    bob: User,
    client_of: Callable[[User], Client],
) -> None:
    url = f"/agents/{agent.pk}/revisions/1/rename/"
    assert client_of(bob).post(url, {"name": "Mine"}).status_code == 404
    answer = browser.post(url, {"name": "  Before <b> the fair  "})
    assert answer.headers["Location"] == url.removesuffix("rename/")
    for path in ("", "1/", "2/?against=1"):
        page = browser.get(f"/agents/{agent.pk}/revisions/{path}").content.decode()
        assert "Before &lt;b&gt; the fair" in page
    for wrong in ("x" * 61, "a\x1bb", "a\nb"):
        assert browser.post(url, {"name": wrong}, headers=JSON).status_code == 422
    assert "was not changed" in browser.post(url, {"name": "x" * 61}, follow=True).content.decode()
    listed = browser.get(f"/agents/{agent.pk}/revisions/", headers=JSON).json()["revisions"]
    assert [entry["name"] for entry in listed] == ["", "Before <b> the fair"]
    assert browser.post(url, {"name": ""}, headers=JSON).json()["name"] == ""


def test_two_that_are_compared_say_whether_that_needs_a_new_build(
    browser: Client, agent: AgentConfig, revisions: list[Revision]
) -> None:
    page = browser.get(f"/agents/{agent.pk}/revisions/1/?against=2").content.decode()
    assert "Revision 2 needs a build of its own: what differs is compiled in." in " ".join(page.split())
    assert "Needs a new build" in browser.get(f"/agents/{agent.pk}/revisions/2/").content.decode()
    change(agent, custom_instructions="")
    page = browser.get(f"/agents/{agent.pk}/revisions/2/").content.decode()
    assert "One build serves both: they compile to the same program." in " ".join(page.split())


def test_undoing_a_restore_brings_the_chosen_key_back(
    browser: Client, agent: AgentConfig, revisions: list[Revision], alice: User
) -> None:
    save_key(alice, "openai", "sk-" + "a" * 40, name="Oldest")
    work = save_key(alice, "openai", "sk-" + "b" * 40, name="Work")
    change(agent, provider="openai", model="gpt-x", api_key=work)
    browser.post(f"/agents/{agent.pk}/revisions/1/restore/")
    agent.refresh_from_db()
    assert agent.provider == "local"
    assert "name: Work" not in browser.get(f"/agents/{agent.pk}/agent.yaml").content.decode()
    browser.post(f"/agents/{agent.pk}/revisions/3/restore/")
    assert "key: Work" in browser.get(f"/agents/{agent.pk}/agent.yaml").content.decode()
