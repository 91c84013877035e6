"""What pages and scripts show of deployments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agentforge.live import streams
from agentforge.live.log import StreamMissing

from . import history
from .hosts.registry import KINDS
from .models import UNFINISHED, Deployment, Site
from .run.steps import steps_of
from .sites import polling


@dataclass
class Transcript:
    """A deployment's log up to `position`."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    progress: dict[str, Any] = field(default_factory=dict)
    wait: dict[str, Any] = field(default_factory=dict)
    position: int = 0
    ended: bool = False

    @property
    def percent(self) -> int:
        """Return the percentage uploaded; 100 when there was nothing to upload."""
        if not self.progress:
            return 0
        total = self.progress["total"]
        return round(100 * self.progress["sent"] / total) if total else 100


def transcript(deployment: Deployment) -> Transcript:
    """Read a deployment's log from its start to its current end."""
    result = Transcript()
    steps: dict[str, dict[str, Any]] = {}
    for position, record in _records(deployment):
        result.position = position
        match record["kind"]:
            case "line":
                result.lines.append({"n": len(result.lines) + 1, **record})
            case "step":
                steps[record["name"]] = record
                result.wait = {}
            case "progress":
                result.progress = record
                result.wait = {}
            case "wait":
                result.wait = record
            case "end":
                result.ended = True
    if deployment.status in UNFINISHED:
        names = steps_of(KINDS[deployment.site.host])
        steps = {**{name: {"name": name, "state": "pending"} for name in names}, **steps}
    result.steps = list(steps.values())
    return result


def _records(deployment: Deployment) -> list[tuple[int, dict[str, Any]]]:
    try:
        return list(streams.read(deployment.stream_name))
    except StreamMissing:
        return []


def duration(deployment: Deployment) -> timedelta | None:
    """Return the duration of a deployment, None if it never started or has not ended."""
    if deployment.started_at is None or deployment.finished_at is None:
        return None
    return deployment.finished_at - deployment.started_at


def deployments_json(deployments: Iterable[Deployment]) -> list[dict[str, Any]]:
    rows = list(deployments)
    entries = history.entries_for(rows)
    return [{**_json(row), **history.entry_json(entries[row.pk])} for row in rows]


def deployment_json(deployment: Deployment) -> dict[str, Any]:
    return deployments_json([deployment])[0]


def _json(deployment: Deployment) -> dict[str, Any]:
    took = duration(deployment)
    names = ("id", "status", "draft", "access", "title", "remote_id", "content_sha256", "url", "files",
             "uploaded_files", "uploaded_bytes", "reason", "error", "attempts", "asked_by",
             "created_at", "started_at", "finished_at", "published_at")  # fmt: skip
    return {
        **{name: getattr(deployment, name) for name in names},
        "page": deployment.get_absolute_url(),
        "agent": deployment.site.agent_id,
        "site": deployment.site.name,
        "host": deployment.site.host,
        "build": deployment.build_id,
        "revision": deployment.revision.number,
        "is_live": deployment.is_live,
        "seconds": took.total_seconds() if took is not None else None,
        "channel": deployment.stream_name,
    }


def site_json(site: Site) -> dict[str, Any]:
    names = ("id", "host", "name", "url", "admin_url", "access", "greeting", "offers_download", "variables",
             "locked", "live_remote_id", "problem", "looked_at", "own_address", "answered_at")  # fmt: skip
    live = polling.live_deployment(site)
    return {
        **{name: getattr(site, name) for name in names},
        "agent": site.agent_id,
        "shows": history.contents_of([site])[site],
        "live_deployment": live.pk if live else None,
        "live_revision": live.revision.number if live else None,
    }


def own_rules(deployment: Deployment) -> str:
    """Return the warning of a deployment whose rules differ from those that its site has now."""
    site = deployment.site
    access = deployment.get_access_display()
    rules = f"Who may talk to it: {access}. " if deployment.access not in ("", site.access) else ""
    chosen = "Another password" if deployment.access == site.access else "Something else"
    address = ", also at its own address" if deployment.url else ""
    deletion = "" if deployment.is_live else ", or delete it"
    return (
        f"{rules}{chosen} was chosen for {site.name} since, and this deployment keeps its own rules"
        f"{address}. Deploy again to apply the new rules{deletion}."
    )


def outdated_rules(live: Deployment) -> str:
    """Return the warning on a site's rules while what is live still has others."""
    rules = f", for: {live.get_access_display()}" if live.access else ""
    if live.access == live.site.access:
        rules = ", with another password"
    addresses = " at their own addresses" if live.site.url else ""
    return (
        f"What is live was deployed before this was chosen{rules}. Deploy to apply it. "
        f"Earlier deployments keep their rules{addresses}: delete those that nobody should use."
    )
