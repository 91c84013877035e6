"""The product ignores what an operator's shell is set up for; `make chaos` starts all of it there."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers import hostile_shell
from tests.drivers.forge import ROOT

FOLDERS = ("agentforge", "builds", "configs", "converter", "deployments")
SPAWNS = re.compile(
    r"subprocess\.(run|Popen|call|check_call|check_output|getoutput|getstatusoutput)"
    r"|asyncio\.create_subprocess_(exec|shell)|os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?)|pty\.spawn"
    r"|(\w+\.)*ProcessPoolExecutor|multiprocessing\.\w+"
)
WHOLE = re.compile(r"\*\*os\.environ|os\.environ\.(copy|items)\(|dict\(os\.environ\)|os\.environ \|[^=]")


@pytest.fixture
def directory() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="agentforge-shell-"))
    root.chmod(0o755)
    yield root
    hostile_shell.remove(root)


def _run(directory: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("AGENTFORGE_GO_DIR",) if name in os.environ}
    return subprocess.run(
        command,
        cwd=directory,
        env={**inherited, "PATH": os.environ["PATH"], **environment},
        umask=hostile_shell.UMASK,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_an_agent_answers_in_a_hostile_shell(directory: Path) -> None:
    forge = hostile_shell.copy_forge(directory)
    make = ["make", "demo", f"PYTHON={sys.executable}"]
    done = _run(forge, *make, **hostile_shell.environment(directory))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finished (stop)" in done.stdout


def test_commands_leave_the_shells_project(directory: Path) -> None:
    shell = hostile_shell.environment(directory)
    del shell["PYTHONHOME"]  # without it, Python itself does not start
    done = _run(ROOT, sys.executable, "manage.py", "check", **shell)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("manage.py check", "DEBUG"),
        ("manage.py check", "LOCAL_MODEL"),
        ("-m agentforge.launch", "DEBUG"),
        ("-m agentforge.launch.install", "LOCAL_MODEL"),
    ],
)
def test_what_is_neither_true_nor_false_is_refused(directory: Path, command: str, name: str) -> None:
    settings = {name: "app:*", "AGENTFORGE_VAR": str(directory / "var")}
    done = _run(ROOT, sys.executable, *command.split(), **settings)
    assert done.returncode == 1
    assert f"{name} is 'app:*', which is neither true nor false" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_variable_that_is_set_to_nothing_is_unset(directory: Path) -> None:
    forge = hostile_shell.copy_forge(directory)
    names = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    code = "from agentforge import settings; print(settings.VAR_DIR, settings.TRUSTED_PROXIES)"
    mode = forge.stat().st_mode
    done = _run(forge, str(forge / ".venv/bin/python"), "-c", code, **dict.fromkeys(names, ""))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{forge / 'var'} 0"
    assert forge.stat().st_mode == mode


@pytest.mark.parametrize("command", ["manage.py check", "-m agentforge.launch"])
def test_a_directory_with_other_files_is_left_alone(directory: Path, command: str) -> None:
    home = directory / "home"
    (home / "static").mkdir(parents=True)
    (home / "diary").write_text("mine")
    (home / "diary").chmod(0o644)
    home.chmod(0o755)
    done = _run(ROOT, sys.executable, *command.split(), AGENTFORGE_VAR=str(home))
    assert done.returncode == 1
    assert f"AGENTFORGE_VAR is {home}, which holds other files (diary and the like)" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in home.iterdir()) == ["diary", "static"]
    assert (home.stat().st_mode & 0o777, (home / "diary").stat().st_mode & 0o777) == (0o755, 0o644)


def test_every_documented_setting_reaches_the_programs() -> None:
    names = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    code = "from agentforge import child_environment as c; import json; print(json.dumps(c.for_programs()))"
    done = _run(ROOT, sys.executable, "-c", code, **dict.fromkeys(names, "1"), PIP_USER="1", GOROOT="/none")
    reached = json.loads(done.stdout)
    assert [name for name in names if name not in reached] == []
    assert {"PIP_USER", "GOROOT"} & set(reached) == set()


def _spawns(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and SPAWNS.fullmatch(ast.unparse(node.func)):
            yield node


def test_no_child_process_inherits_the_shell() -> None:
    for path in (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))):
        source, name = path.read_text(), str(path.relative_to(ROOT))
        for call in _spawns(source):
            given = {keyword.arg for keyword in call.keywords}
            assert "env" in given, f"{name}:{call.lineno} starts a process in the shell's environment"
        if name != "agentforge/child_environment.py":
            copied = WHOLE.search(source)
            assert copied is None, f"{name} copies the environment; use agentforge/child_environment.py"
