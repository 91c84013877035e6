"""The stages of a deployment. Each stores what the next one needs before it ends."""

from __future__ import annotations

import time
from typing import ClassVar

from agentforge import formats
from agentforge.retry import Backoff
from deployments import bundle
from deployments.accounts.host_accounts import recheck_if_refused
from deployments.errors import DeployError
from deployments.hosts.base import Entry, HostError, Reason, RemoteSite, State
from deployments.models import Site
from deployments.sites import variables

from .cancellation import remote_id_of
from .deployment_run import DeploymentRun
from .progress import Progress
from .steps import CREATE, DIGEST, ENVIRONMENT, UPLOAD, VERIFY, WAIT, name_of, steps_of
from .uploads import send_all

NOT_VERIFIED = "not-verified"

# A small site is often ready at once: poll quickly at first, then once a second.
FIRST_POLL, POLL_SECONDS = 0.1, 1.0
LONGEST_WAIT = 20 * 60.0
# New files take a moment to reach every server of the host.
VERIFY_SECONDS = 60.0
FIRST_VERIFY_DELAY, LONGEST_VERIFY_DELAY = 0.25, 5.0
_ROUNDS = 3


def poll_backoff() -> Backoff:
    """Return the delays between two requests for the state of a deploy."""
    return Backoff(FIRST_POLL, POLL_SECONDS, factor=1.5)


class Stage:
    """One stage of a deployment; `step` is its name on the page and in the log."""

    step: ClassVar[str]

    def execute(self, run: DeploymentRun) -> None:
        raise NotImplementedError


class Prepare(Stage):
    step = DIGEST

    def execute(self, run: DeploymentRun) -> None:
        content = bundle.for_deployment(run.deployment)
        run.entries = [
            Entry(
                file.path,
                run.host.digest(file.content, is_function=file.is_function),
                file.content,
                file.is_function,
                file.is_executable,
            )
            for file in content.files
        ]
        if run.deployment.content_sha256 not in ("", content.sha256):
            self._start_over(run)
        run.store(
            content_sha256=content.sha256,
            files=len(run.entries),
            access=run.site.access,
            password_hash=run.site.password_hash,
        )
        size = sum(entry.content.size for entry in run.entries)
        run.log.info(f"{len(run.entries)} files, {formats.size(size)}, content {content.sha256[:12]}….")

    def _start_over(self, run: DeploymentRun) -> None:
        """Cancel the deploy of the last attempt: its files came from another version of the forge."""
        run.log.info("The site's files changed since the last attempt; starting a new deploy.")
        if remote_id := remote_id_of(run.host, run.deployment):
            run.host.cancel(remote_id)
        run.store(remote_id="", title=f"{run.deployment.title[:50]}-{run.deployment.attempts}")


class SetVariables(Stage):
    step = ENVIRONMENT

    def execute(self, run: DeploymentRun) -> None:
        remote = _unlocked_site(run)
        wanted = variables.values(run.deployment)
        variables.check_size(wanted)
        obsolete = frozenset(run.site.variables) - wanted.keys()
        row = Site.objects.filter(pk=run.site.pk)
        # Stored before they are set, so that none stays at the host unknown to us.
        row.update(variables=sorted(wanted.keys() | set(run.site.variables)))
        run.host.set_variables(remote, wanted, obsolete)
        row.update(variables=sorted(wanted))
        run.log.info(f"Set as secrets of the functions: {', '.join(sorted(wanted)) or 'none'}.")


class Create(Stage):
    step = CREATE

    def execute(self, run: DeploymentRun) -> None:
        if not run.host.kind.sets_variables:
            _unlocked_site(run)
            self._list_variables(run)
        if run.deployment.remote_id:
            run.log.info(f"Resuming the deploy {run.deployment.remote_id}.")
            run.refresh_deploy()
            return
        run.deploy = run.host.create_deploy(
            run.site.remote_id, run.deployment.title, run.entries, draft=run.deployment.draft
        )
        run.store(remote_id=run.deploy.id, url=run.deploy.url)
        run.log.info(f"Its id at {run.host.kind.label}: {run.deploy.id}.")

    def _list_variables(self, run: DeploymentRun) -> None:
        """Log the variables to set on the server; none of their values leaves the vault."""
        site, revision = run.site, run.deployment.revision
        names = variables.names(revision.agent, site, revision)
        Site.objects.filter(pk=site.pk).update(variables=names)
        run.log.info(f"Set these on your server: {', '.join(names)}.")


