"""Get a build's files again, at another place and with a cold cache, and compare their hashes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from agentforge.live.writer import StreamWriter
from agentforge.tenancy.threads import in_thread, in_thread_with_retry
from builds.artifacts import storage
from builds.compiler import compilation, cpu_slots, resource_errors
from builds.compiler.go_command import apart
from builds.compiler.inputs import Inputs, gather
from builds.compiler.workspace import workplace
from builds.errors import BuildError
from builds.logs.build_log import BuildLog, redactor
from builds.models import Artifact, Build, BuildStatus, BuildTarget, BuildVerification
from builds.owner_secrets import secret_values
from builds.package import assembly, signer

from . import lifecycle

logger = logging.getLogger(__name__)


async def run(pk: int, job_id: int) -> None:
    """Verify a build, if this job may; cancelled, it first kills the compiler."""
    claimed = await in_thread(lifecycle.claim, pk, job_id)
    if claimed is None:
        return
    try:
        status, findings = await _verified(claimed)
    except asyncio.CancelledError:
        told = ["The worker was stopped. Ask again."]
        await asyncio.shield(in_thread_with_retry(lifecycle.finish, pk, job_id, "failed", told))
        raise
    except Exception:
        logger.exception("Verification %s failed inside the forge", pk)
        status, findings = "failed", ["The forge itself failed. Ask again, or ask your operator."]
    await in_thread_with_retry(lifecycle.finish, pk, job_id, status, findings)


async def _verified(claimed: BuildVerification) -> tuple[str, list[str]]:
    redact = redactor(await in_thread(secret_values, claimed.owner_id))
    writer = StreamWriter(claimed.stream_name)
    log = BuildLog(writer.write, redact, write_lines=writer.write_many)
    try:
        findings = await compare_build(claimed.build, log)
    except BuildError as error:
        return "failed", [redact(str(error))]
    finally:
        log.close()
        await asyncio.shield(asyncio.to_thread(writer.close))
    return ("different" if findings else "same"), findings


async def compare_build(build: Build, log: BuildLog) -> list[str]:
    """Make every target of a build again and return what differs, in words; nothing when all is the same.

    Raises BuildError when nothing can be compared.
    """
    rows = await in_thread(lambda: list(build.per_target.filter(status=BuildStatus.SUCCEEDED)))
    findings: list[str] = []
    for row in rows:
        async with cpu_slots.slot():
            findings += await _compare_target(build, row, log)
    return findings


async def _compare_target(build: Build, row: BuildTarget, log: BuildLog) -> list[str]:
    inputs = await asyncio.to_thread(gather, build.revision.canonical_json, row.target)
    if inputs.digest != row.input_digest:
        raise BuildError(
            f"{row.target}: toolchain or sources are not those of this build any more, so nothing can be "
            "compared. Build again to have the same agent with the present ones."
        )
    artifacts = await in_thread(lambda: list(build.artifacts.filter(target=row.target)))
    with log.section(inputs.of.section) as part:
        files = await _made_apart(inputs, part)
        findings = await in_thread(differences, row.target, artifacts, files)
        for told in findings:
            part.say(told)
        part.state = "failed" if findings else "done"
        if not findings:
            part.say(f"All {len(files)} files are the same, byte for byte.")
    return findings


async def _made_apart(inputs: Inputs, log: BuildLog) -> list[assembly.File]:
    """Compile in a directory of its own, with a cache of its own, and return the files."""
    with resource_errors.told(), workplace("verify") as directory:
        work, cache = directory / "elsewhere", directory / "cache"
        work.mkdir()
        cache.mkdir()
        with apart(cache):
            log.say("Compiling at another place, with an empty cache.")
            compiled = await compilation.compile_agent(inputs, work, log)
        return await asyncio.to_thread(assembly.assemble, inputs, compiled)


def differences(target: str, artifacts: Sequence[Artifact], files: Sequence[assembly.File]) -> list[str]:
    """Say how stored files differ from those that were made again, and from their own hashes."""
    stored = {each.name: each for each in artifacts if each.name not in assembly.SIGNATURES}
    made = {file.name: file.sha256 for file in files}
    found = [
        f"{target}: {name} is only {'among the stored files' if name in stored else 'among those made now'}."
        for name in sorted(stored.keys() ^ made.keys())
    ]
    for name in sorted(stored.keys() & made.keys()):
        if stored[name].sha256 != made[name]:
            found.append(f"{target}: {name} has the sha256 {stored[name].sha256}, made again {made[name]}.")
        elif not storage.holds(stored[name].sha256):
            found.append(f"{target}: the stored bytes of {name} are gone, or not what their hash says.")
    unsigned = [each for each in artifacts if each.name == assembly.PROVENANCE and not _is_signed(each)]
    return found + [f"{target}: {each.name} is not signed with the forge's key." for each in unsigned]


def _is_signed(provenance: Artifact) -> bool:
    try:
        data = storage.local_copy(provenance.sha256).read_bytes()
    except BuildError:
        return False
    return signer.is_signed(data, signer.own_key())
