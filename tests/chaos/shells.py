"""Start everything in a hostile shell, as root and as an ordinary user, with every Python that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.drivers import hostile_shell
from tests.drivers.forge import ROOT, Forge

AS_ROOT = os.geteuid() == 0
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture
def directory() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="agentforge-shell-"))
    root.chmod(0o755)
    yield root
    hostile_shell.remove(root)


def _command(forge: Path, target: str, python: str) -> list[str]:
    words = f'umask {hostile_shell.UMASK:o}; exec make -C "$0" {target} PYTHON="$1"'
    return ["/bin/sh", "-c", words, str(forge), python]


@pytest.mark.parametrize("user", [None, *(["nobody"] if AS_ROOT else [])])
def test_it_starts_and_an_agent_answers(directory: Path, user: str | None) -> None:
    sources = hostile_shell.copy_forge(directory)
    if user:
        shutil.chown(sources, user)
        if subprocess.run([str(ROOT / ".venv/bin/python"), "-c", ""], user=user, check=False).returncode:
            pytest.skip("this checkout, or its Python, lies where only root may look")
    shell = hostile_shell.environment(directory)
    command = _command(sources, "run", sys.executable)
    with Forge(sources / "var", user=user, command=command, shell=shell) as forge:
        forge.wait_until_ready()
        assert httpx.get(f"{forge.url}/healthz").status_code == 200
        answer = forge.run(_command(sources, "demo", sys.executable))
        assert answer.returncode == 0, answer.stdout
        assert "finished (stop)" in answer.stdout
        forge.stop()


@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_starts_it(directory: Path, version: str) -> None:
    python = _python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed here")
    sources = hostile_shell.copy_forge(directory)
    (sources / ".venv").unlink()
    # Packages come through the shell's proxies, which lead nowhere.
    shell = hostile_shell.environment(directory) | {"ALL_PROXY": "", "HTTP_PROXY": "", "LOCAL_MODEL": "0"}
    shell["PIP_CACHE_DIR"] = str(Path.home() / ".cache" / "pip")
    command = _command(sources, "run", python)
    with Forge(sources / "var", command=command, shell=shell) as forge:
        forge.wait_for(f"Creating .venv with Python {version.replace('.', '[.]')}[.]")
        forge.wait_for("Creating the database", seconds=600)
        forge.wait_until_ready()
        assert httpx.get(f"{forge.url}/healthz").status_code == 200
        forge.stop()


def _python(version: str) -> str | None:
    """Return a Python of that version which runs: of PATH, or the newest of pyenv."""
    installed = Path.home() / ".pyenv" / "versions"
    found = [str(path) for path in sorted(installed.glob(f"{version}.*/bin/python"), reverse=True)]
    found += filter(None, [shutil.which(f"python{version}")])
    return next((python for python in found if _works(python)), None)


def _works(python: str) -> bool:
    command = [python, "-c", "import ensurepip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
