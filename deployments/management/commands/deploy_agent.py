from __future__ import annotations

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.console import Console
from builds.following import follow
from builds.models import Build
from configs.models import AgentConfig
from deployments import readiness, services, sites
from deployments.errors import NotPossible
from deployments.models import DeploymentStatus, Site
from deployments.reports import deployment_json


class Command(BaseCommand):
    help = "Deploy an agent's newest build, or a named one, to its site, with the worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("agent", type=int, help="the agent's id")
        parser.add_argument(
            "--build", type=int, help="a build's id; without, the newest that can be deployed"
        )
        parser.add_argument("--draft", action="store_true", help="at an address of its own, not live")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        agent: AgentConfig | None = AgentConfig.objects.filter(pk=options["agent"]).first()
        if agent is None:
            raise CommandError(f"There is no agent {options['agent']}.")
        site = sites.site_of(agent)
        if site is None:
            raise CommandError("This agent has no site yet. Choose one in its tab Deploy.")
        try:
            build = self._build(agent, site, options["build"])
            deployment = services.enqueue(site, build, agent.owner, draft=options["draft"])
        except NotPossible as refusal:
            raise CommandError(str(refusal)) from refusal
        stopping = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        for _, record in follow([deployment.stream_name], stopping.is_set):
            console.show(record)
        deployment.refresh_from_db()
        console.result(success=deployment.status == DeploymentStatus.SUCCEEDED, **deployment_json(deployment))
        if stopping.is_set():
            raise CommandError("Stopped following. The deployment goes on with the worker.")
        if deployment.status != DeploymentStatus.SUCCEEDED:
            raise CommandError(deployment.error or f"Deployment {deployment.pk}: {deployment.status}.")
        console.say(deployment.url if deployment.draft else site.url)

    def _build(self, agent: AgentConfig, site: Site, wanted: int | None) -> Build:
        found = readiness.deployable(agent, site)
        build = next((each for each in found if wanted in (None, each.pk)), None)
        if build is None:
            raise CommandError("There is no such build that holds the Netlify function. Compile one for it.")
        return build
