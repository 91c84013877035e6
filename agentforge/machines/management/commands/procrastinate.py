from __future__ import annotations

from typing import Any

from procrastinate.contrib.django.management.commands import procrastinate

from agentforge.machines import start


class Command(procrastinate.Command):
    """procrastinate's command; a worker first compares what all machines share."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options.get("command") == "worker":
            start.compare()
        super().handle(*args, **options)
