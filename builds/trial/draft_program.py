"""The program that answers for drafts, compiled while the caches warm or by the first answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from builds.compiler import processors, sources, toolchain, warmup
from builds.compiler.knowledge import Texts, files_of, index_for_draft, prepare
from builds.compiler.shared_program import DRAFT
from builds.compiler.workspace import temporary_workspace
from builds.logs.build_log import BuildLog, Record

logger = logging.getLogger(__name__)

PREPARING = "The program for drafts is being prepared, once. The answer follows."


def is_compiled() -> bool:
    """Return whether this machine has the program; raises ToolchainMissing."""
    return DRAFT.find(toolchain.find(), sources.read()) is not None


async def draft_program(on_wait: Callable[[str], None] = lambda words: None) -> Path:
    """Return the program for drafts on this machine; `on_wait` hears of it if it has to be compiled.

    Raises ToolchainMissing, or BuildError with the compiler's message.
    """
    found = await asyncio.to_thread(toolchain.find)
    agent = await asyncio.to_thread(sources.read)
    if (cached := await asyncio.to_thread(DRAFT.find, found, agent)) is not None:
        return cached
    on_wait(PREPARING)
    log = BuildLog(_to_log)
    await warmup.ensure(found, agent, log)
    # Several answers may wait for it at the same time.
    async with warmup.machine_lock("draft.lock", log), processors.one(log):
        with temporary_workspace("draft") as work:
            return await DRAFT.get_or_compile(found, agent, work, log)


async def draft_index(document: str, texts: Texts) -> Path | None:
    """Return the index of a draft's files, None without any; `texts` are those that it names.

    Raises BuildError.
    """
    if not texts and not files_of(document):
        return None
    agent = await asyncio.to_thread(sources.read)
    log = BuildLog(_to_log)
    await prepare(document, agent, log)
    async with warmup.machine_lock("index.lock", log), processors.one(log):
        with temporary_workspace("index") as work:
            return await index_for_draft(document, texts, agent, work, log)


def _to_log(record: Record) -> None:
    if record["kind"] == "line":
        logger.info("%s", record["text"])
