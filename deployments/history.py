"""The history of deployments: what each one changed, and whether it is live."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    TextChoices,
    Value,
    When,
)

from agentforge.prepared_queries import Keys, PreparedQuery
from builds.preflight import changes
from configs.models import Revision

from .hosts.registry import KINDS
from .models import Deployment, DeploymentStatus, Site

# A summary of more changes names the parts of the configuration instead of the fields.
_MAX_NAMES = 3
# Derived from other fields, which are named.
_DERIVED = "sampling."


class SiteContent(TextChoices):
    """What a site showed when it was last refreshed: a deploy of ours, one made elsewhere, or nothing."""

    OURS = "ours", "Ours"
    ELSEWHERE = "elsewhere", "Changed elsewhere"
    NOTHING = "nothing", "Nothing"


class LiveStatus(enum.StrEnum):
    """Whether a deployment is, or was, live on its site."""

    LIVE = "live"
    # Replaced by a deploy that was made outside of the forge.
    REPLACED_ELSEWHERE = "replaced-elsewhere"
    WAS_LIVE = "was-live"
    NEVER_LIVE = "never-live"


@dataclass(frozen=True)
class HistoryEntry:
    """What a history shows of a deployment besides its row."""

    deployment: Deployment
    replaced: Revision | None
    standing: LiveStatus

    @property
    def address(self) -> str:
        """Return its URL: the site's while it is live, else its own."""
        if self.deployment.status != DeploymentStatus.SUCCEEDED:
            return ""
        is_live = self.standing == LiveStatus.LIVE
        return web_address(self.deployment.site.url if is_live else self.deployment.url)

    @property
    def live_word(self) -> str:
        """Return "live", or what is true of a site that nobody was seen to serve."""
        site = self.deployment.site
        return "live" if LiveSite(site, self.deployment).answers else "ready to run"

    @cached_property
    def changes(self) -> list[dict[str, str]]:
        """Return the changes of the configuration since the revision it replaced: name, before, after."""
        if self.replaced is None:
            return []
        return changes(self.replaced.canonical_json, self.deployment.revision.canonical_json)

    @cached_property
    def summary(self) -> str:
        """Return the names of the changes in short; empty when there are none."""
        names = [change["name"] for change in self.changes if not change["name"].startswith(_DERIVED)]
        parts = [name.rpartition(".")[2] for name in names]
        if len(parts) > _MAX_NAMES:
            parts = list(dict.fromkeys(name.partition(".")[0] for name in names))
        return ", ".join(part.replace("_", " ") for part in parts)


@dataclass(frozen=True)
class LiveSite:
    """A site where an agent is online; `live` is None when its deploy was made elsewhere."""

    site: Site
    live: Deployment | None

    @property
    def address(self) -> str:
        return web_address(self.site.url or self.site.own_address)

    @property
    def answers(self) -> bool:
        """Return whether something serves it: its host, or a server that was seen to answer."""
        return KINDS[self.site.host].serves or self.site.answered_at is not None


@dataclass
class AgentSites:
    """What its sites tell of an agent: where it is online, and its newest deployment."""

    online: LiveSite | None = None
    last: Deployment | None = None


def web_address(url: str) -> str:
    """Return a host's URL if it is safe to link, else an empty string."""
    return url if url.startswith(("https://", "http://")) else ""


def entries_for(deployments: Iterable[Deployment]) -> dict[int, HistoryEntry]:
    """Return the entries of deployments by primary key, in a constant number of queries."""
    rows = list(deployments)
    revisions = Revision.objects.in_bulk({row.replaced_id for row in rows if row.replaced_id is not None})
    sites = {row.site for row in rows}
    newest = _newest([site for site, shows in contents_of(sites).items() if shows == SiteContent.ELSEWHERE])
    return {
        row.pk: HistoryEntry(
            deployment=row,
            replaced=revisions.get(row.replaced_id) if row.replaced_id is not None else None,
            standing=_standing(row, row.pk in newest),
        )
        for row in rows
    }


