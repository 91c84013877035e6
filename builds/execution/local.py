"""Compile a document on this machine, in this process: no worker, no web, no account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builds.compiler import compilation, cpu_slots, resource_errors, targets
from builds.compiler.inputs import STORE, gather
from builds.compiler.workspace import temporary_workspace
from builds.errors import BuildError
from builds.logs.build_log import BuildLog
from builds.models import PLUGIN
from builds.package import assembly
from configs.documents import Document
from configs.revisions import canonical_json, configuration


@dataclass(frozen=True)
class TargetFiles:
    """Name the directory that the files of a target were written to, and the program among them."""

    target: str
    directory: Path
    program: Path
    files: list[assembly.File]
    document: str

    @property
    def host(self) -> Path:
        return self.directory / assembly.HOST


def canonical(document: Document) -> str:
    """Return the canonical JSON of a document, as a revision of it would hold."""
    keyless = not document.needs_key
    return canonical_json(configuration(document.agent(), base_url=document.base_url, keyless=keyless))


async def build_all(document: str, out: Path, log: BuildLog, names: Sequence[str]) -> list[TargetFiles]:
    """Compile canonical JSON for several targets at once; the plugin's files go into `out`, others below it.

    Raises BuildError when a target fails; the files of the others were written.
    """

    async def one(name: str) -> TargetFiles | BuildError:
        try:
            async with cpu_slots.slot():
                return await build(document, out if name == PLUGIN else out / name, log, name)
        except BuildError as error:
            return error

    found = await asyncio.gather(*(one(name) for name in names))
    failed = {name: each for name, each in zip(names, found, strict=True) if isinstance(each, BuildError)}
    if failed:
        alone = len(names) == 1
        told = "\n".join(str(error) if alone else f"{name}: {error}" for name, error in failed.items())
        raise BuildError(told, exit_code=next(iter(failed.values())).exit_code)
    return [each for each in found if isinstance(each, TargetFiles)]


async def build(document: str, out: Path, log: BuildLog, target: str = PLUGIN) -> TargetFiles:
    """Compile canonical JSON for one target and write its files into `out`, replacing older ones.

    Raises BuildError; then nothing was written.
    """
    with (
        resource_errors.disk_errors(),
        log.section(targets.get(target).section) as part,
        temporary_workspace() as work,
    ):
        inputs = await asyncio.to_thread(gather, document, target)
        compiled = await compilation.compile_agent(inputs, work, part)
        with part.step(STORE):
            files = assembly.signed_package(inputs, compiled)
            _write(files, out)
    return TargetFiles(target, out, out / files[0].name, files, document)


def _write(files: list[assembly.File], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        temporary = out / f".{file.name}.new"
        temporary.write_bytes(file.data)
        temporary.chmod(0o755 if assembly.is_executable(file.name) else 0o644)
        temporary.replace(out / file.name)
