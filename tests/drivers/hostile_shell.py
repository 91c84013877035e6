"""A shell that is set up against the forge, and a copy of the forge in a path that few programs expect."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil

from .forge import ROOT

NAME = "my forge 🚀 v2"
UMASK = 0o077
_NOT_COPIED = shutil.ignore_patterns("var", ".venv", ".git", ".*_cache", "__pycache__", "node_modules")


def copy_forge(directory: Path) -> Path:
    """Copy the sources into a folder with spaces and an emoji, which uses this checkout's `.venv`."""
    target = directory / NAME
    shutil.copytree(ROOT, target, ignore=_NOT_COPIED)
    (target / ".venv").symlink_to((ROOT / ".venv").resolve())
    return target


def environment(directory: Path) -> dict[str, str]:
    """Return the variables of a shell whose every tool is set up for something else."""
    return {
        **_of_python(directory),
        **_of_other_tools(directory),
        "PATH": os.environ["PATH"],
        "HOME": str(directory / "no home"),
        "TMPDIR": str(without_programs(directory) or directory),
        "LANG": "xx_YY.UTF-8",
        "LC_ALL": "xx_YY.UTF-8",
        "CDPATH": "/usr",
        "LD_LIBRARY_PATH": str(directory),
        "SSLKEYLOGFILE": str(directory / "none" / "keys"),
        "ALL_PROXY": "socks5://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "localhost,127.0.0.1,[::1]",
    }


def _of_python(directory: Path) -> dict[str, str]:
    """Let imports find broken packages of the same names, and pip install elsewhere."""
    packages = directory / "packages"
    for name in ("agentforge", "builds", "configs", "django", "environ", "psycopg"):
        (packages / name).mkdir(parents=True, exist_ok=True)
        (packages / name / "__init__.py").write_text("raise ImportError('This package is another project's')")
    return {
        "DJANGO_SETTINGS_MODULE": "another.settings",
        "PIP_NO_DEPS": "1",
        "PIP_REQUIRE_HASHES": "1",
        "PIP_TARGET": str(directory / "target"),
        "PIP_USER": "1",
        "PYTHONHOME": str(directory / "none"),
        "PYTHONIOENCODING": "ascii",
        "PYTHONOPTIMIZE": "2",
        "PYTHONPATH": str(packages),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "error",
        "VIRTUAL_ENV": str(directory / "none"),
    }


def _of_other_tools(directory: Path) -> dict[str, str]:
    return {
        "CC": "/bin/false",
        "CGO_ENABLED": "0",
        "GOENV": str(directory / "none"),
        "GOEXPERIMENT": "nothing",
        "GOFLAGS": "-nonsense",
        "GOROOT": str(directory / "none"),
        "GOTOOLCHAIN": "go9.99",
        "NODE_OPTIONS": "--nonsense",
        "PGDATABASE": "nothing",
        "PGHOST": "nowhere.invalid",
        "PGOPTIONS": "-c nonsense=1",
        "PGPORT": "9",
        "PGSERVICE": "nothing",
        "PGSSLMODE": "verify-full",
        "PGUSER": "nobody",
    }


def without_programs(directory: Path) -> Path | None:
    """Return a directory where nothing can be run; None if this machine has none and lets us mount none."""
    disks = [disk for disk in psutil.disk_partitions(all=True) if disk.fstype == "tmpfs"]
    for disk in disks:
        if "noexec" in disk.opts.split(",") and os.access(disk.mountpoint, os.W_OK):
            return Path(disk.mountpoint)
    mounted = directory / "noexec"
    mounted.mkdir()
    _mount("mount", "-t", "tmpfs", "-o", "noexec,mode=1777", "tmpfs", str(mounted))
    return mounted if mounted.is_mount() else None


def _mount(program: str, *arguments: str) -> None:
    subprocess.run([shutil.which(program) or program, *arguments], capture_output=True, check=False)


def remove(directory: Path) -> None:
    """Unmount what `without_programs` mounted, and remove everything."""
    _mount("umount", "--lazy", str(directory / "noexec"))
    shutil.rmtree(directory, ignore_errors=True)
