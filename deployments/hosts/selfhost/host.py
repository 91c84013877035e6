"""Do on a disk of the forge what a deployment needs; nothing leaves this machine, and no account is used."""

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
    Kind,
    Person,
    Reason,
    RemoteDeploy,
    RemoteSite,
    Sent,
    State,
)
from deployments.hosts.content_marker import MARK, content_in

from . import deploys, site_directory
from .deploys import CANCELLED, READY, UPLOADING, Deploy
from .site_directory import NAME, Place

# Where the pages lie in a tree: what a web server may show; beside them stand programs and papers.
PUBLIC = "public"
EXECUTABLES = ("linux-amd64", "linux-arm64")
_STATES = {UPLOADING: State.UPLOADING, READY: State.READY, CANCELLED: State.FAILED}
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SelfHost:
    """One owner's sites; a site's id is its name, a deploy's id `site.hash of its title`."""

    kind: ClassVar[Kind] = Kind(
        "self-hosted", "your own server", targets=EXECUTABLES, needs_account=False, sets_variables=False
    )

    def __init__(self, owner: UUID) -> None:
        self._owner = owner

    def whoami(self) -> Person:
        return Person("", "", ())

    def sites(self) -> list[RemoteSite]:
        mine = site_directory.root() / str(self._owner)
        with _told("listing the sites"):
            names = sorted(path.parent.name for path in mine.glob("*/site.json"))
            return [_site(self._place(name)) for name in names]

    def site(self, site_id: str) -> RemoteSite:
        with _told("looking at the site"):
            return _site(self._place(site_id))

    def create_site(self, name: str, team_slug: str) -> RemoteSite:
        if not NAME.fullmatch(name):
            told = "A site's name has letters, digits and hyphens, 63 at most, no hyphen at an end."
            raise HostError(Reason.REFUSED, told)
        place = self._place(name)
        with _told("creating the site"):
            try:
                place.path.mkdir(parents=True)
            except FileExistsError as error:
                if place.facts.exists():
                    told = "You have a site of this name already. Choose it, or another name."
                    raise HostError(Reason.NAME_TAKEN, told) from error
            site_directory.write(place.facts, {"locked": False})
            return _site(place)

    def delete_site(self, site_id: str) -> None:
        place = self._place(site_id)
        with _told("deleting the site"):
            # Without its facts it is no site any more, however far the rest gets.
            place.facts.unlink(missing_ok=True)
            shutil.rmtree(place.path, ignore_errors=True)

    def digest(self, content: Content, *, is_function: bool) -> str:
        return deploys.sha256_of(content)

    def set_variables(self, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]) -> None:
        """Set none: whoever runs the agent does, and `Kind.sets_variables` says so."""

    def find_deploy(self, site_id: str, title: str) -> RemoteDeploy | None:
        place = self._place(site_id)
        with _told("looking for the deploy"):
            found = deploys.load(place, deploys.key_of(title))
            return _shape(place, found) if found else None

    def create_deploy(self, site_id: str, title: str, entries: list[Entry], *, draft: bool) -> RemoteDeploy:
        place = self._place(site_id)
        with _told("creating the deploy"):
            _site(place)
            made = deploys.load(place, deploys.key_of(title)) or deploys.new(title, entries, draft=draft)
            deploys.store(place, made)
            return _shape(place, made)

    def deploy(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        """Return how far a deploy is; one that has all its contents is completed by being asked for.

        Not by the last upload: that may still end when the deploy is cancelled already.
        """
        place, found = self._at(deploy_id)
        with _told("completing the deploy"), place.locked():
            if found.state == UPLOADING and not deploys.missing(place, found):
                deploys.complete(place, found)
                if not found.draft and not site_directory.read(place.facts).get("locked"):
                    place.show(found.key)
                # Last, so that whoever dies before does all of it again.
                deploys.store(place, found, state=READY)
                _, found = self._at(deploy_id)
            return _shape(place, found)

    def shown(self, site_id: str, deploy: RemoteDeploy, address: str, *, draft: bool) -> str:
        place, found = self._at(deploy.id)
        if not draft and place.live_key() != found.key:
            return ""
        with _told("reading the site back"):
            if not deploys.is_whole(place, found):
                return ""
            return content_in((place.tree(found.key) / PUBLIC / MARK).read_bytes())

    def upload(self, deploy_id: str, entry: Entry, sent: Sent) -> None:
        place, _ = self._at(deploy_id)
        with _told(f"storing {entry.path}"):
            deploys.keep(place, entry.digest, entry.content, sent)

    def cancel(self, deploy_id: str) -> None:
        try:
            place, _ = self._at(deploy_id)
        except HostError:
            return
        with _told("cancelling the deploy"), place.locked():
            _, found = self._at(deploy_id)
            if found.state == UPLOADING:
                deploys.store(place, found, state=CANCELLED)

    def publish(self, site_id: str, deploy_id: str) -> RemoteDeploy:
        place, found = self._at(deploy_id)
        with _told("putting a deploy live"), place.locked():
            if found.state != READY or not deploys.is_whole(place, found):
                told = "Files of this deploy are missing or changed, so it can't go live. Deploy again."
                raise HostError(Reason.NOT_READY, told)
            place.show(found.key)
            return _shape(place, found)

    def lock(self, deploy_id: str, *, locked: bool) -> None:
        place, _ = self._at(deploy_id)
        with _told("locking the site"):
            site_directory.write(place.facts, {**site_directory.read(place.facts), "locked": locked})

    def delete_deploy(self, deploy_id: str) -> None:
        try:
            place, found = self._at(deploy_id)
        except HostError:
            return
        with _told("deleting the deploy"), place.locked():
            if place.live_key() == found.key:
                raise HostError(Reason.REFUSED, "It is what the site shows now. Put another one live first.")
            deploys.remove(place, found.key)

    def _place(self, site_id: str) -> Place:
        if not NAME.fullmatch(site_id):
            raise HostError(Reason.GONE, "There is no such site. Choose another one.")
        return Place(self._owner, site_id)

    def _at(self, deploy_id: str) -> tuple[Place, Deploy]:
        site_id, _, key = deploy_id.partition(".")
        place = self._place(site_id)
        with _told("looking at the deploy"):
            found = deploys.load(place, key)
        if found is None:
            told = "The files of this deploy were removed from the forge's disk. Deploy again."
            raise HostError(Reason.GONE, told)
        return place, found


def _site(place: Place) -> RemoteSite:
    facts = site_directory.read(place.facts)
    key = place.live_key()
    return RemoteSite(
        id=place.name,
        name=place.name,
        url="",
        admin_url="",
        team_id="",
        team_slug="",
        live_deploy=f"{place.name}.{key}" if key else "",
        locked=bool(facts.get("locked")),
    )


def _shape(place: Place, deploy: Deploy) -> RemoteDeploy:
    return RemoteDeploy(
        id=f"{place.name}.{deploy.key}",
        state=_STATES[deploy.state],
        word=deploy.state,
        url="",
        title=deploy.title,
        required=deploys.missing(place, deploy),
    )


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Say a failure of the disk, or a directory that is gone, in words for the site's owner."""
    try:
        yield
    except FileNotFoundError as error:
        told = f"The site's directory is gone (while {doing}). Choose or create another site."
        raise HostError(Reason.GONE, told) from error
    except OSError as error:
        if error.errno in _FULL:
            told = f"The forge's disk is full (while {doing}). What was stored is kept. Tell its operator."
            raise HostError(Reason.QUOTA, told) from error
        told = f"The forge's disk failed while {doing}: {error.strerror}. Tell its operator."
        raise HostError(Reason.UNREACHABLE, told) from error
    except (ValueError, TypeError, KeyError) as error:
        told = f"What is kept of the site is damaged (while {doing}). Choose or create another site."
        raise HostError(Reason.GONE, told) from error
