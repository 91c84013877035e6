"""Go comes from requirements.txt; Node only where the README asks for it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentforge.launch import lint, staticcheck
from tests.drivers.forge import ROOT

BROKEN = ("go", "gofmt", "node", "npm", "npx")
# Where a tool of PATH may be used: CONTRIBUTING.md, Set-up.
FROM_PATH = {
    "node": (
        "converter/sockets/smoke_test.py",
        "tests/converter/",
        "tests/standins/blobs_peer.py",
        "tests/frontend/",
        "tests/test_static_bundles.py",
        "bench/routes.py",
    ),
    "npm": ("tests/deployments/", "tests/drivers/npm.py"),
}


def test_an_agent_is_compiled_without_a_go_or_node_from_path(tmp_path: Path) -> None:
    tools, mark = tmp_path / "tools", tmp_path / "called"
    tools.mkdir()
    for name in BROKEN:
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{mark}"\nexit 1\n')
        (tools / name).chmod(0o755)
    command = [sys.executable, "manage.py", "build_agent", "examples/ada.yaml", "--json", "--out"]
    done = subprocess.run(
        [*command, str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["success"] is True
    assert not mark.exists(), mark.read_text()


def _tools_of_path(source: str) -> set[str]:
    """Return the tools that a module takes from PATH: first words of commands, arguments of look-ups."""
    words: set[object] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.List(elts=[ast.Constant(value=word), *_]):
                words.add(word)
            case ast.Call(func=function, args=[ast.Constant(value=word), *_]):
                if ast.unparse(function).split(".")[-1] in {"which", "program"}:
                    words.add(word)
    return {tool for tool in BROKEN if tool in words}


def test_only_the_named_places_use_tools_of_path() -> None:
    folders = ("agentforge", "bench", "builds", "configs", "converter", "deployments", "tests")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for tool in _tools_of_path(path.read_text()):
            assert name.startswith(FROM_PATH.get(tool, ("only these:",))), f"{name} takes {tool} from PATH"


def test_lint_takes_go_from_the_requirements() -> None:
    assert Path(lint.GO).is_relative_to(Path(sys.prefix))
    assert Path(lint.GOFMT).is_file()


def test_an_unreachable_module_proxy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    environment = {**lint.GO_OFFLINE, "HOME": str(tmp_path), "GOCACHE": str(tmp_path / "cache")}
    with pytest.raises(staticcheck.InstallError) as error:
        staticcheck.install(lint.GO, tmp_path / "programs", tmp_path / "scratch", environment)
    first, *rest = str(error.value).splitlines()
    assert "could not be installed from the Go module proxy http://127.0.0.1:9" in first
    assert rest
    assert not (tmp_path / "programs").exists()