def _standing(row: Deployment, is_newest: bool) -> LiveStatus:
    if row.is_live:
        return LiveStatus.LIVE
    if row.published_at is None:
        return LiveStatus.NEVER_LIVE
    return LiveStatus.REPLACED_ELSEWHERE if is_newest else LiveStatus.WAS_LIVE


def _newest(sites: Iterable[Site]) -> set[int]:
    """Return the deployment that was put live last on each site."""
    rows = list(sites)
    if not rows:
        return set()
    published = Deployment.objects.filter(site__in=rows, published_at__isnull=False)
    last = published.order_by("site_id", "-published_at", "-pk").distinct("site_id")
    return set(last.values_list("pk", flat=True))


def contents_of(sites: Iterable[Site]) -> dict[Site, SiteContent]:
    """Return what sites showed when they were last refreshed; one query."""
    rows = list(sites)
    ours = set(_live().filter(site__in=rows).values_list("site_id", flat=True))
    return {site: _content(site, site.pk in ours) for site in rows}


def with_content(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Annotate each row with `shows`: what the site showed when it was last refreshed."""
    ours = _live().filter(site=OuterRef("pk"))
    return sites.annotate(
        shows=Case(
            When(live_remote_id="", then=Value(SiteContent.NOTHING.value)),
            When(Exists(ours), then=Value(SiteContent.OURS.value)),
            default=Value(SiteContent.ELSEWHERE.value),
            output_field=CharField(),
        )
    )


def _content(site: Site, is_ours: bool) -> SiteContent:
    if is_ours:
        return SiteContent.OURS
    return SiteContent.ELSEWHERE if site.live_remote_id else SiteContent.NOTHING


def _sites_with_deployments() -> QuerySet[Site]:
    last = Deployment.objects.filter(site=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    live = _live().filter(site=OuterRef("pk")).values("pk")[:1]
    sites = Site.objects.filter(agent__in=Keys("agents"), deleted_at=None)
    annotated: QuerySet[Site] = sites.annotate(last_id=Subquery(last), live_id=Subquery(live))
    return annotated


deployed_sites: PreparedQuery[Any] = PreparedQuery(_sites_with_deployments)


def by_agent(sites: Sequence[Any]) -> defaultdict[int, AgentSites]:
    """Return what rows of `deployed_sites` tell of agents, by primary key; one query if there are any."""
    wanted = {pk for site in sites for pk in (site.last_id, site.live_id) if pk is not None}
    rows = Deployment.objects.select_related("site", "revision").in_bulk(wanted) if wanted else {}
    found: defaultdict[int, AgentSites] = defaultdict(AgentSites)
    for site in sites:
        of_agent = found[site.agent_id]
        if site.live_remote_id:
            of_agent.online = LiveSite(site, rows.get(site.live_id))
        deployment = rows.get(site.last_id)
        if deployment and (of_agent.last is None or deployment.pk > of_agent.last.pk):
            of_agent.last = deployment
    return found


def _live() -> QuerySet[Deployment]:
    return Deployment.objects.filter(remote_id=F("site__live_remote_id")).exclude(remote_id="")


def replaced_revision(deployment: Deployment) -> Subquery:
    """Return, for an update, the revision that the site shows just before the deployment goes live.

    It is the live deploy that the host reported last if that is ours, else the one put live last.
    """
    others = Deployment.objects.filter(site_id=OuterRef("site_id")).exclude(pk=deployment.pk)
    published = others.exclude(published_at=None).annotate(
        rank=Case(When(remote_id=F("site__live_remote_id"), then=Value(0)), default=Value(1),
                  output_field=IntegerField())
    )  # fmt: skip
    return Subquery(published.order_by("rank", "-published_at", "-pk").values("revision_id")[:1])


def entry_json(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "standing": entry.standing,
        "replaced_revision": entry.replaced.number if entry.replaced else None,
        "changes": entry.changes,
        "address": entry.address,
    }
