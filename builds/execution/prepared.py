"""Packages compiled in advance and kept on this machine, by the digest of their inputs (law 5)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from agentforge.tenancy.threads import in_thread
from builds.compiler.go_command import go_directory
from builds.compiler.inputs import gather
from builds.compiler.workspace import temporary_workspace
from builds.logs.build_log import BuildLog
from builds.package import assembly

from . import local

_LIST = "files.json"


def files(digest: str) -> list[assembly.File]:
    """Return the files of a prepared package; empty if there is none."""
    directory = _directory() / digest
    try:
        names = json.loads((directory / _LIST).read_text())
        return [assembly.File(name, (directory / name).read_bytes()) for name in names]
    except FileNotFoundError:
        return []


async def prepare(document: str, log: BuildLog) -> None:
    """Compile a document for this machine unless its package is prepared, and remove outdated packages.

    Raises BuildError.
    """
    digest = (await in_thread(gather, document)).digest
    if (_directory() / digest).exists():
        return
    with temporary_workspace("prepare") as work:
        package = work / "package"
        built = await local.build(document, package, log)
        (package / _LIST).write_text(json.dumps([file.name for file in built.files]))
        for outdated in _directory().iterdir():
            shutil.rmtree(outdated)
        # Readers find the whole package or none. Across file systems a rename is no single step.
        arriving = _directory().with_name("prepared.new")
        shutil.rmtree(arriving, ignore_errors=True)
        shutil.copytree(package, arriving)
        arriving.rename(_directory() / digest)


def _directory() -> Path:
    path = go_directory() / "prepared"
    path.mkdir(exist_ok=True)
    return path
