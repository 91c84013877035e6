"""The worker's tasks for accounts."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from agentforge.tenancy.threads import in_own_thread

from . import guests

# A sign-up that began in time may still be hashing its password.
GRACE = timedelta(minutes=1)


@app.periodic(cron="*/2 * * * *")
@app.task(
    name="accounts.remove_guests",
    queue="upkeep",
    queueing_lock="accounts.remove_guests",
    lock="accounts.remove_guests",
)
async def remove_guests(timestamp: int) -> None:
    """Remove the guests whose time is over."""
    await in_own_thread(_remove)


def _remove() -> None:
    guests.remove_ended(timezone.now() - GRACE)
