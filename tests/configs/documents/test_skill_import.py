"""Agent Skills on the import page: a SKILL.md or an archive becomes an agent that has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from configs.documents.export import export
from configs.models import AgentConfig
from configs.revisions import draft_json
from tests.configs.test_skills import MAIN
from tests.drivers.archives import zipped

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
URL = "/agents/import/"


def _upload(browser: Client, name: str, data: bytes) -> Any:
    return browser.post(URL, {"file": SimpleUploadedFile(name, data)}, headers=JSON)


def _skills(agent: AgentConfig) -> Any:
    return json.loads(draft_json(agent))["skills"]


@pytest.mark.parametrize("name", ["pack.zip", "forms.skill", "forms"])
def test_an_archive_becomes_an_agent_with_its_skill(browser: Client, name: str) -> None:
    main = MAIN.replace("name: forms", "name: tax-forms\nallowed-tools: Bash").replace(
        "Fills in", "Fills  in"
    )
    files: dict[str, str | bytes] = {
        "tax-forms/SKILL.md": main,
        "tax-forms/references/guide.md": "Use ink.",
        "tax-forms/logo.png": b"\x89PNG\r\n\x1a\n\xff",
    }
    response = _upload(browser, name, zipped(files))
    assert response.status_code == 201, response.content
    agent = AgentConfig.objects.get()
    assert (agent.name, agent.handle, agent.description) == ("Tax forms", "tax-forms", "Fills in forms.")
    assert response.json()["url"] == agent.get_absolute_url()
    notes = "\n".join(response.json()["notes"])
    assert "allowed-tools was left out" in notes and "logo.png" in notes
    (skill,) = _skills(agent)
    assert (skill["name"], skill["files"]) == (
        "tax-forms",
        [{"path": "references/guide.md", "text": "Use ink."}],
    )
    # The agent comes back as every other does.
    before = export(agent)
    agent.delete()
    assert browser.post(URL, {"document": before}).status_code == 302
    assert export(AgentConfig.objects.get()) == before


@pytest.mark.parametrize("text", [MAIN, "\ufeff" + MAIN.replace("\n", "\r\n")])
def test_a_skill_alone_is_chosen_or_pasted(browser: Client, text: str) -> None:
    assert _upload(browser, "SKILL.md", text.encode()).status_code == 201
    response = browser.post(URL, {"document": text}, follow=True)
    assert "Forms is imported." in response.content.decode()
    first, second = AgentConfig.objects.order_by("pk")
    assert _skills(first) == _skills(second)
    assert (first.name, first.handle, second.handle) == ("Forms", "forms", "forms-2")


def test_several_skills_become_one_agent_without_those_that_are_wrong(browser: Client) -> None:
    files: dict[str, str | bytes] = {
        "a/SKILL.md": MAIN,
        "b/SKILL.md": MAIN.replace("name: forms", "name: letters"),
        "c/SKILL.md": MAIN.replace("name: forms", "name: Wrong"),
    }
    response = _upload(browser, "pack.zip", zipped(files))
    agent = AgentConfig.objects.get()
    assert (agent.name, agent.description) == ("Agent with skills", "Has the skills forms, letters.")
    assert [skill["name"] for skill in _skills(agent)] == ["forms", "letters"]
    (left_out,) = [note for note in response.json()["notes"] if note.startswith("Left out: ")]
    assert "c/SKILL.md, line 2: name “Wrong” must be" in left_out


def test_a_long_description_is_cut_for_the_agent_and_kept_in_the_skill(browser: Client) -> None:
    response = _upload(browser, "SKILL.md", MAIN.replace("Fills in forms.", "word " * 150).encode())
    agent = AgentConfig.objects.get()
    assert len(agent.description) <= 500 < len(_skills(agent)[0]["description"])
    assert "was cut at 500 of 749 characters" in "\n".join(response.json()["notes"])


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("pack.zip", zipped({"README.md": "x", "b": "y"}), "There is no SKILL.md among the files."),
        ("pack.zip", zipped({"a/SKILL.md": MAIN, "a/../x": "x"}), "is not a path"),
        ("pack.zip", zipped({"a/SKILL.md": MAIN})[:-30], "The archive is damaged"),
        ("SKILL.md", b"# Forms", "SKILL.md, line 1: begin with a line ---"),
        ("SKILL.md", MAIN.replace("name: forms", "name: Forms").encode(), "line 2: name “Forms” must be"),
        (
            "pack.zip",
            zipped({f"s{number}/SKILL.md": MAIN.replace("forms", f"s{number}") for number in range(21)}),
            "at most 20 skills",
        ),
        ("pack.zip", zipped({"a/SKILL.md": MAIN + "x" * 140_000}), "at most 128 KB"),
    ],
)
def test_what_is_no_skill_is_refused_in_words(browser: Client, name: str, data: bytes, words: str) -> None:
    refused = _upload(browser, name, data)
    assert refused.status_code == 422
    assert words in " ".join(refused.json()["errors"]["document"])
    page = browser.post(URL, {"file": SimpleUploadedFile(name, data)}).content.decode()
    assert words in page
    assert not AgentConfig.objects.exists()
