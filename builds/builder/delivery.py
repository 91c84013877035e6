"""Deliver a job's messages and files to the forge, resuming at the forge's position after any failure."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from pathlib import Path

from agentforge.retry import Backoff
from agentforge.tenancy.threads import in_thread
from builds.remote import client
from builds.remote.messages import PIECE_BYTES

from . import job_store
from .forge import Forge
from .models import Entry, Job

# Once the compilation is finished, stop after the forge has been unreachable for this long. The forge's next
# request, or the recovery task, tries again.
GIVE_UP_SECONDS = 10.0


class FileLost(Exception):
    """This builder no longer has a file of the job, or the forge never receives it intact."""


class Delivery:
    """The delivery of one job; `notify()` reports that there is more to deliver."""

    def __init__(self, job: Job, is_compiled: Callable[[], bool]) -> None:
        self._job = job
        self._is_compiled = is_compiled
        self._forge = Forge(job)
        self._next: int | None = None
        self._wakeup = asyncio.Event()

    def notify(self) -> None:
        self._wakeup.set()

    async def run(self) -> bool:
        """Deliver until the forge has the job's last message; return False when it stays unreachable.

        Raises JobNotWanted.
        """
        unreachable_since, delays = 0.0, Backoff(0.2, 3.0)
        while True:
            self._wakeup.clear()
            try:
                if await self._send_pending():
                    return True
            except client.Unreachable:
                unreachable_since = unreachable_since or time.monotonic()
                if self._is_compiled() and time.monotonic() - unreachable_since > GIVE_UP_SECONDS:
                    return False
                await asyncio.sleep(delays.next())
            else:
                unreachable_since = 0.0
                delays.reset()
                await self._wakeup.wait()

    async def _send_pending(self) -> bool:
        """Send the pending messages; return True after the last one of the job."""
        if self._next is None:
            self._next = int((await self._forge.send(kind="ask"))["next"])
        while entry := await in_thread(self._entry, self._next):
            is_end = entry.content["kind"] == "end"
            if is_end and entry.content["result"] == Job.Result.SUCCEEDED:
                await self._upload_all(entry)
            answer = await self._forge.send(**entry.content, sequence=entry.sequence)
            self._next = int(answer["next"])
            if is_end and self._next > entry.sequence:
                return True
        return False

    def _entry(self, sequence: int) -> Entry | None:
        """Return the message that the forge expects, and delete those before it."""
        entries = Entry.objects.filter(job=self._job)
        entries.filter(sequence__lt=sequence).delete()
        return entries.filter(sequence=sequence).first()

    async def _upload_all(self, end: Entry) -> None:
        offsets = (await self._forge.send(kind="ask"))["offsets"]
        try:
            for name, offset in offsets.items():
                await self._upload(job_store.directory_of(self._job) / name, int(offset))
        except FileLost as error:
            end.content = {"kind": "end", "result": "failed", "fault": "builder", "error": str(error)}
            await in_thread(end.save)

    async def _upload(self, path: Path, offset: int) -> None:
        rewinds = 0
        size = await asyncio.to_thread(_size, path)
        while offset < size:
            data = await asyncio.to_thread(_read, path, offset)
            piece = base64.b64encode(data).decode()
            answer = await self._forge.send(kind="piece", name=path.name, offset=offset, content=piece)
            rewinds += int(answer["offset"]) <= offset
            if rewinds > 3:
                raise FileLost(f"The forge did not receive {path.name} intact.")
            offset = int(answer["offset"])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise FileLost(f"The builder lost {path.name}.") from error


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(PIECE_BYTES)
    except OSError as error:
        raise FileLost(f"The builder lost {path.name}.") from error
