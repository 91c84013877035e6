from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.console import Console
from deployments import services, sites
from deployments.accounts import AccountProblem
from deployments.errors import NotPossible
from deployments.hosts import HostError
from deployments.models import Deployment
from deployments.reports import deployment_json, site_json

_MOST = 50


class Command(BaseCommand):
    help = "List deployments, look at one and its site, or roll back to one (a dry run without --yes)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        what = parser.add_subparsers(dest="what", required=True)
        listing = what.add_parser("list", help="the newest deployments")
        listing.add_argument("--agent", type=int, help="of one agent only")
        status = what.add_parser("status", help="one deployment, and what its site shows now")
        status.add_argument("deployment", type=int)
        back = what.add_parser("rollback", help="put a deployment live again")
        back.add_argument("deployment", type=int)
        back.add_argument("--yes", action="store_true", help="really do it")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        if options["what"] == "list":
            return self._list(console, options["agent"])
        rows = Deployment.objects.select_related("site", "revision", "owner")
        deployment: Deployment | None = rows.filter(pk=options["deployment"]).first()
        if deployment is None:
            raise CommandError(f"There is no deployment {options['deployment']}.")
        try:
            if options["what"] == "status":
                sites.look(deployment.site)
                deployment.site.refresh_from_db()
                self._show(console, deployment)
                console.result(deployment=deployment_json(deployment), site=site_json(deployment.site))
            elif not options["yes"]:
                console.say(f"{deployment.site.url} would show {deployment}. Nothing was done: add --yes.")
                console.result(success=True, applied=False)
            else:
                services.publish(deployment, deployment.owner)
                console.say(f"{deployment.site.url} shows {deployment} now.")
                console.result(success=True, applied=True)
        except (NotPossible, AccountProblem, HostError) as refusal:
            raise CommandError(str(refusal)) from refusal

    def _list(self, console: Console, agent: int | None) -> None:
        rows = Deployment.objects.select_related("site", "revision")
        for deployment in (rows.filter(site__agent_id=agent) if agent else rows)[:_MOST]:
            self._show(console, deployment)
            console.result(deployment=deployment_json(deployment))

    def _show(self, console: Console, deployment: Deployment) -> None:
        live = " live" if deployment.is_live else ""
        draft = " draft" if deployment.draft else ""
        console.say(
            f"{deployment.pk:6}  {deployment.status:9}  {deployment.site.name}  revision "
            f"{deployment.revision.number}{draft}{live}  {deployment.error}".rstrip()
        )
