"""Look at what sites show, and notice when somebody else changed it."""

from __future__ import annotations

import logging

from django.utils import timezone

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from deployments.accounts.host_accounts import AccountProblem, doubt, host_for
from deployments.hosts.base import Host, HostError, Reason
from deployments.models import Deployment, Site

logger = logging.getLogger(__name__)


def look(site: Site, host: Host) -> None:
    """Store what the host says of a site: what is live, whether it is locked, or why it does not say."""
    before = site.live_remote_id
    site.looked_at = timezone.now()
    try:
        remote = host.site(site.remote_id)
    except HostError as error:
        site.problem = str(error)[:500]
        if error.reason == Reason.GONE:
            site.live_remote_id = ""
        doubt(site.owner_id, site.host, error)
    else:
        site.problem, site.url, site.name = "", remote.url or site.url, remote.name or site.name
        site.live_remote_id, site.locked = remote.live_deploy, remote.locked
    site.save(update_fields=["looked_at", "problem", "url", "name", "live_remote_id", "locked"])
    if site.live_remote_id != before and not known_live(site):
        record(Action.SITE_DRIFTED, owner=site.owner_id, subject=site, live=site.live_remote_id)


def known_live(site: Site) -> Deployment | None:
    """Return the deployment of ours that a site shows; None when it shows nothing or somebody else's."""
    if not site.live_remote_id:
        return None
    mine = Deployment.objects.filter(site=site, remote_id=site.live_remote_id)
    live: Deployment | None = mine.select_related("revision").first()
    return live


def look_at_all() -> int:
    """Look at every site that was deployed to; return their number."""
    sites = list(Site.objects.filter(deleted_at=None, deployments__isnull=False).distinct())
    for site in sites:
        try:
            look(site, host_for(site.owner_id, site.host, "looked at a site"))
        except AccountProblem as problem:
            Site.objects.filter(pk=site.pk).update(problem=str(problem)[:500], looked_at=timezone.now())
        except Exception:
            logger.exception("site %s could not be looked at", site.pk)
    return len(sites)
