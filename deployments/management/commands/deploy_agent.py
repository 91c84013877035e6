from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agentforge.explained_command import ExplainedCommand
from builds.logs.ansi import plain
from builds.logs.follower import follow
from builds.models import Build
from configs.models import AgentConfig
from deployments import preflight, services
from deployments.errors import NotPossible
from deployments.hosts.base import HostError
from deployments.hosts.registry import KINDS, SELF_HOST
from deployments.hosts.selfhost.archive import tree_of
from deployments.models import UNFINISHED, Deployment, DeploymentStatus, Site
from deployments.reports import deployment_json
from deployments.run.console import DeployConsole
from deployments.sites import lifecycle

EXIT_CODES: dict[str, int] = {DeploymentStatus.FAILED: 1, DeploymentStatus.CANCELLED: 3}
_INTERRUPTED = 130


class Command(ExplainedCommand):
    help = """Deploy an agent's newest build, or a given one, to its site. A worker must be running.

Exit code: 0 deployed, 1 refused or failed, 3 cancelled, 130 interrupted (the deployment continues)."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agent", type=int, help="the agent's id")
        parser.add_argument("--build", type=int, help="a build's id; default: the newest deployable one")
        parser.add_argument("--draft", action="store_true", help="deploy to a separate address, not live")
        parser.add_argument(
            "--self-hosted",
            metavar="NAME",
            help="if the agent has no site, create one of this name on the forge's disk; needs no account",
        )
        parser.add_argument(
            "--out",
            metavar="PATH",
            type=Path,
            help="copy the files of a site on the forge's disk to a directory, or to an archive (.tar.gz)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = DeployConsole(self.stdout, self.style, as_json=options["json"])
        agent: AgentConfig | None = AgentConfig.objects.filter(pk=options["agent"]).first()
        if agent is None:
            raise CommandError(f"There is no agent {options['agent']}.")
        if agent.trashed_at is not None:
            raise CommandError(
                f"Agent {agent.pk} is in the trash. Its owner can restore it. Nothing was deployed."
            )
        if options["out"] and _is_in_use(options["out"]):
            message = f"{options['out']} exists already. Nothing was deployed. Choose another path for --out."
            raise CommandError(message)
        try:
            site = self._site(agent, options["self_hosted"])
            if options["out"] and site.host != SELF_HOST:
                raise CommandError("--out requires a site on the forge's disk; this one is elsewhere.")
            build = self._build(agent, site, options["build"])
            preflight.require_ready(agent, site, build)
            deployment = services.enqueue(site, build, agent.owner, draft=options["draft"])
        except (NotPossible, HostError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self._follow(console, deployment)
        if deployment.status != DeploymentStatus.SUCCEEDED:
            message = deployment.error or f"Deployment {deployment.pk} was {deployment.status}."
            raise CommandError(plain(message), returncode=EXIT_CODES.get(deployment.status, 1))
        if options["out"]:
            console.info(f"Written: {self._write(deployment, options['out'])}")
        elif address := deployment.url if deployment.draft else site.url:
            console.info(address)

    def _follow(self, console: DeployConsole, deployment: Deployment) -> None:
        """Show a deployment until it ends, and reload it."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: console.stop())
        with console:
            for _, record in follow([deployment.stream_name], lambda: console.is_stopping):
                console.show(record)
        deployment.refresh_from_db()
        console.result(success=deployment.status == DeploymentStatus.SUCCEEDED, **deployment_json(deployment))
        if console.is_stopping and deployment.status in UNFINISHED:
            message = f"Stopped following. Deployment {deployment.pk} continues in the worker."
            raise CommandError(message, returncode=_INTERRUPTED)

    def _site(self, agent: AgentConfig, name: str | None) -> Site:
        site = lifecycle.site_of(agent)
        if site is None and name:
            return lifecycle.create_site(agent, name, "", agent.owner, host=SELF_HOST)
        if site is None:
            raise CommandError(
                "This agent has no site yet. Choose one in its tab Deploy, or use --self-hosted."
            )
        if name and (site.host, site.name) != (SELF_HOST, name):
            message = f"This agent is deployed to {site.name} already. Change the site in its tab Deploy."
            raise CommandError(message)
        return site

    def _write(self, deployment: Deployment, path: Path) -> Path:
        try:
            tree = tree_of(deployment.owner_id, deployment.remote_id)
            if not path.name.endswith((".tar.gz", ".tgz")):
                tree.copy_to(path)
                return path
            with path.open("xb") as file:
                file.writelines(tree.tar())
        except FileExistsError as error:
            message = f"Deployed, but {path} exists already. Choose another path for --out, or remove it."
            raise CommandError(message) from error
        except (OSError, HostError) as error:
            raise CommandError(f"Deployed, but not written to {path}: {error}") from error
        return path

    def _build(self, agent: AgentConfig, site: Site, pk: int | None) -> Build:
        builds = preflight.deployable(agent, site)
        build = next((each for each in builds if pk in (None, each.pk)), None)
        if build is None:
            which = "no build" if pk is None else f"no build {pk}"
            host = KINDS[site.host].label
            raise CommandError(f"There is {which} of this agent with a program for {host}. Compile one.")
        return build


def _is_in_use(path: Path) -> bool:
    """Return whether a path exists, other than as an empty directory."""
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))
