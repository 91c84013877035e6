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


class Command(BaseCommand):
    help = "Build agents again, with the worker (a dry run without --yes)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agents", nargs="*", type=int, metavar="AGENT", help="ids of agents")
        parser.add_argument("--all", action="store_true", help="every agent that was ever built")
        parser.add_argument("--outdated", action="store_true", help="only those that would differ now")
        parser.add_argument("--yes", action="store_true", help="really build")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["agents"]) == (options["all"] or options["outdated"]) and not options["outdated"]:
            raise CommandError("Name agents, or give --all or --outdated.")
        console = Console(self.stdout, self.style, as_json=options["json"])
        try:
            found = rebuilds.candidates(options["agents"] or None)
        except ToolchainMissing as missing:
            raise CommandError(str(missing)) from missing
        if unknown := set(options["agents"]) - {each.build.revision.agent_id for each in found}:
            raise CommandError(f"Never built, or unknown: {', '.join(map(str, sorted(unknown)))}.")
        chosen = [each for each in found if each.outdated or not options["outdated"]]
        for each in chosen:
            console.say(str(each))
        if not options["yes"]:
            console.say(f"{len(chosen)} to build. Nothing was started: add --yes to build.")
            agents = [each.build.revision.agent_id for each in chosen]
            console.result(success=True, applied=False, agents=agents)
            return
        if not any_worker_alive():
            raise CommandError("No worker runs, so nothing was started. Start one: make run.")
        self._follow(rebuilds.start(chosen), console)

    def _follow(self, builds: list[Build], console: Console) -> None:
        stopping = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        names = {build.stream_name: f"{build.revision.agent.handle}: " for build in builds}
        for name, record in follow(names, stopping.is_set):
            console.show({**record, "build": name}, names[name])
        pks = [build.pk for build in builds]
        ended = Build.objects.filter(pk__in=pks)
        done = ended.filter(status=BuildStatus.SUCCEEDED).count()
        console.result(success=done == len(builds), applied=True, builds=pks, succeeded=done)
        console.say(f"{done} of {len(builds)} succeeded.")
        if stopping.is_set():
            raise CommandError("Stopped following. The builds go on with the worker.")
        if done < len(builds):
            raise CommandError(f"{len(builds) - done} did not succeed.")
