"""An agent reads its skills, and each part of a skill counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builds.compiler import sources
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.revisions import canonical_json, configuration
from configs.skills.entries import clean_skills
from tests.drivers.agent_programs import compiled
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

SKILL: dict[str, Any] = {
    "name": "forms",
    "description": "Fills in forms.",
    "instructions": "Ask for the date.",
    "compatibility": "Needs a printer.",
    "license": "MIT",
    "files": [{"path": "scripts/fill.py", "text": "print('never run')"}],
}
OTHER: dict[str, Any] = {
    "name": "letters",
    "description": "Writes letters.",
    "instructions": "Ask for the place.",
    "compatibility": "Needs a stamp.",
    "license": "Apache-2.0",
    "files": [{"path": "scripts/fill.py", "text": "print('nor this')"}],
    "path": [{"path": "scripts/write.py", "text": "print('never run')"}],
}


def _document(**changed: Any) -> str:
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x"}
    skills = clean_skills([{**SKILL, **changed}] if changed.pop("skills", True) else [])
    return canonical_json(configuration(AgentConfig(name="Ada", handle="ada", skills=skills, **values)))


@pytest.fixture
def model() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        yield server


def _asked(command: list[str], model: OpenAIStandIn, name: str = "forms") -> list[dict[str, Any]]:
    """Return what the model was asked by an agent whose model reads a skill, then its files."""
    model.asked.clear()
    files = [{"name": name, "file": path} for path in ("scripts/fill.py", "scripts/write.py")]
    calls = [Calls((Call("skill", arguments),)) for arguments in ({"name": name}, *files)]
    model.replies.extend([*calls, Text.of("Done.")])
    done = subprocess.run(
        command,
        input=json.dumps({"messages": [{"role": "user", "content": "Fill it in."}]}).encode(),
        env={"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": model.key},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A skill is its owner's own text: reading it does not make the conversation distrusted.
    assert b'"tainted":true' not in done.stdout
    return [each.json for each in model.asked]


def _draft(document: str, tmp_path: Path, name: str) -> list[str]:
    file = tmp_path / f"{name}.json"
    file.write_text(document)
    return [str(compiled("draft")), "--request", str(file)]


def _results(asked: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in asked[-1]["messages"] if message["role"] == "tool"]


def test_an_agent_reads_its_skills_and_their_files(model: OpenAIStandIn, tmp_path: Path) -> None:
    """tests/builds/trial/test_draft_program.py holds the plugin to the same."""
    asked = _asked(_draft(_document(), tmp_path, "agent"), model)
    first = asked[0]["messages"][0]["content"]
    assert "- forms: Fills in forms." in first
    assert "Ask for the date." not in first
    assert [tool["function"]["name"] for tool in asked[0]["tools"]] == ["skill"]
    instructions, script, missing = _results(asked)
    assert instructions.startswith("Compatibility: Needs a printer.\nLicense: MIT\n\nAsk for the date.")
    assert "- scripts/fill.py (18 bytes)" in instructions
    # Neither marked as text of others nor run.
    assert script == "print('never run')"
    assert "its files are: scripts/fill.py" in missing


@pytest.mark.parametrize("field", OTHER)
def test_agents_that_differ_in_one_part_of_a_skill_differ(
    field: str, model: OpenAIStandIn, tmp_path: Path
) -> None:
    changed = {"files" if field == "path" else field: OTHER[field]}
    documents = _document(), _document(**changed)
    asked = [
        _asked(
            _draft(document, tmp_path, str(number)),
            model,
            changed.get("name", "forms") if number else "forms",
        )
        for number, document in enumerate(documents)
    ]
    if field in ("name", "description"):
        prompts = [each[0]["messages"][0]["content"] for each in asked]
        assert prompts[0] != prompts[1]
        assert SKILL[field] in prompts[0]
        assert OTHER[field] in prompts[1]
    else:
        assert _results(asked[0]) != _results(asked[1])


def test_only_an_agent_with_skills_gets_the_code_of_the_tool(tmp_path: Path) -> None:
    for name, document in (("with", _document()), ("without", _document(skills=False))):
        lay_out = {"target": "standalone", "module": "agent.local/x", "document": document}
        sources.lay_out_agent(tmp_path / name, sources.read(), **lay_out, with_shared=True)
        assert (tmp_path / name / "tools" / "skill").exists() == (name == "with")
        assert (tmp_path / name / "tool_skill.go").exists() == (name == "with")
