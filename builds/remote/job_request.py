"""Say what is asked of a builder, and understand what it says of its compilers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from builds.compiler import sources, targets
from builds.compiler.inputs import Inputs
from builds.compiler.targets import PLUGIN_KIND
from builds.compiler.toolchain import Toolchain
from builds.errors import BuildError

from .models import RemoteJob


class Elsewhere(Exception):
    """Say why a target has to be built elsewhere; the agent is not to blame."""


def sources_digest(target: str) -> str:
    """Return the sha256 over the sources here that decide the bytes of a target, in hex.

    Raises BuildError for an unknown target and for damaged sources.
    """
    found, of = sources.read(), targets.get(target)
    digest = found.digest_of(of.program)
    if of.kind != PLUGIN_KIND:
        return digest
    return hashlib.sha256(f"{digest}\0{found.host_digest}".encode()).hexdigest()


def request(job: RemoteJob, document: str, inputs: Inputs | None) -> dict[str, Any]:
    """Return the message that asks for a job; without `inputs` this forge has no compiler to compare with."""
    return {
        "kind": "job",
        "key": str(job.key),
        "build": job.build_id,
        "target": job.target,
        "system": targets.get(job.target).section,
        "document": document,
        "sources": sources_digest(job.target),
        "toolchain": inputs.toolchain.digest if inputs else "",
    }


def inputs_of(job: RemoteJob, document: str) -> Inputs:
    """Return the inputs of a finished job, with the compilers that its builder named.

    Raises BuildError when they are not described as this forge would describe them.
    """
    told, of = job.toolchain, targets.get(job.target)
    try:
        chain = Toolchain(
            goroot=Path("/nonexistent"),
            go=str(told["go"]),
            goos=of.goos,
            goarch=of.goarch,
            cc="",
            cc_kind=str(told["c_compiler"]),
            cc_version=str(told["c_compiler_version"]),
            linker_version=str(told["linker"]),
            cgo=of.cgo,
        )
    except (LookupError, TypeError) as error:
        raise BuildError(f"{job.builder} did not say what it compiled with.") from error
    if chain.describe() != told:
        raise BuildError(f"{job.builder} compiles in another way than this forge.")
    return Inputs(document, job.target, sources.read(), chain)
