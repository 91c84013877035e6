"""Choose, create, change, lock and delete the sites that show agents."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig
from deployments.accounts.host_accounts import NETLIFY, SELF_HOST, host_for
from deployments.errors import NotPossible
from deployments.hosts.base import HostError, RemoteSite
from deployments.models import UNFINISHED, Access, Site

from . import polling

_ITERATIONS = 210_000


@dataclass(frozen=True)
class Settings:
    """Hold what an owner chose for a site; without a `password` the one that is set stays."""

    access: str = Access.PUBLIC
    password: str = ""
    greeting: str = ""
    offers_download: bool = False


def site_of(agent: AgentConfig) -> Site | None:
    """Return the site that an agent is deployed to, None before one was chosen."""
    found: Site | None = Site.objects.filter(agent=agent, deleted_at=None).order_by("-pk").first()
    return found


def create_site(agent: AgentConfig, name: str, team_slug: str, by: User, *, host: str = NETLIFY) -> Site:
    """Create a site at a host for an agent.

    Raises AccountProblem or HostError.
    """
    remote = host_for(agent.owner_id, host, "used to create a site").create_site(name, team_slug)
    return _keep(agent, host, remote, Action.SITE_CREATED, by)


def choose_site(agent: AgentConfig, remote_id: str, by: User, *, host: str = NETLIFY) -> Site:
    """Use a site that exists at a host.

    Raises AccountProblem, HostError, or NotPossible when another agent has it.
    """
    remote = host_for(agent.owner_id, host, "used to choose a site").site(remote_id)
    return _keep(agent, host, remote, Action.SITE_CHOSEN, by)


def _keep(agent: AgentConfig, host: str, remote: RemoteSite, action: Action, by: User) -> Site:
    facts = {
        "name": remote.name,
        "url": remote.url,
        "admin_url": remote.admin_url,
        "team_id": remote.team_id,
        "team_slug": remote.team_slug,
        "live_remote_id": remote.live_deploy,
        "locked": remote.locked,
        "looked_at": timezone.now(),
    }
    try:
        with transaction.atomic(), as_service():
            others = Site.objects.filter(agent=agent, deleted_at=None).exclude(host=host, remote_id=remote.id)
            others.update(deleted_at=timezone.now())
            if action == Action.SITE_CHOSEN:
                _take_back(agent, host, remote.id)
            site, is_new = Site.objects.get_or_create(
                owner_id=agent.owner_id, host=host, remote_id=remote.id, deleted_at=None,
                defaults={**facts, "agent": agent},
            )  # fmt: skip
            if not is_new and site.agent_id != agent.pk:
                raise NotPossible(f"This site shows {site.agent.name} already. Choose or create another one.")
            if not is_new:
                Site.objects.filter(pk=site.pk).update(**facts)
            record(action, owner=agent.owner_id, actor=by, subject=site)
    except IntegrityError as error:
        raise NotPossible("This site was chosen at the same time elsewhere. Load the page again.") from error
    site.refresh_from_db()
    made: Site = site
    return made


def _take_back(agent: AgentConfig, host: str, remote_id: str) -> None:
    """Let an agent have a site again that it gave up: who may talk to it stays, and so does its history."""
    rows = Site.objects.filter(owner_id=agent.owner_id, host=host, remote_id=remote_id)
    last: Site | None = rows.order_by("-pk").first()
    if last is not None and last.agent_id == agent.pk:
        rows.filter(pk=last.pk).update(deleted_at=None)


def change(site: Site, given: Settings, by: User) -> None:
    """Store what an owner chose; the next deployment brings it to the site."""
    facts: dict[str, object] = {
        "access": given.access,
        "greeting": given.greeting,
        "offers_download": given.offers_download,
    }
    if given.access == Access.PASSWORD and given.password:
        facts["password_hash"] = hashed(given.password)
    elif given.access != Access.PASSWORD:
        facts["password_hash"] = ""
    with transaction.atomic(), as_service():
        Site.objects.filter(pk=site.pk).update(**facts)
        record(Action.SITE_CHANGED, owner=site.owner_id, actor=by, subject=site, access=given.access)


def hashed(password: str) -> str:
    """Return a password as the deployed function compares it."""
    salt = secrets.token_hex(16)
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), _ITERATIONS)
    return f"pbkdf2:sha256:{_ITERATIONS}:{salt}:{made.hex()}"


def look(site: Site) -> None:
    """Ask the host what a site shows now.

    Raises AccountProblem.
    """
    host = host_for(site.owner_id, site.host, "looked at a site")
    with as_service():
        polling.look(site, host)


def set_lock(site: Site, by: User, *, locked: bool) -> None:
    """Lock a site to the deploy that is live, or let new ones go live again.

    Raises AccountProblem, HostError, or NotPossible while nothing is live.
    """
    host = host_for(site.owner_id, site.host, "used to lock a site")
    live = host.site(site.remote_id).live_deploy
    if not live:
        raise NotPossible("Nothing is live on this site, so there is nothing to lock it to.")
    host.lock(live, locked=locked)
    with transaction.atomic(), as_service():
        Site.objects.filter(pk=site.pk).update(locked=locked, live_remote_id=live, looked_at=timezone.now())
        action = Action.SITE_LOCKED if locked else Action.SITE_UNLOCKED
        record(action, owner=site.owner_id, actor=by, subject=site)


def delete_site(site: Site, by: User) -> None:
    """Delete a site at the host, with all that was deployed to it; its history stays here.

    Raises AccountProblem, HostError, or NotPossible while a deployment goes on.
    """
    if site.deployments.filter(status__in=UNFINISHED).exists():
        raise NotPossible("A deployment to this site still goes on. Cancel it first.")
    host_for(site.owner_id, site.host, "used to delete a site").delete_site(site.remote_id)
    with transaction.atomic(), as_service():
        gone = Site.objects.filter(pk=site.pk)
        gone.update(deleted_at=timezone.now(), live_remote_id="", variables=[])
        record(Action.SITE_DELETED, owner=site.owner_id, actor=by, subject=site)


def unused_own(agent: AgentConfig) -> list[RemoteSite]:
    """Return the sites on the forge's own disk that no agent of the owner uses now."""
    used = Site.objects.filter(owner_id=agent.owner_id, host=SELF_HOST, deleted_at=None)
    names = set(used.values_list("remote_id", flat=True))
    try:
        found = host_for(agent.owner_id, SELF_HOST, "used to list the sites").sites()
    except HostError:
        # The disk's trouble is told where a site of it is used.
        return []
    return [site for site in found if site.id not in names]


def unused_name(agent: AgentConfig) -> str:
    """Return a name for a site that nobody else is likely to have."""
    return f"{agent.handle[:40].replace('_', '-')}-{secrets.token_hex(3)}"
