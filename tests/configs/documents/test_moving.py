"""Agents leave as agent.yaml and come back, through the pages and as scripts do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as examined
from hypothesis import strategies as st

from agentforge.accounts.models import User
from configs.documents.document import parse
from configs.documents.export import export
from configs.forms import TAB_FORMS
from configs.keys.vault import save_key
from configs.models import AgentConfig

JSON = {"Accept": "application/json"}


@pytest.fixture
def full(agent: AgentConfig) -> AgentConfig:
    """Alice's agent with a key, every field filled."""
    key = save_key(agent.owner, "openai", "sk-" + "a" * 40, name="Work")
    values: dict[str, Any] = {
        "description": "Says: “what is” — and #why",
        "version": "1.0.0-rc.1+b",
        "provider": "openai",
        "model": "gpt-x",
        "api_key": key,
        "custom_instructions": "- first\n\tthen: second\n\n# not a comment\n'quoted' \"text\" {x: 1}",
        "tools": ["clock", "calculator"],
        "memory": False,
        "creativity": "0.35",
    }
    for name, value in values.items():
        setattr(agent, name, value)
    agent.save()
    return AgentConfig.objects.get(pk=agent.pk)


def exported(browser: Client, agent: AgentConfig) -> str:
    response = browser.get(f"/agents/{agent.pk}/agent.yaml")
    assert response.headers["Content-Type"] == "application/yaml"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{agent.handle}.yaml"'
    return response.content.decode()


def test_an_exported_agent_comes_back_byte_for_byte(browser: Client, full: AgentConfig) -> None:
    before = exported(browser, full)
    assert "sk-" not in before
    full.delete()
    response = browser.post("/agents/import/", {"document": before})
    agent = AgentConfig.objects.get()
    assert response.headers["Location"] == agent.get_absolute_url()
    assert exported(browser, agent) == before
    assert agent.api_key is not None


def test_another_account_is_told_which_key_is_missing(
    browser: Client, full: AgentConfig, bob: User, client_of: Callable[[User], Client]
) -> None:
    bobs = client_of(bob)
    page = bobs.post("/agents/import/", {"document": exported(browser, full)}, follow=True)
    assert "names the key “Work” for OpenAI, which you do not have. Add one" in page.content.decode()
    assert AgentConfig.objects.get(owner=bob).api_key is None
    assert bobs.get(f"/agents/{full.pk}/agent.yaml").status_code == 404


def test_a_file_with_a_taken_handle_becomes_a_second_agent(browser: Client, agent: AgentConfig) -> None:
    file = SimpleUploadedFile("ada.yaml", b"\xef\xbb\xbf" + exported(browser, agent).encode())
    response = browser.post("/agents/import/", {"file": file}, headers=JSON)
    assert response.status_code == 201
    assert response.json()["handle"] == "ada-2"
    assert response.json()["notes"] == ["Another agent of yours has the handle ada, so this one is ada-2."]


def test_wrong_fields_are_named_with_line_and_path_and_the_text_stays(browser: Client) -> None:
    text = "identity:\n  name: Ada\npersonality:\n  tone: loud\n  colour: red\n"
    file = SimpleUploadedFile("ada.yaml", text.encode())
    response = browser.post("/agents/import/", {"file": file})
    page = response.content.decode()
    assert response.status_code == 422
    assert "line 4, personality.tone: " in page
    assert "line 5, personality.colour: unknown field" in page
    assert "tone: loud" in page
    assert not AgentConfig.objects.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"x" * 600_000, "longer than 512 KB"),
        (b"", "file is empty"),
        (b"a: [", "line 1"),
    ],
)
def test_files_that_are_no_documents_are_refused(browser: Client, content: bytes, message: str) -> None:
    response = browser.post("/agents/import/", {"file": SimpleUploadedFile("x.yaml", content)})
    assert response.status_code == 422
    assert message in response.content.decode()


def test_an_unfinished_draft_can_be_moved_too(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="")
    agent.refresh_from_db()
    before = exported(browser, agent)
    agent.delete()
    browser.post("/agents/import/", {"document": before})
    assert exported(browser, AgentConfig.objects.get()) == before


def test_a_short_document_gets_its_presets_values_and_the_default_provider(browser: Client) -> None:
    text = "identity: {name: Ada}\npersonality: {preset: mentor}"
    response = browser.post("/agents/import/", {"document": text}, headers=JSON)
    assert response.status_code == 201
    assert AgentConfig.objects.get().traits == ["patient", "encouraging", "curious"]


# YAML takes U+0085 for the end of a line wherever it isn't escaped.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\x85:#-'\"|>%@`&*!{}[]")
)


@pytest.mark.django_db
@examined(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(description=TEXTS, instructions=TEXTS, name=TEXTS)
def test_any_text_survives(description: str, instructions: str, name: str) -> None:
    values: dict[str, Any] = {
        "name": " ".join(f"Ada {name}".split()),
        "description": description,
        "custom_instructions": instructions,
        "handle": "ada",
        "provider": "local",
        "model": "m",
        "traits": ["curious"],
    }
    agent = AgentConfig(**values)
    forms = {
        tab: form(agent.values_of(form._meta.fields or ()), instance=agent) for tab, form in TAB_FORMS.items()
    }
    forms.pop("keys")
    if not all(form.is_valid() for form in forms.values()):
        return
    text = export(agent)
    again = parse(text).agent()
    assert export(again) == text
    assert again.custom_instructions == agent.custom_instructions


def test_the_schema_describes_what_the_page_takes(client: Client, browser: Client, full: AgentConfig) -> None:
    response = client.get("/schemas/agent-1.json")
    assert response.headers["Content-Type"] == "application/schema+json"
    validator = jsonschema_rs.validator_for(response.json())
    for text in (exported(browser, full), _example("ada.yaml")):
        assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    wrong = {"identity": {"name": "Ada"}, "personality": {"tone": "loud", "colour": "red"}}
    assert len(list(validator.iter_errors(wrong))) == 2


def _example(name: str) -> str:
    return Path(settings.BASE_DIR, "examples", name).read_text(encoding="utf-8")
