"""Bring a job's messages and files to the forge, from where the forge stands, whatever broke in between."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from agentforge.tenancy.threads import in_thread
from builds.remote import client
from builds.remote.messages import PIECE_BYTES

from . import job_store
from .models import Entry, Job

# With nothing more to compile, a forge that is silent for so long is left; its next sign, or the next
# look of the upkeep, tries again.
GIVE_UP_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 3.0


class Unwanted(Exception):
    """Say that the forge wants nothing more of a job: it gave it up, or deleted the build."""


class FileLost(Exception):
    """Say that a file of a job is gone from this builder."""


class Delivery:
    """Deliver one job; `news()` says that there is more to deliver."""

    def __init__(self, job: Job, is_over: Callable[[], bool]) -> None:
        self._job = job
        self._is_over = is_over
        self._url = f"{settings.AGENTFORGE_FORGE_URL}/webhooks/builder/{job.build}/"
        self._next: int | None = None
        self._news = asyncio.Event()

    def news(self) -> None:
        self._news.set()

    async def run(self) -> bool:
        """Deliver until the job's last message is with the forge; False when the forge stays silent.

        Raises Unwanted.
        """
        silent_since, pause = 0.0, _FIRST_PAUSE
        while True:
            self._news.clear()
            try:
                if await self._send():
                    return True
            except client.Silent:
                silent_since = silent_since or time.monotonic()
                if self._is_over() and time.monotonic() - silent_since > GIVE_UP_SECONDS:
                    return False
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                silent_since, pause = 0.0, _FIRST_PAUSE
                await self._news.wait()

    async def _send(self) -> bool:
        """Send what there is; True when that was the last of it."""
        if self._next is None:
            self._next = int((await self._say(kind="ask"))["next"])
        while entry := await in_thread(self._entry, self._next):
            is_end = entry.content["kind"] == "end"
            if is_end and entry.content["result"] == Job.Result.SUCCEEDED:
                await self._upload_all(entry)
            answer = await self._say(**entry.content, sequence=entry.sequence)
            self._next = int(answer["next"])
            if is_end and self._next > entry.sequence:
                return True
        return False

    def _entry(self, following: int) -> Entry | None:
        """Return the message that the forge expects; those before it are not needed any more."""
        entries = Entry.objects.filter(job=self._job)
        entries.filter(sequence__lt=following).delete()
        return entries.filter(sequence=following).first()

    async def _upload_all(self, end: Entry) -> None:
        offsets = (await self._say(kind="ask"))["offsets"]
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
            answer = await self._say(kind="piece", name=path.name, offset=offset, content=piece)
            rewinds += int(answer["offset"]) <= offset
            if rewinds > 3:
                raise FileLost(f"The forge did not get {path.name} whole.")
            offset = int(answer["offset"])

    async def _say(self, **content: Any) -> dict[str, Any]:
        secret = settings.AGENTFORGE_BUILDER_SECRET
        told = {**content, "key": str(self._job.key)}
        try:
            return await asyncio.to_thread(client.call, self._url, secret, told)
        except client.Refused as refusal:
            if refusal.status in (404, 410):
                raise Unwanted(str(refusal)) from refusal
            if refusal.status == 409 and {"next", "offset"} & refusal.content.keys():
                # Ahead of what the forge has: it says where it stands.
                return dict(refusal.content)
            raise client.Silent(str(refusal)) from refusal


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
