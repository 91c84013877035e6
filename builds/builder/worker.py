"""Run one job of a builder: compile it and deliver its log to the forge meanwhile, then deliver the rest."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from typing import Any

from agentforge.incidents import record_incident
from agentforge.tenancy.threads import in_thread
from builds.artifacts import storage
from builds.compiler import compilation, resource_errors, runtime_packages, sandbox
from builds.compiler.inputs import Compiled, Inputs, gather
from builds.compiler.workspace import temporary_workspace
from builds.errors import BuildError, Exhausted
from builds.logs.build_log import BuildLog
from builds.remote.job_request import sources_digest

from . import job_store, texts
from .delivery import Delivery
from .forge import JobNotWanted
from .job_store import Superseded
from .models import Job
from .outbox import Outbox

logger = logging.getLogger(__name__)


async def run(pk: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run a job unless another job of the queue owns it.

    On cancellation, kill the compiler; then end the job, or requeue it when the worker is shutting down.
    """
    job = await in_thread(job_store.claim, pk, job_id)
    if job is None:
        return
    job_run = JobRun(job, job_id)
    try:
        if await job_run.run():
            await in_thread(job_store.close, pk)
            if job_run.compiled_inputs is not None:
                await runtime_packages.keep(job_run.compiled_inputs)
    except JobNotWanted:
        logger.info("The forge no longer wants job %s.", pk)
        await in_thread(job_store.close, pk)
    except Superseded:
        logger.info("Another worker owns job %s now.", pk)
    except asyncio.CancelledError:
        stop = job_store.requeue if is_shutdown() else _cancel
        await asyncio.shield(in_thread(stop, pk, job_id))
        raise


def _cancel(pk: int, job_id: int) -> None:
    try:
        job = job_store.end(pk, job_id, Job.Result.CANCELLED)
    except Superseded:
        # It had ended before the cancellation; deliver that result.
        job = Job.objects.get(pk=pk)
    if job.state == Job.State.ENDED:
        job_store.enqueue(job)


class JobRun:
    """The concurrent compilation and delivery of one job; `compiled_inputs` are set once it is compiled."""

    def __init__(self, job: Job, job_id: int) -> None:
        self._job, self._job_id = job, job_id
        self.compiled_inputs: Inputs | None = None
        self._compiled = job.state == Job.State.ENDED
        self._delivery = Delivery(job, is_compiled=lambda: self._compiled)
        self._outbox = Outbox(job.pk, job_id, self._delivery.notify)

    async def run(self) -> bool:
        """Return True when the forge has everything. No process of the job lives afterwards.

        Raises JobNotWanted and Superseded.
        """
        delivering = asyncio.create_task(self._delivery.run())
        tasks: list[asyncio.Task[Any]] = [delivering]
        try:
            if not self._compiled:
                compiling = asyncio.create_task(self._compile())
                tasks.append(compiling)
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not delivering.done():
                    await compiling
                    self._compiled = True
                    self._delivery.notify()
            return await delivering
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _compile(self) -> None:
        storing = asyncio.create_task(self._outbox.run())
        log = BuildLog(self._outbox.write, write_lines=self._outbox.write_lines)
        try:
            facts = await self._result(log)
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

    async def _result(self, log: BuildLog) -> dict[str, Any]:
        """Return the result, also when the compiler or this builder failed. Raises JobNotWanted."""
        try:
            with resource_errors.disk_errors():
                return await self._make(log)
        except BuildError as error:
            # A compiler that was killed or never ran has not rejected the agent: another builder may succeed.
            rejected = bool(error.exit_code and error.exit_code > 0) and not isinstance(error, Exhausted)
            fault = "" if rejected else "builder"
            details = {"error": str(error), "exit_code": error.exit_code}
            return {"result": Job.Result.FAILED, "fault": fault, **details}
        except JobNotWanted:
            raise
        except Exception:
            incident = record_incident(f"Builder job {self._job.pk}")
            message = f"The builder failed unexpectedly (incident {incident})."
            return {"result": Job.Result.FAILED, "fault": "builder", "error": message}

    async def _make(self, log: BuildLog) -> dict[str, Any]:
        job = self._job
        level = await asyncio.to_thread(sandbox.level)
        inputs = await asyncio.to_thread(gather, job.document, job.target)
        chain = inputs.toolchain
        sources = await asyncio.to_thread(sources_digest, job.target)
        if sources != job.sources or job.toolchain not in ("", chain.digest):
            raise BuildError("The builder's sources or toolchain changed after it accepted the job.")
        log.info(f"{chain.label}. Sandbox: {sandbox.LEVEL_LABELS[level]}.")
        with temporary_workspace() as work:
            compiled = await compilation.compile_agent(inputs, work, log, await texts.fetch(job))
            self.compiled_inputs = inputs
            files = await asyncio.to_thread(_store_files, job, compiled)
        return {
            "result": Job.Result.SUCCEEDED,
            "files": files,
            "toolchain": chain.describe(),
            "sandbox": level,
            "exit_code": 0,
        }


def _store_files(job: Job, compiled: Compiled) -> list[dict[str, Any]]:
    """Copy the programs to the job's directory and return their descriptions for the forge."""
    directory = job_store.directory_of(job)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    files = []
    for name, path in (("program", compiled.program), ("host", compiled.host)):
        if path is None:
            continue
        copy = directory / name
        shutil.copyfile(path, copy)
        files.append({"name": name, "sha256": storage.hash_file(copy), "size": copy.stat().st_size})
    return files
