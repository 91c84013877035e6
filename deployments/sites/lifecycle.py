"""Create, choose, change, lock and delete the sites that show agents."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.hashing import hash_turn
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig
from deployments.accounts.host_accounts import host_for
from deployments.announcements import announce_deployment
from deployments.errors import NotPossible
from deployments.hosts.base import HostError, RemoteSite
from deployments.hosts.registry import NETLIFY, SELF_HOST
from deployments.models import UNFINISHED, Access, Site

_ITERATIONS = 210_000


@dataclass(frozen=True)
class Settings:
    """An owner's settings of a site; an empty `password` keeps the current one."""

    access: str = Access.PUBLIC
    password: str = ""
    greeting: str = ""
    offers_download: bool = False
    own_address: str = ""


def site_of(agent: AgentConfig) -> Site | None:
    """Return the site that an agent is deployed to, None before one was chosen."""
    site: Site | None = Site.objects.filter(agent=agent, deleted_at=None).order_by("-pk").first()
    return site


@performs(Act.CHANGE_SITE)
def create_site(agent: AgentConfig, name: str, team_slug: str, by: User, *, host: str = NETLIFY) -> Site:
    """Create a site at a host for an agent.

    Raises AccountProblem or HostError.
    """
    remote = host_for(agent.owner_id, host, "used to create a site").create_site(name, team_slug)
    return _assign(agent, host, remote, Action.SITE_CREATED, by)


@performs(Act.CHANGE_SITE)
def choose_site(agent: AgentConfig, remote_id: str, by: User, *, host: str = NETLIFY) -> Site:
    """Use an existing site of a host for an agent.

    Raises AccountProblem, HostError, or NotPossible when another agent uses it.
    """
    remote = host_for(agent.owner_id, host, "used to choose a site").site(remote_id)
    return _assign(agent, host, remote, Action.SITE_CHOSEN, by)


def _assign(agent: AgentConfig, host: str, remote: RemoteSite, action: Action, by: User) -> Site:
    fields = {
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
                _restore(agent, host, remote.id)
            site: Site
            site, is_new = Site.objects.get_or_create(
                owner_id=agent.owner_id, host=host, remote_id=remote.id, deleted_at=None,
                defaults={**fields, "agent": agent, "access": Access.PASSWORD},
            )  # fmt: skip
            if not is_new and site.agent_id != agent.pk:
                where = ", which is in the trash," if site.agent.trashed_at else ""
                raise NotPossible(
                    f"This site shows {site.agent.name}{where} already. Choose or create another one."
                )
            if not is_new:
                Site.objects.filter(pk=site.pk).update(**fields)
            record(action, owner=agent.owner_id, actor=by, subject=site)
            announce_deployment(site)
    except IntegrityError as error:
        raise NotPossible("This site was chosen elsewhere at the same time. Reload the page.") from error
    site.refresh_from_db()
    return site


def _restore(agent: AgentConfig, host: str, remote_id: str) -> None:
    """Restore the row of a site that the agent used before, with its access settings and history."""
    rows = Site.objects.filter(owner_id=agent.owner_id, host=host, remote_id=remote_id)
    last: Site | None = rows.order_by("-pk").first()
    if last is not None and last.agent_id == agent.pk:
        rows.filter(pk=last.pk).update(deleted_at=None)


@performs(Act.CHANGE_SITE)
def change(site: Site, settings: Settings, by: User) -> None:
    """Store an owner's settings; they apply from the next deployment."""
    fields: dict[str, object] = {
        "access": settings.access,
        "greeting": settings.greeting,
        "offers_download": settings.offers_download,
        "own_address": settings.own_address,
    }
    if settings.own_address != site.own_address:
        fields["answered_at"] = None
    if settings.access == Access.PASSWORD and settings.password:
        fields["password_hash"] = hash_password(settings.password)
    elif settings.access != Access.PASSWORD:
        fields["password_hash"] = ""
    with transaction.atomic(), as_service():
        Site.objects.filter(pk=site.pk).update(**fields)
        record(Action.SITE_CHANGED, owner=site.owner_id, actor=by, subject=site, access=settings.access)
        announce_deployment(site)


def hash_password(password: str) -> str:
    """Return a password's hash in the format that the deployed function verifies.

    Composed characters, as most keyboards send them; the site's page composes those of a Mac.
    """
    composed = unicodedata.normalize("NFC", password)
    salt = secrets.token_hex(16)
    with hash_turn():
        digest = hashlib.pbkdf2_hmac("sha256", composed.encode(), bytes.fromhex(salt), _ITERATIONS)
    return f"pbkdf2:sha256:{_ITERATIONS}:{salt}:{digest.hex()}"


@performs(Act.CHANGE_SITE)
def set_lock(site: Site, by: User, *, locked: bool) -> None:
    """Lock a site to its live deploy, or unlock it.

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
        announce_deployment(site)


@performs(Act.CHANGE_SITE)
def delete_site(site: Site, by: User) -> None:
    """Delete a site with all its deploys at the host; its history stays here.

    Raises AccountProblem, HostError, or NotPossible during a deployment.
    """
    if site.deployments.filter(status__in=UNFINISHED).exists():
        raise NotPossible("A deployment to this site is still running. Cancel it first.")
    host_for(site.owner_id, site.host, "used to delete a site").delete_site(site.remote_id)
    with transaction.atomic(), as_service():
        row = Site.objects.filter(pk=site.pk)
        row.update(deleted_at=timezone.now(), live_remote_id="", variables=[])
        record(Action.SITE_DELETED, owner=site.owner_id, actor=by, subject=site)
        announce_deployment(site)


def unused_self_hosted(agent: AgentConfig) -> list[RemoteSite]:
    """Return the owner's sites on the forge's disk that no agent uses."""
    used = Site.objects.filter(owner_id=agent.owner_id, host=SELF_HOST, deleted_at=None)
    used_ids = set(used.values_list("remote_id", flat=True))
    try:
        sites = host_for(agent.owner_id, SELF_HOST, "used to list the sites").sites()
    except HostError:
        # Errors of the disk are shown where one of its sites is used.
        return []
    return [site for site in sites if site.id not in used_ids]


def unused_name(agent: AgentConfig) -> str:
    """Return a site name that is unlikely to be taken: the same until the agent has another site."""
    number = Site.objects.filter(agent=agent).count()
    suffix = salted_hmac("site name", f"{agent.pk} {number}").hexdigest()[:6]
    return f"{agent.handle[:40].replace('_', '-')}-{suffix}"
