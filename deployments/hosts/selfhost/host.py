"""The forge's disk as a host; nothing leaves this machine, and no account is used."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from deployments.hosts.base import (
    Content,
    Entry,
    HostError,
    HostKind,
    OnSent,
    Person,
    Reason,
    RemoteDeploy,
    RemoteSite,
    State,
)
from deployments.hosts.content_marker import MARKER, parse_marker

from . import deploys, site_directory
from .deploys import CANCELLED, READY, UPLOADING, Deploy
from .site_directory import NAME, SiteDirectory

# The directory of a tree that a web server may serve; programs and instructions lie beside it.
PUBLIC = "public"
EXECUTABLES = ("linux-amd64", "linux-arm64")
_STATES = {UPLOADING: State.UPLOADING, READY: State.READY, CANCELLED: State.FAILED}
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class SelfHost:
    """One owner's sites; a site's id is its name, a deploy's id `site.hash of its title`."""

    kind: ClassVar[HostKind] = HostKind(
        "self-hosted",
        "your own server",
        targets=EXECUTABLES,
        needs_account=False,
        sets_variables=False,
        serves=False,
    )

    def __init__(self, owner: UUID) -> None:
        self._owner = owner

    def whoami(self) -> Person:
        return Person("", "", ())

    def sites(self) -> list[RemoteSite]:
        directory = site_directory.root() / str(self._owner)
        with _disk_errors("listing the sites"):
            names = sorted(path.parent.name for path in directory.glob("*/site.json"))
            return [_remote_site(self._site(name)) for name in names]

    def site(self, site_id: str) -> RemoteSite:
        with _disk_errors("looking up the site"):
            return _remote_site(self._site(site_id))

    def create_site(self, name: str, team_slug: str) -> RemoteSite:
        if not NAME.fullmatch(name):
            message = "A name has up to 63 letters, digits and hyphens, without a hyphen at either end."
            raise HostError(Reason.REFUSED, message)
        site = self._site(name)
        with _disk_errors("creating the site"):
            try:
                site.path.mkdir(parents=True)
            except FileExistsError as error:
                if site.metadata.exists():
                    message = "You have a site of this name already. Choose it, or another name."
                    raise HostError(Reason.NAME_TAKEN, message) from error
            site_directory.write(site.metadata, {"locked": False})
            return _remote_site(site)

    def delete_site(self, site_id: str) -> None:
        site = self._site(site_id)
        with _disk_errors("deleting the site"):
            # Without its metadata it is no site any more, however much of the rest remains.
            site.metadata.unlink(missing_ok=True)
            shutil.rmtree(site.path, ignore_errors=True)

    def digest(self, content: Content, *, is_function: bool) -> str:
        return deploys.sha256_of(content)

    def set_variables(self, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]) -> None:
        """Do nothing: the variables are set on the server that runs the agent (`sets_variables`)."""

    def find_deploy(self, site_id: str, title: str) -> RemoteDeploy | None:
        site = self._site(site_id)
        with _disk_errors("looking up the deploy"):
            deploy = deploys.load(site, deploys.key_of(title))
            return _remote_deploy(site, deploy) if deploy else None

    def create_deploy(self, site_id: str, title: str, entries: list[Entry], *, draft: bool) -> RemoteDeploy:
        site = self._site(site_id)
        with _disk_errors("creating the deploy"):
            _remote_site(site)
            existing = deploys.load(site, deploys.key_of(title))
            deploy = existing or deploys.new(title, entries, draft=draft)
            deploys.save(site, deploy)
            return _remote_deploy(site, deploy)

    def deploy(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        """Return a deploy, completing it when it has all its contents.

        The last upload does not complete it, because it may end after the deploy was cancelled.
        """
        site, deploy = self._find(deploy_id)
        with _disk_errors("completing the deploy"), site.lock():
            if deploy.state == UPLOADING and not deploys.missing(site, deploy):
                deploys.complete(site, deploy)
                if not deploy.draft and not site_directory.read(site.metadata).get("locked"):
                    site.make_live(deploy.key)
                # Last, so that an interrupted attempt is repeated as a whole.
                deploys.save(site, deploy, state=READY)
                _, deploy = self._find(deploy_id)
            return _remote_deploy(site, deploy)

    def visible_content(self, site_id: str, deploy: RemoteDeploy, address: str, *, draft: bool) -> str:
        site, stored = self._find(deploy.id)
        if not draft and site.live_key() != stored.key:
            return ""
        with _disk_errors("reading the site back"):
            if not deploys.is_whole(site, stored):
                return ""
            return parse_marker((site.tree(stored.key) / PUBLIC / MARKER).read_bytes())

    def upload(self, deploy_id: str, entry: Entry, on_sent: OnSent) -> None:
        site, _ = self._find(deploy_id)
        with _disk_errors(f"storing {entry.path}"):
            deploys.store_content(site, entry.digest, entry.content, on_sent)

    def cancel(self, deploy_id: str) -> None:
        try:
            site, _ = self._find(deploy_id)
        except HostError:
            return
        with _disk_errors("cancelling the deploy"), site.lock():
            _, deploy = self._find(deploy_id)
            if deploy.state == UPLOADING:
                deploys.save(site, deploy, state=CANCELLED)

    def publish(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        site, deploy = self._find(deploy_id)
        with _disk_errors("putting the deploy live"), site.lock():
            if deploy.state != READY or not deploys.is_whole(site, deploy):
                message = "Files of this deploy are missing or changed, so it can't go live. Deploy again."
                raise HostError(Reason.NOT_READY, message)
            site.make_live(deploy.key)
            return _remote_deploy(site, deploy)

    def lock(self, deploy_id: str, *, locked: bool) -> None:
        site, _ = self._find(deploy_id)
        with _disk_errors("locking the site"):
            site_directory.write(site.metadata, {**site_directory.read(site.metadata), "locked": locked})

    def delete_deploy(self, deploy_id: str) -> None:
        try:
            site, deploy = self._find(deploy_id)
        except HostError:
            return
        with _disk_errors("deleting the deploy"), site.lock():
            if site.live_key() == deploy.key:
                raise HostError(Reason.REFUSED, "It is live on its site. Put another deploy live first.")
            deploys.remove(site, deploy.key)

    def _site(self, site_id: str) -> SiteDirectory:
        if not NAME.fullmatch(site_id):
            raise HostError(Reason.GONE, "There is no such site. Choose another one.")
        return SiteDirectory(self._owner, site_id)

    def _find(self, deploy_id: str) -> tuple[SiteDirectory, Deploy]:
        site_id, _, key = deploy_id.partition(".")
        site = self._site(site_id)
        with _disk_errors("looking up the deploy"):
            deploy = deploys.load(site, key)
        if deploy is None:
            message = "The files of this deploy were removed from the forge's disk. Deploy again."
            raise HostError(Reason.GONE, message)
        return site, deploy


def _remote_site(site: SiteDirectory) -> RemoteSite:
    metadata = site_directory.read(site.metadata)
    key = site.live_key()
    return RemoteSite(
        id=site.name,
        name=site.name,
        url="",
        admin_url="",
        team_id="",
        team_slug="",
        live_deploy=f"{site.name}.{key}" if key else "",
        locked=bool(metadata.get("locked")),
    )


def _remote_deploy(site: SiteDirectory, deploy: Deploy) -> RemoteDeploy:
    return RemoteDeploy(
        id=f"{site.name}.{deploy.key}",
        state=_STATES[deploy.state],
        word=deploy.state,
        url="",
        title=deploy.title,
        required=deploys.missing(site, deploy),
    )


@contextmanager
def _disk_errors(doing: str) -> Iterator[None]:
    """Raise errors of the disk, and of missing or damaged files, as HostError."""
    try:
        yield
    except FileNotFoundError as error:
        message = f"The site's directory is gone (while {doing}). Choose or create another site."
        raise HostError(Reason.GONE, message) from error
    except OSError as error:
        if error.errno in _DISK_FULL:
            message = f"The forge's disk is full (while {doing}). Stored files are kept. Inform its operator."
            raise HostError(Reason.QUOTA, message) from error
        message = f"The forge's disk failed while {doing}: {error.strerror}. Inform its operator."
        raise HostError(Reason.UNREACHABLE, message) from error
    except (ValueError, TypeError, KeyError) as error:
        message = f"The site's metadata is damaged (while {doing}). Choose or create another site."
        raise HostError(Reason.GONE, message) from error
