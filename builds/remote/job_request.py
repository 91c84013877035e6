"""The request for a job, and the description of the compilers that a builder used."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from builds.compiler import sources, targets
from builds.compiler.inputs import PACKAGE, Inputs
from builds.compiler.targets import PLUGIN_KIND
from builds.compiler.toolchain import Toolchain
from builds.errors import BuildError, ToolchainMissing

from .models import RemoteJob


class TryNextBuilder(Exception):
    """This builder can't build the target for a reason outside the agent; the message is the reason."""


def sources_digest(target: str) -> str:
    """Return the sha256 (hex) of what determines the bytes of a target beside its document and toolchain.

    These are the local sources, and how a package is made of them. Raises BuildError for an unknown target
    and for damaged sources.
    """
    local, of = sources.read(), targets.get(target)
    parts = [PACKAGE, local.digest_of(of.program)]
    if of.kind == PLUGIN_KIND:
        parts.append(local.host_digest)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def request(job: RemoteJob, document: str) -> dict[str, Any]:
    """Return the message that requests a job; without a toolchain here the builder's is not compared."""
    try:
        toolchain = targets.toolchain_for(targets.get(job.target)).digest
    except ToolchainMissing:
        toolchain = ""
    return {
        "kind": "job",
        "key": str(job.key),
        "build": job.build_id,
        "target": job.target,
        "system": targets.get(job.target).section,
        "document": document,
        "sources": sources_digest(job.target),
        "toolchain": toolchain,
    }


def inputs_of(job: RemoteJob, document: str) -> Inputs:
    """Return the inputs of a finished job, with the toolchain that its builder reported.

    Raises BuildError when this forge would describe that toolchain differently.
    """
    reported, of = job.toolchain, targets.get(job.target)
    try:
        chain = Toolchain(
            goroot=Path("/nonexistent"),
            go=str(reported["go"]),
            goos=of.goos,
            goarch=of.goarch,
            cc="",
            cc_kind=str(reported["c_compiler"]),
            cc_version=str(reported["c_compiler_version"]),
            linker_version=str(reported["linker"]),
            cgo=of.cgo,
        )
    except (LookupError, TypeError) as error:
        raise BuildError(f"{job.builder} did not report its toolchain.") from error
    if chain.describe() != reported:
        raise BuildError(f"{job.builder} compiles differently from this forge.")
    return Inputs(document, job.target, sources.read(), chain)
