"""The commands in docs/agent.md work as they stand there."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.drivers.agent_programs import HANDLE, Served, compiled, environment_for
from tests.drivers.forge import ROOT
from tests.standins.openai import OpenAIStandIn

PAGE = (ROOT / "docs" / "agent.md").read_text()
COMMANDS = [
    block.strip()
    for block in re.findall(r"(?:^    .*\n(?:^ {4,}.*\n)*)", PAGE, re.MULTILINE)
    if block.strip().startswith(("./agent", "curl"))
]
SERVE = "./agent --serve 8080"
# A picture of one pixel: what it is shows in its content, not in its name.
CHART = base64.b64decode("R0lGODlhAQABAAAAACw=")


def test_the_page_has_commands() -> None:
    assert SERVE in COMMANDS
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize("command", [text for text in COMMANDS if text != SERVE])
def test_a_command_of_the_page_answers(
    command: str, served: Served, model: OpenAIStandIn, tmp_path: Path
) -> None:
    takes_images = {"images": True} if "--image" in command else {}
    (tmp_path / "agent").symlink_to(compiled("standalone", **takes_images))
    (tmp_path / "chart.png").write_bytes(CHART)
    here = command.replace("127.0.0.1:8080", served.url.removeprefix("http://"))
    script = "set -e\n" + here.replace('"ada"', f'"{HANDLE}"')
    ran = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env=environment_for(model) | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers = ran.stdout.count("You said: What can you do?")
    assert answers >= script.count("What can you do?"), ran.stdout


def test_the_settings_of_an_mcp_client_name_a_flag_that_exists() -> None:
    (settings,) = re.findall(r"^    (\{\"mcpServers\".*)$", PAGE, re.MULTILINE)
    (server,) = json.loads(settings)["mcpServers"].values()
    help_text = subprocess.run(
        [str(compiled("standalone")), "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert all(f"  {flag} " in help_text.stdout + help_text.stderr for flag in server["args"])
