"""Try to get out of the sandbox, with real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from builds.compiler import processes, sandbox, sandbox_account, sandbox_proof

pytestmark = pytest.mark.skipif(
    sandbox.level() != sandbox.BUBBLEWRAP, reason="bubblewrap does not work on this machine"
)
SECRET = "AGENTFORGE_TEST_SECRET"
ROOT = Path(__file__).resolve().parents[3]


async def _shell(
    access: sandbox.FileAccess, script: str, **limits: int
) -> tuple[processes.ExitStatus, list[str]]:
    output: list[str] = []
    bounds = sandbox.Limits(**{"seconds": 60, **limits})
    finished = await processes.run(
        sandbox.wrap(["/bin/sh", "-c", script], access, bounds),
        directory=access.directory,
        environment={"GIVEN": "1"},
        seconds=bounds.seconds,
        output_bytes=bounds.output_bytes,
        on_line=lambda _stream, text: output.append(text),
    )
    return finished, output


async def test_the_files_of_the_machine_are_out_of_reach(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    inside = tmp_path / "inside"
    inside.mkdir()
    access = sandbox.FileAccess(inside, writes=[inside])
    for target in (secret, "/etc/passwd", "/etc/shadow", "/root", Path.cwd() / "manage.py", "/var/lib"):
        finished, _ = await _shell(access, f"ls {target}")
        assert finished.exit_code != 0, target


async def test_only_its_own_directory_can_be_written(tmp_path: Path) -> None:
    writable, readable = tmp_path / "w", tmp_path / "r"
    writable.mkdir()
    readable.mkdir()
    access = sandbox.FileAccess(writable, writes=[writable], reads=[readable])
    finished, output = await _shell(
        access, f"echo yes > {writable}/file; echo no > {readable}/file; echo no > /usr/file"
    )
    assert (writable / "file").read_text() == "yes\n"
    assert not (readable / "file").exists()
    assert not Path("/usr/file").exists()
    assert finished.exit_code != 0
    assert "Read-only" in " ".join(output)


async def test_nothing_of_the_environment_is_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "hidden")
    _, output = await _shell(
        sandbox.FileAccess(tmp_path, writes=[tmp_path]), "/usr/bin/env; cat /proc/1/environ"
    )
    assert not any("hidden" in line for line in output)
    assert "GIVEN=1" in output


async def test_there_is_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = tmp_path / "dial.py"
        script.write_text(f"import socket; socket.create_connection({server.getsockname()!r}, 2)")
        access = sandbox.FileAccess(tmp_path, writes=[tmp_path])
        finished, output = await _shell(access, f"/usr/bin/python3 {script}")
    assert finished.exit_code != 0
    assert any("Error" in line for line in output) or not Path("/usr/bin/python3").exists()


async def test_other_processes_can_not_be_seen(tmp_path: Path) -> None:
    _, output = await _shell(sandbox.FileAccess(tmp_path, writes=[tmp_path]), "ls /proc | grep -c '^[0-9]'")
    assert int(output[0]) < 10


async def test_memory_and_files_are_limited(tmp_path: Path) -> None:
    access = sandbox.FileAccess(tmp_path, writes=[tmp_path])
    finished, _ = await _shell(access, f"head -c 3000000 /dev/zero > {tmp_path}/big", file_size=1)
    assert finished.exit_code != 0
    assert (tmp_path / "big").stat().st_size <= sandbox.MIB


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can't become another one")
async def test_it_runs_as_a_user_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    own = tmp_path / "private" / "own"
    own.mkdir(mode=0o700)
    _, output = await _shell(sandbox.FileAccess(own, writes=[own]), "id -u; touch file")
    account = sandbox_account.account()
    assert account is not None
    assert output == [str(account[0])]
    assert account[0] != 0
    assert (own / "file").stat().st_uid == account[0]
    assert (tmp_path / "private").stat().st_uid == 0


@pytest.mark.parametrize("mask", ["022", "077"])
async def test_files_made_with_a_strict_umask_can_be_read(tmp_path: Path, mask: str) -> None:
    own, tools = tmp_path / "own", tmp_path / "tools"
    own.mkdir()
    tool = tools / "bin" / "tool"
    script = f"umask {mask}; mkdir {tools} {tool.parent}; echo echo ran > {tool}; chmod +x {tool}"
    subprocess.run(["/bin/sh", "-c", script], check=True)
    _, output = await _shell(sandbox.FileAccess(own, writes=[own], reads=[tools]), str(tool))
    assert output == ["ran"]


async def test_an_input_in_its_own_directory_stays_read_only(tmp_path: Path) -> None:
    stored, own = tmp_path / "stored", tmp_path / "own"
    stored.write_text("kept")
    own.mkdir()
    os.link(stored, own / "input")
    access = sandbox.FileAccess(own, writes=[own], reads=[own / "input"])
    await _shell(access, "echo changed > input; chmod 777 input; echo changed > new; mv new input")
    assert stored.read_text() == "kept"
    assert stored.stat().st_uid == os.geteuid()


def test_a_program_outside_the_sandbox_fails_the_proofs() -> None:
    def unprotected(script: Sequence[str], _writable: Path, _readable: Path) -> list[str]:
        return list(script)

    failures = sandbox_proof.failed_proofs(unprotected, open_files=1, processes=1, file_size=1)
    for failure in ("it sees other files of this machine", "no seccomp filter is active"):
        assert failure in failures


def test_a_failed_proof_is_named(tmp_path: Path) -> None:
    """A bwrap that leaves out the filter is noticed, and still used."""
    weak = tmp_path / "bwrap"
    weak.write_text(
        f"#!{sys.executable}\nimport os, sys\nwords = sys.argv[1:]\n"
        "at = words.index('--seccomp') if '--seccomp' in words else len(words)\n"
        f"os.execv({sandbox.bubblewrap_path()!r}, ['bwrap', *words[:at], *words[at + 2:]])\n"
    )
    weak.chmod(0o755)
    script = (
        "import django; django.setup()\n"
        "from builds.compiler import sandbox; from builds.operations.checks import check_sandbox\n"
        "print(sandbox.level()); print(check_sandbox()[0].msg)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "DJANGO_SETTINGS_MODULE": "agentforge.settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[0] == sandbox.PARTIAL, done.stderr
    assert "no seccomp filter is active" in done.stdout


async def test_time_is_limited_and_ends_the_whole_group(tmp_path: Path) -> None:
    access = sandbox.FileAccess(tmp_path, writes=[tmp_path])
    finished, _ = await _shell(access, "sleep 60 & sleep 60", seconds=1)
    assert finished.timed_out


async def test_the_level_with_limits_alone_still_limits(tmp_path: Path) -> None:
    access = sandbox.FileAccess(tmp_path)
    command = sandbox.wrap(
        [sys.executable, "-c", "bytearray(10**9)"], access, sandbox.Limits(60), at=sandbox.LIMITS
    )
    finished = await processes.run(
        command, directory=tmp_path, environment={}, seconds=60, output_bytes=sandbox.MIB
    )
    assert finished.exit_code != 0
