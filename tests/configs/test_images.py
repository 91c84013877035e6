"""Images in: allowed in the form where the model takes them, and nowhere else."""

from __future__ import annotations

import pytest
from django.test import Client

from configs.changes import differences, of_draft, of_revision
from configs.documents.document import parse
from configs.documents.export import export
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.revisions import configuration, create_revision

from .test_tabs import VALID


def use(agent: AgentConfig, **values: str) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(**values)
    agent.refresh_from_db()


def test_the_form_reaches_agent_json_and_document(browser: Client, agent: AgentConfig) -> None:
    use(agent, provider="openai", model="gpt-4o-mini")
    url = f"/agents/{agent.pk}/capabilities/"
    browser.post(url, VALID["capabilities"])
    agent.refresh_from_db()
    before = create_revision(agent)
    assert "images" not in configuration(agent)["capabilities"]
    assert "images" not in export(agent)
    assert browser.post(url, {**VALID["capabilities"], "images": "on"}).status_code == 302
    agent.refresh_from_db()
    assert configuration(agent)["capabilities"]["images"] is True
    assert parse(export(agent)).values["images"] is True
    [change] = differences(of_revision(before), of_draft(agent))
    assert (change.label, change.before, change.after) == ("Images", "Off", "On")


@pytest.mark.parametrize(
    "chosen",
    [
        {"provider": "local", "model": "smollm2-135m"},
        {"provider": "deepseek", "model": "deepseek-chat"},
        {
            "provider": "openai",
            "model": "gpt-4o",
            "fallback_provider": "groq",
            "fallback_model": "llama-3.3-70b",
        },
    ],
)
def test_a_model_that_takes_none_is_refused(
    browser: Client, agent: AgentConfig, chosen: dict[str, str]
) -> None:
    use(agent, **chosen)
    response = browser.post(f"/agents/{agent.pk}/capabilities/", {**VALID["capabilities"], "images": "on"})
    assert response.status_code == 422
    assert "takes no images. Choose a model that does." in response.content.decode()


@pytest.mark.parametrize(
    ("provider", "model", "takes"),
    [
        ("anthropic", "claude-sonnet-4-5", True),
        ("gemini", "models/gemini-2.5-flash", True),
        ("openai", "o3-mini", False),
        ("openai", "gpt-3.5-turbo", False),
        ("ollama", "llava", True),
        ("mistral", "codestral-latest", False),
    ],
)
def test_the_catalogue_tells(provider: str, model: str, takes: bool) -> None:
    assert PROVIDERS[provider].takes_images(model) is takes
