from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agentforge import formats
from agentforge.explained_command import ExplainedCommand
from builds.logs.ansi import plain
from builds.logs.console import Console
from deployments import history, services
from deployments.accounts.host_accounts import AccountProblem
from deployments.errors import NotPossible
from deployments.history import HistoryEntry, LiveStatus
from deployments.hosts.base import HostError
from deployments.hosts.registry import KINDS
from deployments.models import Deployment, DeploymentStatus, Site
from deployments.reports import deployment_json, deployments_json, duration, site_json
from deployments.sites import polling

_MAX_ROWS = 50
_STANDING = {LiveStatus.LIVE: " live", LiveStatus.REPLACED_ELSEWHERE: " changed elsewhere since"}


class Command(ExplainedCommand):
    help = """List deployments, show one and its site, or roll back to one (a dry run without --yes).

Exit code: 0 done, 1 refused, or the host could not be reached."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        what = parser.add_subparsers(dest="what", required=True, metavar="list|status|rollback")
        listing = what.add_parser("list", help="the newest deployments")
        listing.add_argument("--agent", type=int, help="only those of one agent")
        listing.add_argument("--status", choices=DeploymentStatus.values, help="only those with this status")
        status = what.add_parser("status", help="one deployment, and what its site shows now")
        status.add_argument("deployment", type=int, help="its number")
        back = what.add_parser("rollback", help="put a deployment live again, or promote a draft")
        back.add_argument("deployment", type=int, help="its number")
        back.add_argument("--yes", action="store_true", help="apply the change")
        for each in (listing, status, back):
            # Also accepted after the subcommand; its absence there must not override the option before it.
            each.add_argument(
                "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        if options["what"] == "list":
            return self._list(console, options)
        rows = Deployment.objects.select_related("site", "revision", "owner")
        deployment: Deployment | None = rows.filter(pk=options["deployment"]).first()
        if deployment is None:
            raise CommandError(f"There is no deployment {options['deployment']}.")
        try:
            if options["what"] == "status":
                self._status(console, deployment)
            else:
                self._roll_back(console, deployment, apply=options["yes"])
        except (NotPossible, AccountProblem, HostError) as refusal:
            raise CommandError(plain(str(refusal))) from refusal

    def _list(self, console: Console, options: dict[str, Any]) -> None:
        rows = Deployment.objects.select_related("site", "revision")
        if options["agent"] is not None:
            rows = rows.filter(site__agent_id=options["agent"])
        if options["status"]:
            rows = rows.filter(status=options["status"])
        listed = list(rows[:_MAX_ROWS])
        entries = history.entries_for(listed)
        for deployment, data in zip(listed, deployments_json(listed), strict=True):
            console.info(_line(entries[deployment.pk]))
            console.result(deployment=data)

    def _status(self, console: Console, deployment: Deployment) -> None:
        site = deployment.site
        if site.deleted_at is None:
            polling.refresh_site(site)
        site.refresh_from_db()
        console.info(_line(history.entries_for([deployment])[deployment.pk]))
        console.info(_site_line(site))
        console.result(deployment=deployment_json(deployment), site=site_json(site))
        if site.problem and site.deleted_at is None:
            raise CommandError(plain(f"What the site shows now is unknown. {site.problem}"))

    def _roll_back(self, console: Console, deployment: Deployment, *, apply: bool) -> None:
        services.check_publishable(deployment)
        site = deployment.site
        name = plain(site.url or site.name)
        if not apply:
            live = polling.live_deployment(site)
            now = f" in place of revision {live.revision.number}" if live else ""
            change = f"{name} would show {deployment}, revision {deployment.revision.number},{now}"
            console.info(f"{change.rstrip(',')}. Nothing was done: add --yes.")
            return console.result(success=True, applied=False)
        console.info(f"Asking {KINDS[site.host].label} to show {deployment}…")
        services.publish(deployment, deployment.owner)
        console.info(f"{name} shows {deployment} now.")
        console.result(success=True, applied=True)


def _line(entry: HistoryEntry) -> str:
    deployment = entry.deployment
    time = duration(deployment)
    draft = " draft" if deployment.draft else ""
    parts = (
        f"{deployment.pk:6}",
        f"{deployment.status:9}",
        deployment.site.name,
        f"revision {deployment.revision.number}{draft}{_STANDING.get(entry.standing, '')}",
        f"{deployment.created_at:%Y-%m-%d %H:%M}",
        f"in {formats.duration(time)}" if time is not None else "",
        entry.address,
        f"changed: {entry.summary}" if entry.summary else "",
        deployment.error,
    )
    return plain("  ".join(filter(None, parts)))


def _site_line(site: Site) -> str:
    if site.deleted_at is not None:
        return plain(f"{site.name} was deleted, or replaced by another site.")
    shows = history.contents_of([site])[site]
    live = polling.live_deployment(site)
    content = f"deployment {live.pk}, revision {live.revision.number}" if live else str(shows)
    if shows == history.SiteContent.ELSEWHERE:
        content = "a deploy that was made outside of the forge"
    locked = " It is locked." if site.locked else ""
    return plain(f"{site.url or site.name} shows {content}.{locked}")
