"""Compile and cache the plugin host, which is independent of the agent: one per toolchain and sources."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from builds.artifacts import storage
from builds.logs.build_log import BuildLog

from . import sources
from .go_command import go_build, go_directory, has_isolated_cache
from .inputs import Inputs


def _cache_path(inputs: Inputs) -> Path:
    directory = go_directory() / "hosts"
    directory.mkdir(exist_ok=True)
    key = f"{inputs.toolchain.digest}\0{inputs.sources.host_digest}"
    return directory / hashlib.sha256(key.encode()).hexdigest()


def find(inputs: Inputs) -> Path | None:
    """Return the cached host of these inputs, or None if it is missing or damaged."""
    if has_isolated_cache():
        return None
    path = _cache_path(inputs)
    digest_file = path.with_suffix(".sha256")
    is_intact = path.exists() and digest_file.exists() and storage.hash_file(path) == digest_file.read_text()
    return path if is_intact else None


async def get_or_compile(inputs: Inputs, work: Path, log: BuildLog) -> Path:
    """Return the host of these inputs, compiled if it is not cached.

    Raises BuildError with the compiler's message.
    """
    if (cached := find(inputs)) is not None:
        log.info("The host of this toolchain is already compiled.")
        return cached
    output = await _compile(inputs, work, log)
    if has_isolated_cache():
        return output
    path = _cache_path(inputs)
    temporary = path.with_suffix(f".{work.name}")
    try:
        shutil.copyfile(output, temporary)
        temporary.chmod(0o755)
        path.with_suffix(".sha256").write_text(storage.hash_file(temporary))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


async def _compile(inputs: Inputs, work: Path, log: BuildLog) -> Path:
    tree = work / "host-src"
    tree.mkdir()
    sources.lay_out_host(tree, inputs.sources)
    output = work / "agentforge-host"
    await go_build(inputs.toolchain, "./host", output, "exe", tree, work, log)
    return output
