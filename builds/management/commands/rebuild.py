from __future__ import annotations

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentforge.worker_liveness import any_worker_alive
from builds.errors import ToolchainMissing
from builds.logs.console import Console
from builds.logs.follower import follow
from builds.models import Build, BuildStatus
from builds.operations import rebuilds
from builds.queue import jobs


class Command(BaseCommand):
    help = "Build agents again in the worker (a dry run without --yes)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agents", nargs="*", type=int, metavar="AGENT", help="ids of agents")
        parser.add_argument("--all", action="store_true", help="all agents that were built before")
        parser.add_argument("--outdated", action="store_true", help="only agents whose files would change")
        parser.add_argument("--yes", action="store_true", help="start the builds")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["agents"]) == (options["all"] or options["outdated"]) and not options["outdated"]:
            raise CommandError("Name agents, or give --all or --outdated.")
        console = Console(self.stdout, self.style, as_json=options["json"])
        try:
            candidates = rebuilds.candidates(options["agents"] or None)
        except ToolchainMissing as error:
            raise CommandError(str(error)) from error
        if unknown := set(options["agents"]) - {each.build.revision.agent_id for each in candidates}:
            raise CommandError(f"Unknown, or never built: {', '.join(map(str, sorted(unknown)))}.")
        chosen = [each for each in candidates if each.outdated or not options["outdated"]]
        for each in chosen:
            console.info(str(each))
        if not options["yes"]:
            console.info(f"{len(chosen)} to build. Nothing was started; add --yes to build.")
            agents = [each.build.revision.agent_id for each in chosen]
            console.result(success=True, applied=False, agents=agents)
            return
        if not any_worker_alive(jobs.QUEUES[jobs.COMPILE]):
            raise CommandError("No worker takes builds, so nothing was started. Start one: make run.")
        self._follow(rebuilds.start(chosen), console)

    def _follow(self, builds: list[Build], console: Console) -> None:
        stopping = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        names = {build.stream_name: f"{build.revision.agent.handle}: " for build in builds}
        for name, record in follow(names, stopping.is_set):
            console.show({**record, "build": name}, names[name])
        pks = [build.pk for build in builds]
        succeeded = Build.objects.filter(pk__in=pks, status=BuildStatus.SUCCEEDED).count()
        console.result(success=succeeded == len(builds), applied=True, builds=pks, succeeded=succeeded)
        console.info(f"{succeeded} of {len(builds)} succeeded.")
        if stopping.is_set():
            raise CommandError("Stopped following. The builds continue in the worker.")
        if succeeded < len(builds):
            raise CommandError(f"{len(builds) - succeeded} did not succeed.")
