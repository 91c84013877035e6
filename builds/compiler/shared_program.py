"""Compile and cache the programs that are independent of the agent: one of each per toolchain and sources."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from builds.artifacts import local_store
from builds.logs.build_log import BuildLog

from . import sources
from .go_command import go_build, go_directory, has_isolated_cache
from .sources import Sources
from .toolchain import Toolchain


@dataclass(frozen=True)
class SharedProgram:
    """A program of the sources; `name` is the directory of its main package and its key in files.json.

    `has_runtime` says whether it contains an agent's code, with every API and tool.
    """

    name: str
    has_runtime: bool

    def find(self, toolchain: Toolchain, agent: Sources) -> Path | None:
        """Return the cached program of these inputs, or None if it is missing or damaged."""
        if has_isolated_cache():
            return None
        path = self._cache_path(toolchain, agent)
        digest = path.with_suffix(".sha256")
        if not digest.exists():
            return None
        return path if local_store.still_matches(path, digest.read_text()) else None

    async def get_or_compile(self, toolchain: Toolchain, agent: Sources, work: Path, log: BuildLog) -> Path:
        """Return the program of these inputs, compiled if it is not cached.

        Raises BuildError with the compiler's message.
        """
        if (cached := self.find(toolchain, agent)) is not None:
            log.info(f"The {self.name} of this toolchain is already compiled.")
            return cached
        output = await self._compile(toolchain, agent, work, log)
        if has_isolated_cache():
            return output
        path = self._cache_path(toolchain, agent)
        temporary = path.with_suffix(f".{work.name}")
        try:
            shutil.copyfile(output, temporary)
            temporary.chmod(0o755)
            path.with_suffix(".sha256").write_text(local_store.hash_file(temporary))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    def _cache_path(self, toolchain: Toolchain, agent: Sources) -> Path:
        directory = go_directory() / f"{self.name}s"
        directory.mkdir(exist_ok=True)
        key = f"{toolchain.digest}\0{self._digest(agent)}"
        return directory / hashlib.sha256(key.encode()).hexdigest()

    def _digest(self, agent: Sources) -> str:
        return agent.digest_of(self.name) if self.has_runtime else agent.digest_alone(self.name)

    async def _compile(self, toolchain: Toolchain, agent: Sources, work: Path, log: BuildLog) -> Path:
        tree = work / f"{self.name}-src"
        tree.mkdir()
        if self.has_runtime:
            sources.lay_out_neutral(tree, agent, target=self.name)
        else:
            sources.lay_out_alone(tree, agent, self.name)
        output = work / f"agentforge-{self.name}"
        await go_build(toolchain, f"./{self.name}", output, "exe", tree, work, log, is_cold=True)
        return output


# Loads any plugin.
HOST = SharedProgram("host", has_runtime=False)
# Writes the index of an agent's files.
INDEXER = SharedProgram("indexer", has_runtime=False)
# Answers for any draft, whose configuration it takes at run time.
DRAFT = SharedProgram("draft", has_runtime=True)
