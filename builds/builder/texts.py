"""Fetch the texts of an agent's files from the forge: a configuration names them by their sha256 only."""

from __future__ import annotations

import asyncio
import base64
import time

from agentforge.retry import Backoff
from builds.compiler.knowledge import files_of
from builds.errors import BuildError
from builds.remote import client

from .forge import Forge
from .models import Job

# For all texts together, pauses included.
MOST_SECONDS = 120.0


async def fetch(job: Job) -> dict[str, bytes]:
    """Return the texts that a job's configuration names, by sha256, without those that the forge has no more.

    Raises BuildError when the forge doesn't send them in time, and JobNotWanted.
    """
    forge, texts = Forge(job), {}
    delays, until = Backoff(0.2, 3.0), time.monotonic() + MOST_SECONDS
    for sha256 in dict.fromkeys(str(file["text"]) for file in files_of(job.document)):
        while sha256 not in texts:
            try:
                texts[sha256] = await _fetch(forge, sha256)
            except client.Unreachable as error:
                if time.monotonic() > until:
                    raise BuildError(f"The forge did not send the texts of the files: {error}") from error
                await asyncio.sleep(delays.next())
    return {sha256: text for sha256, text in texts.items() if text is not None}


async def _fetch(forge: Forge, sha256: str) -> bytes | None:
    """Return a text, or None if the forge has it no more. Raises JobNotWanted and Unreachable."""
    text = b""
    while True:
        answer = await forge.send(kind="text", sha256=sha256, offset=len(text))
        if answer["size"] is None:
            return None
        piece = base64.b64decode(answer["content"])
        text += piece
        if len(text) >= answer["size"] or not piece:
            return text
