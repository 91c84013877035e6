"""Carry out one deployment, step by step: what the next step needs is stored before it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.text import capfirst

from agentforge import formats
from agentforge.tenancy.connections import give_back
from builds.logs.build_log import BuildLog
from deployments import bundle
from deployments.accounts.host_accounts import doubt, host_for
from deployments.errors import DeployError
from deployments.hosts.base import Entry, Host, HostError, Reason, RemoteDeploy, RemoteSite, State, Stopped
from deployments.models import Deployment, Site
from deployments.sites import variables

from . import transitions
from .progress import Progress
from .steps import CREATE, DIGEST, ENVIRONMENT, UPLOAD, VERIFY, WAIT
from .uploads import send_all

NOT_VERIFIED = "not-verified"

# A small site is often ready at once: the first looks come sooner, and later ones once a second.
FIRST_POLL, POLL_SECONDS = 0.1, 1.0
LONGEST_WAIT = 20 * 60.0
# New files take a moment until every place that serves them has them.
VERIFY_SECONDS = 60.0
_ROUNDS = 3


def _pauses() -> Iterator[float]:
    """Yield the seconds between one look at a deploy and the next, without end."""
    pause = FIRST_POLL
    while True:
        yield min(pause, POLL_SECONDS)
        pause *= 1.5


class Replaced(Exception):
    """Another job has this deployment by now, or it is gone."""


class Walk:
    """Take one deployment through its steps; `stop` ends it between any two requests."""

    def __init__(
        self,
        deployment: Deployment,
        log: BuildLog,
        write: Callable[[dict[str, Any]], None],
        stop: threading.Event,
    ) -> None:
        self.deployment = deployment
        self.site: Site = deployment.site
        self._log = log
        self._write = write
        self._stop = stop
        self.host: Host = host_for(
            deployment.owner_id, self.site.host, f"used by {deployment}", self._sleep, self._tell
        )
        self._host_name = capfirst(self.host.kind.label)
        self._entries: list[Entry] = []

    def run(self) -> None:
        """Raises DeployError, HostError, Stopped or Replaced; what was reached is in the deployment's row."""
        try:
            self._take_steps()
        except HostError as error:
            doubt(self.deployment.owner_id, self.site.host, error)
            raise

    def _take_steps(self) -> None:
        with self._step(DIGEST):
            self._put_together()
        if self.host.kind.sets_variables:
            with self._step(ENVIRONMENT):
                self._set_variables(self._look_at_the_site())
        with self._step(CREATE):
            if not self.host.kind.sets_variables:
                self._look_at_the_site()
                self._name_variables()
            deploy = self._create()
        with self._step(UPLOAD):
            deploy = self._upload(deploy)
        with self._step(WAIT):
            deploy = self._wait(deploy)
        with self._step(VERIFY):
            self._verify(deploy)

    def _step(self, name: str) -> Any:
        self._heed()
        return self._log.step(name)

    def _heed(self) -> None:
        """Raise Stopped when a cancel was asked for, whether the queue told this worker of it yet or not."""
        if self._stop.is_set() or transitions.is_cancel_asked(self.deployment):
            raise Stopped
        if not transitions.is_there(self.deployment):
            raise Replaced
        # Nobody keeps a pooled connection while waiting for the host.
        give_back()

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def _tell(self, words: str, seconds: float) -> None:
        self._log.say(words)
        self._write({"kind": "wait", "words": words, "until": time.time() + seconds})

    def _note(self, **facts: object) -> None:
        if not transitions.note(self.deployment, **facts):
            raise Replaced
        give_back()

    def _put_together(self) -> None:
        made = bundle.make(self.deployment)
        self._entries = [
            Entry(
                file.path,
                self.host.digest(file.content, is_function=file.is_function),
                file.content,
                file.is_function,
                file.is_executable,
            )
            for file in made.files
        ]
        if self.deployment.content_sha256 not in ("", made.sha256):
            # Made anew by another version of the forge: what was begun can't be gone on with.
            self._log.say("The site's files changed since the last attempt; starting with a new deploy.")
            begun = self.deployment.remote_id or self._created_before()
            if begun:
                self.host.cancel(begun)
            self._note(remote_id="", title=f"{self.deployment.title[:50]}-{self.deployment.attempts}")
        self._note(
            content_sha256=made.sha256,
            files=len(self._entries),
            access=self.site.access,
            password_hash=self.site.password_hash,
        )
        size = sum(entry.content.size for entry in self._entries)
        self._log.say(f"{len(self._entries)} files, {formats.size(size)}, content {made.sha256[:12]}….")

    def _created_before(self) -> str:
        """Return the id of a deploy whose worker died before it was stored, empty when there is none."""
        found = self.host.find_deploy(self.site.remote_id, self.deployment.title)
        return found.id if found else ""

    def _look_at_the_site(self) -> RemoteSite:
        remote = self.host.site(self.site.remote_id)
        if remote.locked and not self.deployment.draft and remote.live_deploy != self.deployment.remote_id:
            told = (
                "The site is locked to the deploy that is live, so a new one would not be shown. Nothing was "
                "created. Unlock the site, or deploy a draft."
            )
            raise DeployError(told, Reason.LOCKED)
        return remote

    def _set_variables(self, remote: RemoteSite) -> None:
        wanted = variables.values(self.deployment)
        variables.refuse_too_large(wanted)
        obsolete = frozenset(self.site.variables) - wanted.keys()
        # Noted before they are set, so that none is forgotten there.
        Site.objects.filter(pk=self.site.pk).update(
            variables=sorted(wanted.keys() | set(self.site.variables))
        )
        self.host.set_variables(remote, wanted, obsolete)
        Site.objects.filter(pk=self.site.pk).update(variables=sorted(wanted))
        names = ", ".join(sorted(wanted)) or "none"
        self._log.say(f"Set as secrets of the functions: {names}.")

    def _name_variables(self) -> None:
        """Say which variables whoever runs the agent has to set: none of their values leaves the vault."""
        revision = self.deployment.revision
        names = variables.names(revision.agent, self.site, variables.provider_of(revision))
        Site.objects.filter(pk=self.site.pk).update(variables=names)
        self._log.say(f"To be set where it runs: {', '.join(names)}.")

    def _create(self) -> RemoteDeploy:
        if self.deployment.remote_id:
            self._log.say(f"Going on with the deploy {self.deployment.remote_id}.")
            return self.host.deploy(self.site.remote_id, self.deployment.remote_id)
        deploy = self.host.create_deploy(
            self.site.remote_id, self.deployment.title, self._entries, draft=self.deployment.draft
        )
        self._note(remote_id=deploy.id, url=deploy.url)
        self._log.say(f"Its id at {self.host.kind.label}: {deploy.id}.")
        return deploy

    def _upload(self, deploy: RemoteDeploy) -> RemoteDeploy:
        for _ in range(_ROUNDS):
            pauses = _pauses()
            while not deploy.listed:
                self._sleep(next(pauses))
                deploy = self._look()
            by_digest = {entry.digest: entry for entry in self._entries}
            wanted = [by_digest[digest] for digest in sorted(deploy.required) if digest in by_digest]
            if not wanted:
                break
            self._send(deploy, wanted)
            deploy = self._look()
        if not deploy.required:
            count, whole = self.deployment.uploaded_files, len(self._entries)
            others = "" if count == whole else f"; {self.host.kind.label} has the others already"
            self._log.say(f"Uploaded {count} of {whole} files{others}.")
        return deploy

    def _send(self, deploy: RemoteDeploy, wanted: list[Entry]) -> None:
        progress = Progress(self._write, self._stop, len(wanted), sum(entry.content.size for entry in wanted))

        send_all(self.host, deploy.id, wanted, progress, self._stop)
        self._note(
            uploaded_files=self.deployment.uploaded_files + progress.done,
            uploaded_bytes=self.deployment.uploaded_bytes + progress.sent,
        )

    def _look(self) -> RemoteDeploy:
        return self.host.deploy(self.site.remote_id, self.deployment.remote_id)

    def _wait(self, deploy: RemoteDeploy) -> RemoteDeploy:
        until = time.monotonic() + LONGEST_WAIT
        said = ""
        pauses = _pauses()
        while deploy.state != State.READY:
            if deploy.state == State.FAILED:
                why = deploy.error or deploy.word
                told = f"{self._host_name} could not finish the deploy: {why}. Deploy again."
                raise DeployError(told, Reason.REFUSED)
            if time.monotonic() > until:
                waited = f"{LONGEST_WAIT / 60:.0f} minutes"
                told = f"{self._host_name} still says “{said}” after {waited}. Deploy again."
                raise DeployError(told, Reason.STUCK)
            if deploy.word != said:
                said = deploy.word
                self._log.say(f"{self._host_name} says: {said}.")
            self._sleep(next(pauses))
            self._heed()
            deploy = self._look()
        if deploy.url:
            self._note(url=deploy.url)
        return deploy

    def _verify(self, deploy: RemoteDeploy) -> None:
        draft = self.deployment.draft
        address = deploy.url if draft else self.site.url
        until = time.monotonic() + VERIFY_SECONDS
        pause = 0.25
        while (
            found := self.host.shown(self.site.remote_id, deploy, address, draft=draft)
        ) != self.deployment.content_sha256:
            if time.monotonic() > until:
                where = address or self.site.name
                told = (
                    f"{self._host_name} says that the deploy is ready, but {where} shows other content "
                    f"({found[:12] or 'none'}). Look at the site, and whether a password hides it."
                )
                raise DeployError(told, NOT_VERIFIED)
            self._sleep(pause)
            pause = min(pause * 2, 5.0)
        self._log.say(f"{address or self.site.name} shows content {found[:12]}….")
