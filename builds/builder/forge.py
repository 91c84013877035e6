"""Messages from a builder to its forge about one job."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings

from builds.remote import client

from .models import Job


class JobNotWanted(Exception):
    """The forge gave up the job or deleted the build."""


class Forge:
    """The forge as seen from one job."""

    def __init__(self, job: Job) -> None:
        self._key = str(job.key)
        self._url = f"{settings.AGENTFORGE_FORGE_URL}/webhooks/builder/{job.build}/"

    async def send(self, **content: Any) -> dict[str, Any]:
        """Send a message and return the answer, or the forge's position if it expected another one.

        Raises JobNotWanted and Unreachable.
        """
        message = {**content, "key": self._key}
        try:
            return await asyncio.to_thread(
                client.call, self._url, settings.AGENTFORGE_BUILDER_SECRET, message
            )
        except client.Refused as refusal:
            if refusal.status in (404, 410):
                raise JobNotWanted(str(refusal)) from refusal
            if refusal.status == 409 and {"next", "offset"} & refusal.content.keys():
                return dict(refusal.content)
            raise client.Unreachable(str(refusal)) from refusal