class Upload(Stage):
    step = UPLOAD

    def execute(self, run: DeploymentRun) -> None:
        for _ in range(_ROUNDS):
            backoff = poll_backoff()
            while not run.deploy.listed:
                run.sleep(backoff.next())
                run.refresh_deploy()
            by_digest = {entry.digest: entry for entry in run.entries}
            missing = [by_digest[digest] for digest in sorted(run.deploy.required) if digest in by_digest]
            if not missing:
                break
            self._send(run, missing)
            run.refresh_deploy()
        if not run.deploy.required:
            count, total = run.deployment.uploaded_files, len(run.entries)
            others = "" if count == total else f"; {run.host.kind.label} has the others already"
            run.log.info(f"Uploaded {count} of {total} files{others}.")

    def _send(self, run: DeploymentRun, entries: list[Entry]) -> None:
        progress = Progress(run.write, run.stop, len(entries), sum(entry.content.size for entry in entries))
        send_all(run.host, run.deploy.id, entries, progress, run.stop)
        run.store(
            uploaded_files=run.deployment.uploaded_files + progress.done,
            uploaded_bytes=run.deployment.uploaded_bytes + progress.sent,
        )


class Wait(Stage):
    step = WAIT

    def execute(self, run: DeploymentRun) -> None:
        backoff = poll_backoff()
        deadline = time.monotonic() + LONGEST_WAIT
        word = ""
        while run.deploy.state != State.READY:
            if run.deploy.state == State.FAILED:
                cause = run.deploy.error or run.deploy.word
                message = f"{run.host_name} could not finish the deploy: {cause}. Deploy again."
                raise DeployError(message, Reason.REFUSED)
            if time.monotonic() > deadline:
                minutes = f"{LONGEST_WAIT / 60:.0f} minutes"
                message = f"{run.host_name} still says “{word}” after {minutes}. Deploy again."
                raise DeployError(message, Reason.STUCK)
            if run.deploy.word != word:
                word = run.deploy.word
                run.log.info(f"{run.host_name} says: {word}.")
            run.sleep(backoff.next())
            run.check()
            run.refresh_deploy()
        if run.deploy.url:
            run.store(url=run.deploy.url)


class Verify(Stage):
    step = VERIFY

    def execute(self, run: DeploymentRun) -> None:
        address = run.deploy.url if run.deployment.draft else run.site.url
        where = address or run.site.name
        deadline = time.monotonic() + VERIFY_SECONDS
        backoff = Backoff(FIRST_VERIFY_DELAY, LONGEST_VERIFY_DELAY)
        while (content := self._content(run, address)) != run.deployment.content_sha256:
            if time.monotonic() > deadline:
                message = (
                    f"{run.host_name} says that the deploy is ready, but {where} shows other content "
                    f"({content[:12] or 'none'}). Check the site, and whether a password hides it."
                )
                raise DeployError(message, NOT_VERIFIED)
            run.sleep(backoff.next())
        run.log.info(f"{where} shows content {content[:12]}….")

    def _content(self, run: DeploymentRun, address: str) -> str:
        return run.host.visible_content(run.site.remote_id, run.deploy, address, draft=run.deployment.draft)


def _unlocked_site(run: DeploymentRun) -> RemoteSite:
    """Return the site at its host; raises DeployError when a lock would keep the deploy from going live."""
    remote = run.host.site(run.site.remote_id)
    if remote.locked and not run.deployment.draft and remote.live_deploy != run.deployment.remote_id:
        message = (
            "The site is locked to its live deploy, so a new one would not go live. Nothing was created. "
            "Unlock the site, or deploy a draft."
        )
        raise DeployError(message, Reason.LOCKED)
    return remote


def run_stages(run: DeploymentRun) -> None:
    """Carry out a deployment; the result of each stage is in its row.

    Raises DeployError, HostError, Stopped or Superseded.
    """
    stages = [Prepare(), SetVariables(), Create(), Upload(), Wait(), Verify()]
    try:
        for stage in stages:
            name = name_of(stage.step, run.host.kind)
            if name in steps_of(run.host.kind):
                run.check()
                with run.log.step(name):
                    stage.execute(run)
    except HostError as error:
        recheck_if_refused(run.deployment.owner_id, run.site.host, error)
        raise
