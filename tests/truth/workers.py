"""What the worker processes do, one step at a time: a test looks at every page in between."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from django.db import connection

from agentforge.live import streams
from builds.artifacts import storage
from builds.compiler import targets
from builds.compiler.inputs import step_names
from builds.errors import BuildError
from builds.execution import transitions
from builds.execution.outcome import Outcome, StoredArtifact
from builds.execution.transitions import Claim
from builds.logs.build_log import BuildLog, Record
from builds.models import PLUGIN, Build, BuildStatus
from deployments.bundle import BOOTSTRAP
from tests.deployments.deployment_jobs import run_jobs
from tests.deployments.finished_builds import ELF
from tests.standins.server import StandIn

_FILES = {PLUGIN: "ada.so", targets.FUNCTION: BOOTSTRAP}
Steps = Generator[None, None, None]


class BuildWorker:
    """Runs builds with the transitions and the log of the real worker; its compiler is a marker."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._running: dict[int, Steps] = {}
        self._killed: list[Steps] = []
        self._dead: set[int] = set()

    def advance(self, build: Build) -> None:
        """Go on with a build: claim it, finish a step, a target or all of it, or end it if that was asked."""
        if build.pk not in self._running:
            self._running[build.pk] = self._run(build.pk, build.job_id or 0)
        steps = self._running[build.pk]
        try:
            if _is_asked_to_stop(build.job_id):
                steps.throw(asyncio.CancelledError())
            next(steps)
        except (StopIteration, asyncio.CancelledError):
            del self._running[build.pk]

    def has(self, build: Build) -> bool:
        """Return whether a build is in the middle of something."""
        return build.pk in self._running

    def kill(self, build: Build) -> None:
        """Die in the middle of a build, which the recovery gives to the next worker."""
        # Kept, so that it closes nothing that a dead process leaves open.
        self._killed.append(self._running.pop(build.pk))
        self._dead.add(build.job_id or 0)
        transitions.requeue(build.pk, build.job_id or 0, why="The worker died; the build starts again")

    def close(self) -> None:
        """Die with everything that runs, so that nothing is written once the tables are empty."""
        jobs = Build.objects.filter(pk__in=self._running).values_list("job_id", flat=True)
        self._dead.update(job or 0 for job in jobs)
        for steps in (*self._running.values(), *self._killed):
            steps.close()

    def _run(self, build_id: int, job_id: int) -> Steps:
        claim = transitions.claim(build_id, job_id)
        if claim is None:
            return
        outcomes = {name: Outcome() for name in claim.targets}
        try:
            yield
            for left, (name, outcome) in zip(reversed(range(len(outcomes))), outcomes.items(), strict=True):
                yield from self._target(claim, name, outcome)
                transitions.finish_target(claim, name, outcome, last=left == 0)
                yield
            # Unless it ended with its last target.
            transitions.conclude(build_id, job_id)
        except asyncio.CancelledError:
            transitions.finish(build_id, job_id, BuildStatus.CANCELLED, outcomes=outcomes)
            raise

    def _target(self, claim: Claim, name: str, outcome: Outcome) -> Steps:
        def write(record: Record) -> None:
            if claim.job_id not in self._dead:
                streams.publish(claim.stream, record)

        outcome.facts.from_cache = self._chance.random() < 0.2
        try:
            with BuildLog(write).section(targets.get(name).section) as log:
                outcome.facts.steps = log.steps
                if outcome.facts.from_cache:
                    log.state = "cached"
                else:
                    yield from self._compile(log, name)
        except BuildError as error:
            outcome.facts.error, outcome.facts.exit_code = str(error), 1
            return
        outcome.status = BuildStatus.SUCCEEDED
        outcome.artifacts = [_stored(_FILES.get(name, "ada"), claim.build_id)]

    def _compile(self, log: BuildLog, name: str) -> Steps:
        for step in step_names(targets.get(name)):
            with log.step(step):
                yield
                log.lines("err", [f"# {step}"])
                if self._chance.random() < 0.06:
                    raise BuildError(f"{step} failed.")


def _stored(name: str, build_id: int) -> StoredArtifact:
    data = ELF + str(build_id).encode()
    return StoredArtifact(name, storage.put(data), len(data))


def _is_asked_to_stop(job_id: int | None) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT abort_requested OR status = 'cancelled' FROM procrastinate_jobs WHERE id = %s", [job_id]
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def run_checks() -> None:
    """Run the queued checks of drafts."""
    run_jobs("process")


def run_deployments() -> None:
    """Run the queued deployments."""
    run_jobs("deployments")


@contextmanager
def checks_held(provider: StandIn) -> Iterator[None]:
    """Run the queued checks, held where the first one asks the provider; they end after the block."""
    before = len(provider.asked)
    provider.go_on.clear()
    running = threading.Thread(target=_run_checks_and_disconnect)
    running.start()
    try:
        while len(provider.asked) == before and running.is_alive():
            running.join(0.01)
        yield
    finally:
        provider.go_on.set()
        running.join()


def _run_checks_and_disconnect() -> None:
    try:
        run_checks()
    finally:
        connection.close()
