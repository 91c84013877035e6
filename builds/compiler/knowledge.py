"""Index the files of an agent: their extracted texts become one file that Go embeds."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import processes, sandbox, toolchain, warmup
from .go_command import go_directory, has_isolated_cache, remove_older
from .shared_program import INDEXER
from .sources import INDEX, Sources

# Extracted texts by their sha256 (hex): JSON with a title and chunks.
Texts = Mapping[str, bytes]
NO_TEXTS: Texts = MappingProxyType({})
_LIMITS = sandbox.Limits(seconds=180, data=2048, file_size=512, cpu_seconds=180, output=1)
_DOCUMENTS = "documents.json"
# The tool that reads whole tables; an agent without it has only what is searched.
_TABLES = "data_query"
# Indexes that no draft has used for this long are removed: they hold what people may have deleted.
KEPT_SECONDS = 3600.0


def _queries_tables(document: str) -> bool:
    return _TABLES in json.loads(document)["capabilities"]["tools"]


def files_of(document: str) -> list[dict[str, Any]]:
    """Return the files that a configuration names, each with `name`, `sha256` and `text`."""
    files: list[dict[str, Any]] = json.loads(document).get("knowledge", {}).get("files", [])
    return files


async def prepare(document: str, agent: Sources, log: BuildLog) -> None:
    """Warm the cache for the indexer, before a processor is taken; nothing without files."""
    if not files_of(document) or has_isolated_cache():
        return
    chain = toolchain.find(cgo=False)
    if INDEXER.find(chain, agent) is None:
        await warmup.ensure(chain, agent, log, INDEXER.name)


async def write_index(document: str, texts: Texts, tree: Path, agent: Sources, log: BuildLog) -> None:
    """Write the index of a configuration's files into a module's directory; nothing without files.

    Raises BuildError if a text is missing or damaged, or the indexer fails.
    """
    files = files_of(document)
    if not files:
        return
    work = tree.parent / "knowledge"
    work.mkdir()
    documents = _documents(files, texts, tables=_queries_tables(document))
    (work / _DOCUMENTS).write_text(json.dumps(documents), encoding="utf-8")
    program = await _indexer(agent, work, log)
    await _run(program, work)
    shutil.move(work / INDEX, tree / INDEX)
    passages = sum(len(each["chunks"]) for each in documents)
    size = (tree / INDEX).stat().st_size / 1e6
    log.info(f"Indexed files: {len(files)}, passages: {passages}, {size:.1f} MB.")


async def index_for_draft(document: str, texts: Texts, agent: Sources, work: Path, log: BuildLog) -> Path:
    """Return the index of a draft's files, kept for the answers that follow."""
    parts = [agent.digest_alone(INDEXER.name), json.dumps(files_of(document), sort_keys=True)]
    key = "\0".join([*parts, *([_TABLES] if _queries_tables(document) else [])])
    kept = _directory() / hashlib.sha256(key.encode()).hexdigest()
    if kept.exists():
        kept.touch()
        return kept
    prune(time.time())
    tree = work / "index"
    tree.mkdir()
    await write_index(document, texts, tree, agent, log)
    temporary = kept.with_suffix(f".{work.name}")
    shutil.copyfile(tree / INDEX, temporary)
    temporary.replace(kept)
    return kept


def prune(now: float) -> int:
    """Remove the kept indexes that nothing used for KEPT_SECONDS; return their number."""
    return remove_older(_directory(), KEPT_SECONDS, now)


def _directory() -> Path:
    path = go_directory() / "knowledge"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _documents(files: list[dict[str, Any]], texts: Texts, *, tables: bool) -> list[dict[str, Any]]:
    documents = []
    for file in files:
        text = texts.get(file["text"])
        if text is None or hashlib.sha256(text).hexdigest() != file["text"]:
            raise BuildError(
                f"The text of “{file['name']}” is no longer stored. Nothing was compiled. Add the file again "
                "under Knowledge, then compile."
            )
        read = json.loads(text)
        if not tables:
            read.pop("table", None)
        documents.append({"name": file["name"], **read})
    return documents


async def _indexer(agent: Sources, work: Path, log: BuildLog) -> Path:
    return await INDEXER.get_or_compile(toolchain.find(cgo=False), agent, work, log)


async def _run(program: Path, work: Path) -> None:
    errors: list[str] = []
    access = sandbox.FileAccess(work, writes=[work], reads=[program])
    status = await processes.run(
        sandbox.wrap([str(program), _DOCUMENTS, INDEX], access, _LIMITS),
        directory=work,
        environment={},
        seconds=_LIMITS.seconds,
        output_bytes=_LIMITS.output_bytes,
        on_line=lambda _, text: errors.append(text),
    )
    if status.timed_out:
        raise BuildError(f"Indexing the files took longer than {_LIMITS.seconds:.0f} s and was stopped.")
    if status.exit_code != 0:
        reason = "\n".join(errors[-5:]) or f"exit code {status.exit_code}"
        raise BuildError(f"The files could not be indexed: {reason}", exit_code=status.exit_code)
