"""The lines of `make run` as JSON: programs' records as they are, everything else as records of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from agentforge.launch.output import JsonOutput
from tests.drivers.forge import Forge


def test_every_line_is_a_json_record(capsys: pytest.CaptureFixture[str]) -> None:
    output = JsonOutput()
    own = b'{"time": "2026-11-28T22:00:00.000+00:00", "message": "GET / 200", "process": "web"}\n'
    output.program("web", "", own)
    for line in (b"Listening on 127.0.0.1, port 8000\n", b'{"half": \n', b"caf\xe9 \x1b[31m\n", b"\n"):
        output.program("web", "", line)
    output.own("web exited (exit code 1); restarting it.")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 5
    assert lines[0] == json.loads(own)
    assert {(line["process"], line["level"]) for line in lines[1:4]} == {("web", "info")}
    assert lines[1]["message"] == "Listening on 127.0.0.1, port 8000"
    assert lines[4]["process"] == "launcher"
    assert {line["logger"] for line in lines[1:]} == {"agentforge.output"}


def test_a_whole_forge_prints_json_alone(var_dir: Path) -> None:
    # So that there is something to say before the first process starts.
    (var_dir / "run" / "migrated.json").unlink()
    with Forge(var_dir, LOG_FORMAT="json", LOCAL_MODEL="0") as forge:
        forge.wait_for("AgentForge is ready")
        assert requests.get(f"{forge.url}/sign-in/", timeout=60).ok
        forge.stop()
    lines = [json.loads(line) for line in forge.text.splitlines()]
    assert {"launcher", "web"} <= {line["process"] for line in lines}
    assert lines[0]["message"] == "Migrating the database."
    assert any(line["message"].startswith("GET /sign-in/") for line in lines)
