"""Keep the host of each toolchain and version of its sources: it knows of no agent, so one serves all."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from builds.artifacts import storage
from builds.logs.build_log import BuildLog

from . import sources
from .go_command import go_build, go_directory, has_isolated_cache
from .inputs import Inputs


def _kept(inputs: Inputs) -> Path:
    directory = go_directory() / "hosts"
    directory.mkdir(exist_ok=True)
    key = f"{inputs.toolchain.digest}\0{inputs.sources.host_digest}"
    return directory / hashlib.sha256(key.encode()).hexdigest()


def find(inputs: Inputs) -> Path | None:
    """Return the host of this toolchain and these sources, None when it was not compiled yet."""
    if has_isolated_cache():
        return None
    kept = _kept(inputs)
    digest_file = kept.with_suffix(".sha256")
    is_whole = kept.exists() and digest_file.exists() and storage.hash_file(kept) == digest_file.read_text()
    return kept if is_whole else None


async def get_or_compile(inputs: Inputs, work: Path, log: BuildLog) -> Path:
    """Return the host of this toolchain and these sources, compiled the first time.

    Raises BuildError with the compiler's message.
    """
    if (found := find(inputs)) is not None:
        log.say("The host of this toolchain is already compiled.")
        return found
    output = await _compile(inputs, work, log)
    if has_isolated_cache():
        return output
    kept = _kept(inputs)
    temporary = kept.with_suffix(f".{work.name}")
    try:
        shutil.copyfile(output, temporary)
        temporary.chmod(0o755)
        kept.with_suffix(".sha256").write_text(storage.hash_file(temporary))
        temporary.replace(kept)
    finally:
        temporary.unlink(missing_ok=True)
    return kept


async def _compile(inputs: Inputs, work: Path, log: BuildLog) -> Path:
    """Compile the host in the directory `work` and return its path."""
    tree = work / "host-src"
    tree.mkdir()
    sources.lay_out_host(tree, inputs.sources)
    output = work / "agentforge-host"
    await go_build(inputs.toolchain, "./host", output, "exe", tree, work, log)
    return output
