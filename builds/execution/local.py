"""Compile a document in this process, without a worker, web server or account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builds.compiler import compilation, resource_errors, targets
from builds.compiler.inputs import STORE, gather
from builds.compiler.workspace import temporary_workspace
from builds.errors import BuildError
from builds.logs.build_log import BuildLog
from builds.models import PLUGIN
from builds.package import assembly
from configs.documents.document import Document
from configs.revisions import canonical_json, configuration


@dataclass(frozen=True)
class TargetFiles:
    """The written files of a target; `program` is the path of its main program."""

    target: str
    directory: Path
    program: Path
    files: list[assembly.File]
    document: str

    @property
    def host(self) -> Path:
        return self.directory / assembly.HOST


def canonical(document: Document) -> str:
    """Return the canonical JSON that a revision of the document would contain.

    Raises BuildError for a document with files, whose texts it does not hold.
    """
    if document.files:
        names = ", ".join(file["name"] for file in document.files)
        raise BuildError(
            f"The document names files, which it does not hold: {names}. Import it into a forge and add them "
            "there, or take them out of the document."
        )
    keyless = not document.needs_key
    return canonical_json(configuration(document.agent(), base_url=document.base_url, keyless=keyless))


async def build_all(document: str, out: Path, log: BuildLog, names: Sequence[str]) -> list[TargetFiles]:
    """Compile canonical JSON for several targets; the plugin goes into `out`, others into subdirectories.

    Raises BuildError if a target fails; the files of the others are kept.
    """

    async def one(name: str) -> TargetFiles | BuildError:
        try:
            return await build(document, out if name == PLUGIN else out / name, log, name)
        except BuildError as error:
            return error

    results = await asyncio.gather(*(one(name) for name in names))
    failed = {name: each for name, each in zip(names, results, strict=True) if isinstance(each, BuildError)}
    if failed:
        single = len(names) == 1
        message = "\n".join(str(error) if single else f"{name}: {error}" for name, error in failed.items())
        raise BuildError(message, exit_code=next(iter(failed.values())).exit_code)
    return [each for each in results if isinstance(each, TargetFiles)]


async def build(document: str, out: Path, log: BuildLog, target: str = PLUGIN) -> TargetFiles:
    """Compile canonical JSON for one target and write its files into `out`, replacing older ones.

    Raises BuildError before anything is written.
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
