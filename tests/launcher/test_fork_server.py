"""Programs as forks of one process: what they share, and what they survive."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.drivers.forge import Forge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs are forked on Linux only")

MANAGED = ("web", "worker", "deployments", "replies", "checks")
MIB = 1024 * 1024
# A process that imports everything for itself has more than 90 of its own.
MOST_MIB_OF_ITS_OWN = 60
ORPHAN_SECONDS = 4321


@pytest.fixture(scope="module")
def forge(var_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A forge whose launcher prints into a file, as below a service manager, and has a foreign child."""
    output = tmp_path_factory.mktemp("forks") / "output"
    output.write_text("An earlier line.\n")
    follow = f"env -u AGENTFORGE_VAR tail -n +1 -f --pid=$$ {output}"
    launcher = f"{sys.executable} -E -s -m agentforge.launch"
    orphan = f"setsid sleep {ORPHAN_SECONDS}"
    command = ["/bin/sh", "-c", f"{follow} & {orphan} & exec {launcher} >>{output} 2>&1"]
    with Forge(var_dir, command=command, LOCAL_MODEL="0") as forge:
        yield forge.wait_until_ready()
        assert forge.stop() == 128 + signal.SIGTERM
        assert forge.processes() == []


def _own_mib(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss / MIB)


def test_programs_share_what_they_import_and_have_names(forge: Forge) -> None:
    for name in MANAGED:
        program = forge.program(name)
        assert _own_mib(program) < MOST_MIB_OF_ITS_OWN
        assert program.ppid() == forge.process.pid
        assert Path(f"/proc/{program.pid}/comm").read_text() == f"forge {name}"[:15] + "\n"
        assert psutil.Process(program.pid).environ()["AGENTFORGE_VAR"] == str(forge.var_dir)


def test_the_launcher_reaps_what_others_left_to_it(forge: Forge) -> None:
    children = psutil.Process(forge.process.pid).children()
    orphan = next(child for child in children if str(ORPHAN_SECONDS) in _command(child))
    orphan.kill()
    # The proof of the sandbox has left one too.
    left = [orphan, *(child for child in children if _is_zombie(child))]
    assert psutil.wait_procs(left, timeout=60)[1] == []


def test_a_program_that_ends_leaves_the_database_to_the_others(forge: Forge) -> None:
    server, ended = forge.program("postgres"), forge.program("deployments")
    ended.terminate()
    forge.wait_for("deployments exited .*; restarting it")
    forge.wait_for(r"deployments +\| .*Taking jobs")
    assert forge.program("postgres") == server
    assert httpx.get(f"{forge.url}/healthz").status_code == 200


def test_programs_outlive_the_fork_server_and_the_next_one_forks_again(forge: Forge) -> None:
    before = {name: forge.program(name) for name in MANAGED}
    forge.program("forks").kill()
    forge.wait_for(r"forks exited \(killed by SIGKILL\); restarting it")
    forge.wait_for("Programs are forked again")
    assert {name: forge.program(name) for name in MANAGED} == before
    assert httpx.get(f"{forge.url}/healthz").status_code == 200
    before["replies"].kill()
    forge.wait_for(r"replies +\| .*Taking jobs")
    assert _own_mib(forge.program("replies")) < MOST_MIB_OF_ITS_OWN
    left = [child for child in psutil.Process(forge.process.pid).children() if _is_zombie(child)]
    assert psutil.wait_procs(left, timeout=60)[1] == []


def test_large_blocks_that_are_freed_go_back_to_the_system() -> None:
    """By itself, glibc keeps what is below the size of a block that was freed before."""
    script = """
import psutil
from agentforge.launch.fork_server import give_large_blocks_back
give_large_blocks_back()
before = psutil.Process().memory_info().rss
b"x" * (30 << 20)
block, behind_it = b"x" * (20 << 20), b"x" * 1000
del block
print(psutil.Process().memory_info().rss - before)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 10 * MIB


def _command(process: psutil.Process) -> list[str]:
    """Return the words of a process's command; none if it has ended."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def _is_zombie(process: psutil.Process) -> bool:
    """Tell whether a process has ended and is not reaped; one that just was is not."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
