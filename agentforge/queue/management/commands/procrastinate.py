from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from procrastinate import App, cli
from procrastinate.contrib.django.management.commands import procrastinate

from agentforge.machines import start
from agentforge.queue.worker import QueueWorker
from agentforge.telemetry.record_streams import RecordingCommand
from agentforge.tenancy.threads import in_thread


class Command(RecordingCommand, procrastinate.Command):
    """Procrastinate's commands, with the forge's own worker."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run a worker, or what else procrastinate offers."""
        if options.get("func") is cli.worker_:
            options["func"] = _work
        super().handle(*args, **options)


async def _work(app: App, **options: Any) -> None:
    # Not before the connector has refused a pooler that would lend a changed connection to others.
    await in_thread(start.compare)
    app.perform_import_paths()
    worker = QueueWorker(app=app, **{**app.worker_defaults, **options})
    await worker.run()
    if worker.failed:
        raise CommandError("The worker ended by itself; its log says why.")
