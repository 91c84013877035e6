"""One running forge: what it answers, a second start beside it, and programs that are killed under it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.drivers.forge import Forge

PROGRAMS = ("web", "worker", "replies", "checks", "deployments", "model")


@pytest.fixture(scope="module")
def forge(var_dir: Path) -> Iterator[Forge]:
    """A forge that SIGTERM ends after the tests, with all that it started again."""
    with Forge(var_dir) as forge:
        yield forge.wait_until_ready()
        assert forge.stop() == 128 + signal.SIGTERM
        assert forge.processes() == []


def test_ready_means_healthy_and_one_address_is_printed(forge: Forge) -> None:
    assert httpx.get(f"{forge.url}/healthz").status_code == 200
    page = httpx.get(f"{forge.url}/sign-in/")
    style = re.search(r'href="(/static/[^"]+\.css)"', page.text)
    assert style is not None
    for response in (page, httpx.get(f"{forge.url}{style[1]}")):
        assert response.headers["Content-Encoding"] == "gzip"
    assert forge.text.count(forge.url) == 1
    for name in (*PROGRAMS, "postgres"):
        assert forge.program(name).is_running()


def test_a_second_one_in_the_same_directory_says_so(forge: Forge, var_dir: Path) -> None:
    # Not as a context, which ends everything of the directory.
    second = Forge(var_dir).start()
    holder = f"process {forge.process.pid}, {forge.url}"
    second.wait_for(re.escape(f"already runs from this directory ({holder}"))
    assert second.process.wait(timeout=60) == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_killed_program_is_started_again(forge: Forge, name: str) -> None:
    killed = forge.program(name)
    killed.kill()
    forge.wait_for(rf"{name} exited \(killed by SIGKILL\); restarting it")
    forge.wait_for(rf"\b{name} +\|")
    # That line may be the last one of the killed program.
    while not _is_another(forge, name, killed):
        forge.wait_for(rf"\b{name} +\|")


def _is_another(forge: Forge, name: str, killed: psutil.Process) -> bool:
    try:
        return forge.program(name) != killed
    except psutil.NoSuchProcess:
        return False


def test_a_killed_database_server_is_started_again(forge: Forge) -> None:
    forge.program("postgres").kill()
    forge.wait_for("PostgreSQL is running again")
    assert httpx.get(f"{forge.url}/healthz").status_code == 200
