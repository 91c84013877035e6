"""Build one target: reuse cached files, wait for an identical build, or compile here or remotely."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agentforge.incidents import record_incident
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.redaction import Redactor
from agentforge.tenancy.connections import connection_lease
from agentforge.tenancy.threads import in_thread, in_thread_with_retry
from builds.artifacts import build_files, storage
from builds.compiler import compilation, resource_errors, sandbox, targets
from builds.compiler.inputs import STORE, Compiled, Inputs
from builds.compiler.workspace import temporary_workspace
from builds.errors import BuildError
from builds.logs.build_log import BuildLog
from builds.models import BuildStatus
from builds.package import assembly
from builds.remote import acceptance, choice, records
from builds.remote.build import CancelUnconfirmed, RemoteBuild
from builds.remote.choice import Candidate, LocalCandidate, RemoteCandidate
from builds.remote.job_request import TryNextBuilder
from configs.knowledge.texts import texts_of

from . import cache, prepared, single_flight, transitions
from .outcome import Outcome, StoredArtifact
from .transitions import Claim

_CHECK = "Check what the builder sent"


@dataclass
class TargetRun:
    """One run of one target; `outcome` holds what is known even if the run is cancelled.

    If it is compiled here, its inputs are added to `compiled`. `finish` records the outcome.
    """

    claim: Claim
    name: str
    outcome: Outcome
    build_log: BuildLog
    redact: Redactor
    is_shutdown: Callable[[], bool]
    compiled: list[Inputs]
    finish: Callable[[str, Outcome], Awaitable[None]]

    async def run(self) -> None:
        """Build the target and record its outcome, unless this job no longer owns the build."""
        async with AsyncExitStack() as flight:
            try:
                with self.build_log.section(targets.get(self.name).section) as log:
                    self.outcome.facts.steps = log.steps
                    await self._build_or_explain(log, flight)
                self.outcome.status = BuildStatus.SUCCEEDED
            except BuildError as error:
                self.outcome.cancel_unconfirmed = isinstance(error, CancelUnconfirmed)
                self.outcome.facts.error = self.redact(str(error))
                self.outcome.facts.exit_code = error.exit_code
            # Before the single-flight lock is released: waiting builds then look for these files.
            await self.finish(self.name, self.outcome)

    async def _build_or_explain(self, log: BuildLog, flight: AsyncExitStack) -> None:
        """Build the target; the last line of its section is the reason of a failure.

        Raises BuildError, also in place of any unexpected error.
        """
        try:
            with resource_errors.disk_errors():
                await self._build(log, flight)
        except BuildError as error:
            log.info(f"Failed: {str(error).splitlines()[0]}")
            raise
        except (StreamMissing, StreamClosed):
            raise
        except Exception as error:
            incident = record_incident(f"Build {self.claim.build_id}")
            message = f"The forge itself failed (incident {incident}). Nothing was stored. Try again."
            log.info(message)
            raise BuildError(message) from error

    async def _build(self, log: BuildLog, flight: AsyncExitStack) -> None:
        candidates = await in_thread_with_retry(
            choice.candidates, self.claim.build_id, self.claim.document, self.name
        )
        local = next((each for each in candidates if isinstance(each, LocalCandidate)), None)
        # Without a local toolchain there is no digest to find files or an identical build by.
        if local is not None:
            # A requested builder has to compile: cached files may be another builder's.
            reuse = not candidates[0].is_requested
            self._describe(local.inputs)
            self.outcome.facts.sandbox = await asyncio.to_thread(sandbox.level)
            if reuse and await self._reuse(local.inputs, log):
                return
            digest = local.inputs.digest
            waiting = partial(self._log_waiting, digest, log)
            await flight.enter_async_context(single_flight.lock(digest, waiting))
            # The build that held the lock may have stored the files.
            if reuse and await self._reuse(local.inputs, log):
                return
            await in_thread_with_retry(transitions.set_input_digest, self.claim, self.name, digest)
        await self._compile(candidates, log)

    def _describe(self, inputs: Inputs) -> None:
        self.outcome.facts.input_digest = inputs.digest
        self.outcome.facts.toolchain = inputs.toolchain.describe()

    async def _reuse(self, inputs: Inputs, log: BuildLog) -> bool:
        cached = await in_thread_with_retry(cache.find, inputs.digest)
        if not cached:
            cached = await asyncio.to_thread(_take_prepared, inputs.digest, log)
        if not cached:
            return False
        log.info(
            "The same agent was already built with these sources and this toolchain; its files are used."
        )
        log.state = "cached"
        self.outcome.artifacts = await asyncio.to_thread(_sign_again, inputs, cached, log)
        self.outcome.facts.from_cache, self.outcome.facts.exit_code = True, 0
        return True

    async def _log_waiting(self, digest: str, log: BuildLog) -> None:
        build_id = await in_thread_with_retry(cache.running_build, digest, self.claim.owner_id)
        other = f"Build {build_id}" if build_id else "Another build"
        log.info(f"{other} is compiling the same at this moment; its files will be used.")

    async def _compile(self, candidates: list[Candidate], log: BuildLog) -> None:
        """Compile with the first candidate that can, and store the files.

        Raises BuildError with the compiler's message, or with the reasons of all candidates.
        """
        reasons: list[str] = []
        with temporary_workspace() as work:
            for number, candidate in enumerate(candidates):
                self._log_builder(candidate, reasons[-1] if reasons else candidate.reason, log)
                directory = work / str(number)
                directory.mkdir()
                try:
                    inputs, package = await self._compile_with(candidate, directory, log)
                except TryNextBuilder as reason:
                    reasons.append(str(reason))
                else:
                    return await self._store(inputs, package, log)
        raise BuildError("No builder could build this. " + " ".join(f"{why.rstrip('.')}." for why in reasons))

    def _log_builder(self, candidate: Candidate, reason: str, log: BuildLog) -> None:
        self.outcome.facts.builder, self.outcome.facts.builder_reason = candidate.name, reason[:500]
        if reason:
            log.highlight(f"Built {candidate.place}: {reason.rstrip('.')}.")

    async def _compile_with(
        self, candidate: Candidate, work: Path, log: BuildLog
    ) -> tuple[Inputs, list[assembly.File]]:
        """Return the inputs and the package without signatures. Raises BuildError or TryNextBuilder."""
        match candidate:
            case LocalCandidate():
                return await self._compile_here(candidate, work, log)
            case RemoteCandidate():
                return await self._compile_remotely(candidate, work, log)

    async def _compile_here(
        self, candidate: LocalCandidate, work: Path, log: BuildLog
    ) -> tuple[Inputs, list[assembly.File]]:
        inputs = candidate.inputs
        level = self.outcome.facts.sandbox = await asyncio.to_thread(sandbox.level)
        log.info(f"{inputs.toolchain.label}. Sandbox: {sandbox.LEVEL_LABELS[level]}.")
        texts = await in_thread(texts_of, self.claim.agent_id, self.claim.document)
        package: list[assembly.File] = []

        def prepare(compiled: Compiled) -> None:
            package.extend(_assemble_and_keep(inputs, compiled))

        try:
            await compilation.compile_agent(
                inputs, work, log, texts, seconds=candidate.seconds, meanwhile=prepare
            )
        except compilation.TooSlow as error:
            raise TryNextBuilder(f"this forge's own compiler {error}") from error
        self.compiled.append(inputs)
        return inputs, package

    async def _compile_remotely(
        self, candidate: RemoteCandidate, work: Path, log: BuildLog
    ) -> tuple[Inputs, list[assembly.File]]:
        job = await in_thread(records.open_job, self.claim.build_id, self.name, candidate.name)
        remote = RemoteBuild(candidate.builder, job, log)
        finished = await remote.run(self.claim.document, is_shutdown=self.is_shutdown)
        self.outcome.facts.sandbox = finished.sandbox
        try:
            inputs, compiled = await remote.fetch(self.claim.document, work)
            with log.step(_CHECK):
                await acceptance.check(inputs, compiled, work, log)
        except BuildError as error:
            raise TryNextBuilder(f"what {candidate.name} sent was refused: {error}") from error
        return inputs, await asyncio.to_thread(assembly.assemble, inputs, compiled)

    async def _store(self, inputs: Inputs, package: list[assembly.File], log: BuildLog) -> None:
        self._describe(inputs)
        with log.step(STORE):
            self.outcome.artifacts = await asyncio.to_thread(_store_package, inputs, package, log)
        self.outcome.facts.exit_code = 0
        log.info(f"Stored {len(self.outcome.artifacts)} files, every hash checked.")


def _assemble_and_keep(inputs: Inputs, compiled: Compiled) -> list[assembly.File]:
    """Assemble a package and write its program, which takes most of the time of storing."""
    program = assembly.program_file(inputs, compiled)
    with ThreadPoolExecutor(1, thread_name_prefix="write") as disk:
        written = disk.submit(storage.keep_here, program.data, program.sha256)
        package = assembly.assemble(inputs, compiled, program)
    written.result()
    return package


def _store_package(inputs: Inputs, files: list[assembly.File], log: BuildLog) -> list[StoredArtifact]:
    return _store_files([*files, *assembly.signatures(inputs, files)], log)


def _take_prepared(digest: str, log: BuildLog) -> list[StoredArtifact]:
    files = prepared.files(digest)
    return _store_files(files, log) if files else []


def _sign_again(inputs: Inputs, cached: list[StoredArtifact], log: BuildLog) -> list[StoredArtifact]:
    """Return cached files with signatures of the current key, which may have changed since."""
    files = assembly.signatures(inputs, cached)
    signatures = _as_artifacts(files)
    if not set(signatures) <= set(cached):
        _store_files(files, log)
    return [*(each for each in cached if each.name not in assembly.SIGNATURES), *signatures]


def _store_files(files: list[assembly.File], log: BuildLog) -> list[StoredArtifact]:
    with connection_lease():
        build_files.store(files, log.upload)
    return _as_artifacts(files)


def _as_artifacts(files: list[assembly.File]) -> list[StoredArtifact]:
    return [StoredArtifact(file.name, file.sha256, len(file.data)) for file in files]
