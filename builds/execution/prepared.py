"""Packages compiled in advance and kept on this machine, by the digest of their inputs (law 5)."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from builds.compiler import runtime_packages
from builds.compiler.go_command import go_directory
from builds.compiler.inputs import Inputs
from builds.compiler.workspace import temporary_workspace
from builds.logs.build_log import BuildLog
from builds.package import assembly

from . import local

_LIST = "files.json"


def files(digest: str) -> list[assembly.File]:
    """Return the files of a prepared package; empty if there is none, or if one of them is damaged."""
    directory = _directory() / digest
    try:
        hashes: dict[str, str] = json.loads((directory / _LIST).read_text())
        found = [assembly.File(name, (directory / name).read_bytes()) for name in hashes]
    except (FileNotFoundError, ValueError):
        return []
    return found if all(file.sha256 == hashes[file.name] for file in found) else []


async def prepare(inputs: Inputs, log: BuildLog) -> None:
    """Compile these inputs for this machine unless their package is prepared, and remove all others.

    Raises BuildError.
    """
    if files(inputs.digest):
        return
    with temporary_workspace("prepare") as work:
        package = work / "package"
        built = await local.build(inputs.document, package, log, inputs.target)
        (package / _LIST).write_text(json.dumps({file.name: file.sha256 for file in built.files}))
        for outdated in _directory().iterdir():
            shutil.rmtree(outdated, ignore_errors=True)
        # Readers find the whole package or none. Across file systems a rename is no single step.
        arriving = _directory().with_name(f"prepared.{os.getpid()}")
        # Of a process with the same id that was killed.
        shutil.rmtree(arriving, ignore_errors=True)
        shutil.copytree(package, arriving)
        # Another process that uses the same directory may have been faster.
        with suppress(OSError):
            arriving.rename(_directory() / inputs.digest)
        shutil.rmtree(arriving, ignore_errors=True)
    await runtime_packages.keep(inputs)


def _directory() -> Path:
    path = go_directory() / "prepared"
    path.mkdir(exist_ok=True)
    return path
