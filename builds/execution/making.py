"""Make one target: here or at a remote builder, and elsewhere when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentforge.tenancy.threads import in_thread
from builds.artifacts import storage
from builds.compiler import compilation, host_program, output_check, sandbox
from builds.compiler.cpu_slots import Slot
from builds.compiler.inputs import Compiled, Inputs, gather
from builds.errors import BuildError, ToolchainMissing
from builds.logs.build_log import BuildLog
from builds.remote import records
from builds.remote.build import RemoteBuild
from builds.remote.builders import Builder
from builds.remote.choice import BuilderCandidate
from builds.remote.job_request import TryNextBuilder

from .transitions import Claim, Outcome

_CHECK = "Check what the builder sent"


@dataclass
class Making:
    """Make one target of a build; who makes it is tried in the order of `candidates`."""

    claim: Claim
    name: str
    outcome: Outcome
    candidates: list[BuilderCandidate]
    is_shutdown: Callable[[], bool]
    # Held while a compiler of this machine runs.
    slot: Slot

    @property
    def is_asked(self) -> bool:
        """Tell whether somebody asked for this builder."""
        return self.candidates[0].requested

    def gather(self) -> Inputs | None:
        """Return the inputs as they are here; None where only a remote builder can tell them.

        Raises ToolchainMissing where nobody can, and BuildError.
        """
        try:
            return gather(self.claim.document, self.name)
        except ToolchainMissing:
            if all(way.builder is None for way in self.candidates):
                raise
            return None

    async def make(self, inputs: Inputs | None, log: BuildLog, work: Path) -> tuple[Inputs, Compiled]:
        """Return what was made by the first who could, and of what; the log says who that was and why.

        Raises BuildError with the compiler's message, or with the reasons of all who could not.
        """
        failed: list[str] = []
        for number, way in enumerate(self.candidates):
            self._say_who(way, "; ".join(failed[-1:]) or way.why, log)
            room = work / str(number)
            room.mkdir()
            try:
                if way.builder is None:
                    return await self._here(inputs, room, log, way.seconds)
                return await self._there(way.builder, inputs, room, log)
            except TryNextBuilder as reason:
                failed.append(str(reason))
        raise BuildError("Nobody could build this. " + " ".join(f"{told.rstrip('.')}." for told in failed))

    def _say_who(self, way: BuilderCandidate, why: str, log: BuildLog) -> None:
        self.outcome.facts |= {"builder": way.name, "builder_reason": why[:500]}
        if why:
            who = f"by {way.builder.name}" if way.builder else "here"
            log.mark(f"Built {who}: {why.rstrip('.')}.")

    async def _here(
        self, inputs: Inputs | None, work: Path, log: BuildLog, seconds: float | None
    ) -> tuple[Inputs, Compiled]:
        await self.slot.take()
        if inputs is None:
            inputs = await asyncio.to_thread(gather, self.claim.document, self.name)
        level = await asyncio.to_thread(sandbox.level)
        self.outcome.facts["sandbox"] = level
        log.say(f"{inputs.toolchain.label}. Sandbox: {sandbox.LEVEL_LABELS[level]}.")
        try:
            async with asyncio.timeout(seconds) as limit:
                return inputs, await compilation.compile_agent(inputs, work, log)
        except TimeoutError as late:
            if not limit.expired():
                raise
            raise TryNextBuilder(f"this forge's own compiler took longer than {seconds:g} s") from late

    async def _there(
        self, builder: Builder, inputs: Inputs | None, work: Path, log: BuildLog
    ) -> tuple[Inputs, Compiled]:
        self.slot.give_back()
        job = await in_thread(records.open_job, self.claim.build_id, self.name, builder.name)
        remote = RemoteBuild(builder, job, log)
        finished = await remote.run(self.claim.document, inputs, is_shutdown=self.is_shutdown)
        self.outcome.facts["sandbox"] = finished.sandbox
        try:
            made, files = await remote.fetch(self.claim.document, work)
            compiled = Compiled(files["program"], files.get("host"))
            with log.step(_CHECK):
                await self._check(made, inputs, compiled, work, log)
        except BuildError as error:
            raise TryNextBuilder(f"what {builder.name} sent was refused: {error}") from error
        return made, compiled

    async def _check(
        self, made: Inputs, inputs: Inputs | None, compiled: Compiled, work: Path, log: BuildLog
    ) -> None:
        """Check what a builder sent as far as this machine can, and say how far that is.

        Raises BuildError when it is not what was asked for.
        """
        if inputs is not None and inputs.toolchain.digest != made.toolchain.digest:
            raise BuildError("it was compiled by another toolchain than it was asked for")
        own = await asyncio.to_thread(host_program.find, inputs) if inputs and compiled.host else None
        if own and compiled.host:
            if storage.hash_file(own) != storage.hash_file(compiled.host):
                raise BuildError("its host is not the one that this forge compiled of the same sources")
            compiled = Compiled(compiled.program, own)
        if made.of.is_native or inputs is not None:
            await output_check.check(inputs or made, compiled, work, log)
        elif made.document.encode() not in compiled.program.read_bytes():
            raise BuildError("it does not hold the agent's configuration")
        else:
            log.say("It is not for this machine, and there is no Go here to look into it: the builder did.")
