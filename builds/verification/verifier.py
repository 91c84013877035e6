"""Rebuild a build's files in another directory with an empty cache, and compare their hashes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agentforge.incidents import record_incident
from agentforge.live.writer import StreamWriter
from agentforge.tenancy.threads import in_thread, in_thread_with_retry
from builds.artifacts import storage
from builds.compiler import compilation, resource_errors
from builds.compiler.go_command import isolated_cache
from builds.compiler.inputs import Inputs, gather
from builds.compiler.knowledge import Texts
from builds.compiler.workspace import temporary_workspace
from builds.errors import BuildError
from builds.logs.build_log import BuildLog, redactor
from builds.models import Artifact, Build, BuildStatus, BuildTarget, BuildVerification
from builds.package import assembly, signer
from configs.keys.vault import values_to_redact
from configs.knowledge.texts import texts_of

from . import lifecycle


async def run(pk: int, job_id: int) -> None:
    """Verify a build unless another job owns it; on cancellation, kill the compiler first."""
    claimed = await in_thread(lifecycle.claim, pk, job_id)
    if claimed is None:
        return
    try:
        status, findings = await _verify(claimed)
    except asyncio.CancelledError:
        findings = ["The worker was stopped. Ask again."]
        await asyncio.shield(in_thread_with_retry(lifecycle.finish, pk, job_id, "failed", findings))
        raise
    except Exception:
        incident = record_incident(f"Verification {pk}")
        message = f"The forge failed unexpectedly (incident {incident}). Ask again, or contact your operator."
        status, findings = "failed", [message]
    await in_thread_with_retry(lifecycle.finish, pk, job_id, status, findings)


async def _verify(claimed: BuildVerification) -> tuple[str, list[str]]:
    redact = redactor(await in_thread(values_to_redact, claimed.owner_id))
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
    """Rebuild every target of a build and return the differences as messages, empty when there are none.

    Raises BuildError when nothing can be compared.
    """
    rows = await in_thread(lambda: list(build.per_target.filter(status=BuildStatus.SUCCEEDED)))
    findings: list[str] = []
    for row in rows:
        findings += await _compare_target(build, row, log)
    return findings


async def _compare_target(build: Build, row: BuildTarget, log: BuildLog) -> list[str]:
    inputs = await asyncio.to_thread(gather, build.revision.canonical_json, row.target)
    if inputs.digest != row.input_digest:
        raise BuildError(
            f"{row.target}: the toolchain or the sources have changed since this build, so nothing can be "
            "compared. Build again to get the same agent with the current ones."
        )
    artifacts = await in_thread(lambda: list(build.artifacts.filter(target=row.target)))
    with log.section(inputs.spec.section) as part:
        texts = await in_thread(texts_of, build.revision.agent_id, inputs.document)
        files = await _rebuild(inputs, texts, part)
        findings = await in_thread(differences, row.target, artifacts, files)
        for finding in findings:
            part.info(finding)
        part.state = "failed" if findings else "done"
        if not findings:
            part.info(f"All {len(files)} files are identical, byte for byte.")
    return findings


async def _rebuild(inputs: Inputs, texts: Texts, log: BuildLog) -> list[assembly.File]:
    """Compile in a separate directory with a separate cache and return the files."""
    with resource_errors.disk_errors(), temporary_workspace("verify") as directory:
        work, cache = directory / "elsewhere", directory / "cache"
        work.mkdir()
        cache.mkdir()
        with isolated_cache(cache):
            log.info("Compiling in another directory with an empty cache.")
            compiled = await compilation.compile_agent(inputs, work, log, texts)
        return await asyncio.to_thread(assembly.assemble, inputs, compiled)


def differences(target: str, artifacts: Sequence[Artifact], files: Sequence[assembly.File]) -> list[str]:
    """Describe how the stored files differ from the rebuilt ones and from their own hashes."""
    stored = {each.name: each for each in artifacts if each.name not in assembly.SIGNATURES}
    rebuilt = {file.name: file.sha256 for file in files}
    findings = [
        f"{target}: {name} is only among the {'stored' if name in stored else 'rebuilt'} files."
        for name in sorted(stored.keys() ^ rebuilt.keys())
    ]
    for name in sorted(stored.keys() & rebuilt.keys()):
        if stored[name].sha256 != rebuilt[name]:
            findings.append(f"{target}: {name} has sha256 {stored[name].sha256}, rebuilt {rebuilt[name]}.")
        elif not storage.holds(stored[name].sha256):
            findings.append(f"{target}: the stored bytes of {name} are missing or do not match their hash.")
    unsigned = [each for each in artifacts if each.name == assembly.PROVENANCE and not _is_signed(each)]
    return findings + [f"{target}: {each.name} is not signed with the forge's key." for each in unsigned]


def _is_signed(provenance: Artifact) -> bool:
    try:
        data = storage.local_copy(provenance.sha256).read_bytes()
    except BuildError:
        return False
    return signer.is_signed(data, signer.own_key())
