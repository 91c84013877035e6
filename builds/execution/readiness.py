"""Whether this machine is ready for builds: its cache of Go is warm, or a warm-up has just failed."""

from __future__ import annotations

import logging

from agentforge.tenancy.threads import in_thread
from builds.compiler import sources, toolchain, warmup
from builds.errors import BuildError
from builds.logs.build_log import BuildLog, Record

logger = logging.getLogger(__name__)


async def is_ready() -> bool:
    """Return whether builds can be taken; without compilers they can, and say why they fail."""
    try:
        chain = await in_thread(toolchain.find)
        return warmup.state(warmup.cache_key(chain, sources.read())).settled
    except BuildError:
        return True


async def prepare() -> None:
    """Warm Go's cache, with its progress in the process's log; raises BuildError without compilers."""
    await warm(BuildLog(_to_log))


async def warm(log: BuildLog) -> warmup.State:
    """Warm Go's cache if that is necessary, and return its state; raises BuildError without compilers."""
    chain, agent = await in_thread(toolchain.find), sources.read()
    await warmup.ensure(chain, agent, log)
    return warmup.state(warmup.cache_key(chain, agent))


def _to_log(record: Record) -> None:
    if record["kind"] == "line":
        logger.info("%s", record["text"])
