"""Diagnostics of what builds need: compilers, sandbox, caches, artifact storage, disk space."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from agentforge.administration.diagnostics import Finding, failed, ok, register, warning
from builds.artifacts import storage
from builds.artifacts.errors import StorageProblem
from builds.compiler import (
    control_groups,
    go_command,
    priority,
    processors,
    sandbox,
    sources,
    toolchain,
    warmup,
    workspace,
)
from builds.errors import BuildError

from .checks import SANDBOX_REMEDY

# With less, a build may fail with "no space left on device".
LEAST_FREE = 2 * 1024**3
# Foreign files in the storage that are named at most.
_NAMED = 5
_PROGRAM_SECONDS = 10


@register("toolchain")
def _toolchain() -> Finding:
    try:
        chain = toolchain.find()
        sources.read()
    except BuildError as problem:
        return failed(str(problem), "make run installs both; without them nothing can be compiled.")
    return ok(f"{chain.go}, {chain.cc_version}.")


@register("sandbox")
def _sandbox() -> Finding:
    level = sandbox.level()
    if level == sandbox.BUBBLEWRAP:
        return ok(f"{sandbox.description()}.")
    return warning(f"{sandbox.description()}.", SANDBOX_REMEDY)


@register("control groups")
def _control_groups() -> Finding:
    try:
        parent = control_groups.parent()
    except control_groups.ControlGroupError as error:
        message = f"The sum of a sandbox's memory and processes is not limited: {error}."
        return warning(message, error.remedy)
    return ok(f"Each sandbox has one below {parent.directory}, with a limit of memory and processes.")


@register("compilers")
def _compilers() -> Finding:
    """Say how many run at once, and what makes them wait for people."""
    most = f"At most {processors.most()} at once on this machine"
    lower = f"niceness {priority.NICENESS} and the least urgent disk access"
    try:
        by_weight = control_groups.parent().has_weights
    except control_groups.ControlGroupError:
        by_weight = False
    if by_weight:
        return ok(f"{most}; pages go first by the weight of control groups, {lower}.")
    return ok(f"{most}; pages go first by {lower}; control groups with weights can't be had here.")


@register("work directory")
def _work_directory() -> Finding:
    """Run a program where builds and chats run theirs: a disk may forbid it (noexec)."""
    with workspace.temporary_workspace("doctor") as work:
        program = work / "program"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o700)
        try:
            subprocess.run([str(program)], env={}, check=True, timeout=_PROGRAM_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            return failed(
                f"Programs in {workspace.work_directory()} do not run ({error}), so no build or chat works.",
                "Mount its disk without noexec, or set AGENTFORGE_VAR to a directory on another disk.",
            )
    return ok("Programs run in it.")


@register("caches")
def _caches() -> Finding:
    try:
        state = warmup.state(warmup.cache_key(toolchain.find(), sources.read()))
    except BuildError as problem:
        return warning(f"Without compilers there is no cache to warm: {problem}", "See toolchain.")
    size = tree_size(go_command.cache_directory()) / 1e6
    if state.state != warmup.WARM:
        remedy = "The worker warms it automatically; the first build waits for that."
        return warning(f"Go's cache is not warm yet ({size:.0f} MB).", remedy)
    return ok(f"Go's cache is warm, {size:.0f} MB.")


@register("disk")
def _disk() -> Finding:
    usage = shutil.disk_usage(settings.VAR_DIR)
    summary = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB are free."
    if usage.free < LEAST_FREE:
        return warning(summary, "Run manage.py prune --yes, or use a larger disk for var/.")
    return ok(summary)


@register("storage")
def _storage() -> Finding:
    """Write some bytes, read them back from the storage rather than the local copy, and remove them."""
    data = secrets.token_bytes(64)
    try:
        sha256 = storage.put(data)
        try:
            storage.path_of(sha256).unlink() if storage.shared_storage() else None
            whole = storage.local_copy(sha256).read_bytes() == data
        finally:
            storage.delete(sha256)
        foreign = list(itertools.islice(storage.foreign_names(), _NAMED))
    except (StorageProblem, OSError) as problem:
        return failed(str(problem), _remedy())
    if not whole:
        return failed("The test file did not read back as written.", _remedy())
    if foreign:
        message = f"{settings.ARTIFACT_STORAGE}: works, but holds foreign files: {', '.join(foreign)}."
        return warning(message, "They are left alone. Use a bucket for AgentForge alone.")
    return ok(f"{settings.ARTIFACT_STORAGE}: a test file was written, read back and removed.")


def _remedy() -> str:
    bucket = settings.ARTIFACT_BUCKET
    return {
        "supabase": (
            "Check SUPABASE_STORAGE_URL (or SUPABASE_URL) and SUPABASE_SERVICE_KEY; "
            f"create a private bucket named {bucket}."
        ),
        "s3": f"Check AWS_ACCESS_KEY_ID, ARTIFACT_S3_ENDPOINT, and that the bucket {bucket} exists.",
    }.get(settings.ARTIFACT_STORAGE, f"Check the disk of {settings.VAR_DIR} and its write permissions.")


def tree_size(directory: Path | str) -> int:
    """Return the total size of the files below a directory, in bytes; ignores files that vanish meanwhile."""
    total = 0
    # Go's cache holds thousands of files, and `Path.rglob` takes ten times as long.
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += tree_size(entry.path)
                elif entry.is_file():
                    total += entry.stat().st_size
    return total
