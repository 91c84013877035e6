"""Compile a document on this machine, in this process: no worker, no web, no account."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from configs.documents import Document
from configs.revisions import canonical_json, configuration

from . import compiler, package
from .buildlog import BuildLog
from .gocommand import work_directory


@dataclass(frozen=True)
class Written:
    """Name the directory that the files of a build were written to."""

    directory: Path
    plugin: Path
    files: list[package.File]
    document: str

    @property
    def host(self) -> Path:
        return self.directory / package.HOST


def canonical(document: Document) -> str:
    """Return the canonical JSON of a document, as a revision of it would hold."""
    keyless = not document.needs_key
    return canonical_json(configuration(document.agent(), base_url=document.base_url, keyless=keyless))


async def build(document: str, out: Path, log: BuildLog, target: str = "plugin") -> Written:
    """Compile canonical JSON and write the package's files into `out`, replacing older ones.

    Raises BuildError; then nothing was written.
    """
    inputs = await asyncio.to_thread(compiler.gather, document, target)
    with tempfile.TemporaryDirectory(dir=work_directory(), ignore_cleanup_errors=True) as name:
        compiled = await compiler.compile_agent(inputs, Path(name), log)
        with log.step(compiler.STORE):
            files = package.assemble(inputs, compiled)
            _write(files, out)
    plugin = next(out / file.name for file in files if file.name.endswith(".so"))
    return Written(out, plugin, files, document)


def _write(files: list[package.File], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        temporary = out / f".{file.name}.new"
        temporary.write_bytes(file.data)
        temporary.chmod(0o755 if file.name in package.EXECUTABLE else 0o644)
        temporary.replace(out / file.name)
