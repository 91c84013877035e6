"""Work on one job of a builder: compile it while the forge is told, then tell the rest."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from typing import Any

from agentforge.incidents import record_incident
from agentforge.tenancy.threads import in_thread
from builds.artifacts import storage
from builds.compiler import compilation, resource_errors, sandbox
from builds.compiler.inputs import Compiled, gather
from builds.compiler.workspace import workplace
from builds.errors import BuildError, Exhausted
from builds.logs.build_log import BuildLog
from builds.remote.job_request import sources_digest

from . import job_store
from .delivery import Delivery, Unwanted
from .job_store import Superseded
from .models import Job
from .outbox import Outbox

logger = logging.getLogger(__name__)


async def run(pk: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Work on a job, if this place in the queue may.

    Cancelled, it first kills the compiler; then the forge is told so, or the job waits for the next worker.
    """
    job = await in_thread(job_store.claim, pk, job_id)
    if job is None:
        return
    try:
        if await Work(job, job_id).run():
            await in_thread(job_store.close, pk)
    except Unwanted:
        logger.info("The forge does not want job %s any more.", pk)
        await in_thread(job_store.close, pk)
    except Superseded:
        logger.info("Job %s is another worker's by now.", pk)
    except asyncio.CancelledError:
        await asyncio.shield(_stopped(job, job_id, handing_over=is_shutdown()))
        raise


async def _stopped(job: Job, job_id: int, *, handing_over: bool) -> None:
    if handing_over:
        await in_thread(job_store.step_back, job.pk, job_id)
    else:
        await in_thread(_cancelled, job.pk, job_id)


def _cancelled(pk: int, job_id: int) -> None:
    try:
        job = job_store.end(pk, job_id, Job.Result.CANCELLED)
    except Superseded:
        # It had ended by itself before; the forge learns of that.
        job = Job.objects.get(pk=pk)
    if job.state == Job.State.ENDED:
        job_store.enqueue(job)


class Work:
    """Compile and deliver one job at the same time."""

    def __init__(self, job: Job, job_id: int) -> None:
        self._job, self._job_id = job, job_id
        self._compiled = job.state == Job.State.ENDED
        self._delivery = Delivery(job, is_over=lambda: self._compiled)
        self._outbox = Outbox(job.pk, job_id, self._delivery.news)

    async def run(self) -> bool:
        """Return True when the forge has everything; no process of the job lives when this ends.

        Raises Unwanted, and Superseded.
        """
        telling = asyncio.create_task(self._delivery.run())
        tasks: list[asyncio.Task[Any]] = [telling]
        try:
            if not self._compiled:
                compiling = asyncio.create_task(self._compile())
                tasks.append(compiling)
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not telling.done():
                    await compiling
                    self._compiled = True
                    self._delivery.news()
            return await telling
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _compile(self) -> None:
        storing = asyncio.create_task(self._outbox.run())
        log = BuildLog(self._outbox.write, write_lines=self._outbox.write_lines)
        try:
            facts = await self._attempt(log)
        finally:
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)
        log.close()
        await self._outbox.flush()
        if files := facts.pop("files", None):
            await in_thread(
                job_store.append, self._job.pk, self._job_id, {"kind": "files", "announced": files}
            )
        await in_thread(job_store.end, self._job.pk, self._job_id, **facts)

    async def _attempt(self, log: BuildLog) -> dict[str, Any]:
        """Compile; return how it ended, also when the compiler or this builder failed."""
        try:
            with resource_errors.told():
                return await self._make(log)
        except BuildError as error:
            told = {"error": str(error), "exit_code": error.exit_code}
            # Killed, or not run at all, the compiler has not judged the agent: another builder may do better.
            judged = bool(error.exit_code and error.exit_code > 0) and not isinstance(error, Exhausted)
            fault = "" if judged else "builder"
            return {"result": Job.Result.FAILED, "fault": fault, **told}
        except Exception:
            incident = record_incident(f"Builder job {self._job.pk}")
            told = {"error": f"The builder itself failed (incident {incident})."}
            return {"result": Job.Result.FAILED, "fault": "builder", **told}

    async def _make(self, log: BuildLog) -> dict[str, Any]:
        job = self._job
        level = await asyncio.to_thread(sandbox.level)
        inputs = await asyncio.to_thread(gather, job.document, job.target)
        chain = inputs.toolchain
        here = await asyncio.to_thread(sources_digest, job.target)
        if here != job.sources or job.toolchain not in ("", chain.digest):
            raise BuildError("The builder's sources or its toolchain were changed meanwhile.")
        log.say(f"{chain.label}. Sandbox: {sandbox.LEVEL_LABELS[level]}.")
        with workplace() as work:
            compiled = await compilation.compile_agent(inputs, work, log)
            files = await asyncio.to_thread(_keep, job, compiled)
        result = Job.Result.SUCCEEDED
        return {
            "result": result,
            "files": files,
            "toolchain": chain.describe(),
            "sandbox": level,
            "exit_code": 0,
        }


def _keep(job: Job, compiled: Compiled) -> list[dict[str, Any]]:
    """Put the programs where they stay until the forge has them, and describe them."""
    directory = job_store.directory_of(job)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    described = []
    for name, path in (("program", compiled.program), ("host", compiled.host)):
        if path is None:
            continue
        kept = directory / name
        shutil.copyfile(path, kept)
        described.append({"name": name, "sha256": storage.hash_file(kept), "size": kept.stat().st_size})
    return described
