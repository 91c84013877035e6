from __future__ import annotations

import signal
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.logs.ansi import plain
from builds.logs.follower import follow
from builds.models import Build
from configs.models import AgentConfig
from deployments import preflight, services
from deployments.accounts.host_accounts import KINDS, SELF_HOST
from deployments.errors import NotPossible
from deployments.hosts.base import HostError
from deployments.hosts.selfhost.archive import tree_of
from deployments.models import UNFINISHED, Deployment, DeploymentStatus, Site
from deployments.reports import deployment_json
from deployments.run.console import DeployConsole
from deployments.sites import lifecycle

EXIT_CODES: dict[str, int] = {DeploymentStatus.FAILED: 1, DeploymentStatus.CANCELLED: 3}
_INTERRUPTED = 130


class Command(BaseCommand):
    help = """Deploy an agent's newest build, or a named one, to its site, with the worker.

Exit code: 0 deployed, 1 refused or failed, 3 cancelled, 130 interrupted (the deployment goes on)."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agent", type=int, help="the agent's id")
        parser.add_argument(
            "--build", type=int, help="a build's id; without, the newest that can be deployed"
        )
        parser.add_argument("--draft", action="store_true", help="at an address of its own, not live")
        parser.add_argument(
            "--self-hosted",
            metavar="NAME",
            help="for an agent without a site: make one of this name on the forge's disk; needs no account",
        )
        parser.add_argument(
            "--out",
            metavar="PATH",
            type=Path,
            help="of a site on the forge's disk: copy the files to a directory, or to an archive, .tar.gz",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = DeployConsole(self.stdout, self.style, as_json=options["json"])
        agent: AgentConfig | None = AgentConfig.objects.filter(pk=options["agent"]).first()
        if agent is None:
            raise CommandError(f"There is no agent {options['agent']}.")
        if options["out"] and _is_taken(options["out"]):
            told = f"{options['out']} is there already. Nothing was deployed. Name another one with --out."
            raise CommandError(told)
        try:
            site = self._site(agent, options["self_hosted"])
            if options["out"] and site.host != SELF_HOST:
                raise CommandError("--out is for sites on the forge's disk: this agent's site is elsewhere.")
            build = self._build(agent, site, options["build"])
            preflight.refuse(agent, site, build)
            deployment = services.enqueue(site, build, agent.owner, draft=options["draft"])
        except (NotPossible, HostError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self._follow(console, deployment)
        if deployment.status != DeploymentStatus.SUCCEEDED:
            told = deployment.error or f"Deployment {deployment.pk} was {deployment.status}."
            raise CommandError(plain(told), returncode=EXIT_CODES.get(deployment.status, 1))
        if options["out"]:
            console.say(f"Written: {self._write(deployment, options['out'])}")
        elif address := deployment.url if deployment.draft else site.url:
            console.say(address)

    def _follow(self, console: DeployConsole, deployment: Deployment) -> None:
        """Show a deployment until it ends, and learn how."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: console.stop())
        with console:
            for _, record in follow([deployment.stream_name], lambda: console.is_stopping):
                console.show(record)
        deployment.refresh_from_db()
        console.result(success=deployment.status == DeploymentStatus.SUCCEEDED, **deployment_json(deployment))
        if console.is_stopping and deployment.status in UNFINISHED:
            told = f"Stopped following. Deployment {deployment.pk} goes on with the worker."
            raise CommandError(told, returncode=_INTERRUPTED)

    def _site(self, agent: AgentConfig, name: str | None) -> Site:
        site = lifecycle.site_of(agent)
        if site is None and name:
            return lifecycle.create_site(agent, name, "", agent.owner, host=SELF_HOST)
        if site is None:
            raise CommandError("This agent has no site yet. Choose one in its tab Deploy, or --self-hosted.")
        if name and (site.host, site.name) != (SELF_HOST, name):
            told = f"This agent is deployed to {site.name} already. Its tab Deploy has other sites."
            raise CommandError(told)
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
            told = f"Deployed, but {path} is there already. Name another one with --out, or remove it."
            raise CommandError(told) from error
        except (OSError, HostError) as error:
            raise CommandError(f"Deployed, but not written to {path}: {error}") from error
        return path

    def _build(self, agent: AgentConfig, site: Site, wanted: int | None) -> Build:
        found = preflight.deployable(agent, site)
        build = next((each for each in found if wanted in (None, each.pk)), None)
        if build is None:
            which = "no build" if wanted is None else f"no build {wanted}"
            where = KINDS[site.host].label
            raise CommandError(f"There is {which} of this agent with the program for {where}. Compile one.")
        return build


def _is_taken(path: Path) -> bool:
    """Tell whether something stands where the files would be written; an empty directory may."""
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))
