"""`make run` on real processes: start, stop, start again, and what stands in the way."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.builds.remote.builder import SECRET
from tests.drivers.forge import ROOT, Forge


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_no_process_behind(var_dir: Path, number: signal.Signals) -> None:
    with Forge(var_dir) as forge:
        forge.wait_until_ready()
        assert forge.stop(number) == 128 + number
        assert forge.processes() == []


def test_a_builder_runs_what_it_needs(var_dir: Path) -> None:
    with Forge(
        var_dir,
        AGENTFORGE_ROLE="builder",
        AGENTFORGE_FORGE_URL="http://127.0.0.1:9",
        AGENTFORGE_BUILDER_SECRET=SECRET,
    ) as forge:
        forge.wait_until_ready()
        assert forge.program("web").is_running() and forge.program("worker").is_running()
        assert not re.search(r"\b(replies|checks|deployments|model) +\|", forge.text)
        forge.stop()
        assert forge.processes() == []


def test_a_signal_in_the_middle_of_the_start_leaves_no_process_behind(var_dir: Path) -> None:
    with Forge(var_dir) as forge:
        forge.wait_for(r"web +\|")
        forge.stop()
        assert forge.processes() == []


def test_a_taken_port_is_named_with_a_way_out(var_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Forge(var_dir, port=port) as forge:
            assert forge.process.wait(timeout=60) == 1
            assert f"Port {port} is taken by " in forge.text
            assert f"process {os.getpid()}" in forge.text
            assert " make run" in forge.text
        assert forge.processes() == []


def test_a_setting_that_makes_no_sense_is_named(var_dir: Path) -> None:
    with Forge(var_dir, PORT="eighty") as forge:
        assert forge.process.wait(timeout=60) == 1
        assert "eighty" in forge.text
        assert "Traceback" not in forge.text


def test_without_the_local_model(var_dir: Path) -> None:
    with Forge(var_dir, LOCAL_MODEL="0") as forge:
        forge.wait_until_ready()
        forge.stop()
        assert "model" not in forge.text


def test_make_passes_a_signal_on(var_dir: Path) -> None:
    make = ["make", "run", f"PYTHON={sys.executable}"]
    with Forge(var_dir, command=make) as forge:
        forge.wait_until_ready()
        assert forge.stop() != 0
        psutil.wait_procs(forge.processes(), timeout=60)
        assert forge.processes() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test here already runs as an ordinary user")
def test_an_ordinary_user_can_run_it() -> None:
    if not _nobody_reaches(Path(sys.executable), ROOT / "manage.py", Path(psutil.__file__)):
        pytest.skip("this checkout, or its Python, lies where only root may look")
    home = Path(tempfile.mkdtemp(prefix="agentforge-user-"))
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    with Forge(home / "var", user="nobody", HOME=str(home)) as forge:
        forge.wait_until_ready()
        assert set(_owners(forge)) == {"nobody"}
        forge.stop()
        assert forge.processes() == []


def _owners(forge: Forge) -> Iterator[str]:
    """Yield the owners of its processes; connections of its database come and go."""
    for process in forge.processes():
        with suppress(psutil.NoSuchProcess):
            yield str(process.username())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as another user")
def test_another_user_reads_nothing_of_the_data_directory() -> None:
    home = Path(tempfile.mkdtemp(prefix="agentforge-private-"))
    home.chmod(0o755)
    var = home / "var"
    try:
        for name in ("secrets", "artifacts"):
            (var / name).mkdir(parents=True, mode=0o755)
            (var / name / "file").write_text("private")
        with Forge(var) as forge:
            forge.wait_until_ready()
            assert _read_by_nobody(var) == []
            forge.stop()
        # PostgreSQL's user passes through the directories above, and lists none.
        assert stat.S_IMODE(home.stat().st_mode) == 0o755
        assert stat.S_IMODE(var.stat().st_mode) == 0o711
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _read_by_nobody(directory: Path) -> list[str]:
    """Return what nobody reads or lists, of all paths that root sees."""
    # Unlike a glob, a walk passes by what goes meanwhile.
    found = (Path(place) / name for place, folders, files in os.walk(directory) for name in folders + files)
    paths = [str(path.relative_to(directory)) for path in found]
    command = ["/bin/sh", "-c", 'while read -r path; do [ -r "$path" ] && echo "$path"; done; ls . && echo .']
    done = subprocess.run(
        command,
        cwd=directory,
        input="\n".join(paths),
        user="nobody",
        group="nogroup",
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def _nobody_reaches(*paths: Path) -> bool:
    words = ["test", *" -a ".join(f"-r {path.resolve()}" for path in paths).split()]
    return subprocess.run(words, user="nobody", group="nogroup", extra_groups=[], check=False).returncode == 0


def test_a_lost_secret_is_not_replaced(var_dir: Path) -> None:
    """As long as somebody has signed up; it is back where it was after the test."""
    secret = var_dir / "secrets" / "django"
    with Forge(var_dir) as forge:
        forge.wait_until_ready()
        forge.run([sys.executable, "manage.py", "shell", "-c", _SIGN_UP])
        forge.stop()
    kept = secret.rename(secret.with_name("kept"))
    with Forge(var_dir) as forge:
        assert forge.process.wait(timeout=60) == 1
        assert "SECRET_KEY is not set, and var/secrets/django is not there" in forge.text
        assert "Traceback" not in forge.text and not secret.exists()
    kept.rename(secret)


_SIGN_UP = "from agentforge.accounts.models import User; User.objects.get_or_create(email='ada@example.com')"
