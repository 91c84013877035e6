"""The window in tokens: form, agent.json, document, words."""

from __future__ import annotations

from django.test import Client

from configs.changes import differences, of_draft, of_revision
from configs.documents.document import parse
from configs.documents.export import export
from configs.models import AgentConfig
from configs.revisions import configuration, create_revision

from .test_tabs import VALID


def test_the_form_reaches_agent_json_and_document(browser: Client, agent: AgentConfig) -> None:
    agent.refresh_from_db()
    before = create_revision(agent)
    assert configuration(agent)["capabilities"]["memory"] == {"enabled": True, "turns": 10}
    assert "tokens" not in export(agent)
    url = f"/agents/{agent.pk}/capabilities/"
    assert (
        browser.post(
            url, {**VALID["capabilities"], "memory_turns": "10", "memory_tokens": "4000"}
        ).status_code
        == 302
    )
    agent.refresh_from_db()
    assert configuration(agent)["capabilities"]["memory"] == {"enabled": True, "turns": 10, "tokens": 4000}
    assert parse(export(agent), unfinished=True).values["memory_tokens"] == 4000
    words = {
        each.label: (each.before, each.after) for each in differences(of_revision(before), of_draft(agent))
    }
    assert words["Window in tokens"] == ("Empty", "4000")
    assert not differences(of_revision(create_revision(agent)), of_draft(agent))


def test_a_window_too_small_for_anything_is_refused(browser: Client, agent: AgentConfig) -> None:
    response = browser.post(
        f"/agents/{agent.pk}/capabilities/", {**VALID["capabilities"], "memory_tokens": "999"}
    )
    assert response.status_code == 422
    assert "greater than or equal to 1000" in response.content.decode()
