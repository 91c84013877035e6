"""Skills are sent as soon as they are chosen or dropped; what was refused or left out is said in place."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from configs.models import AgentConfig
from tests.drivers.archives import zipped

from .conftest import Windows

MAIN = "---\nname: forms\ndescription: Fills in forms.\nmetadata: {a: b}\n---\n\nAsk for the date.\n"


def _archive(name: str, text: str) -> bytes:
    return zipped({f"{name}/SKILL.md": text, f"{name}/scripts/fill.py": "print(1)"})


def test_archives_and_files_become_skills(window: Windows, agent: AgentConfig, tmp_path: Path) -> None:
    (tmp_path / "forms.zip").write_bytes(_archive("forms", MAIN))
    (tmp_path / "bad.zip").write_bytes(_archive("bad", MAIN.replace("name: forms", "name: Bad One")))
    (tmp_path / "SKILL.md").write_text(MAIN.replace("forms", "letters"))
    page = window(f"/agents/{agent.pk}/skills/")
    names = ("forms.zip", "bad.zip", "SKILL.md")
    page.get_by_label("Add skills").set_input_files([tmp_path / name for name in names])
    skills = page.get_by_role("list", name="Skills of this agent")
    expect(skills).to_contain_text("forms")
    expect(skills).to_contain_text("letters")
    uploads = page.get_by_role("list", name="Uploads")
    expect(uploads).to_contain_text("bad/SKILL.md, line 2: name “Bad One” must be")
    expect(uploads).to_contain_text("forms: metadata was left out")
    skills.get_by_text("2 files").click()
    expect(skills).to_contain_text("scripts/fill.py")
    page.get_by_role("button", name="Remove letters").click()
    expect(page.get_by_role("list", name="Skills of this agent")).not_to_contain_text("letters")
    assert [skill["name"] for skill in AgentConfig.objects.get(pk=agent.pk).skills] == ["forms"]


def test_without_scripts_a_pasted_skill_is_added_or_stays_to_be_mended(
    window: Windows, agent: AgentConfig
) -> None:
    page = window(f"/agents/{agent.pk}/skills/", scripts=False)
    text = page.get_by_label("Or paste a SKILL.md")
    text.fill("Ask for the date.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("SKILL.md, line 1: begin with a line ---")).to_be_visible()
    expect(text).to_have_value("Ask for the date.")
    text.fill(MAIN)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("list", name="Skills of this agent")).to_contain_text("Fills in forms.")
