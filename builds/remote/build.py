"""Let a remote builder make one target: ask, follow, fetch; and stop it when nobody wants it any more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError

from agentforge.live.connections import parameters
from agentforge.tenancy.threads import in_thread
from builds.compiler.inputs import Inputs
from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import client, job_request, receiver, records
from .builders import Builder
from .job_request import Elsewhere
from .models import RemoteJob

# A builder that said nothing for so long is asked how far it is.
ASK_SECONDS = 5.0
# A job takes no longer than this, the builder's own queue included.
MOST_SECONDS = 1800.0
_PAUSE = 0.5

State = RemoteJob.State


class CancelUnconfirmed(BuildError):
    """Say that a builder did not confirm the end of a job's processes: it is not known to be cancelled."""


class RemoteBuild:
    """Follow one target of a build at one builder."""

    def __init__(self, builder: Builder, job: RemoteJob, log: BuildLog) -> None:
        self.job = job
        self._builder = builder
        self._log = log
        self._position = 0
        self._heard = self._started = time.monotonic()

    async def run(
        self, document: str, inputs: Inputs | None, *, is_shutdown: Callable[[], bool]
    ) -> RemoteJob:
        """Return the finished job. Cancelled, it stops the builder first, unless the worker hands over.

        Raises Elsewhere, BuildError with the compiler's message, or CancelUnconfirmed.
        """
        try:
            await self._ask(job_request.request(self.job, document, inputs))
            await self._follow_on()
        except asyncio.CancelledError as cancelled:
            if is_shutdown():
                raise
            if not await asyncio.shield(self._cancel()):
                told = (
                    f"{self._builder.name} did not confirm that its compiler is dead. It may still run there."
                )
                raise CancelUnconfirmed(f"Cancel was asked for, but {told}") from cancelled
            raise
        except Elsewhere:
            await asyncio.shield(self._give_up())
            raise
        return self.job

    async def _ask(self, request: dict[str, Any]) -> None:
        """Ask for the job, or for the one that was asked for before."""
        while True:
            try:
                answer = await self._call("jobs/", request)
            except client.Refused as refusal:
                raise Elsewhere(f"{self._builder.name} refused: {refusal}") from refusal
            except client.Silent as silence:
                if self.job.number is None or self._is_out_of_patience():
                    raise Elsewhere(f"{self._builder.name} is unreachable: {silence}") from silence
                await asyncio.sleep(_PAUSE)
            else:
                await in_thread(records.numbered, self.job, int(answer["job"]))
                return

    async def _follow_on(self) -> None:
        """Follow the job, through restarts of the database."""
        while True:
            try:
                async with _notified(str(self.job.key)) as wait:
                    return await self._follow(wait)
            except (OperationalError, InterfaceError, psycopg.OperationalError):
                # Nothing could be received meanwhile: that is not the builder's silence.
                self._heard = time.monotonic()
                await asyncio.sleep(_PAUSE)

    async def _follow(self, wait: Callable[[float], Any]) -> None:
        """Write the builder's log into ours until the job is over."""
        while True:
            news = await in_thread(records.news, self.job, self._position)
            for record in news.records:
                # What no log of a build holds is left out; the rest is redacted and limited as our own is.
                with contextlib.suppress(ValueError):
                    self._log.take(record)
            self.job, self._position = news.job, news.position
            if news.records:
                continue
            if self.job.state != State.OPEN:
                return self._judge()
            if await wait(ASK_SECONDS):
                self._heard = time.monotonic()
            else:
                await self._ask_how_far()

    def _judge(self) -> None:
        if self.job.state == State.SUCCEEDED:
            return
        if self.job.state == State.FAILED and not self.job.fault:
            raise BuildError(self.job.error or "The compiler failed.", exit_code=self.job.exit_code)
        why = self.job.error or f"the job was {self.job.state}"
        raise Elsewhere(f"{self._builder.name} could not finish: {why}")

    async def _ask_how_far(self) -> None:
        name = self._builder.name
        if time.monotonic() - self._started > MOST_SECONDS:
            raise Elsewhere(f"{name} took longer than {MOST_SECONDS / 60:.0f} minutes.")
        try:
            answer = await self._tell("state")
        except client.Refused as refusal:
            raise Elsewhere(f"{name} does not know the job any more: {refusal}") from refusal
        except client.Silent as silence:
            if self._is_out_of_patience():
                seconds = settings.AGENTFORGE_BUILDER_PATIENCE
                raise Elsewhere(f"{name} did not answer for {seconds:.0f} s: {silence}") from silence
            return
        self._heard = time.monotonic()
        if answer["state"] == "closed":
            raise Elsewhere(f"{name} closed the job and told nothing.")

    def _is_out_of_patience(self) -> bool:
        return time.monotonic() - self._heard > settings.AGENTFORGE_BUILDER_PATIENCE

    async def _cancel(self) -> bool:
        """Cancel the job; True when the builder says that no process of it lives."""
        self._heard = time.monotonic()
        confirmed = self.job.number is None
        while not confirmed and not self._is_out_of_patience():
            try:
                answer = await self._tell("cancel")
                confirmed = answer["state"] in ("ended", "closed")
            except client.Refused as refusal:
                confirmed = refusal.status == 404
            except client.Silent:
                pass
            if not confirmed:
                await asyncio.sleep(_PAUSE)
        await in_thread(records.close, self.job, State.CANCELLED if confirmed else State.GIVEN_UP)
        return confirmed

    async def _give_up(self) -> None:
        await in_thread(records.close, self.job, State.GIVEN_UP)
        if self.job.number is not None:
            # If this does not reach it, it is told with its next message, and stops then.
            with contextlib.suppress(client.Refused, client.Silent):
                await self._tell("cancel")

    async def _tell(self, kind: str) -> dict[str, Any]:
        content = {"kind": kind, "key": str(self.job.key)}
        return await self._call(f"jobs/{self.job.number}/{kind}/", content)

    async def _call(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._builder.url.rstrip('/')}/{path}"
        return await asyncio.to_thread(client.call, url, self._builder.secret, content)

    async def fetch(self, document: str, work: Path) -> tuple[Inputs, dict[str, Path]]:
        """Return what the finished job was made of, and its files in the directory `work`.

        Raises BuildError when something of it is not as it should be.
        """
        files = await in_thread(records.fetch, self.job, work)
        await in_thread(records.tidy, self.job)
        if "program" not in files:
            raise BuildError(f"{self._builder.name} sent no program.")
        return await asyncio.to_thread(job_request.inputs_of, self.job, document), files


@asynccontextmanager
async def _notified(key: str) -> AsyncIterator[Callable[[float], Any]]:
    """Yield a function that waits for a sign of a job, at most so many seconds."""
    connection = await psycopg.AsyncConnection.connect(**parameters())
    try:
        await connection.execute(f"LISTEN {receiver.CHANNEL}")

        async def wait(seconds: float) -> bool:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                told = [each.payload async for each in connection.notifies(timeout=left, stop_after=1)]
                if key in told:
                    return True
            return False

        yield wait
    finally:
        await connection.close()
