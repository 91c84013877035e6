"""Build one target at a remote builder: submit the job, follow it, fetch its files, or cancel it.

The states of a RemoteJob: `open` until the builder's last message (remote/receiver.py) makes it `succeeded`,
`failed` or `cancelled`, or until the forge closes it here: `cancelled` once the builder confirms that no
process of the job lives, otherwise `given up`, as when another builder takes over or the build has finished
(remote/records.py). Only an open job changes. A worker that dies or hands over leaves its job open, and the
next worker resumes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from agentforge.live.connections import connect_async
from agentforge.retry import aretry_while_database_away
from agentforge.tenancy.threads import in_thread
from builds.compiler.inputs import Compiled, Inputs
from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import client, job_request, receiver, records
from .builders import Builder
from .job_request import TryNextBuilder
from .models import RemoteJob

# A builder that sent nothing for this long is asked for the job's state.
POLL_SECONDS = 5.0
# The time limit of a job, including its wait in the builder's queue.
MOST_SECONDS = 1800.0
_PAUSE = 0.5

State = RemoteJob.State


class CancelUnconfirmed(BuildError):
    """The builder did not confirm that the job's processes have ended, so they may still run."""


class RemoteBuild:
    """One target of a build at one builder."""

    def __init__(self, builder: Builder, job: RemoteJob, log: BuildLog) -> None:
        self.job = job
        self._builder = builder
        self._log = log
        self._position = 0
        self._last_contact = self._started = time.monotonic()

    async def run(self, document: str, *, is_shutdown: Callable[[], bool]) -> RemoteJob:
        """Return the finished job; on cancellation, stop the builder first unless the worker hands over.

        Raises TryNextBuilder, BuildError with the compiler's message, or CancelUnconfirmed.
        """
        try:
            await self._submit(await asyncio.to_thread(job_request.request, self.job, document))
            await aretry_while_database_away(self._follow)
        except asyncio.CancelledError as cancelled:
            if is_shutdown():
                raise
            if not await asyncio.shield(self._cancel()):
                message = f"Cancellation was requested, but {self._builder.name} did not confirm it."
                raise CancelUnconfirmed(f"{message} The compiler may still be running there.") from cancelled
            raise
        except TryNextBuilder:
            await asyncio.shield(self._give_up())
            raise
        return self.job

    async def _submit(self, request: dict[str, Any]) -> None:
        """Submit the job, or find the one submitted before under the same key."""
        while True:
            try:
                answer = await self._call("jobs/", request)
            except client.Refused as refusal:
                raise TryNextBuilder(f"{self._builder.name} refused: {refusal}") from refusal
            except client.Unreachable as error:
                if self.job.number is None or self._is_out_of_patience():
                    raise TryNextBuilder(f"{self._builder.name} is unreachable: {error}") from error
                await asyncio.sleep(_PAUSE)
            else:
                await in_thread(records.set_number, self.job, int(answer["job"]))
                return

    async def _follow(self) -> None:
        # While the database was away nothing could be received: the builder was not silent.
        self._last_contact = time.monotonic()
        async with _notifications(str(self.job.key)) as wait:
            await self._copy_log(wait)

    async def _copy_log(self, wait: Callable[[float], Any]) -> None:
        """Copy the builder's log into the build's log until the job is finished."""
        while True:
            update = await in_thread(records.read_update, self.job, self._position)
            for record in update.records:
                # Unknown kinds of records are dropped.
                with contextlib.suppress(ValueError):
                    self._log.replay(record)
            self.job, self._position = update.job, update.position
            if update.records:
                continue
            if self.job.state != State.OPEN:
                return self._check_result()
            if await wait(POLL_SECONDS):
                self._last_contact = time.monotonic()
            else:
                await self._poll_state()

    def _check_result(self) -> None:
        if self.job.state == State.SUCCEEDED:
            return
        if self.job.state == State.FAILED and not self.job.fault:
            raise BuildError(self.job.error or "The compiler failed.", exit_code=self.job.exit_code)
        why = self.job.error or f"the job was {self.job.state}"
        raise TryNextBuilder(f"{self._builder.name} could not finish: {why}")

    async def _poll_state(self) -> None:
        name = self._builder.name
        if time.monotonic() - self._started > MOST_SECONDS:
            raise TryNextBuilder(f"{name} took longer than {MOST_SECONDS / 60:.0f} minutes.")
        try:
            answer = await self._send("state")
        except client.Refused as refusal:
            raise TryNextBuilder(f"{name} no longer knows the job: {refusal}") from refusal
        except client.Unreachable as error:
            if self._is_out_of_patience():
                seconds = settings.AGENTFORGE_BUILDER_PATIENCE
                raise TryNextBuilder(f"{name} did not answer for {seconds:.0f} s: {error}") from error
            return
        self._last_contact = time.monotonic()
        if answer["state"] == "closed":
            raise TryNextBuilder(f"{name} closed the job without a result.")

    def _is_out_of_patience(self) -> bool:
        return time.monotonic() - self._last_contact > settings.AGENTFORGE_BUILDER_PATIENCE

    async def _cancel(self) -> bool:
        """Cancel the job; return True when the builder confirms that no process of it lives."""
        self._last_contact = time.monotonic()
        confirmed = self.job.number is None
        while not confirmed and not self._is_out_of_patience():
            try:
                answer = await self._send("cancel")
                confirmed = answer["state"] in ("ended", "closed")
            except client.Refused as refusal:
                confirmed = refusal.status == 404
            except client.Unreachable:
                pass
            if not confirmed:
                await asyncio.sleep(_PAUSE)
        await in_thread(records.close, self.job, State.CANCELLED if confirmed else State.GIVEN_UP)
        return confirmed

    async def _give_up(self) -> None:
        await in_thread(records.close, self.job, State.GIVEN_UP)
        if self.job.number is not None:
            # If this request is lost, the refusal of the builder's next message stops it.
            with contextlib.suppress(client.Refused, client.Unreachable):
                await self._send("cancel")

    async def _send(self, kind: str) -> dict[str, Any]:
        content = {"kind": kind, "key": str(self.job.key)}
        return await self._call(f"jobs/{self.job.number}/{kind}/", content)

    async def _call(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._builder.url.rstrip('/')}/{path}"
        return await asyncio.to_thread(client.call, url, self._builder.secret, content)

    async def fetch(self, document: str, work: Path) -> tuple[Inputs, Compiled]:
        """Write the finished job's programs to the directory `work`; return its inputs and the programs.

        Raises BuildError when a file is damaged or missing, or the toolchain differs from this forge's.
        """
        files = await in_thread(records.fetch, self.job, work)
        await in_thread(records.delete_received, self.job)
        if "program" not in files:
            raise BuildError(f"{self._builder.name} sent no program.")
        inputs = await asyncio.to_thread(job_request.inputs_of, self.job, document)
        return inputs, Compiled(files["program"], files.get("host"))


@asynccontextmanager
async def _notifications(key: str) -> AsyncIterator[Callable[[float], Any]]:
    """Yield a function that waits up to some seconds for a message about a job and returns if one came."""
    connection = await connect_async()
    try:
        await connection.execute(f"LISTEN {receiver.CHANNEL}")

        async def wait(seconds: float) -> bool:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                notifications = connection.notifies(timeout=left, stop_after=1)
                if key in [each.payload async for each in notifications]:
                    return True
            return False

        yield wait
    finally:
        await connection.close()
